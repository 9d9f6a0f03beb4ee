import type { Json, JsonObject } from '../../shared/manifest/object.ts';

/** What a cluster calls things that are the same in the other. */
export interface SideWords {
  /** A variable of the group and its value in this cluster. */
  readonly variables: ReadonlyMap<string, string>;
  /** Full names of objects that are named otherwise in the other cluster, by the name they have in common. */
  readonly names: ReadonlyMap<string, string>;
}

/** A value in words that both clusters have in common. */
export type Normaliser = (value: Json) => Json;

const same: Normaliser = (value) => value;

/**
 * Replaces a cluster's own words: a text that is the name of a renamed object, and every occurrence of a variable's value that stands by itself (`eu` in `db.eu.example.com`,
 * not in `neutral`), the longest first.
 */
export function createNormaliser({ variables, names }: SideWords): Normaliser {
  const stated = [...variables].filter(([, value]) => value !== '');
  if (stated.length === 0 && names.size === 0) return same;
  const byValue = new Map<string, string>();
  for (const [name, value] of stated.sort(([a], [b]) => (a < b ? -1 : 1)))
    if (!byValue.has(value)) byValue.set(value, name);
  const values = [...byValue.keys()].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const words =
    values.length === 0 ? [] : [`(?<![A-Za-z0-9])(?:${values.map(escapeText).join('|')})(?![A-Za-z0-9])`];
  // Braces that stand there already are no word of ours: a text that says `{{region}}` is not the region.
  const pattern = new RegExp([...words, '\\{\\{'].join('|'), 'g');
  const text = (value: string): string => {
    const name = names.get(value);
    if (name !== undefined) return `{{object ${name}}}`;
    return value.replace(pattern, (found) => `{{${byValue.get(found) ?? ''}}}`);
  };
  const normalise = (value: Json): Json => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return (value as readonly Json[]).map(normalise);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value as JsonObject).map(([name, member]) => [name, normalise(member ?? null)]),
    );
  };
  return normalise;
}

function escapeText(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
