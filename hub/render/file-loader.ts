import type { TreeEntry } from '../model/tree.ts';
import type { RenderLimits } from './limits.ts';
import { Lru } from './lru.ts';
import { problemError } from './render-error.ts';
import type { RenderWork } from './render-work.ts';
import type { TreeView } from './tree-view.ts';
import { parseYaml, type YamlDocument, type YamlResult } from './yaml/parse-yaml.ts';

/** Contents by Git object id: shared by all commits. */
export interface FileCache {
  readonly parsed: Lru<YamlResult>;
  readonly raw: Lru<Uint8Array>;
}

export function createFileCache({ parsedBytesMax }: RenderLimits): FileCache {
  return { parsed: new Lru(parsedBytesMax), raw: new Lru(parsedBytesMax / 4) };
}

/** Reads and parses files, each content once however many paths and commits have it. */
export class FileLoader {
  readonly #limits: RenderLimits;
  readonly #works: readonly RenderWork[];
  readonly #parsed: Lru<YamlResult>;
  readonly #raw: Lru<Uint8Array>;

  /** @param works where what is parsed is counted. */
  constructor(limits: RenderLimits, cache: FileCache, works: readonly RenderWork[]) {
    this.#limits = limits;
    this.#works = works;
    this.#parsed = cache.parsed;
    this.#raw = cache.raw;
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
      const bytes = await view.read(path, this.#limits.fileBytesMax, shownAs);
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
    for (const work of this.#works) {
      work.filesParsed += 1;
      work.bytesParsed += bytes.length;
    }
    this.#parsed.set(key, result, bytes.length * 4 + 256);
    return result;
  }

  async bytes(view: TreeView, path: string, entry: TreeEntry, shownAs: string): Promise<Uint8Array> {
    const known = this.#raw.get(entry.oid);
    if (known !== undefined) return known;
    const bytes = await view.read(path, this.#limits.fileBytesMax, shownAs);
    this.#raw.set(entry.oid, bytes, bytes.length + 128);
    return bytes;
  }
}
