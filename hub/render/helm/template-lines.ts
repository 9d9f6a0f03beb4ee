/**
 * Which line of a template wrote a field of an object. A template is no YAML until it is run, so its text is read by indentation, with everything in `{{ }}` standing for any
 * text. Where the field itself is not to be seen the nearest that is: what holds it, or the action within that which wrote it (`toYaml`, `include`).
 */
import { isJsonObject, type Json, type KubeObject } from '../../../shared/manifest/object.ts';
import { keyTextOf } from '../../model/trace-path.ts';

export interface TemplateLine {
  /** 1-based. */
  readonly line: number;
  /** The line is that of the field itself. */
  readonly exact: boolean;
  readonly text: string;
}

type WrittenPath = readonly (string | number)[];

export interface TemplateText {
  /** @param path keys and indexes; empty: the object, by its `kind`. @param about the value that the field hangs on. */
  find(object: KubeObject, path: WrittenPath, about?: WrittenPath): TemplateLine;
  /** Values that actions of a line, and of the blocks around it, name. */
  named(line: number): readonly WrittenPath[];
}

/** Stands for a letter of an action. */
const mask = '\u0001';

/** A key, or the dash of a list's item, of which a line may have several. */
interface Entry {
  readonly line: number;
  readonly indent: number;
  /** Undefined: an item. */
  readonly key: string | undefined;
  /** What stands behind it. */
  readonly value: string;
}

/** One document of the template. */
interface Part {
  readonly first: number;
  readonly last: number;
  readonly entries: readonly Entry[];
}

interface Lines {
  readonly raw: readonly string[];
  readonly masked: readonly string[];
}

/** A template as text, in which lines of what it gives can be found again. */
export function readTemplate(text: string): TemplateText {
  const plain = text.replaceAll('\r\n', '\n');
  const raw = plain.split('\n');
  const masked = plain.replace(/\{\{[\s\S]*?\}\}/g, (action) => action.replace(/[^\n]/g, mask)).split('\n');
  const parts = partsOf(masked);
  return {
    find(object, path, about) {
      const part = choosePart(parts, object);
      const found = walk(part, path.length === 0 ? ['kind'] : path, object, { raw, masked }, about);
      return { ...found, text: raw[found.line - 1] ?? '' };
    },
    named: (line) => namedValues(aroundLine(raw, line)),
  };
}

function partsOf(masked: readonly string[]): readonly Part[] {
  const parts: Part[] = [];
  let first = 1;
  for (let line = 1; line <= masked.length + 1; line += 1) {
    if (line <= masked.length && !/^---(?:\s|$)/.test(masked[line - 1] ?? '')) continue;
    if (line > first) parts.push({ first, last: line - 1, entries: entriesOf(masked, first, line - 1) });
    first = line + 1;
  }
  return parts;
}

function entriesOf(masked: readonly string[], first: number, last: number): readonly Entry[] {
  const entries: Entry[] = [];
  /** Lines deeper than this belong to a text block. */
  let block = Number.POSITIVE_INFINITY;
  for (let line = first; line <= last; line += 1) {
    const text = masked[line - 1] ?? '';
    const indent = text.search(/[^ ]/);
    if (indent < 0 || isControl(text)) continue;
    if (indent > block) continue;
    block = Number.POSITIVE_INFINITY;
    if (text[indent] === '#') continue;
    const found = entriesOfLine(text, indent, line);
    entries.push(...found);
    const end = found.at(-1);
    if (end?.key !== undefined && /^[|>][-+0-9]*\s*(?:#.*)?$/.test(end.value)) block = end.indent;
  }
  return entries;
}

/** Nothing but actions. */
function isControl(text: string): boolean {
  return text.includes(mask) && text.replaceAll(mask, '').trim() === '';
}

function entriesOfLine(text: string, indent: number, line: number): readonly Entry[] {
  const entries: Entry[] = [];
  let at = indent;
  for (let dash = /^- +|^-$/.exec(text.slice(at)); dash !== null; dash = /^- +|^-$/.exec(text.slice(at))) {
    const value = text.slice(at + dash[0].length).trim();
    entries.push({ line, indent: at, key: undefined, value });
    at += dash[0].length;
  }
  const [, key, value] = /^("[^"]*"|'[^']*'|[^\s:'"#][^:]*?)\s*:(?:\s+(.*))?$/.exec(text.slice(at)) ?? [];
  if (key !== undefined)
    entries.push({ line, indent: at, key: key.replace(/^(["'])(.*)\1$/, '$2'), value: (value ?? '').trim() });
  return entries;
}

/** The document that looks most like the object. */
function choosePart(parts: readonly Part[], object: KubeObject): Part {
  let best: Part | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const part of parts) {
    const score = likeness(part, object);
    if (score > most && (part.entries.length > 0 || parts.length === 1)) [best, most] = [part, score];
  }
  return best ?? parts[0] ?? { first: 1, last: 1, entries: [] };
}

function likeness({ entries }: Part, { apiVersion, kind, metadata }: KubeObject): number {
  const writtenAt = (key: string, from = 0) =>
    entries.slice(from).find((entry) => entry.key === key && entry.indent === (from === 0 ? 0 : nested))
      ?.value;
  const at = entries.findIndex((entry) => entry.key === 'metadata' && entry.indent === 0);
  const nested = entries[at + 1]?.indent ?? -1;
  const weigh = (written: string | undefined, value: string, weight: number) =>
    written === undefined
      ? 0
      : mayBe(written, value)
        ? (written.includes(mask) ? 0.5 : 1) * weight
        : -2 * weight;
  return (
    weigh(writtenAt('kind'), kind, 8) +
    weigh(writtenAt('apiVersion'), apiVersion, 2) +
    (at < 0 ? 0 : weigh(writtenAt('name', at + 1), metadata.name, 4))
  );
}

/** Whether a text with actions in it may have become the value. */
function mayBe(written: string, value: string): boolean {
  const plain = written.replace(/\s+#.*$/, '').replace(/^(["'])(.*)\1$/, '$2');
  const parts = plain.split(new RegExp(`${mask}+`));
  const [start = ''] = parts;
  const end = parts.at(-1) ?? '';
  if (parts.length === 1) return plain === value;
  return value.length >= start.length + end.length && value.startsWith(start) && value.endsWith(end);
}

function walk(
  { entries, first, last }: Part,
  path: WrittenPath,
  object: KubeObject,
  lines: Lines,
  about: WrittenPath | undefined,
): { readonly line: number; readonly exact: boolean } {
  let from = 0;
  let to = entries.length;
  let holder: Entry | undefined;
  let value: Json | undefined = object as unknown as Json;
  const end = () => (entries[to]?.line ?? last + 1) - 1;
  for (const part of path) {
    const below = childrenOf(entries, from, to);
    const index =
      typeof part === 'string' ? keyIn(entries, below, part) : itemIn(entries, below, part, value, to);
    const found = index === undefined ? undefined : entries[index];
    if (index === undefined || found === undefined) {
      const action = chooseAction(holder?.line ?? first - 1, end(), lines, about);
      return { line: action ?? holder?.line ?? first, exact: false };
    }
    value = isJsonObject(value)
      ? value[String(part)]
      : Array.isArray(value)
        ? value[Number(part)]
        : undefined;
    holder = found;
    [from, to] = [index + 1, endOf(entries, index, to)];
  }
  return { line: holder?.line ?? first, exact: holder !== undefined };
}

/** The entries directly below: those of the least indentation. */
function childrenOf(entries: readonly Entry[], from: number, to: number): readonly number[] {
  const all = Array.from({ length: Math.max(0, to - from) }, (_, offset) => from + offset);
  const least = Math.min(...all.map((index) => entries[index]?.indent ?? 0));
  return all.filter((index) => entries[index]?.indent === least);
}

/** Where what is below an entry ends. A list may stand no deeper than its key. */
function endOf(entries: readonly Entry[], index: number, to: number): number {
  const { indent = 0, key } = entries[index] ?? {};
  for (let next = index + 1; next < to; next += 1) {
    const entry = entries[next];
    if (entry === undefined || entry.indent > indent) continue;
    if (entry.indent === indent && entry.key === undefined && key !== undefined) continue;
    return next;
  }
  return to;
}

function keyIn(entries: readonly Entry[], below: readonly number[], key: string): number | undefined {
  return (
    below.find((index) => entries[index]?.key === key) ??
    below.find((index) => {
      const written = entries[index]?.key;
      return written?.includes(mask) && written.replaceAll(mask, '') !== '' && mayBe(written, key);
    }) ??
    sole(below.filter((index) => entries[index]?.key?.replaceAll(mask, '') === ''))
  );
}

const sole = <T>(found: readonly T[]): T | undefined => (found.length === 1 ? found[0] : undefined);

/** By its name where it has one; else the only one, or by its index. */
function itemIn(
  entries: readonly Entry[],
  below: readonly number[],
  part: number,
  list: Json | undefined,
  to: number,
): number | undefined {
  const items = below.filter((index) => entries[index]?.key === undefined);
  const item = Array.isArray(list) ? (list[part] as Json | undefined) : undefined;
  const name = isJsonObject(item) ? keyTextOf(item['name']) : keyTextOf(item);
  const writtenName = (index: number) => {
    if (!isJsonObject(item)) return entries[index]?.value;
    const inside = entries.slice(index + 1, endOf(entries, index, to));
    return inside.find((entry) => entry.key === 'name')?.value;
  };
  if (name !== undefined) {
    const named = items.filter((index) => {
      const written = writtenName(index);
      return written !== undefined && mayBe(written, name);
    });
    const literal = named.filter((index) => !writtenName(index)?.includes(mask));
    const found = literal[0] ?? sole(named);
    if (found !== undefined) return found;
    if (items.length > 0 && items.every((index) => writtenName(index) !== undefined) && named.length === 0)
      return undefined;
  }
  return items.length === 1 ? items[0] : items[part];
}

/** The one action between two lines that writes something; of several the one about the value, or for want of one the one that includes. */
function chooseAction(
  after: number,
  to: number,
  lines: Lines,
  about: WrittenPath | undefined,
): number | undefined {
  const found: number[] = [];
  for (let line = after + 1; line <= to; line += 1)
    if (
      isControl(lines.masked[line - 1] ?? '') &&
      /\b(?:include|template|tpl|to(?:Pretty|Raw)?Json|toYaml)\b/.test(lines.raw[line - 1] ?? '')
    )
      found.push(line);
  if (found.length < 2) return found[0];
  const meant = (line: number) => {
    const named = namedValues(aroundLine(lines.raw, line));
    return about === undefined
      ? named.length === 0
      : named.some((path) => path.every((part, depth) => String(about[depth]) === part));
  };
  return sole(found.filter(meant));
}

/** Values that actions name: `.Values.image.tag`. */
function namedValues(text: string): readonly (readonly string[])[] {
  return [...text.matchAll(/\.Values((?:\.\w+)+)/g)].map(([, path = '']) => path.slice(1).split('.'));
}

/** A line with the beginnings of the blocks that it stands in. */
function aroundLine(raw: readonly string[], line: number): string {
  const around = [raw[line - 1] ?? ''];
  let closed = 0;
  for (let above = line - 1; above >= 1; above -= 1) {
    const text = raw[above - 1] ?? '';
    const ends = text.match(/\{\{-?\s*end\b/g)?.length ?? 0;
    const begins = text.match(/\{\{-?\s*(?:if|with|range|define|block)\b/g)?.length ?? 0;
    closed += ends - begins;
    if (closed >= 0) continue;
    around.push(text);
    closed = 0;
  }
  return around.join('\n');
}
