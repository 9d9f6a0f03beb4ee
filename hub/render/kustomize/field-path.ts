/**
 * Dotted field paths: `spec.containers.[name=web].image`, `metadata.annotations.[a.b/c]`, `spec.ports.0`, `*` for every item (kyaml
 * utils/pathsplitter.go, yaml/fns.go PathGetter, yaml/match.go PathMatcher).
 */
import { isJsonObject, type Json, type JsonObject } from '../../../shared/manifest/object.ts';
import { textOf } from './list-merge.ts';
import { compilePattern } from './pattern.ts';

/** The path does not fit what it is looked up in. */
export class FieldPathError extends Error {}

type Slot = Json | undefined;
/** Keys of mappings and indices of lists. */
export type ConcretePath = readonly (string | number)[];

export interface FieldMatch {
  readonly path: ConcretePath;
  /** Made for this match: nothing was there. */
  readonly created: boolean;
}

/** What to make at the end of a path whose parts are missing. */
export type CreatedKind = 'scalar' | 'map' | 'list';

function splitAtDots(path: string): readonly string[] {
  let pieces = path.split('.');
  if (pieces.length > 1 && pieces[0] === '') pieces = pieces.slice(1);
  const parts: string[] = [];
  for (const piece of pieces) {
    const last = parts.at(-1);
    if (last?.endsWith('\\')) parts[parts.length - 1] = `${last.slice(0, -1)}.${piece}`;
    else parts.push(piece);
  }
  return parts;
}

/** Splits at dots that are neither escaped nor within brackets. Brackets stay around `[name=value]` only. */
export function splitFieldPath(path: string): readonly string[] {
  const pieces = splitAtDots(path);
  const parts: string[] = [];
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index] ?? '';
    if (!piece.startsWith('[') || piece.endsWith(']')) {
      parts.push(piece);
      continue;
    }
    const bracketed = [piece];
    while (index + 1 < pieces.length && !bracketed.at(-1)?.endsWith(']')) {
      index += 1;
      bracketed.push(pieces[index] ?? '');
    }
    const text = bracketed.join('.');
    parts.push(text.includes('=') ? text : text.replace(/^[[\]]+|[[\]]+$/g, ''));
  }
  return parts;
}

function isListPart(part: string): boolean {
  return part.startsWith('[') && part.endsWith(']');
}

function splitListPart(part: string): readonly [string, string] {
  const equals = part.indexOf('=');
  if (equals < 0) throw new FieldPathError(`expected [field=value] rather than ${part}`);
  return [part.slice(1, equals), part.slice(equals + 1, -1)];
}

function isIndex(part: string): boolean {
  return /^\+?\d+$/.test(part) || /^-0+$/.test(part);
}

function isNull(value: Slot): value is null | undefined {
  return value === null || value === undefined;
}

function itemsOf(value: Slot, part: string): readonly Json[] {
  if (isNull(value)) return [];
  if (!Array.isArray(value)) throw new FieldPathError(`expected a list to look up ${part} in`);
  return value;
}

/** Where the path leads; undefined: nowhere. Neither wildcards nor patterns. @throws FieldPathError. */
export function findField(
  root: Json,
  parts: readonly string[],
): { readonly path: ConcretePath; readonly value: Slot } | undefined {
  const path: (string | number)[] = [];
  let value: Slot = root;
  for (const written of parts) {
    const part = written.trim();
    if (part === '') continue;
    const key = keyOfPart(value, part);
    if (key === undefined) return undefined;
    path.push(key);
    value = (value as Record<string | number, Slot>)[key];
  }
  return { path, value };
}

function keyOfPart(value: Slot, part: string): string | number | undefined {
  if (/^[+-]?\d+$/.test(part)) {
    const index = Number(part);
    if (index < 0) throw new FieldPathError(`the index ${part} is negative`);
    return index < itemsOf(value, part).length ? index : undefined;
  }
  if (part === '-') return itemsOf(value, part).length - 1;
  if (part === '*') throw new FieldPathError('a wildcard cannot be used here');
  if (isListPart(part)) {
    const [field, text] = splitListPart(part);
    const index = itemsOf(value, part).findIndex((item) =>
      field === '' ? scalarText(item) === text : isJsonObject(item) && hasValue(item, field, text),
    );
    return index < 0 ? undefined : index;
  }
  if (isNull(value)) return undefined;
  if (!isJsonObject(value)) throw new FieldPathError(`expected a mapping to look up ${part} in`);
  return Object.hasOwn(value, part) ? part : undefined;
}

function hasValue(item: JsonObject, field: string, text: string): boolean {
  return Object.hasOwn(item, field) && scalarText(item[field]) === text;
}

function scalarText(value: Slot): string {
  return textOf(value);
}

/** Looks through a mapping or list that is written as the text of a scalar; true when the path leads somewhere in it. */
export type LookInText = (text: string, parts: readonly string[], create: CreatedKind | undefined) => boolean;

interface Matched {
  readonly value: Slot;
  readonly matches: readonly FieldMatch[];
}

const nothing: readonly FieldMatch[] = [];

/**
 * All places the path leads to; `*` and patterns in `[field=pattern]` may give several. With `create`, what is missing is made: `value` is the root
 * with it. @throws FieldPathError.
 */
export class FieldMatcher {
  readonly #create: CreatedKind | undefined;
  readonly #lookInText: LookInText;

  constructor(create: CreatedKind | undefined, lookInText: LookInText) {
    this.#create = create;
    this.#lookInText = lookInText;
  }

  match(value: Slot, parts: readonly string[], created = false): Matched {
    const [part, ...rest] = parts;
    if (part === undefined) return { value, matches: [{ path: [], created }] };
    if (isIndex(part)) return this.#matchIndex(value, Number(part), part, rest);
    if (isListPart(part)) return this.#matchItems(value, part, rest);
    if (part === '*') return this.#matchAll(value, itemsOf(value, part), rest, () => true);
    return this.#matchField(value, part, rest);
  }

  #matchField(value: Slot, part: string, rest: readonly string[]): Matched {
    // A mapping that is null takes what is put into it and stays null.
    if (isNull(value))
      return this.#create === undefined ? { value, matches: nothing } : { value, matches: [noPlace] };
    if (!isJsonObject(value)) throw new FieldPathError(`expected a mapping to look up ${part} in`);
    const there = Object.hasOwn(value, part);
    if (!there && this.#create === undefined) return { value, matches: nothing };
    const field = there ? value[part] : this.#empty(rest[0]);
    if (rest.length > 0 && (typeof field !== 'object' || field === null)) {
      if (field === undefined) throw new FieldPathError(`${part} holds nothing`);
      const found = this.#lookInText(textOf(field), rest, this.#create);
      return { value, matches: found ? [noPlace] : nothing };
    }
    const inner = this.match(field, rest, !there);
    return {
      value: there && inner.value === field ? value : { ...value, [part]: inner.value },
      matches: inner.matches.map(({ path, created }) => ({ path: [part, ...path], created })),
    };
  }

  #empty(next: string | undefined): Slot {
    if (next === undefined || next === '')
      return this.#create === 'map' ? {} : this.#create === 'list' ? [] : '';
    return isListPart(next) || isIndex(next) ? [] : {};
  }

  #matchIndex(value: Slot, index: number, part: string, rest: readonly string[]): Matched {
    const items = itemsOf(value, part);
    const appends = index === items.length && this.#create !== undefined && !isNull(value);
    if (index >= items.length && !appends)
      throw new FieldPathError(`there is no item ${index}: the list has ${items.length}`);
    const item = appends ? this.#empty(rest[0]) : items[index];
    const inner = this.match(item, rest, appends);
    return {
      value: appends ? [...items, inner.value as Json] : items.with(index, inner.value as Json),
      matches: inner.matches.map(({ path, created }) => ({ path: [index, ...path], created })),
    };
  }

  #matchItems(value: Slot, part: string, rest: readonly string[]): Matched {
    const [field, text] = splitListPart(part);
    const pattern = compilePattern(text, 'anywhere') ?? /^/;
    // The items of a list of scalars are taken as they are, whatever the path says further.
    const deeper = field === '' ? [] : rest;
    const matches = (item: Json): boolean =>
      field === ''
        ? pattern.test(scalarText(item))
        : isJsonObject(item) && Object.hasOwn(item, field) && pattern.test(scalarText(item[field]));
    const items = itemsOf(value, part);
    const found = this.#matchAll(value, items, deeper, matches);
    if (this.#create === undefined || found.matches.length > 0) return found;
    if (isNull(value) || !pattern.test(text)) throw new FieldPathError(`no item can be made for ${part}`);
    const made: Json = field === '' ? text : { [field]: text };
    const all = [...(found.value as readonly Json[]), made];
    return this.#matchAll(all, all, deeper, matches);
  }

  #matchAll(
    value: Slot,
    items: readonly Json[],
    rest: readonly string[],
    isMatch: (item: Json) => boolean,
  ): Matched {
    const matches: FieldMatch[] = [];
    let changed: Json[] | undefined;
    for (const [index, item] of items.entries()) {
      if (!isMatch(item)) continue;
      const inner = this.match(item, rest);
      for (const { path, created } of inner.matches) matches.push({ path: [index, ...path], created });
      if (inner.value === item) continue;
      changed ??= [...items];
      changed[index] = inner.value as Json;
    }
    return { value: changed ?? value, matches };
  }
}

/** A match that cannot be written to: kustomize changes a copy there. */
const noPlace: FieldMatch = { path: [Number.NaN], created: false };

/** Whether the match names an item that a list does not have. */
export function isNoPlace({ path }: FieldMatch): boolean {
  return path.some((part) => Number.isNaN(part));
}

/** Copies the way to one place and changes it. */
export function changeAtPath(root: Slot, path: ConcretePath, change: (value: Slot) => Slot): Slot {
  const [key, ...rest] = path;
  if (key === undefined) return change(root);
  if (Array.isArray(root)) return root.with(Number(key), changeAtPath(root[Number(key)], rest, change));
  const map = root as JsonObject;
  return { ...map, [key]: changeAtPath(map[key], rest, change) };
}
