import { load, YAMLException } from 'js-yaml';
import type { Json } from '../../../shared/manifest/object.ts';
import type { RenderLimits } from '../limits.ts';
import { readPlainYaml } from './plain-yaml.ts';
import {
  InexactNumber,
  kubernetesSchema,
  kustomizationSchema,
  manifestSchema,
  plainResolvers,
  Spelled,
} from './schema.ts';
import { utf8Text } from './utf8.ts';

export interface YamlDocument {
  readonly value: Json;
  /** 1-based line of the document's first line that is neither empty nor a comment. */
  readonly line: number;
  /** For a text that starts with `[` only: whether it is JSON as a whole. */
  readonly isJson?: boolean;
}

export interface YamlFailure {
  readonly code: 'invalid_manifest' | 'unsupported' | 'resource_exhausted';
  /** 1-based. */
  readonly line: number;
  readonly message: string;
}

export type YamlResult =
  | { readonly ok: true; readonly documents: readonly YamlDocument[] }
  | { readonly ok: false; readonly failure: YamlFailure };

type YamlLimits = Pick<RenderLimits, 'yamlDepthMax' | 'yamlNodesMax' | 'yamlAliasesMax'>;

const schemas = {
  object: kubernetesSchema,
  kustomization: kustomizationSchema,
  /** What a kustomization names: read alike, but for keys that are there twice. */
  configuration: kustomizationSchema,
  manifest: manifestSchema,
} as const;

class Refusal {
  readonly failure: YamlFailure;
  constructor(failure: YamlFailure) {
    this.failure = failure;
  }
}

/**
 * Parses a YAML stream or JSON text into plain data, documents split as kustomize splits them (a line that starts with `---`; kyaml
 * byteio_reader.go). Empty documents are left out. Never throws for what the text holds.
 */
export function parseYaml(
  bytes: Uint8Array,
  limits: YamlLimits,
  kind: keyof typeof schemas = 'object',
): YamlResult {
  let line = 1;
  try {
    const text = decode(bytes);
    const documents: YamlDocument[] = [];
    for (const chunk of splitDocuments(text)) {
      line = chunk.line;
      const start = contentLine(chunk.text, chunk.line);
      if (start === undefined) continue;
      const loaded = loadDocument(chunk.text, limits, kind);
      keepTexts(loaded);
      checkValue(loaded, chunk.text, start, limits);
      const value = loaded instanceof Spelled ? loaded.value : loaded;
      if (value !== null && value !== undefined) documents.push({ value: value as Json, line: start });
    }
    if (text.startsWith('[')) return { ok: true, documents: markJson(documents, text) };
    return { ok: true, documents };
  } catch (caught) {
    return { ok: false, failure: failureOf(caught, line) };
  }
}

/** Depth from which on the library is asked whatever the text, to apply the limit itself. */
const plainDepthMin = 50;

function loadDocument(text: string, limits: YamlLimits, kind: keyof typeof schemas): unknown {
  const plain =
    limits.yamlDepthMax >= plainDepthMin
      ? readPlainYaml(text, plainResolvers[kind === 'configuration' ? 'kustomization' : kind])
      : undefined;
  if (plain !== undefined) return plain.value;
  return load(text, {
    schema: schemas[kind],
    maxDepth: limits.yamlDepthMax,
    maxAliases: limits.yamlAliasesMax,
    // kustomize reads its own files without minding keys that are there twice: the last counts.
    json: kind === 'kustomization',
  });
}

function markJson(documents: readonly YamlDocument[], text: string): readonly YamlDocument[] {
  let isJson = true;
  try {
    JSON.parse(text);
  } catch {
    isJson = false;
  }
  return documents.map((document) => ({ ...document, isJson }));
}

function decode(bytes: Uint8Array): string {
  const found = utf8Text(bytes);
  if (found === undefined)
    throw new Refusal({ code: 'invalid_manifest', line: 1, message: 'not UTF-8 text' });
  const text = found.startsWith('\ufeff') ? found.slice(1) : found;
  return text.includes('\r\n') ? text.replaceAll('\r\n', '\n') : text;
}

export interface Chunk {
  readonly text: string;
  readonly line: number;
}

/** As kustomize splits: at lines that start with `---`. @throws a Refusal for text behind the separator. */
export function splitDocuments(text: string): readonly Chunk[] {
  if (!text.includes('\n---')) return [{ text, line: 1 }];
  const chunks: Chunk[] = [];
  const separator = /\n---(.*)\n/g;
  let start = 0;
  let line = 1;
  for (let match = separator.exec(text); match !== null; match = separator.exec(text)) {
    const piece = text.slice(start, match.index + 1);
    const rest = (match[1] ?? '').trim();
    const separatorLine = line + countLines(piece);
    if (rest !== '' && !rest.startsWith('#'))
      throw new Refusal({
        code: 'invalid_manifest',
        line: separatorLine,
        message: 'expected nothing but a comment after the document separator "---"',
      });
    chunks.push({ text: piece, line });
    start = match.index + match[0].length;
    line = separatorLine + 1;
    separator.lastIndex = start;
  }
  chunks.push({ text: text.slice(start), line });
  return chunks;
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}

/** Line of the first content; undefined where there are only comments, separators and blank lines. */
function contentLine(text: string, firstLine: number): number | undefined {
  const match = /^(?!---[ \t]*(?:#.*)?$|[ \t]*(?:#.*)?$).+/m.exec(text);
  return match === null ? undefined : firstLine + countLines(text.slice(0, match.index));
}

/** kustomize takes annotations for texts, however they are written, so `1.10` is no number there. */
function keepTexts(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const { metadata, items } = value as { metadata?: { annotations?: unknown } | null; items?: unknown };
  const annotations = typeof metadata === 'object' ? metadata?.annotations : undefined;
  if (typeof annotations === 'object' && annotations !== null)
    for (const [key, text] of Object.entries(annotations))
      if (text instanceof Spelled) (annotations as Record<string, unknown>)[key] = text.text;
  if (Array.isArray(items)) for (const item of items) keepTexts(item);
}

/** Follows aliases: refuses cycles, too many nodes, and numbers that would change. */
function checkValue(value: unknown, text: string, line: number, limits: YamlLimits): void {
  const aliased = text.includes('&') && text.includes('*');
  const sizes = aliased ? new Map<object, number>() : undefined;
  const total = measure(value, sizes, limits.yamlDepthMax, line, text);
  if (total > limits.yamlNodesMax)
    throw new Refusal({
      code: 'resource_exhausted',
      line,
      message: `more than ${limits.yamlNodesMax} values once aliases are followed`,
    });
}

const inProgress = -1;

function measure(
  value: unknown,
  sizes: Map<object, number> | undefined,
  depthLeft: number,
  line: number,
  text: string,
): number {
  if (typeof value !== 'object' || value === null) return 1;
  if (value instanceof InexactNumber) throw inexact(value, text, line);
  const known = sizes?.get(value);
  if (known === inProgress)
    throw new Refusal({ code: 'invalid_manifest', line, message: 'an alias that holds itself' });
  if (known !== undefined) return known;
  if (depthLeft < 0)
    throw new Refusal({
      code: 'resource_exhausted',
      line,
      message: 'nested too deeply once aliases are followed',
    });
  sizes?.set(value, inProgress);
  let total = 1;
  const members = value as Record<string | number, unknown>;
  const visit = (key: string | number): void => {
    const member = members[key];
    if (typeof member !== 'object' || member === null) total += 1;
    else if (member instanceof Spelled) members[key] = member.value;
    else total += measure(member, sizes, depthLeft - 1, line, text);
  };
  if (Array.isArray(value)) for (let index = 0; index < value.length; index += 1) visit(index);
  else for (const key in members) visit(key);
  sizes?.set(value, total);
  return total;
}

function inexact(value: InexactNumber, text: string, line: number): Refusal {
  const at = text.indexOf(value.text);
  const before = at < 0 ? '' : text.slice(0, at);
  const first = /^(?!---[ \t]*(?:#.*)?$|[ \t]*(?:#.*)?$).+/m.exec(text)?.index ?? 0;
  return new Refusal({
    code: 'unsupported',
    line: at < first ? line : line + countLines(before.slice(first)),
    message: 'expected a number that JSON can hold (neither .inf nor .nan), or a text in quotes',
  });
}

/**
 * A reason of js-yaml without what it repeats of the text: an unquoted password that starts with `*` or `!` is an alias or a tag to YAML, and a
 * problem is told to many. The line says where to look.
 */
function withoutText(reason: string): string {
  return reason.replace(/ *(?:"[\s\S]*"|!<[\s\S]*>|: [\s\S]*)/, '');
}

function failureOf(caught: unknown, firstLine: number): YamlFailure {
  if (caught instanceof Refusal) return caught.failure;
  if (caught instanceof YAMLException) {
    const line = firstLine + (caught.mark?.line ?? 0);
    return { code: 'invalid_manifest', line, message: `not valid YAML: ${withoutText(caught.reason)}` };
  }
  if (caught instanceof RangeError)
    return { code: 'resource_exhausted', line: firstLine, message: 'nested too deeply' };
  return { code: 'invalid_manifest', line: firstLine, message: 'not valid YAML' };
}
