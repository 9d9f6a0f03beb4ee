import { stringify } from 'yaml';
import { isJsonObject, type Json } from '../../shared/manifest/object.ts';
import type { FieldPart, FieldPath, ObjectTrace } from '../model/trace.ts';
import { indexOfItem, itemPartOf, listPathText } from '../model/trace-path.ts';

type MergeKeys = ObjectTrace['mergeKeys'];

/** One line of YAML, and the field that it says: undefined for a line that only opens a mapping or a list. */
export interface YamlLine {
  readonly text: string;
  readonly path: FieldPath | undefined;
}

/**
 * The value as YAML in block style, as people write manifests; every line knows its field. A text of several lines is several lines of one field.
 * @param show what stands for the value of a field that holds no others.
 */
export function yamlLines(
  value: Json,
  path: FieldPath,
  mergeKeys: MergeKeys,
  show: (value: Json, path: FieldPath) => Json = (shown) => shown,
): readonly YamlLine[] {
  const lines: YamlLine[] = [];
  new Writer(lines, mergeKeys, show).block(value, path, '', '');
  return lines;
}

/** Fields that hold no others, in order. */
export function leafPaths(value: Json, path: FieldPath, mergeKeys: MergeKeys): readonly FieldPath[] {
  return (
    membersOf(value, path, mergeKeys)?.flatMap(([part, member]) =>
      leafPaths(member, [...path, part], mergeKeys),
    ) ?? [path]
  );
}

/** What a mapping or a list holds, each with its part of a path; undefined: nothing is in it. */
export function membersOf(
  value: Json,
  path: FieldPath,
  mergeKeys: MergeKeys,
): readonly (readonly [FieldPart, Json])[] | undefined {
  if (Array.isArray(value) && value.length > 0)
    return value.map((item: Json, index) => [
      itemName(value, item, index, mergeKeys[listPathText(path)]),
      item,
    ]);
  if (!isJsonObject(value)) return undefined;
  const members = Object.entries(value).flatMap(([key, member]) =>
    member === undefined ? [] : [[key, member] as const],
  );
  return members.length === 0 ? undefined : members;
}

/** By its merge keys where those tell it from all others, else by its place. */
function itemName(
  list: readonly Json[],
  item: Json,
  index: number,
  keys: readonly string[] | undefined,
): FieldPart {
  const part = keys && itemPartOf(item, keys);
  return part !== undefined && indexOfItem(list, part, keys) === index ? part : index;
}

class Writer {
  private readonly lines: YamlLine[];
  private readonly mergeKeys: MergeKeys;
  private readonly show: (value: Json, path: FieldPath) => Json;

  constructor(lines: YamlLine[], mergeKeys: MergeKeys, show: (value: Json, path: FieldPath) => Json) {
    this.lines = lines;
    this.mergeKeys = mergeKeys;
    this.show = show;
  }

  /** @param first what stands before the first line, `rest` before the others. */
  block(value: Json, path: FieldPath, first: string, rest: string): void {
    const members = membersOf(value, path, this.mergeKeys);
    if (members === undefined) {
      this.scalar(value, path, first, rest);
      return;
    }
    let lead = first;
    for (const [part, member] of members) {
      const inner = [...path, part];
      if (Array.isArray(value)) this.block(member, inner, `${lead}- `, `${rest}  `);
      else this.member(String(part), member, inner, lead, rest);
      lead = rest;
    }
  }

  private member(key: string, value: Json, path: FieldPath, first: string, rest: string): void {
    const name = `${first}${scalarText(key)}:`;
    if (membersOf(value, path, this.mergeKeys) === undefined) {
      this.scalar(value, path, `${name} `, `${rest}  `);
      return;
    }
    this.lines.push({ text: name, path: undefined });
    this.block(value, path, `${rest}  `, `${rest}  `);
  }

  private scalar(held: Json, path: FieldPath, first: string, rest: string): void {
    const value = this.show(held, path);
    const block = typeof value === 'string' ? blockText(value) : undefined;
    if (block === undefined) {
      this.lines.push({ text: first + scalarText(value), path });
      return;
    }
    this.lines.push({ text: first + block.head, path });
    const lead = rest === '' ? '  ' : rest;
    for (const text of block.lines) this.lines.push({ text: text === '' ? '' : lead + text, path });
  }
}

/** Texts that need no quotes in any YAML. */
const plain = /^[A-Za-z/][\w/.@-]*(?::[\w/.@-]+)*$/;
/** What YAML 1.1 or 1.2 reads as something else. */
const words = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

function scalarText(value: Json): string {
  if (Array.isArray(value)) return '[]';
  if (isJsonObject(value)) return '{}';
  if (typeof value !== 'string') return String(value);
  if (plain.test(value) && !words.test(value)) return value;
  if (words.test(value) || /[\n\r]/.test(value)) return JSON.stringify(value);
  const text = stringify(value, { lineWidth: 0 }).replace(/\n$/, '');
  return text.includes('\n') ? JSON.stringify(value) : text;
}

/** A text of several lines as a literal block; undefined where it is none, or cannot be one. */
function blockText(value: string): { readonly head: string; readonly lines: readonly string[] } | undefined {
  const body = value.replace(/\n$/, '');
  if (!body.includes('\n') || /^[\s]/.test(value) || /[^\n\t\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe]/.test(value))
    return undefined;
  const lines = body.split('\n');
  const chomp = value.endsWith('\n\n') ? '+' : value.endsWith('\n') ? '' : '-';
  return { head: `|${chomp}`, lines };
}
