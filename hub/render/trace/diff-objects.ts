/** What makes one object out of another, field by field; lists that merge item by item. */
import { isJsonObject, type Json, type JsonObject } from '../../../shared/manifest/object.ts';
import type { FieldPath, ItemPart, ObjectTrace } from '../../model/trace.ts';
import { itemPartOf, listPathText } from '../../model/trace-path.ts';
import type { RawChange } from './lineage.ts';

type MergeKeys = ObjectTrace['mergeKeys'];

/** Applied in order they make `after` of `before` (trace-chain.ts applyChanges). Both without undefined members. */
export function diffObjects(before: Json, after: Json, mergeKeys: MergeKeys): readonly RawChange[] {
  const changes: RawChange[] = [];
  new Diff(mergeKeys, changes).values(before, after, []);
  return changes;
}

/** The scalars and the empty mappings and lists within a value, with their paths; items by their keys. */
export function leavesOf(value: Json, path: FieldPath, mergeKeys: MergeKeys): readonly FieldPath[] {
  const leaves: FieldPath[] = [];
  const visit = (here: Json, at: FieldPath): void => {
    if (Array.isArray(here) && here.length > 0) {
      const names = namesOf(here, mergeKeys[listPathText(at)]);
      for (const [index, item] of here.entries()) visit(item, [...at, names?.[index] ?? index]);
    } else if (isJsonObject(here) && Object.keys(here).length > 0)
      for (const [key, member] of Object.entries(here)) visit(member ?? null, [...at, key]);
    else leaves.push(at);
  };
  visit(value, path);
  return leaves;
}

/** What both share is not gone into. */
function isSame(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (Array.isArray(a))
    return (
      Array.isArray(b) && a.length === b.length && a.every((item, index) => isSame(item, b[index] as Json))
    );
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame(a[key] ?? null, b[key] ?? null))
  );
}

/** Undefined where items cannot be told apart. */
function namesOf(
  list: readonly Json[],
  keys: readonly string[] | undefined,
): readonly ItemPart[] | undefined {
  if (keys === undefined) return undefined;
  const names = list.map((item) => itemPartOf(item, keys));
  return names.every((name) => name !== undefined) ? names : undefined;
}

class Diff {
  readonly #mergeKeys: MergeKeys;
  readonly #changes: RawChange[];

  constructor(mergeKeys: MergeKeys, changes: RawChange[]) {
    this.#mergeKeys = mergeKeys;
    this.#changes = changes;
  }

  values(before: Json, after: Json, path: FieldPath): void {
    if (isSame(before, after)) return;
    if (isJsonObject(before) && isJsonObject(after)) this.#maps(before, after, path);
    else if (Array.isArray(before) && Array.isArray(after)) this.#lists(before, after, path);
    else this.#changes.push({ path, before, after });
  }

  #maps(before: JsonObject, after: JsonObject, path: FieldPath): void {
    for (const key of Object.keys(before))
      if (!Object.hasOwn(after, key))
        this.#changes.push({ path: [...path, key], before: before[key] ?? null });
    for (const key of Object.keys(after)) {
      const below = [...path, key];
      if (Object.hasOwn(before, key)) this.values(before[key] ?? null, after[key] ?? null, below);
      else this.#added(after[key] ?? null, below);
    }
  }

  /** Each field of a new mapping by itself: they may be written in different places. */
  #added(value: Json, path: FieldPath): void {
    const keys = isJsonObject(value) ? Object.keys(value) : [];
    if (keys.length === 0) this.#changes.push({ path, after: value });
    else for (const key of keys) this.#added((value as JsonObject)[key] ?? null, [...path, key]);
  }

  #lists(before: readonly Json[], after: readonly Json[], path: FieldPath): void {
    const keys = this.#mergeKeys[listPathText(path)];
    const names = namesOf(after, keys);
    const oldNames = namesOf(before, keys);
    if (names !== undefined && oldNames !== undefined) {
      this.#items(before, oldNames, after, names, path);
      return;
    }
    const common = Math.min(before.length, after.length);
    const grows = before.length !== after.length;
    const sameStart = before.slice(0, common).every((item, index) => isSame(item, after[index] ?? null));
    if (grows && (!sameStart || common === 0)) {
      this.#changes.push({ path, before, after });
      return;
    }
    for (let index = before.length - 1; index >= common; index -= 1)
      this.#changes.push({ path: [...path, index], before: before[index] ?? null });
    for (let index = 0; index < common; index += 1)
      this.values(before[index] ?? null, after[index] ?? null, [...path, index]);
    for (let index = common; index < after.length; index += 1)
      this.#changes.push({ path: [...path, index], after: after[index] ?? null, index });
  }

  #items(
    before: readonly Json[],
    oldNames: readonly ItemPart[],
    after: readonly Json[],
    names: readonly ItemPart[],
    path: FieldPath,
  ): void {
    const texts = names.map(nameText);
    const wanted = new Set(texts);
    const state: { readonly text: string; readonly item: Json }[] = [];
    for (const [index, item] of before.entries()) {
      const name = oldNames[index] as ItemPart;
      if (wanted.has(nameText(name))) state.push({ text: nameText(name), item });
      else this.#changes.push({ path: [...path, name], before: item });
    }
    for (const [index, text] of texts.entries()) {
      const below = [...path, names[index] as ItemPart];
      const at = state.findIndex((one) => one.text === text);
      const item = after[index] ?? null;
      if (at < 0) {
        state.splice(index, 0, { text, item });
        this.#changes.push({ path: below, after: item, index });
        continue;
      }
      if (at !== index) {
        state.splice(index, 0, ...state.splice(at, 1));
        this.#changes.push({ path: below, index });
      }
      this.values(state[index]?.item ?? null, item, below);
    }
  }
}

function nameText(name: ItemPart): string {
  return JSON.stringify(Object.entries(name.item).sort());
}
