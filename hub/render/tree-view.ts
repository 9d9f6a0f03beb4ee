import { FairwayError } from '../../shared/error/error.ts';
import type { RemoteRef, TreeEntry, TreeReader } from '../model/tree.ts';
import { childOf, splitMount } from './remote/mount.ts';
import { problemError, problemOf } from './render-error.ts';
import type { RenderWork } from './render-work.ts';

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

/** Empty parts, `.` and `..`. */
const oddPart = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** Takes `.` and `..` out of a path; undefined when it leaves the repository. */
function normalPath(path: string): string | undefined {
  if (!oddPart.test(path)) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/** From what somebody wrote, in this repository: no way of writing it leads into a mounted one. */
export function joinOwn(folder: string, path: string): string | undefined {
  return normalPath(`${folder}/${path}`);
}

/** As normalPath, from a folder of this repository or of a mounted one. */
export function joinPath(folder: string, path: string): string | undefined {
  const [mount, inner] = splitMount(folder);
  const joined = normalPath(inner === '' ? path : `${inner}/${path}`);
  return joined === undefined ? undefined : mount + joined;
}

/** Stands for an entry that the reader was not asked for yet. */
export const unknown = Symbol('unknown');

/** So many names of one folder are asked for one by one; then the folder is listed instead. */
const askedMax = 32;

/** What one commit has at a path, asked of the reader once. */
export class TreeView {
  readonly #tree: TreeReader;
  readonly #works: readonly RenderWork[];
  readonly #entries = new Map<string, TreeEntry | undefined>();
  readonly #asking = new Map<string, Promise<TreeEntry | undefined>>();
  /** How many names were asked for, by folder. */
  readonly #asked = new Map<string, number>();
  readonly #listed = new Set<string>();

  /** @param works where the files that are read are counted. */
  constructor(tree: TreeReader, works: readonly RenderWork[] = []) {
    this.#tree = tree;
    this.#works = works;
  }

  /** Lets go of what is known of paths within a folder that was built: it is asked for as a whole from now on. */
  forgetWithin(folder: string, paths: Iterable<string>): void {
    for (const path of paths) {
      const parent = aboveOf(path);
      if (path === folder || parent === undefined) continue;
      this.#entries.delete(path);
      // Of a listed folder, what is not known is not there.
      this.#listed.delete(parent);
      this.#asked.delete(parent);
    }
  }

  /** Brings another repository among the paths. @throws unsupported where none is read, and as the reader's mount says. */
  async mount(remote: RemoteRef, signal?: AbortSignal): Promise<void> {
    if (this.#tree.mount === undefined)
      throw new FairwayError('unsupported', 'other repositories are not read here');
    await this.#tree.mount(remote, signal);
  }

  get name(): string {
    return this.#tree.name;
  }

  /** What is at the path as far as it is known without the reader. */
  peek(path: string): TreeEntry | undefined | typeof unknown {
    const known = this.#entries.get(path);
    if (known !== undefined || this.#entries.has(path)) return known;
    const parent = aboveOf(path);
    if (parent === undefined) return unknown;
    if (this.#listed.has(parent)) return undefined;
    // There is nothing within what is no folder.
    const above = this.#entries.get(parent);
    return above?.type !== 'directory' && this.#entries.has(parent) ? undefined : unknown;
  }

  /** As TreeReader.entry; remembers the answer, and notes it in `probes`. */
  async entry(path: string, probes?: Probes): Promise<TreeEntry | undefined> {
    let entry = this.peek(path);
    if (entry === unknown) entry = await this.#ask(path);
    probes?.set(path, entry?.oid ?? absent);
    return entry;
  }

  async #ask(path: string): Promise<TreeEntry | undefined> {
    const parent = aboveOf(path);
    if (parent !== undefined) {
      const count = (this.#asked.get(parent) ?? 0) + 1;
      this.#asked.set(parent, count);
      if (count === askedMax) await this.#list(parent);
      else if (count > 1 && aboveOf(parent) !== undefined) await this.entry(parent);
      const now = this.peek(path);
      if (now !== unknown) return now;
    }
    let asking = this.#asking.get(path);
    if (asking === undefined) {
      asking = this.#look(path).then((entry) => {
        this.#entries.set(path, entry);
        return entry;
      });
      this.#asking.set(path, asking);
      asking.finally(() => this.#asking.delete(path)).catch(() => undefined);
    }
    return asking;
  }

  /** Nothing has a name that no tree can have (`.git`, one with a NUL, one that is too long). */
  async #look(path: string): Promise<TreeEntry | undefined> {
    try {
      return await this.#tree.entry(path);
    } catch (caught) {
      if (caught instanceof FairwayError && caught.code === 'invalid_argument') return undefined;
      throw asProblem(caught, path);
    }
  }

  async #list(folder: string): Promise<void> {
    if ((await this.entry(folder))?.type !== 'directory') return;
    let entries: readonly TreeEntry[];
    try {
      entries = await this.#tree.list(folder);
    } catch (caught) {
      // A neighbour may be what cannot be listed; the name itself is asked for next, and says what is wrong with it.
      if (caught instanceof FairwayError) return;
      throw caught;
    }
    const prefix = childOf(folder, '');
    for (const entry of entries) this.#entries.set(prefix + entry.name, entry);
    this.#listed.add(folder);
  }

  /** Whether a probe of another commit would answer the same in this one; undefined where only the reader can tell. */
  confirms(path: string, answer: string): boolean | undefined {
    const entry = this.peek(path);
    if (entry === unknown) return undefined;
    return answer === aFolder ? entry?.type === 'directory' : (entry?.oid ?? absent) === answer;
  }

  /** What `find` would find, as far as it is known without the reader. */
  peekFound(path: string): Found | undefined | typeof unknown {
    const entry = this.peek(path);
    if (entry === unknown || entry?.type === 'symlink') return unknown;
    if (entry !== undefined) return { path, entry };
    // Nothing, unless a part of the way is a link.
    for (let above = aboveOf(path); above !== undefined && above !== ''; above = aboveOf(above)) {
      const part = this.peek(above);
      if (part === unknown || part?.type === 'symlink') return unknown;
      if (part?.type === 'directory') return undefined;
    }
    return undefined;
  }

  /** Follows symbolic links, in every part of the path. Undefined where there is nothing. @throws a Problem for a link that leaves the repository or goes in circles. */
  async find(path: string, probes: Probes): Promise<Found | undefined> {
    const direct = await this.entry(path);
    if (direct?.type === 'directory') noteFolder(path, probes);
    else probes.set(path, direct?.oid ?? absent);
    if (direct !== undefined && direct.type !== 'symlink') return { path, entry: direct };
    return this.#follow(path, probes);
  }

  async #follow(path: string, probes: Probes): Promise<Found | undefined> {
    let links = 0;
    const [mount, inner] = splitMount(path);
    let todo = inner.split('/');
    let done: string[] = [];
    while (todo.length > 0) {
      const [part = '', ...rest] = todo;
      todo = rest;
      const here = mount + [...done, part].join('/');
      const entry = await this.entry(here);
      if (entry?.type === 'directory') noteFolder(here, probes);
      else if (!probes.has(here)) probes.set(here, entry?.oid ?? absent);
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
    const top = await this.entry(mount, probes);
    return top === undefined ? undefined : { path: mount, entry: top };
  }

  async list(path: string, probes: Probes): Promise<readonly TreeEntry[]> {
    await this.entry(path, probes);
    try {
      return await this.#tree.list(path);
    } catch (caught) {
      throw asProblem(caught, path);
    }
  }

  async read(path: string, bytesMax: number, shownAs = path): Promise<Uint8Array> {
    for (const work of this.#works) work.filesRead += 1;
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

/** A folder that is too large or that Git would not check out is its author's to mend, and nobody else's; a damaged repository is not. */
function asProblem(caught: unknown, file: string): unknown {
  if (!(caught instanceof FairwayError) || problemOf(caught) !== undefined) return caught;
  const { code, message } = caught;
  if (code !== 'invalid_manifest' && code !== 'resource_exhausted') return caught;
  return problemError(code, { file }, message);
}

/** Of a folder that is found only its being one counts, or every change below it would; who reads what is in it notes more. */
function noteFolder(path: string, probes: Probes): void {
  if (!probes.has(path)) probes.set(path, aFolder);
}

/** The folder that a path lies in; of another repository's tree (`...//path`) at least its top, which ends in two slashes. Undefined: a top. */
function aboveOf(path: string): string | undefined {
  if (path === '' || path.endsWith('//')) return undefined;
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '';
  return path.slice(0, path[slash - 1] === '/' ? slash + 1 : slash);
}
