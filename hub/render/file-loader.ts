import type { TreeEntry } from '../model/tree.ts';
import type { RenderLimits } from './limits.ts';
import { Lru } from './lru.ts';
import { problemError } from './render-error.ts';
import type { TreeView } from './tree-view.ts';
import { parseYaml, type YamlDocument, type YamlResult } from './yaml/parse-yaml.ts';

export interface RenderStats {
  /** Calls of render. */
  renders: number;
  /** Calls answered with a set that was there already. */
  cacheHits: number;
  directoriesBuilt: number;
  filesRead: number;
  filesParsed: number;
  bytesParsed: number;
}

/** Reads and parses files, each content once however many paths and commits have it. */
export class FileLoader {
  readonly #limits: RenderLimits;
  readonly #stats: RenderStats;
  readonly #parsed: Lru<YamlResult>;
  readonly #raw: Lru<Uint8Array>;

  constructor(limits: RenderLimits, stats: RenderStats) {
    this.#limits = limits;
    this.#stats = stats;
    this.#parsed = new Lru(limits.parsedBytesMax);
    this.#raw = new Lru(limits.parsedBytesMax / 4);
  }

  /** @throws a Problem for text that is no YAML, with `shownAs` as its file. */
  async parse(
    view: TreeView,
    path: string,
    entry: TreeEntry,
    shownAs: string,
  ): Promise<readonly YamlDocument[]> {
    let result = this.#parsed.get(entry.oid);
    if (result === undefined) {
      const bytes = await this.#fetch(view, path, shownAs);
      result = this.parseBytes(entry.oid, bytes, () => parseYaml(bytes, this.#limits));
    }
    if (result.ok) return result.documents;
    const { code, line, message } = result.failure;
    throw problemError(code, { file: shownAs, line }, message);
  }

  /** Parses what is at hand, unless the same key was parsed before. */
  parseBytes(key: string, bytes: Uint8Array, parse: () => YamlResult): YamlResult {
    const known = this.#parsed.get(key);
    if (known !== undefined) return known;
    const result = parse();
    this.#stats.filesParsed += 1;
    this.#stats.bytesParsed += bytes.length;
    this.#parsed.set(key, result, bytes.length * 4 + 256);
    return result;
  }

  async bytes(view: TreeView, path: string, entry: TreeEntry, shownAs: string): Promise<Uint8Array> {
    const known = this.#raw.get(entry.oid);
    if (known !== undefined) return known;
    const bytes = await this.#fetch(view, path, shownAs);
    this.#raw.set(entry.oid, bytes, bytes.length + 128);
    return bytes;
  }

  async #fetch(view: TreeView, path: string, shownAs: string): Promise<Uint8Array> {
    this.#stats.filesRead += 1;
    return view.read(path, this.#limits.fileBytesMax, shownAs);
  }
}
