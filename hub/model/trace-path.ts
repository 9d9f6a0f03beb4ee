/** Field paths as people spell them: `spec.template.spec.containers[name=web].image`, `metadata.labels["app.kubernetes.io/name"]`, `/spec/replicas`. */
import { isJsonObject, type Json } from '../../shared/manifest/object.ts';
import type { FieldPart, FieldPath, ItemPart } from './trace.ts';

export type ParsedPath =
  | { readonly ok: true; readonly path: FieldPath }
  | { readonly ok: false; readonly message: string };

/** An item of a list that is named by its merge keys, not by its place. */
export function isItemPart(part: FieldPart | undefined): part is ItemPart {
  return typeof part === 'object';
}

const partsMax = 200;

/**
 * Reads a path. Dots separate (also in front of `[`, and at the very front); `\.` or `["..."]` for a dot within a key; `[3]` an index, `[name=web]` or `[a=1,b=2]` an item by
 * its keys, `[=value]` one of a list of scalars. What starts with `/` is a JSON pointer (RFC 6901).
 */
export function parseFieldPath(text: string): ParsedPath {
  const trimmed = text.trim();
  if (trimmed.startsWith('/')) {
    const parts = trimmed.slice(1).split('/');
    return bounded(parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')));
  }
  const parts: FieldPart[] = [];
  let rest = trimmed.replace(/^\.(?=.)/, '');
  if (rest === '.') rest = '';
  while (rest !== '') {
    const bracket = rest.startsWith('[');
    const taken = bracket ? takeBracket(rest) : takeKey(rest);
    if (taken === undefined)
      return {
        ok: false,
        message: bracket
          ? `expected [index], [key=value] or ["key"] at ${rest.slice(0, 40)}`
          : `expected a field's name at ${rest.slice(0, 40)}`,
      };
    parts.push(taken.part);
    rest = rest.slice(taken.length);
    if (rest.startsWith('.') && rest.length > 1) rest = rest.slice(1);
    else if (rest !== '' && !rest.startsWith('['))
      return { ok: false, message: `expected "." or "[" at ${rest.slice(0, 40)}` };
  }
  return bounded(parts);
}

function bounded(path: FieldPath): ParsedPath {
  return path.length > partsMax
    ? { ok: false, message: `expected at most ${partsMax} parts` }
    : { ok: true, path };
}

interface Taken {
  readonly part: FieldPart;
  readonly length: number;
}

function takeKey(text: string): Taken | undefined {
  const [found = ''] = /^(?:\\[\s\S]|[^.[\]\\])+/.exec(text) ?? [];
  return found === '' ? undefined : { part: found.replace(/\\([\s\S])/g, '$1'), length: found.length };
}

const quoted = String.raw`"(?:[^"\\]|\\.)*"|'[^']*'`;
const quotedKey = new RegExp(String.raw`^\[\s*(${quoted})\s*\]`);
const pair = String.raw`([^\[\]=,"']*)=\s*(${quoted}|[^\],]*)`;
const items = new RegExp(String.raw`^\[${pair}(?:,${pair})*\]`);
const eachPair = new RegExp(String.raw`[\[,]${pair}`, 'g');

function takeBracket(text: string): Taken | undefined {
  const key = quotedKey.exec(text);
  if (key !== null) {
    const part = unquoted(key[1] ?? '');
    return part === undefined ? undefined : { part, length: key[0].length };
  }
  const [whole] = items.exec(text) ?? [];
  if (whole !== undefined) return takeItem(whole);
  const [plain, inside = ''] = /^\[([^[\]=,"']+)\]/.exec(text) ?? [];
  if (plain === undefined || inside.trim() === '') return undefined;
  const part = /^\d{1,9}$/.test(inside.trim()) ? Number(inside) : inside.trim();
  return { part, length: plain.length };
}

function takeItem(whole: string): Taken | undefined {
  const item: Record<string, string> = {};
  for (const [, name = '', value = ''] of whole.matchAll(eachPair)) {
    const text = /^["']/.test(value) ? unquoted(value) : value.trim();
    if (text === undefined) return undefined;
    item[name.trim()] = text;
  }
  return { part: { item }, length: whole.length };
}

function unquoted(text: string): string | undefined {
  if (text.startsWith("'")) return text.slice(1, -1);
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}

/** The reverse of parseFieldPath; empty for the whole object. */
export function printFieldPath(path: FieldPath): string {
  let text = '';
  for (const part of path) text += printPart(part, text === '');
  return text;
}

function printPart(part: FieldPart, first: boolean): string {
  if (typeof part === 'number') return `[${part}]`;
  if (typeof part === 'object') return `[${Object.entries(part.item).map(printPair).join(',')}]`;
  if (!/^[A-Za-z_$][\w$-]*$/.test(part)) return `[${JSON.stringify(part)}]`;
  return first ? part : `.${part}`;
}

function printPair([key, value]: readonly [string, string]): string {
  return `${key}=${/^[^\s\],"'][^\],"']*(?<!\s)$|^$/.test(value) ? value : JSON.stringify(value)}`;
}

/** A scalar by its text, as kustomize compares keys; undefined for anything else. */
export function keyTextOf(value: Json | undefined): string | undefined {
  return typeof value === 'object' || value === undefined ? undefined : String(value);
}

/** The item's place in a list; -1: it is not there, or could be several. An item that has no more of `mergeKeys` than are named goes before others. */
export function indexOfItem(
  list: readonly Json[],
  { item }: ItemPart,
  mergeKeys: readonly string[] = [],
): number {
  const wanted = Object.entries(item);
  const found = list.flatMap((one, index) =>
    wanted.every(([key, text]) => (key === '' ? keyTextOf(one) : keyTextOf(memberOf(one, key))) === text)
      ? [index]
      : [],
  );
  if (found.length < 2) return found[0] ?? -1;
  const extra = mergeKeys.filter((key) => !Object.hasOwn(item, key));
  const exact = found.filter((index) => extra.every((key) => memberOf(list[index], key) === undefined));
  return exact.length === 1 ? (exact[0] ?? -1) : -1;
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** How an item is named by its list's merge keys; undefined: it has none of them. */
export function itemPartOf(item: Json, keys: readonly string[]): ItemPart | undefined {
  if (keys.length === 0) {
    const text = keyTextOf(item);
    return text === undefined ? undefined : { item: { '': text } };
  }
  const named = keys.flatMap((key) => {
    const text = keyTextOf(memberOf(item, key));
    return text === undefined ? [] : [[key, text] as const];
  });
  return named.length === 0 ? undefined : { item: Object.fromEntries(named) };
}

/** The path of a list as ObjectTrace.mergeKeys has it: items are `[]`. */
export function listPathText(path: FieldPath): string {
  let text = '';
  for (const part of path) text += typeof part === 'string' ? printPart(part, text === '') : '[]';
  return text;
}
