import { describe, expect, it } from 'vitest';
import { mergeTrees, parseRawTree, type RawEntry, writeTree } from './merge-trees.ts';

type Folder = { readonly [name: string]: string | Folder };

/** Trees made of plain objects, and read back. */
function createTrees() {
  const trees = new Map<string, readonly RawEntry[]>();
  const blobs = new Map<string, string>();
  const put = (folder: Folder): string => {
    const entries = Object.entries(folder).map(([name, content]): RawEntry => {
      if (typeof content !== 'string') return { mode: '40000', name, oid: put(content) };
      const oid = Buffer.from(content).toString('hex').padEnd(40, '0').slice(0, 40);
      blobs.set(oid, content);
      return { mode: '100644', name, oid };
    });
    const tree = writeTree(entries);
    trees.set(tree.oid, parseRawTree(tree.oid, tree.bytes));
    return tree.oid;
  };
  const load = async (oid: string) => {
    const found = trees.get(oid);
    if (!found) throw new Error(`no tree ${oid}`);
    return found;
  };
  const get = (oid: string): Folder =>
    Object.fromEntries(
      (trees.get(oid) ?? []).map(({ mode, name, oid: id }) => [
        name,
        mode === '40000' ? get(id) : (blobs.get(id) ?? ''),
      ]),
    );
  const merge = async (base: Folder, ours: Folder, theirs: Folder) => {
    const merged = await mergeTrees({ base: put(base), ours: put(ours), theirs: put(theirs) }, load);
    for (const { oid, bytes } of merged.objects) trees.set(oid, parseRawTree(oid, bytes));
    return merged.conflicts.length > 0 ? merged.conflicts : get(merged.tree);
  };
  return { merge, put, load };
}

describe('mergeTrees', () => {
  const { merge, put, load } = createTrees();

  it('takes what one side alone has changed, added and deleted', async () => {
    const base = { a: '1', b: '1', c: '1', d: { e: '1', f: '1' } };
    const ours = { a: '2', b: '1', c: '1', d: { e: '1', f: '1', ours: '1' } };
    const theirs = { a: '1', b: '2', d: { e: '2', f: '1' }, theirs: { x: '1' } };
    expect(await merge(base, ours, theirs)).toEqual({
      ...{ a: '2', b: '2', d: { e: '2', f: '1', ours: '1' }, theirs: { x: '1' } },
    });
  });

  it('names what both have changed in another way, and what one changed and the other deleted', async () => {
    const base = { a: '1', b: '1', d: { e: '1' }, same: '1' };
    const ours = { a: '2', d: { e: '2' }, same: '3' };
    const theirs = { a: '3', b: '2', same: '3' };
    expect(await merge(base, ours, theirs)).toEqual(['a', 'b', 'd/e']);
  });

  it('takes a file in the place of a folder for a conflict', async () => {
    expect(await merge({ a: '1' }, { a: { b: '1' } }, { a: '2' })).toEqual(['a']);
  });

  it('leaves no empty folder', async () => {
    expect(
      await merge({ a: { b: '1', c: '1' }, z: '1' }, { a: { b: '1' }, z: '1' }, { a: { c: '1' }, z: '1' }),
    ).toEqual({
      z: '1',
    });
  });

  it('reads only what differs, and writes only what is in no side', async () => {
    const read: string[] = [];
    const deep = { x: { y: { z: '1' } } };
    const sides = {
      base: put({ deep, a: '1' }),
      ours: put({ deep, a: '1', b: '1' }),
      theirs: put({ deep, a: '2' }),
    };
    const merged = await mergeTrees(sides, (oid) => {
      read.push(oid);
      return load(oid);
    });
    expect(read).toHaveLength(3);
    expect(merged.objects).toHaveLength(1);
    expect((await mergeTrees({ ...sides, theirs: sides.base }, load)).objects).toEqual([]);
  });

  it('sorts a folder as Git does: as if its name ended with a slash', () => {
    const entry = (name: string, mode: string): RawEntry => ({ mode, name, oid: '0'.repeat(40) });
    const tree = writeTree([entry('a', '40000'), entry('a.b', '100644'), entry('a0', '100644')]);
    expect(parseRawTree(tree.oid, tree.bytes).map(({ name }) => name)).toEqual(['a.b', 'a', 'a0']);
  });

  it('refuses what no tree looks like', () => {
    expect(() => parseRawTree('x', Buffer.from('100644 ..\0aaaaaaaaaaaaaaaaaaaa'))).toThrow(
      'not well formed',
    );
    expect(() => parseRawTree('x', Buffer.from('100644 a\0short'))).toThrow('not well formed');
  });
});
