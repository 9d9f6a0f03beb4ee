import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDirectoryTree } from './directory-tree.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairway-tree-'));
  mkdirSync(join(folder, 'apps/web'), { recursive: true });
  mkdirSync(join(folder, '.git'));
  writeFileSync(join(folder, 'apps/web/a.yaml'), 'kind: A\n');
  symlinkSync('a.yaml', join(folder, 'apps/web/link.yaml'));
});

describe('createDirectoryTree', () => {
  it('lists entries by name, without .git and without following links', async () => {
    const tree = createDirectoryTree(folder);
    expect((await tree.list('')).map(({ name }) => name)).toEqual(['apps']);
    const inner = await tree.list('apps/web');
    expect(inner.map(({ name, type }) => `${name} ${type}`)).toEqual(['a.yaml file', 'link.yaml symlink']);
    expect(new TextDecoder().decode(await tree.read('apps/web/link.yaml'))).toBe('a.yaml');
  });

  it('gives ids that change with content', async () => {
    const tree = createDirectoryTree(folder);
    const file = (await tree.entry('apps/web/a.yaml'))?.oid;
    const top = (await tree.entry('apps'))?.oid;
    writeFileSync(join(folder, 'apps/web/a.yaml'), 'kind: Longer\n');
    expect((await tree.entry('apps/web/a.yaml'))?.oid).not.toBe(file);
    expect((await tree.entry('apps'))?.oid).not.toBe(top);
  });

  it('says what is not there and never leaves its folder', async () => {
    const tree = createDirectoryTree(join(folder, 'apps'));
    expect(await tree.entry('nothing')).toBeUndefined();
    await expect(tree.read('nothing')).rejects.toMatchObject({ code: 'not_found' });
    await expect(tree.list('web/a.yaml')).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(tree.read('../.git/config')).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});
