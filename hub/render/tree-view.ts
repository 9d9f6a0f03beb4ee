import { FairwayError } from '../../shared/error/error.ts';
import type { TreeEntry, TreeReader } from '../model/tree.ts';
import { problemError } from './render-error.ts';

/** Path to Git object id, or `absent`: all that a build looked at. The same ids in a later commit mean the same result. */
export type Probes = Map<string, string>;

export const absent = 'absent';
/** Stands for a folder, whatever is in it. */
export const aFolder = 'a folder';

const linksMax = 40;

/** One name within the tree, symbolic links followed. */
export interface Found {
  readonly path: string;
  readonly entry: TreeEntry;
}

/** Takes `.` and `..` out of a path; undefined when it leaves the repository. */
export function normalPath(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

export function joinPath(folder: string, path: string): string | undefined {
  return normalPath(folder === '' ? path : `${folder}/${path}`);
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** What one commit has at a path, asked of the reader once. */
export class TreeView {
  readonly #tree: TreeReader;
  readonly #entries = new Map<string, Promise<TreeEntry | undefined>>();

  constructor(tree: TreeReader) {
    this.#tree = tree;
  }

  get name(): string {
    return this.#tree.name;
  }

  /** As TreeReader.entry; remembers the answer, and notes it in `probes`. */
  async entry(path: string, probes?: Probes): Promise<TreeEntry | undefined> {
    let known = this.#entries.get(path);
    if (known === undefined) {
      known = this.#tree.entry(path);
      this.#entries.set(path, known);
    }
    const entry = await known;
    probes?.set(path, entry?.oid ?? absent);
    return entry;
  }

  /** Whether a probe of another commit would answer the same in this one. */
  async confirms(path: string, answer: string): Promise<boolean> {
    const entry = await this.entry(path);
    return answer === aFolder ? entry?.type === 'directory' : (entry?.oid ?? absent) === answer;
  }

  /** Follows symbolic links, in every part of the path. Undefined where there is nothing. @throws a Problem for a link that leaves the repository or goes in circles. */
  async find(path: string, probes: Probes): Promise<Found | undefined> {
    const direct = await this.entry(path, probes);
    if (direct !== undefined && direct.type !== 'symlink') return { path, entry: direct };
    return this.#follow(path, probes);
  }

  async #follow(path: string, probes: Probes): Promise<Found | undefined> {
    let links = 0;
    let todo = path.split('/');
    let done: string[] = [];
    while (todo.length > 0) {
      const [part = '', ...rest] = todo;
      todo = rest;
      const here = [...done, part].join('/');
      const entry = await this.entry(here);
      // Of a folder on the way only its being one counts, or every change below it would.
      const onTheWay = entry?.type === 'directory' && todo.length > 0;
      if (!probes.has(here)) probes.set(here, onTheWay ? aFolder : (entry?.oid ?? absent));
      if (entry === undefined) return undefined;
      if (entry.type !== 'symlink') {
        done.push(part);
        if (todo.length === 0) return { path: here, entry };
        continue;
      }
      links += 1;
      if (links > linksMax)
        throw problemError('invalid_manifest', { file: path }, 'symbolic links that go in circles');
      const target = new TextDecoder().decode(await this.#tree.read(here));
      const resolved = target.startsWith('/') ? undefined : joinPath(done.join('/'), target);
      if (resolved === undefined)
        throw problemError(
          'invalid_manifest',
          { file: here },
          'a symbolic link that leads out of the repository',
        );
      todo = [...resolved.split('/').filter((piece) => piece !== ''), ...todo];
      done = [];
    }
    const top = await this.entry('', probes);
    return top === undefined ? undefined : { path: '', entry: top };
  }

  async list(path: string, probes: Probes): Promise<readonly TreeEntry[]> {
    await this.entry(path, probes);
    return this.#tree.list(path);
  }

  async read(path: string, bytesMax: number, shownAs = path): Promise<Uint8Array> {
    let bytes: Uint8Array;
    try {
      bytes = await this.#tree.read(path);
    } catch (caught) {
      if (caught instanceof FairwayError && caught.code === 'resource_exhausted')
        throw problemError('resource_exhausted', { file: shownAs }, 'the file is larger than may be read');
      throw caught;
    }
    if (bytes.length > bytesMax)
      throw problemError(
        'resource_exhausted',
        { file: shownAs },
        `the file has ${bytes.length} bytes; at most ${bytesMax} are read`,
      );
    return bytes;
  }
}
