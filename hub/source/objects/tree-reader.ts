import { FairwayError } from '../../../shared/error/error.ts';
import type { TreeEntry, TreeReader } from '../../model/tree.ts';
import type { Lru } from '../lru.ts';
import { reasonOf, sourceError } from '../source-error.ts';
import { isForbiddenName, parseTree } from './git-object.ts';
import type { ObjectReader } from './object-reader.ts';
import { damaged } from './pack-file.ts';

export interface TreeReaderOptions {
  readonly reader: ObjectReader;
  /** Keys of the caches start with it, so that one repository never answers for another. */
  readonly id: string;
  readonly name: string;
  readonly commit: string;
  readonly tree: string;
  readonly trees: Lru<readonly TreeEntry[]>;
  readonly blobs: Lru<Uint8Array>;
  readonly fileBytesMax: number;
  /** Told of each error that says the repository on disk is damaged. */
  readonly onDamage: (error: FairwayError) => Promise<void>;
}

/** One folder's listing. Git's own limit on what it reads as a tree is larger; this is some 300,000 entries. */
const treeBytesMax = 16 * 1024 * 1024;
const pathBytesMax = 4096;
/** Folders whose listings a reader holds beside the bounded cache that all readers share, and the longest of such listings. */
const foldersMax = 32;
const listingMax = 20_000;

/** @throws invalid_argument (BadPath) for an absolute path, `..`, `.git`, empty parts and NUL. */
function checkPath(path: string): void {
  if (path === '') return;
  if (path.length > pathBytesMax || path.split('/').some(isForbiddenName))
    throw sourceError(
      'invalid_argument',
      'BadPath',
      'expected a path relative to the top of the repository, without `..`, `.git` and empty parts',
      {
        subject: path.slice(0, 200),
      },
    );
}

/** A commit's tree straight from Git objects, through bounded caches. Reads are checked against their ids by the object reader. */
export function createTreeReader(options: TreeReaderOptions): TreeReader {
  const { reader, id, name, trees, blobs, fileBytesMax } = options;

  const notFound = (path: string) =>
    sourceError('not_found', 'PathNotFound', `there is no ${path === '' ? 'top folder' : path}`, {
      subject: `${name}:${path}`,
    });

  /** An object that a tree names must be there; one that is not means that the repository on disk is damaged. */
  const load = async (oid: string, type: 'tree' | 'blob', bytesMax: number): Promise<Uint8Array> => {
    try {
      const object = await reader.read(oid, bytesMax);
      if (object?.type !== type) throw damaged(oid);
      return object.bytes;
    } catch (caught) {
      if (caught instanceof FairwayError && caught.code === 'data_loss') await options.onDamage(caught);
      throw caught;
    }
  };

  const listTree = async (oid: string): Promise<readonly TreeEntry[]> => {
    const known = trees.get(`${id}:${oid}`);
    if (known) return known;
    const bytes = await load(oid, 'tree', treeBytesMax);
    const entries = parseTree(oid, bytes);
    trees.set(`${id}:${oid}`, entries, 200 + entries.length * 160 + bytes.length);
    return entries;
  };

  /** Listings of folders that were gone through: a commit has many files beside one another. */
  const folders = new Map<string, readonly TreeEntry[]>();

  /** Undefined where it is no folder. */
  const listingOf = async (path: string): Promise<readonly TreeEntry[] | undefined> => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const entry = await findEntry(path);
    if (entry?.type !== 'directory') return undefined;
    const entries = await listTree(entry.oid);
    if (folders.size >= foldersMax) folders.clear();
    if (entries.length <= listingMax) folders.set(path, entries);
    return entries;
  };

  /** Of a path that was checked. */
  const findEntry = async (path: string): Promise<TreeEntry | undefined> => {
    if (path === '') return { name: '', type: 'directory', oid: options.tree };
    const slash = path.lastIndexOf('/');
    const listing = await listingOf(slash < 0 ? '' : path.slice(0, slash));
    return listing && findByName(listing, path.slice(slash + 1));
  };

  const find = async (path: string): Promise<TreeEntry | undefined> => {
    checkPath(path);
    return findEntry(path);
  };

  return {
    name,
    commit: options.commit,
    entry: find,
    async list(path) {
      const entry = await find(path);
      if (!entry) throw notFound(path);
      if (entry.type !== 'directory')
        throw sourceError('invalid_argument', 'BadPath', `${path} is a ${entry.type}, not a folder`, {
          subject: `${name}:${path}`,
        });
      return listTree(entry.oid);
    },
    async read(path) {
      const entry = await find(path);
      if (!entry) throw notFound(path);
      if (entry.type === 'directory' || entry.type === 'submodule')
        throw sourceError('invalid_argument', 'BadPath', `${path} is a ${entry.type}, not a file`, {
          subject: `${name}:${path}`,
        });
      const known = blobs.get(`${id}:${entry.oid}`);
      if (known) return known;
      try {
        const bytes = await load(entry.oid, 'blob', fileBytesMax);
        // A copy: the bytes may be a small view of a large block.
        const own = new Uint8Array(bytes);
        blobs.set(`${id}:${entry.oid}`, own, own.length + 100);
        return own;
      } catch (caught) {
        if (caught instanceof FairwayError && reasonOf(caught) === 'TooLarge')
          throw sourceError(
            'resource_exhausted',
            'TooLarge',
            `${path} is larger than the limit of ${fileBytesMax} bytes`,
            {
              subject: `${name}:${path}`,
              retry: false,
            },
          );
        throw caught;
      }
    },
  };
}

/** Entries are sorted by name. */
function findByName(entries: readonly TreeEntry[], name: string): TreeEntry | undefined {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (!entry || entry.name === name) return entry;
    if (entry.name < name) low = middle + 1;
    else high = middle;
  }
  return undefined;
}
