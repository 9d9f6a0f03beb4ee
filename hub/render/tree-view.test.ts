import { describe, expect, it } from 'vitest';
import { FairwayError } from '../../shared/error/error.ts';
import type { TreeReader } from '../model/tree.ts';
import { createMemoryTree } from './memory-tree.ts';
import { noWork } from './render-work.ts';
import { absent, aFolder, TreeView, unknown } from './tree-view.ts';

const many = Object.fromEntries(
  Array.from({ length: 500 }, (_, index) => [`o/c${index}/map.yaml`, String(index)]),
);

/** What the reader was asked, by method. */
function watched(tree: TreeReader) {
  const asked: string[] = [];
  const reader: TreeReader = {
    ...tree,
    entry: (path) => {
      asked.push(`entry ${path}`);
      return tree.entry(path);
    },
    list: (path) => {
      asked.push(`list ${path}`);
      return tree.list(path);
    },
  };
  return { reader, asked };
}

describe('TreeView', () => {
  it('lists a folder of which many names are wanted, and answers the same', async () => {
    const tree = createMemoryTree(many);
    const { reader, asked } = watched(tree);
    const view = new TreeView(reader);
    for (const name of Array.from({ length: 600 }, (_, index) => `o/c${index}`))
      expect((await view.entry(name))?.oid).toBe((await tree.entry(name))?.oid);
    expect(asked.filter((line) => line.startsWith('list'))).toEqual(['list o']);
    expect(asked.length).toBeLessThan(40);
  });

  it('answers the same for what was forgotten, also in folders that were listed', async () => {
    const tree = createMemoryTree(many);
    const view = new TreeView(tree);
    const names = Array.from({ length: 100 }, (_, index) => `o/c${index}`);
    for (const folder of ['o', '']) {
      for (const name of names) await view.entry(name);
      view.forgetWithin(folder, [folder, ...names]);
      expect(view.peek('o/c1')).toBe(unknown);
      for (const name of names) expect((await view.entry(name))?.oid).toBe((await tree.entry(name))?.oid);
      expect(await view.entry('o/none')).toBeUndefined();
    }
  });

  it('asks for nothing within a folder that is not there', async () => {
    const { reader, asked } = watched(createMemoryTree(many));
    const view = new TreeView(reader);
    for (let index = 0; index < 500; index += 1)
      expect(await view.entry(`none/deep/c${index}`)).toBeUndefined();
    expect(asked).toEqual(['entry none/deep/c0', 'entry none/deep']);
  });

  it('goes on by single names where a neighbour cannot be listed', async () => {
    const tree = createMemoryTree(many);
    const refused = () => Promise.reject(new FairwayError('resource_exhausted', 'too large'));
    const view = new TreeView({ ...tree, list: refused });
    for (let index = 0; index < 100; index += 1)
      expect((await view.entry(`o/c${index}`))?.type).toBe('directory');
  });

  it('holds a name that no tree can have for absent, and names the folder that cannot be gone through', async () => {
    const tree = createMemoryTree({ 'a/x.yaml': '1' });
    const view = new TreeView({
      ...tree,
      entry: async (path) => {
        if (path === 'a/.git') throw new FairwayError('invalid_argument', 'a path');
        if (path === 'big') throw new FairwayError('resource_exhausted', 'too large');
        if (path === 'torn') throw new FairwayError('data_loss', 'damaged');
        return tree.entry(path);
      },
      list: () => Promise.reject(new FairwayError('invalid_manifest', 'a forbidden name')),
    });
    const probes = new Map<string, string>();
    expect(await view.find('a/.git', probes)).toBeUndefined();
    expect(probes.get('a/.git')).toBe(absent);
    const problem = { code: 'resource_exhausted', file: 'big', message: 'too large' };
    await expect(view.entry('big')).rejects.toMatchObject({ details: { problem } });
    await expect(view.list('a', probes)).rejects.toMatchObject({ details: { problem: { file: 'a' } } });
    await expect(view.entry('torn')).rejects.toMatchObject({ code: 'data_loss', details: undefined });
  });

  it('finds without waiting what it knows, and nothing that a link might hold', async () => {
    const tree = createMemoryTree({ 'a/x.yaml': '1', link: { link: 'a' }, file: '1' });
    const view = new TreeView(tree);
    expect(view.peekFound('a')).toBe(unknown);
    for (const path of ['a', 'a/x.yaml', 'link', 'file']) await view.entry(path);
    expect(view.peekFound('a/x.yaml')).toMatchObject({ path: 'a/x.yaml' });
    expect(view.peekFound('file/below')).toBeUndefined();
    expect(view.peekFound('link/x.yaml')).toBe(unknown);
    expect(await view.find('link/x.yaml', new Map())).toMatchObject({ path: 'a/x.yaml' });
  });

  it('notes of a folder that is found only that it is there, and of one that is listed all of it', async () => {
    const view = new TreeView(createMemoryTree({ 'a/x.yaml': '1', b: '2' }));
    const probes = new Map<string, string>();
    await view.find('a', probes);
    await view.find('none', probes);
    expect([probes.get('a'), probes.get('none')]).toEqual([aFolder, absent]);
    await view.list('a', probes);
    await view.find('a', probes);
    expect(probes.get('a')).toMatch(/^[0-9a-f]{40}$/);
    expect(view.confirms('a', aFolder)).toBe(true);
    expect(view.confirms('unasked', absent)).toBeUndefined();
  });

  it('keeps the paths of another repository apart from ours', async () => {
    const there = createMemoryTree({ 'base/x.yaml': '1' });
    const mount = 'https://git.example/r//';
    const tree = createMemoryTree({ 'https:/git.example/x': 'ours' });
    const view = new TreeView({
      ...tree,
      entry: (path) => (path.includes('//') ? there.entry(path.slice(mount.length)) : tree.entry(path)),
    });
    expect((await view.entry(`${mount}base/x.yaml`))?.type).toBe('file');
    expect(await view.entry(`${mount}none/x.yaml`)).toBeUndefined();
    expect((await view.entry(`${mount}base`))?.type).toBe('directory');
    expect((await view.entry(mount))?.type).toBe('directory');
  });

  it('counts the files that are read', async () => {
    const [one, two] = [noWork(), noWork()];
    const view = new TreeView(createMemoryTree({ a: '1' }), [one, two]);
    await view.read('a', 10);
    expect([one.filesRead, two.filesRead]).toEqual([1, 1]);
  });
});
