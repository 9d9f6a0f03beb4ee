/**
 * Which values of a chart a field hangs on. Not guessed: values are replaced by marks, the chart is rendered again, and a field that shows a mark was made from what it stands for; one
 * that becomes another, when that one value alone is another, hangs on it. Rendering is the same for the same input, so this is certain, and it is bounded in renders. Only
 * where a chart takes no other value does it count that its template names the value, and that the text is the same.
 */
import {
  isJsonObject,
  type Json,
  type JsonObject,
  type KubeObject,
} from '../../../shared/manifest/object.ts';
import type { WrittenPath } from '../trace/lineage.ts';

/** A scalar among the values. */
export interface ValueLeaf {
  readonly path: WrittenPath;
  readonly value: string | number | boolean;
}

export interface MarkedChart {
  readonly object: KubeObject;
  readonly values: JsonObject;
  /** The object with other values; undefined where the chart fails, or has none. @throws AbortError. */
  readonly render: (values: JsonObject) => Promise<KubeObject | undefined>;
  /** Values that the template names where a field is written. */
  readonly hints: (path: WrittenPath) => readonly WrittenPath[];
}

/** Values that fields were made from, by fieldKey. */
export type Sources = ReadonlyMap<string, readonly ValueLeaf[]>;

const rendersMax = 24;
const leavesMax = 2_000;

export const fieldKey = (path: WrittenPath): string => JSON.stringify(path);

/** The scalars of a value. */
export function scalarsOf(value: Json, path: WrittenPath = []): readonly ValueLeaf[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => scalarsOf(item as Json, [...path, index]));
  if (isJsonObject(value))
    return Object.entries(value).flatMap(([key, member]) => scalarsOf(member ?? null, [...path, key]));
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? [{ path, value }]
    : [];
}

/** Renders again and again with marks in the values, bounded, to see where each comes out. */
export async function findSources(chart: MarkedChart): Promise<Sources> {
  const search = new Search(chart);
  await search.marks();
  await search.one();
  search.same();
  return search.sources;
}

class Search {
  readonly sources = new Map<string, readonly ValueLeaf[]>();
  readonly #chart: MarkedChart;
  readonly #fields: readonly ValueLeaf[];
  readonly #leaves: readonly ValueLeaf[];
  #rendersLeft = rendersMax;

  constructor(chart: MarkedChart) {
    this.#chart = chart;
    this.#fields = scalarsOf(chart.object as unknown as Json);
    this.#leaves = scalarsOf(chart.values).slice(0, leavesMax);
  }

  /** Marks all values at once that are seen in the object as they are; where that fails, half of them. */
  async marks(): Promise<void> {
    const texts = this.#fields.map(({ value }) => String(value));
    const seen = this.#leaves.filter(
      ({ value }) => markable(value) && texts.some((text) => text.includes(String(value))),
    );
    const groups = seen.length === 0 ? [] : [seen];
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      const marked = await this.#render(markAll(this.#chart.values, group));
      if (marked !== undefined) this.#note(marked, group);
      else if (group.length > 1) {
        const half = group.length >> 1;
        groups.push(group.slice(0, half), group.slice(half));
      }
      if (this.#rendersLeft === 0) return;
    }
  }

  /** One value alone, for fields that no mark was seen in: those that the template names, or that are the same as the field. */
  async one(): Promise<void> {
    const tried = new Set<ValueLeaf>();
    for (const field of this.#fields) {
      if (this.sources.has(fieldKey(field.path))) continue;
      for (const leaf of this.#candidates(field)) {
        if (this.#rendersLeft === 0) return;
        if (tried.has(leaf) || this.sources.has(fieldKey(field.path))) continue;
        tried.add(leaf);
        const changed = await this.#render(replaced(this.#chart.values, leaf.path, another(leaf.value)));
        if (changed !== undefined) this.#noteChanged(changed, leaf);
      }
    }
  }

  /** Where no other value was let through: the only one that the template names there, if the field has its text. */
  same(): void {
    for (const { path, value } of this.#fields) {
      const key = fieldKey(path);
      if (this.sources.has(key)) continue;
      const hints = this.#chart.hints(path).map(fieldKey);
      const named = this.#leaves.filter((leaf) => hints.includes(fieldKey(leaf.path)));
      const [only] = named;
      if (named.length === 1 && only !== undefined && String(only.value) === String(value))
        this.sources.set(key, [only]);
    }
  }

  #candidates({ path, value }: ValueLeaf): readonly ValueLeaf[] {
    const hints = this.#chart.hints(path).map(fieldKey);
    const hinted = this.#leaves.filter((leaf) => hints.includes(fieldKey(leaf.path)));
    const text = String(value);
    const alike = this.#leaves.filter(
      (leaf) => typeof leaf.value !== 'boolean' && String(leaf.value) === text && !hinted.includes(leaf),
    );
    return [...hinted, ...alike.slice(0, 3)];
  }

  async #render(values: JsonObject): Promise<KubeObject | undefined> {
    if (this.#rendersLeft === 0) return undefined;
    this.#rendersLeft -= 1;
    return this.#chart.render(values);
  }

  #note(marked: KubeObject, group: readonly ValueLeaf[]): void {
    const byKey = new Map(
      scalarsOf(marked as unknown as Json).map(({ path, value }) => [fieldKey(path), String(value)]),
    );
    for (const { path } of this.#fields) {
      const key = fieldKey(path);
      const text = byKey.get(key) ?? '';
      const found = group.filter(({ value }, index) => holdsMark(text, markOf(value, index)));
      if (found.length > 0) this.sources.set(key, [...(this.sources.get(key) ?? []), ...found]);
    }
  }

  #noteChanged(changed: KubeObject, leaf: ValueLeaf): void {
    const byKey = new Map(
      scalarsOf(changed as unknown as Json).map(({ path, value }) => [fieldKey(path), value]),
    );
    for (const { path, value } of this.#fields) {
      const key = fieldKey(path);
      if (!this.sources.has(key) && byKey.get(key) !== value) this.sources.set(key, [leaf]);
    }
  }
}

const markable = (value: ValueLeaf['value']): boolean => typeof value !== 'boolean' && value !== '';

/** Letters and digits that a name may have; a number that a port may be. */
function markOf(value: ValueLeaf['value'], index: number): string {
  return typeof value === 'number' ? String(51_000 + index) : `fwm${index}k`;
}

function holdsMark(text: string, mark: string): boolean {
  if (mark.startsWith('f')) return text.includes(mark);
  return text.split(/\D+/).includes(mark);
}

function markAll(values: JsonObject, leaves: readonly ValueLeaf[]): JsonObject {
  let marked = values;
  for (const [index, { path, value }] of leaves.entries()) {
    const mark = markOf(value, index);
    marked = replaced(marked, path, typeof value === 'number' ? Number(mark) : mark);
  }
  return marked;
}

function another(value: ValueLeaf['value']): Json {
  if (typeof value === 'boolean') return !value;
  return typeof value === 'number' ? value + 1 : `${value}fwm`;
}

function replaced<T extends Json>(value: T, [part, ...rest]: WrittenPath, by: Json): T {
  if (part === undefined) return by as T;
  if (Array.isArray(value))
    return value.map((item: Json, index) =>
      index === part ? replaced(item, rest, by) : item,
    ) as unknown as T;
  const map = value as JsonObject;
  return { ...map, [part]: replaced((map[part] ?? null) as Json, rest, by) } as T;
}
