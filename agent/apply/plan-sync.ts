/** What is to be applied, in which order, and what not: a pure function, so that execution has no choices left. */

import type { Digest } from '../../shared/manifest/canonical.ts';
import { describeKey, keyText, type ObjectKey } from '../../shared/manifest/object.ts';
import { applyRank, compareForApply } from '../../shared/manifest/order.ts';
import type { ManifestEntry, Target } from '../../shared/manifest/target.ts';
import type { ApiResource } from '../kube/kube-client.ts';
import { effectiveKey } from './effective-object.ts';

export interface PlannedObject {
  readonly entry: ManifestEntry;
  readonly key: ObjectKey;
  readonly keyText: string;
  /** keep: known to be as it should. refuse: failed without a request. hold: was refused, and it is too early to ask again. skip: not ours to do. */
  readonly verb: 'apply' | 'keep' | 'refuse' | 'hold' | 'skip';
  readonly message: string;
  /** Keys of this set that must be there first: its namespace, its definition. */
  readonly needs: readonly string[];
  /** Digest of the manifest that is known to be applied there; another than the entry's is an older version of it. */
  readonly recorded: Digest | undefined;
  /** What is applied there has drifted from that manifest. */
  readonly heal: boolean;
  /** A hook that runs before the sync needs it, so it goes before the hook. */
  readonly early: boolean;
}

export interface SyncPlan {
  /** Stages in order: each waits for the one before. Objects of one stage do not need each other. */
  readonly stages: readonly (readonly PlannedObject[])[];
  readonly objects: readonly PlannedObject[];
}

export interface SyncPlanInput {
  readonly target: Target;
  readonly applySetId: string;
  /** The resource of a kind; undefined when it is not served (yet). */
  readonly resolve: (apiVersion: string, kind: string) => ApiResource | undefined;
  /** Digest of the manifest last applied there without doubt since; undefined: unknown or to be applied anew. */
  readonly appliedDigest: (keyText: string) => string | undefined;
  /** Digest of the manifest last applied there, whatever became of it, and whether that is to be restored. Default: nothing is known. */
  readonly recorded?: (keyText: string) => { readonly digest: Digest; readonly heal: boolean } | undefined;
  /** The object was refused a short while ago. Default: none was. */
  readonly refusedBefore?: (keyText: string, entry: ManifestEntry) => boolean;
  /** The part-of label of the live object, as far as it is known. */
  readonly livePartOf: (key: ObjectKey) => string | undefined;
  /** Which application holds the key, when several desire it: the one whose label it bears, else the first by name. */
  readonly holder: (keyText: string, labelled: string | undefined) => string;
  readonly application: string;
  /** The application behind an ApplySet id of this agent; undefined for a foreign ApplySet. */
  readonly applicationOf: (applySetId: string) => string | undefined;
  /** What the pods of hooks before the sync name: where it is in the set and not in the cluster, it goes before them. Default: nothing. */
  readonly references?: readonly ObjectKey[];
  /** Keys of the definitions in this set, by `group/kind` of what they define. */
  readonly definitions: ReadonlyMap<string, string>;
}

function needsOf(key: ObjectKey, input: SyncPlanInput, present: ReadonlySet<string>): readonly string[] {
  const namespace = keyText({ group: '', kind: 'Namespace', namespace: '', name: key.namespace });
  const definition = input.definitions.get(`${key.group}/${key.kind}`);
  return [
    ...(key.namespace !== '' && present.has(namespace) ? [namespace] : []),
    ...(definition === undefined ? [] : [definition]),
  ];
}

function refusal(key: ObjectKey, text: string, input: SyncPlanInput): string | undefined {
  const partOf = input.livePartOf(key);
  const holder = input.holder(text, partOf === undefined ? undefined : input.applicationOf(partOf));
  if (holder !== input.application)
    return `${describeKey(key)} is held by the application ${holder}, which desires it too`;
  if (partOf === undefined || partOf === '' || partOf === input.applySetId) return undefined;
  if (input.applicationOf(partOf) !== undefined) return undefined;
  return `${describeKey(key)} belongs to another ApplySet (${partOf})`;
}

type Bare = Omit<PlannedObject, 'needs' | 'early'>;

function planObject(entry: ManifestEntry, input: SyncPlanInput): Bare {
  const resource = input.resolve(entry.apiVersion, entry.key.kind);
  const key = effectiveKey(entry, resource, input.target.sync.namespace);
  const text = keyText(key);
  const known = input.recorded?.(text);
  const base = { entry, key, keyText: text, recorded: known?.digest, heal: known?.heal ?? false };
  const refused = refusal(key, text, input);
  if (refused !== undefined) return { ...base, verb: 'refuse', message: refused };
  const keep = input.appliedDigest(text) === entry.objectDigest;
  if (!keep && input.refusedBefore?.(text, entry)) return { ...base, verb: 'hold', message: '' };
  return { ...base, verb: keep ? 'keep' : 'apply', message: '' };
}

/** Two manifests may turn out to be one object here (one names the namespace that the other is given). Applying both would never end. */
function refuseTwice(object: Bare): Bare {
  const message = `${describeKey(object.key)} is in the set twice, so neither is applied`;
  return { ...object, verb: 'refuse', message };
}

/**
 * What hooks before the sync need of the set: the namespaces they lie in, the definitions of their kinds, and what their pods name. Of the last only what is
 * not there at all: a new version of it would be a change to what runs.
 */
function findEarly(input: SyncPlanInput, present: ReadonlySet<string>): ReadonlySet<string> {
  const keys = input.target.set.entries
    .filter(({ hook }) => hook === 'pre-sync')
    .map((entry) =>
      effectiveKey(entry, input.resolve(entry.apiVersion, entry.key.kind), input.target.sync.namespace),
    );
  const missing = (input.references ?? []).filter(
    (key) =>
      present.has(keyText(key)) && !input.recorded?.(keyText(key)) && input.livePartOf(key) === undefined,
  );
  const needed = [...keys, ...missing].flatMap((key) => needsOf(key, input, present));
  return new Set([...needed, ...missing.map(keyText)]);
}

/** What goes early goes before all waves, by its kind alone. */
function stageOf({ early, entry, key }: PlannedObject): { readonly wave: number; readonly rank: number } {
  return { wave: early ? Number.MIN_SAFE_INTEGER : entry.wave, rank: applyRank(key.kind) };
}

/** Order: what hooks need, then waves ascending; in a wave by kind (shared/manifest/order.ts); equal ranks go together. Hooks are not in it. */
export function planSync(input: SyncPlanInput): SyncPlan {
  const bare = input.target.set.entries
    .filter(({ hook }) => hook === undefined)
    .map((entry) => planObject(entry, input));
  const counts = new Map<string, number>();
  for (const { keyText: text } of bare) counts.set(text, (counts.get(text) ?? 0) + 1);
  const present = new Set(counts.keys());
  const early = findEarly(input, present);
  const objects = [...new Map(bare.map((object) => [object.keyText, object])).values()]
    .map((object) => ((counts.get(object.keyText) ?? 0) > 1 ? refuseTwice(object) : object))
    .map(
      (object): PlannedObject => ({
        ...object,
        needs: needsOf(object.key, input, present),
        early: early.has(object.keyText),
      }),
    )
    .sort((a, b) => stageOf(a).wave - stageOf(b).wave || compareForApply(a.key, b.key));
  const stages: PlannedObject[][] = [];
  let stageId = '';
  for (const object of objects) {
    const { wave, rank } = stageOf(object);
    const id = `${wave}/${rank}`;
    if (id !== stageId) stages.push([]);
    stageId = id;
    stages.at(-1)?.push(object);
  }
  return { stages, objects };
}
