import type { ObjectKey } from './object.ts';

/** Cluster-scoped objects that an application may bring. In each part `*` stands for any run of characters. */
export interface ClusterObjectRule {
  /** Empty: the core group. */
  readonly group: string;
  readonly kind: string;
  /** Patterns, of which one has to fit; empty: any name. */
  readonly names: readonly string[];
}

/** Whether a text fits a pattern, in which `*` stands for any run of characters and all else for itself. */
export function matchesPattern(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** Whether one of the rules lets an application bring this object though it lies in no namespace. Pure. */
export function allowsClusterObject(
  rules: readonly ClusterObjectRule[],
  { group, kind, name }: Pick<ObjectKey, 'group' | 'kind' | 'name'>,
): boolean {
  return rules.some(
    (rule) =>
      matchesPattern(rule.group, group) &&
      matchesPattern(rule.kind, kind) &&
      (rule.names.length === 0 || rule.names.some((pattern) => matchesPattern(pattern, name))),
  );
}
