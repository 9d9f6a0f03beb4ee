/** Lines of values in a YAML or JSON text of any number of documents. */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { type Chunk, splitDocuments } from '../yaml/parse-yaml.ts';
import type { WrittenPath } from './lineage.ts';

/** Where a value is written. */
export interface LineFound {
  /** 1-based. */
  readonly line: number;
  /** Parts of the path that were found; fewer than asked for: the line is that of the nearest that holds it. */
  readonly depth: number;
}

export interface ScalarText {
  readonly text: string;
  /** On which it, or the sign of its block, begins. */
  readonly line: number;
  /** A literal block: its lines are those of the text from the next one on. */
  readonly keepsLines: boolean;
}

/** Of aliases that are followed in one look-up: an alias may hold another. */
const aliasesMax = 100;

/**
 * Parses the text again, with a parser that knows positions, each document when it is asked for: it takes several times as long as the one that rendering uses.
 * What is broken YAML has the lines that could be told.
 */
export class TextLines {
  readonly #chunks: readonly Chunk[];
  readonly #documents = new Map<Chunk, Parsed>();

  constructor(text: string) {
    this.#chunks = chunksOf(text.replaceAll('\r\n', '\n'));
  }

  /** @param document index among the documents that hold something. */
  find(document: number, path: WrittenPath): LineFound {
    const parsed = this.#parsed(document);
    return parsed === undefined ? { line: 1, depth: 0 } : parsed.find(path);
  }

  /** The text of a scalar and where it is written; undefined for anything else. */
  scalar(document: number, path: WrittenPath): ScalarText | undefined {
    return this.#parsed(document)?.scalar(path);
  }

  #parsed(document: number): Parsed | undefined {
    let index = -1;
    for (const chunk of this.#chunks) {
      const parsed = this.#documents.get(chunk) ?? new Parsed(chunk);
      this.#documents.set(chunk, parsed);
      if (!parsed.isEmpty) index += 1;
      if (index === document) return parsed;
    }
    return undefined;
  }
}

function chunksOf(text: string): readonly Chunk[] {
  try {
    return splitDocuments(text);
  } catch {
    // Rendering has refused it already.
    return [{ text, line: 1 }];
  }
}

class Parsed {
  readonly #chunk: Chunk;
  readonly #lines = new LineCounter();
  #document: Document | undefined;
  #isEmpty: boolean | undefined;

  constructor(chunk: Chunk) {
    this.#chunk = chunk;
  }

  /** As rendering leaves documents out: without content, or with nothing but null. */
  get isEmpty(): boolean {
    this.#isEmpty ??= this.#holdsNothing();
    return this.#isEmpty;
  }

  /** Told by the first line that says something, or else by parsing. */
  #holdsNothing(): boolean {
    const [line] = /^(?!---[ \t]*(?:#.*)?$|[ \t]*(?:#.*)?$).+/m.exec(this.#chunk.text) ?? [];
    if (line === undefined) return true;
    if (!/^[ \t]*(?:null|~|---|%|!|&)/i.test(line)) return false;
    const { contents } = this.#open();
    return contents === null || (isScalar(contents) && contents.value === null);
  }

  find(path: WrittenPath): LineFound {
    const document = this.#open();
    let node = follow(document.contents, document);
    let line = this.#lineOf(node);
    let depth = 0;
    for (const part of path) {
      const step = stepInto(node, part, document);
      if (step === undefined) break;
      depth += 1;
      line = this.#lineOf(bestOf(step)) ?? line;
      node = follow(step.value, document);
    }
    return { line: line ?? this.#chunk.line, depth };
  }

  scalar(path: WrittenPath): ScalarText | undefined {
    const document = this.#open();
    let node = follow(document.contents, document);
    for (const part of path) node = follow(stepInto(node, part, document)?.value, document);
    if (!isScalar(node) || typeof node.value !== 'string') return undefined;
    const line = this.#lineOf(node) ?? this.#chunk.line;
    return { text: node.value, line, keepsLines: node.type === 'BLOCK_LITERAL' };
  }

  #open(): Document {
    this.#document ??= parseDocument(this.#chunk.text, {
      lineCounter: this.#lines,
      uniqueKeys: false,
      logLevel: 'silent',
      merge: true,
    }) as unknown as Document;
    return this.#document;
  }

  #lineOf(node: Node | undefined): number | undefined {
    const offset = node?.range?.[0];
    return offset === undefined ? undefined : this.#chunk.line + this.#lines.linePos(offset).line - 1;
  }
}

interface Step {
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

/** The node that an alias stands for. */
function follow(node: unknown, document: Document): Node | undefined {
  let found = node;
  for (let count = 0; isAlias(found) && count < aliasesMax; count += 1) found = found.resolve(document);
  return isAlias(found) ? undefined : ((found ?? undefined) as Node | undefined);
}

function stepInto(node: Node | undefined, part: string | number, document: Document): Step | undefined {
  if (isSeq(node)) {
    const item = typeof part === 'number' ? node.items[part] : undefined;
    if (item === undefined) return undefined;
    return { key: undefined, value: item as Node };
  }
  return isMap(node) ? entryOf(node, String(part), document) : undefined;
}

/** The last entry of the key; else one that is merged in; else one in another letter case, as Go's decoder takes it. */
function entryOf(map: YAMLMap, key: string, document: Document): Step | undefined {
  const pair = entriesOf(map).get(key);
  if (pair !== undefined) return stepOf(pair);
  const merged = mergedEntry(map, key, document, aliasesMax);
  if (merged !== undefined) return merged;
  const alike = map.items.findLast((one) => keyText(one)?.toLowerCase() === key.toLowerCase());
  return alike && stepOf(alike);
}

function mergedEntry(map: YAMLMap, key: string, document: Document, followsLeft: number): Step | undefined {
  const merge = entriesOf(map).get('<<');
  if (merge === undefined || followsLeft === 0) return undefined;
  const merged = follow(merge.value, document);
  for (const one of isSeq(merged) ? merged.items : [merged]) {
    const inner = follow(one, document);
    if (!isMap(inner)) continue;
    const pair = entriesOf(inner).get(key);
    if (pair !== undefined) return stepOf(pair);
    const found = mergedEntry(inner, key, document, followsLeft - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

const entries = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();

/** By key; of one that is there twice the last. */
function entriesOf(map: YAMLMap): ReadonlyMap<string, Pair> {
  const known = entries.get(map);
  if (known !== undefined) return known;
  const made = new Map<string, Pair>();
  for (const pair of map.items) {
    const key = keyText(pair);
    if (key !== undefined) made.set(key, pair);
  }
  entries.set(map, made);
  return made;
}

function stepOf({ key, value }: Pair): Step {
  return { key: (key ?? undefined) as Node | undefined, value: (value ?? undefined) as Node | undefined };
}

function keyText({ key }: Pair): string | undefined {
  if (!isScalar(key)) return undefined;
  const { source, value } = key as Scalar;
  if (typeof value === 'symbol') return '<<';
  return typeof value === 'string' ? value : (source ?? String(value));
}

/** A scalar's own line, for what is written below its key; but the key's for blocks of text, collections, aliases and nothing. */
function bestOf({ key, value }: Step): Node | undefined {
  if (key === undefined) return value;
  if (value === undefined || isCollection(value) || isAlias(value) || !isScalar(value)) return key;
  const isBlock = value.type === 'BLOCK_LITERAL' || value.type === 'BLOCK_FOLDED';
  const isNothing = value.value === null && (value.source ?? '') === '';
  return isBlock || isNothing ? key : value;
}
