/**
 * Flux substitutes in an object's YAML text, so a value's type is found only afterwards: `replicas: ${N}` becomes a number, whether N stood in quotes in
 * Git or not, since the text is written anew. Here objects stay typed: a text that would be written without quotes is read again as YAML once it
 * is filled in, one that would be written in quotes or as a block stays a text.
 */
import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import { defaultLimits } from '../limits.ts';
import { parseYaml } from '../yaml/parse-yaml.ts';

/** Whether go-yaml's emitter writes a text plain (emitterc.go yaml_emitter_analyze_scalar, block context). */
export function isWrittenPlain(text: string): boolean {
  if (text === '' || /^(?:---|\.\.\.)/.test(text)) return false;
  if (/^ | $/.test(text)) return false;
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text) || /^[?:-](?:\s|$)/.test(text)) return false;
  if (/:(?:\s|$)/.test(text) || /\s#/.test(text)) return false;
  // Line breaks make a block, other characters that do not print make double quotes.
  return !/[\p{Cc}\u2028\u2029\ufeff\ufffe\uffff]/u.test(text);
}

export type Reread = { readonly ok: true; readonly value: Json } | { readonly ok: false };

/** What a plain scalar's text is, as an item of a list or as a value of a mapping. */
export function rereadPlain(text: string, within: 'mapping' | 'list'): Reread {
  const holder = parseOne(within === 'mapping' ? `v: ${text}\n` : `- ${text}\n`);
  if (typeof holder !== 'object' || holder === null || Object.keys(holder).length !== 1) return { ok: false };
  const value = within === 'mapping' ? (holder as JsonObject)['v'] : (holder as readonly Json[])[0];
  return { ok: true, value: value ?? null };
}

/** What a plain key is; undefined where the text makes no key. */
export function rereadKey(text: string): string | undefined {
  const holder = parseOne(`${text}: v\n`);
  if (typeof holder !== 'object' || holder === null || Array.isArray(holder)) return undefined;
  const [entry, another] = Object.entries(holder as JsonObject);
  return entry !== undefined && entry[1] === 'v' && another === undefined ? entry[0] : undefined;
}

function parseOne(source: string): Json | undefined {
  const parsed = parseYaml(new TextEncoder().encode(source), defaultLimits, 'manifest');
  const [document, another] = parsed.ok ? parsed.documents : [];
  return another === undefined ? document?.value : undefined;
}
