/**
 * Three-way merge of Git trees, whole files at a time: what one side alone has changed is taken, what both have changed in another way is a conflict. Writing
 * nothing: new trees are handed back as objects. The rules are those of `git merge-tree` without renames and without merging within files.
 */
import { createHash } from 'node:crypto';
import { isForbiddenName } from '../objects/git-object.ts';
import { sourceError } from '../source-error.ts';

/** An entry of a tree as Git writes it. */
export interface RawEntry {
  /** Octal, as in the object: `40000`, `100644`, `100755`, `120000`, `160000`. */
  readonly mode: string;
  /** One character a byte. */
  readonly name: string;
  readonly oid: string;
}

export interface NewObject {
  readonly type: 'tree' | 'commit' | 'blob';
  readonly oid: string;
  readonly bytes: Buffer;
}

export interface MergedTree {
  readonly tree: string;
  /** Trees that are in no side. */
  readonly objects: readonly NewObject[];
  /** Paths, sorted. Not empty: `tree` is of no use. */
  readonly conflicts: readonly string[];
}

export interface MergeSides {
  /** Object ids of trees. */
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

const depthMax = 64;
const treesMax = 20_000;
const conflictsMax = 50;

/** Old trees write the mode with a zero in front. */
export function isTree({ mode }: RawEntry): boolean {
  return mode === '40000' || mode === '040000';
}

/** @throws invalid_manifest (BadTree) for what no tree looks like. */
export function parseRawTree(oid: string, bytes: Uint8Array): readonly RawEntry[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: RawEntry[] = [];
  for (let at = 0; at < buffer.length; ) {
    const space = buffer.indexOf(0x20, at);
    const end = space < 0 ? -1 : buffer.indexOf(0, space);
    const name = end < 0 ? '' : buffer.toString('latin1', space + 1, end);
    if (end < 0 || end + 21 > buffer.length || isForbiddenName(name))
      throw sourceError('invalid_manifest', 'BadTree', `the tree ${oid} is not well formed`, {
        subject: oid,
      });
    entries.push({
      mode: buffer.toString('latin1', at, space),
      name,
      oid: buffer.toString('hex', end + 1, end + 21),
    });
    at = end + 21;
  }
  return entries;
}

export function createObject(type: NewObject['type'], bytes: Buffer): NewObject {
  const hash = createHash('sha1').update(`${type} ${bytes.length}\0`).update(bytes);
  return { type, oid: hash.digest('hex'), bytes };
}

/** Git sorts a folder as if its name ended with a slash. */
function sortName(entry: RawEntry): string {
  return isTree(entry) ? `${entry.name}/` : entry.name;
}

/** In Git's order, whatever the order of the entries. */
export function writeTree(entries: readonly RawEntry[]): NewObject {
  const sorted = [...entries].sort((a, b) => (sortName(a) < sortName(b) ? -1 : 1));
  const parts = sorted.flatMap(({ mode, name, oid }) => [
    Buffer.from(`${mode} ${name}\0`, 'latin1'),
    Buffer.from(oid, 'hex'),
  ]);
  return createObject('tree', Buffer.concat(parts));
}

function same(a: RawEntry | undefined, b: RawEntry | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.oid === b.oid && a.mode === b.mode);
}

/** @param load a tree's entries by its id. @throws resource_exhausted (TooLarge); what `load` throws. */
export async function mergeTrees(
  sides: MergeSides,
  load: (oid: string) => Promise<readonly RawEntry[]>,
): Promise<MergedTree> {
  const objects = new Map<string, NewObject>();
  const conflicts: string[] = [];
  let trees = 0;

  const read = async (entry: RawEntry | undefined): Promise<ReadonlyMap<string, RawEntry>> => {
    if (entry === undefined || !isTree(entry)) return new Map();
    trees += 1;
    if (trees > treesMax)
      throw sourceError('resource_exhausted', 'TooLarge', `more than ${treesMax} folders differ`, {
        retry: false,
      });
    return new Map((await load(entry.oid)).map((one) => [one.name, one]));
  };

  const merge = async (
    path: string,
    [base, ours, theirs]: readonly (RawEntry | undefined)[],
    depth: number,
  ): Promise<RawEntry | undefined> => {
    if (same(ours, theirs) || same(base, theirs)) return ours;
    if (same(base, ours)) return theirs;
    const known = [base, ours, theirs].filter((one) => one !== undefined);
    // A folder that is not there is an empty one; a file against a folder is a conflict.
    if (!known.every(isTree) || depth > depthMax) {
      if (conflicts.length < conflictsMax) conflicts.push(Buffer.from(path, 'latin1').toString('utf8'));
      return ours;
    }
    const [inBase, inOurs, inTheirs] = [await read(base), await read(ours), await read(theirs)];
    const names = new Set([...inBase.keys(), ...inOurs.keys(), ...inTheirs.keys()]);
    const merged: RawEntry[] = [];
    for (const name of [...names].sort()) {
      const sub = [inBase.get(name), inOurs.get(name), inTheirs.get(name)];
      const entry = await merge(path === '' ? name : `${path}/${name}`, sub, depth + 1);
      if (entry) merged.push(entry);
    }
    // Git has no empty folders, but for the top.
    if (merged.length === 0 && depth > 0) return undefined;
    const tree = writeTree(merged);
    if (tree.oid !== ours?.oid && tree.oid !== theirs?.oid) objects.set(tree.oid, tree);
    return { mode: '40000', name: known[0]?.name ?? '', oid: tree.oid };
  };

  const top = (oid: string): RawEntry => ({ mode: '40000', name: '', oid });
  const merged = await merge('', [top(sides.base), top(sides.ours), top(sides.theirs)], 0);
  return { tree: merged?.oid ?? sides.ours, objects: [...objects.values()], conflicts: conflicts.sort() };
}
