import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import { isBigInteger } from './values.ts';

/** JSON as Go's encoding/json writes it: keys sorted by their bytes; <, >, & and the two line separators escaped. */
export function goJson(value: Json | undefined): string {
  if (typeof value !== 'object' || value === null) return scalar(value ?? null);
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`;
  const map = value as JsonObject;
  return `{${sortedKeys(map)
    .map((key) => `${scalar(key)}:${goJson(map[key])}`)
    .join(',')}}`;
}

/** The same over several lines, each level indented by two blanks (json.MarshalIndent). */
export function goJsonIndented(value: Json | undefined, indent = ''): string {
  if (typeof value !== 'object' || value === null) return scalar(value ?? null);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[\n${value.map((item) => inner + goJsonIndented(item, inner)).join(',\n')}\n${indent}]`;
  }
  const map = value as JsonObject;
  const keys = sortedKeys(map);
  if (keys.length === 0) return '{}';
  const lines = keys.map((key) => `${inner}${scalar(key)}: ${goJsonIndented(map[key], inner)}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

function scalar(value: Json): string {
  if (isBigInteger(value)) return String(value);
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function sortedKeys(map: JsonObject): readonly string[] {
  return Object.keys(map).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
