/** Live values of fields that nobody applies from Git, such as replicas that an autoscaler sets. Pure. */
import { canonicalJson, digestText } from '../../shared/manifest/canonical.ts';
import type { UnownedField } from '../../shared/manifest/cluster-facts.ts';
import { isSensitive } from '../../shared/manifest/masking.ts';
import type { Json, JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import { partOfLabel } from '../model/inventory.ts';
import { memberOf } from './fact-fields.ts';
import { managedFieldsOf, ownsAny } from './fields-v1.ts';

/** Of longer ones a digest is kept. */
const valueCharactersMax = 512;

function readField(object: KubeObject, path: string): Json | undefined {
  const parts = path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return memberOf(object as unknown as Json, ...parts);
}

/** The manager that owns the field, or something below it. */
function managerOf(object: KubeObject, path: string): string {
  return managedFieldsOf(object).find((entry) => ownsAny(entry, [path]))?.manager ?? '';
}

/**
 * An object reduced to the fields in question, in a member `unowned`; undefined: it bears no inventory label. What is secret is still in it: `tellUnowned` hides it.
 */
export function trimUnowned(object: KubeObject, fields: readonly UnownedField[]): KubeObject | undefined {
  const { apiVersion, kind, metadata } = object;
  const partOf = metadata.labels?.[partOfLabel];
  if (partOf === undefined) return undefined;
  const sensitive = isSensitive(object);
  const found: Record<string, Json> = {};
  for (const { path } of fields.filter((one) => one.kind === kind)) {
    const value = readField(object, path);
    if (value === undefined) continue;
    const text = canonicalJson(value);
    const long = text.length > valueCharactersMax;
    const hidden = sensitive || long;
    found[path] = { value: long ? digestText(text) : value, manager: managerOf(object, path), hidden };
  }
  const { name, namespace } = metadata;
  return {
    ...{ apiVersion, kind, unowned: found },
    metadata: { name, ...(namespace !== undefined && { namespace }), labels: { [partOfLabel]: partOf } },
  } as unknown as KubeObject;
}

/**
 * By path: the value as it may be told, and the manager. What is secret or long goes as a fingerprint.
 * @param secret all of its values are.
 */
export function tellUnowned(
  trimmed: KubeObject,
  fingerprint: (path: string, text: string) => string,
  secret: boolean,
): JsonObject {
  const fields = trimmed['unowned'] as JsonObject;
  return Object.fromEntries(
    Object.entries(fields).map(([path, held]) => {
      const value = memberOf(held, 'value') ?? null;
      const hidden = secret || memberOf(held, 'hidden') === true;
      return [
        path,
        {
          value: hidden ? fingerprint(path, canonicalJson(value)) : value,
          manager: memberOf(held, 'manager') ?? '',
        },
      ];
    }),
  );
}
