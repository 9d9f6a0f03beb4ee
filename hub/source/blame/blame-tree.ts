import type { TreeEntry } from '../../model/tree.ts';
import { createLru, type Lru } from '../lru.ts';
import { parseTree } from '../objects/git-object.ts';
import type { ObjectReader } from '../objects/object-reader.ts';
import { damaged } from '../objects/pack-file.ts';

/** The object ids that a path leads through, the commit's tree first; as long as there is something. */
export type PathIds = readonly string[];

/** Finds files in trees, reading as little as can be. */
export interface BlameTrees {
  /** Whole: as many ids as the path has parts, and one. `known`: of the same path in another commit; from where the ids are the same on, nothing is read. */
  resolve(tree: string, path: string, known?: PathIds): Promise<PathIds>;
  /** Files that `from` has and `to` has not, with their paths, sorted. Undefined: too many folders differ. */
  removed(from: string, to: string): Promise<readonly RemovedFile[] | undefined>;
}

export interface RemovedFile {
  readonly path: string;
  readonly oid: string;
}

const treeBytesMax = 16 * 1024 * 1024;
/** Trees of the last commits, which several files of a walk are looked for in. */
const recentBytesMax = 8 * 1024 * 1024;
/** Folders read for one rename. */
const foldersMax = 2_000;
const removedMax = 5_000;

export interface BlameTreesOptions {
  readonly reader: ObjectReader;
  readonly id: string;
  readonly trees: Lru<readonly TreeEntry[]>;
  /** Told of each tree that had to be read. */
  readonly onRead: (bytes: number) => void;
}

export function createBlameTrees({ reader, id, trees, onRead }: BlameTreesOptions): BlameTrees {
  const recent = createLru<Buffer>(recentBytesMax);

  const read = async (oid: string): Promise<Buffer> => {
    const known = recent.get(oid);
    if (known) return known;
    const object = await reader.read(oid, treeBytesMax);
    if (object?.type !== 'tree') throw damaged(oid);
    onRead(object.bytes.length);
    recent.set(oid, object.bytes, object.bytes.length + 200);
    return object.bytes;
  };

  const list = async (oid: string): Promise<readonly TreeEntry[]> => {
    const known = trees.get(`${id}:${oid}`);
    if (known) return known;
    const bytes = await read(oid);
    const entries = parseTree(oid, bytes);
    trees.set(`${id}:${oid}`, entries, 200 + entries.length * 160 + bytes.length);
    return entries;
  };

  const removed = async (from: string, to: string): Promise<readonly RemovedFile[] | undefined> => {
    const files: RemovedFile[] = [];
    let folders = 0;
    const compare = async (left: string, right: string | undefined, path: string): Promise<void> => {
      folders += 1;
      if (folders > foldersMax || files.length > removedMax) return;
      const there = new Map(
        (right === undefined ? [] : await list(right)).map((entry) => [entry.name, entry]),
      );
      for (const entry of await list(left)) {
        const other = there.get(entry.name);
        const full = path === '' ? entry.name : `${path}/${entry.name}`;
        if (other?.oid === entry.oid) continue;
        if (entry.type === 'directory')
          await compare(entry.oid, other?.type === 'directory' ? other.oid : undefined, full);
        else if (entry.type === 'file' && (other === undefined || other.type !== 'file'))
          files.push({ path: full, oid: entry.oid });
      }
    };
    await compare(from, to, '');
    return folders > foldersMax || files.length > removedMax ? undefined : files;
  };

  return {
    removed,
    async resolve(tree, path, known = []) {
      const parts = path.split('/');
      const ids = [tree];
      for (const [depth, part] of parts.entries()) {
        const at = ids[depth] ?? '';
        if (known[depth] === at) return [...ids, ...known.slice(depth + 1)];
        const entry = findInTree(await read(at), Buffer.from(part));
        if (entry === undefined || entry.isFile !== (depth === parts.length - 1)) return ids;
        ids.push(entry.oid);
      }
      return ids;
    },
  };
}

/**
 * One entry of a tree's own bytes: `mode name NUL` and twenty bytes of id, entry after entry. Nothing else of it is made into text: a walk looks into a folder
 * of hundreds of entries at each commit. What is malformed ends the search.
 */
function findInTree(
  tree: Buffer,
  name: Buffer,
): { readonly oid: string; readonly isFile: boolean } | undefined {
  for (let at = 0; at < tree.length; ) {
    let space = at;
    while (space < tree.length && tree[space] !== 0x20) space += 1;
    let end = space + 1;
    while (end < tree.length && tree[end] !== 0) end += 1;
    if (end - space - 1 === name.length && tree.compare(name, 0, name.length, space + 1, end) === 0) {
      const mode = tree.toString('latin1', at, space);
      const isFile = mode.startsWith('100');
      return isFile || mode.endsWith('40000')
        ? { oid: tree.toString('hex', end + 1, end + 21), isFile }
        : undefined;
    }
    at = end + 21;
  }
  return undefined;
}
