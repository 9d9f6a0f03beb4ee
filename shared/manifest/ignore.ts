/** Fields left to others (`sync.ignore`): agents do not send them, and hand them over with their live value before they drop them; parity does not compare them. */
import { findPointers, parseJqPath } from './jq-path.ts';
import type { Json, JsonObject, KubeObject, ObjectKey } from './object.ts';
import type { IgnoreRule } from './target.ts';

/** A rule for one object; a Target's own are for kinds. */
export interface ObjectRule extends IgnoreRule {
  readonly namespace: string;
  readonly name: string;
}

type Named = Pick<ObjectKey, 'group' | 'kind'> & Partial<ObjectKey>;

function isForOther(rule: IgnoreRule | ObjectRule, key: Named): boolean {
  return 'name' in rule && (rule.name !== key.name || rule.namespace !== key.namespace);
}

function matching(rules: readonly IgnoreRule[], key: Named): readonly IgnoreRule[] {
  return rules.filter(
    (rule) =>
      (rule.group === '' || rule.group === key.group) &&
      (rule.kind === '' || rule.kind === key.kind) &&
      !isForOther(rule, key),
  );
}

/** Pointers, which begin with a slash, and paths in the way of jq, which begin with a dot; sorted. An empty group in a rule matches all groups. */
export function ignoredPaths(rules: readonly IgnoreRule[], key: Named): readonly string[] {
  if (rules.length === 0) return [];
  const paths = matching(rules, key).flatMap((rule) => [...rule.paths, ...(rule.jqPaths ?? [])]);
  return [...new Set(paths)].sort();
}

/** The pointers that such paths mean in this very object. What is not valid, which the hub refuses, means nothing. */
export function resolvePaths(object: KubeObject, paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    if (path.startsWith('/')) return [path];
    const parsed = parseJqPath(path);
    return parsed.ok ? findPointers(parsed.path, object) : [];
  });
}

/** Whether the pointer names something at or below one of these. */
export function isWithin(pointer: string, pointers: readonly string[]): boolean {
  return pointers.some((path) => pointer === path || pointer.startsWith(`${path}/`));
}

/** Managers to whom the rules leave fields of this object. */
export function ignoredManagers(rules: readonly IgnoreRule[], key: Named): readonly string[] {
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

/** The object without these fields (pointers, or paths in the way of jq); what is not there is no matter. */
export function omitPaths(object: KubeObject, paths: readonly string[]): KubeObject {
  // The last items of a list first: positions before them stay.
  const collator = new Intl.Collator('en', { numeric: true });
  const pointers = [...resolvePaths(object, paths)].sort((a, b) => collator.compare(b, a));
  let result: Json | undefined = object;
  for (const pointer of pointers) {
    const segments = pointerSegments(pointer);
    if (segments.length > 0) result = omitFrom(result, segments);
  }
  return result as KubeObject;
}
