import type { Digest } from '../../shared/manifest/canonical.ts';
import { type KubeObject, keyText, type ObjectKey } from '../../shared/manifest/object.ts';
import type { ManifestEntry, ManifestSet } from '../../shared/manifest/target.ts';
import { diffFields, type FieldDiff } from './diff-fields.ts';
import type { SchemaOf } from './list-keys.ts';

/** An object that is in one of two sets only, or in both with another content or name. */
export interface EntryPair {
  readonly before: ManifestEntry | undefined;
  readonly after: ManifestEntry | undefined;
}

export interface ObjectChange {
  readonly action: 'added' | 'removed' | 'changed';
  readonly key: ObjectKey;
  /** The name it had, where that was another: in the cluster one object goes and another comes. */
  readonly keyBefore: ObjectKey | undefined;
  /** keyText of the identity before prefixes, suffixes and hashes. */
  readonly originId: string;
  /** Of a changed object. */
  readonly fields: readonly FieldDiff[];
}

/**
 * The entries of two sets that differ, in the order of the new set and then of the old one. Matched by key; what is left, by origin, so that a
 * generated ConfigMap whose hash suffix is another reads as changed. Pure.
 */
export function matchEntries(before: ManifestSet, after: ManifestSet): readonly EntryPair[] {
  if (before.digest === after.digest) return [];
  const olds = groupBy(before.entries, ({ key }) => keyText(key));
  const matched = new Map<ManifestEntry, ManifestEntry>();
  for (const entry of after.entries) {
    const old = olds.get(keyText(entry.key))?.shift();
    if (old) matched.set(entry, old);
  }
  const left = groupBy([...olds.values()].flat(), originOf);
  for (const entry of after.entries) {
    if (matched.has(entry)) continue;
    const old = left.get(originOf(entry))?.shift();
    if (old) matched.set(entry, old);
  }
  const gone = new Set([...left.values()].flat());
  return [
    ...after.entries.flatMap((entry): EntryPair[] => {
      const old = matched.get(entry);
      if (old && old.objectDigest === entry.objectDigest) return [];
      return [{ before: old, after: entry }];
    }),
    ...before.entries
      .filter((entry) => gone.has(entry))
      .map((entry) => ({ before: entry, after: undefined })),
  ];
}

/** What an object is made from; another kind of the same name is another thing. */
function originOf({ key, originId }: ManifestEntry): string {
  return `${key.group}/${key.kind} ${originId}`;
}

function groupBy(
  entries: readonly ManifestEntry[],
  textOf: (entry: ManifestEntry) => string,
): Map<string, ManifestEntry[]> {
  const groups = new Map<string, ManifestEntry[]>();
  for (const entry of entries) {
    const group = groups.get(textOf(entry));
    if (group) group.push(entry);
    else groups.set(textOf(entry), [entry]);
  }
  return groups;
}

/** Digests whose contents compareEntries needs. */
export function wantedContents(pairs: readonly EntryPair[]): readonly Digest[] {
  return pairs.flatMap(({ before, after }) =>
    before && after ? [before.objectDigest, after.objectDigest] : [],
  );
}

/** @param contentOf the parsed object of a digest that wantedContents named. Undefined: it is gone, and the change is told without its fields. Pure. */
export function compareEntries(
  pairs: readonly EntryPair[],
  contentOf: (digest: Digest) => KubeObject | undefined,
  schemaOf: SchemaOf,
): readonly ObjectChange[] {
  return pairs.flatMap(({ before, after }): readonly ObjectChange[] => {
    const entry = after ?? before;
    if (!entry) return [];
    const { key, originId } = entry;
    if (!before || !after) {
      const action = after ? 'added' : 'removed';
      return [{ action, key, keyBefore: undefined, originId, fields: [] }];
    }
    const [left, right] = [contentOf(before.objectDigest), contentOf(after.objectDigest)];
    const schema = right && schemaOf(right.apiVersion, right.kind);
    const fields = left && right ? diffFields(left, right, schema) : [];
    const keyBefore = keyText(before.key) === keyText(key) ? undefined : before.key;
    return [{ action: 'changed', key, keyBefore, originId, fields }];
  });
}
