/** Fields left to others (`sync.ignore`): not sent, and handed over with their live value before we drop them. */
import type { Json, JsonObject, KubeObject, ObjectKey } from '../../shared/manifest/object.ts';
import type { IgnoreRule } from '../../shared/manifest/target.ts';

/** The manager that holds a field between us and whoever comes to own it. */
export const handOverManager = 'fairway-handover';

function matching(
  rules: readonly IgnoreRule[],
  key: Pick<ObjectKey, 'group' | 'kind'>,
): readonly IgnoreRule[] {
  return rules.filter(
    ({ group, kind }) => (group === '' || group === key.group) && (kind === '' || kind === key.kind),
  );
}

/** JSON pointers, sorted. An empty group in a rule matches all groups. */
export function ignoredPaths(
  rules: readonly IgnoreRule[],
  key: Pick<ObjectKey, 'group' | 'kind'>,
): readonly string[] {
  return [...new Set(matching(rules, key).flatMap(({ paths }) => paths))].sort();
}

export function ignoredManagers(
  rules: readonly IgnoreRule[],
  key: Pick<ObjectKey, 'group' | 'kind'>,
): readonly string[] {
  return matching(rules, key).flatMap(({ managers }) => managers);
}

/** RFC 6901. */
export function pointerSegments(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function omitFrom(value: Json | undefined, segments: readonly string[]): Json | undefined {
  const [first, ...rest] = segments;
  if (first === undefined || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    const index = Number(first);
    if (rest.length === 0) return items.filter((_item, position) => position !== index);
    return items.map((item, position) => (position === index ? (omitFrom(item, rest) ?? null) : item));
  }
  const record = value as JsonObject;
  if (!(first in record)) return value;
  if (rest.length > 0) return { ...record, [first]: omitFrom(record[first], rest) };
  const { [first]: _omitted, ...others } = record;
  return others;
}

/** The object without these fields; what is not there is no matter. */
export function omitPaths(object: KubeObject, pointers: readonly string[]): KubeObject {
  let result: Json | undefined = object;
  for (const pointer of pointers) {
    const segments = pointerSegments(pointer);
    if (segments.length > 0) result = omitFrom(result, segments);
  }
  return result as KubeObject;
}

function valueAt(object: JsonObject, segments: readonly string[]): Json | undefined {
  let at: Json | undefined = object;
  for (const segment of segments) {
    if (at === null || typeof at !== 'object' || Array.isArray(at)) return undefined;
    at = (at as JsonObject)[segment];
  }
  return at;
}

/**
 * What to apply as the second manager: the live values at these paths. Undefined when there is none. Paths through lists are left out: an item
 * without its key cannot be applied.
 */
export function planHandOver(live: KubeObject, pointers: readonly string[]): JsonObject | undefined {
  const { apiVersion, kind, metadata } = live;
  const { name, namespace } = metadata;
  let body: JsonObject = {
    apiVersion,
    kind,
    metadata: { name, ...(namespace !== undefined && { namespace }) },
  };
  let some = false;
  for (const pointer of pointers) {
    const segments = pointerSegments(pointer);
    const value = valueAt(live, segments);
    if (value === undefined || segments.length === 0) continue;
    some = true;
    body = withValue(body, segments, value);
  }
  return some ? body : undefined;
}

function withValue(object: JsonObject, segments: readonly string[], value: Json): JsonObject {
  const [first = '', ...rest] = segments;
  if (rest.length === 0) return { ...object, [first]: value };
  return { ...object, [first]: withValue((object[first] ?? {}) as JsonObject, rest, value) };
}
