import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runGit } from '../../cli/demo/git-program.ts';
import { type Bed, createBed, errorOf } from '../git-bed.test-support.ts';

let bed: Bed;
afterEach(() => bed.close());

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const signal = new AbortController().signal;

describe('tree reader', () => {
  it('tells files, folders, symbolic links and submodules apart and follows no link', async () => {
    bed = await createBed();
    const { workTree } = bed.repository;
    await mkdir(join(workTree, 'a'), { recursive: true });
    await symlink('../../../etc/passwd', join(workTree, 'a', 'link'));
    await symlink('a', join(workTree, 'folder-link'));
    const inner = await bed.repository.commit({ 'a/file': 'x', run: '#!/bin/sh\n' }, { message: 'one' });
    await bed.repository.git('update-index', '--chmod=+x', 'run');
    await bed.repository.git('update-index', '--add', '--cacheinfo', `160000,${inner},module`);
    await bed.repository.git('commit', '--quiet', '--message', 'two');
    await bed.repository.push();
    const { head } = await bed.fetch();
    const tree = await bed.source.tree(bed.url, head);
    expect(tree.name).toBe(`${bed.url}@${head.slice(0, 7)}`);
    expect((await tree.list('')).map(({ name, type }) => `${name} ${type}`)).toEqual([
      'a directory',
      'folder-link symlink',
      'module submodule',
      'run file',
    ]);
    expect(text(await tree.read('a/link'))).toBe('../../../etc/passwd');
    expect(await tree.entry('folder-link/file')).toBeUndefined();
    expect((await errorOf(tree.read('folder-link/file'))).code).toBe('not_found');
    expect((await errorOf(tree.read('module'))).code).toBe('invalid_argument');
    expect((await errorOf(tree.read('a'))).code).toBe('invalid_argument');
    expect((await errorOf(tree.list('run'))).code).toBe('invalid_argument');
    expect((await errorOf(tree.list('nowhere'))).code).toBe('not_found');
    expect(await tree.entry('')).toMatchObject({ type: 'directory' });
    expect((await tree.entry('a'))?.oid).toBe((await bed.repository.git('rev-parse', 'HEAD:a')).trim());
  });

  it('refuses paths that leave the tree', async () => {
    bed = await createBed();
    const head = await bed.repository.commit({ a: '1' }, { message: 'one' });
    await bed.repository.push();
    await bed.fetch();
    const tree = await bed.source.tree(bed.url, head);
    for (const path of [
      '..',
      '../a',
      '/etc/passwd',
      'a/../a',
      './a',
      'a//b',
      'a/',
      '.git/config',
      'x/.GIT/y',
      'a\0b',
    ])
      expect((await errorOf(tree.entry(path))).code).toBe('invalid_argument');
  });

  it('refuses a file over the limit and reads its neighbours', async () => {
    bed = await createBed({ source: { limits: { fileBytesMax: 1000 } } });
    const head = await bed.repository.commit(
      { big: 'x'.repeat(1001), exact: 'y'.repeat(1000), 'apps/bomb': Buffer.alloc(20_000_000) },
      { message: 'one' },
    );
    await bed.repository.push();
    await bed.fetch();
    const tree = await bed.source.tree(bed.url, head);
    for (const path of ['big', 'apps/bomb']) {
      const error = await errorOf(tree.read(path));
      expect([error.code, error.retry, error.subject]).toEqual([
        'resource_exhausted',
        false,
        `${tree.name}:${path}`,
      ]);
    }
    expect((await tree.read('exact')).length).toBe(1000);
  });

  it('refuses a tree with a forbidden name', async () => {
    bed = await createBed();
    await bed.repository.commit({ a: '1' }, { message: 'one' });
    const blob = (await bed.repository.git('rev-parse', 'HEAD:a')).trim();
    const raw = Buffer.concat([Buffer.from('100644 ..\0'), Buffer.from(blob, 'hex')]);
    await writeFile(join(bed.folder, 'raw'), raw);
    const evil = (
      await bed.repository.git('hash-object', '-t', 'tree', '--literally', '-w', join(bed.folder, 'raw'))
    ).trim();
    const sha = (await bed.repository.git('commit-tree', evil, '-m', 'evil')).trim();
    const tree = await bed.source.tree(bed.repository.workTree, sha);
    expect((await errorOf(tree.list(''))).code).toBe('invalid_manifest');
  });

  it('reads 5,000 files of a packed repository with deltas', async () => {
    bed = await createBed();
    const files: Record<string, string> = {};
    // Alike enough that gc stores most of them as deltas.
    const common = Array.from({ length: 40 }, (_, line) => `setting-${line}: ${line * 7919}`).join('\n');
    for (let index = 0; index < 5000; index += 1)
      files[`apps/app-${index % 100}/file-${index}.yaml`] = `${common}\nname: app-${index}\n`;
    const head = await bed.repository.commit(files, { message: 'many' });
    await bed.repository.push();
    await runGit(['-C', bed.repository.bare, 'gc', '--quiet', '--aggressive']);
    await bed.fetch();
    const [mirror] = await readdir(bed.mirrors);
    const folder = join(bed.mirrors, mirror!, 'objects', 'pack');
    const index = (await readdir(folder)).find((name) => name.endsWith('.idx'))!;
    // Deltas have two columns more: depth and base.
    const deltas = (await runGit(['verify-pack', '-v', join(folder, index)]))
      .split('\n')
      .filter((line) => line.split(/\s+/).length === 7);
    expect(deltas.length).toBeGreaterThan(1000);
    for (const source of [bed.source, bed.restart()]) {
      const tree = await source.tree(bed.url, head);
      let count = 0;
      for (const folderEntry of await tree.list('apps'))
        for (const { name } of await tree.list(`apps/${folderEntry.name}`)) {
          const path = `apps/${folderEntry.name}/${name}`;
          expect(text(await tree.read(path))).toBe(files[path]);
          count += 1;
        }
      expect(count).toBe(5000);
    }
  }, 60_000);
});

describe('local repositories', () => {
  const fetchLocal = (url: string, ref = 'main') => bed.source.fetch({ url, ref, signal });

  it('reads a bare one, a work tree, a file URL and a linked work tree, and writes nothing there', async () => {
    bed = await createBed();
    const head = await bed.repository.commit({ a: 'committed' }, { message: 'one' });
    await bed.repository.push();
    await writeFile(join(bed.repository.workTree, 'a'), 'changed, not committed');
    const linked = join(bed.folder, 'linked');
    await bed.repository.git('worktree', 'add', '--quiet', '-b', 'side', linked);
    const before = await readdir(bed.repository.bare, { recursive: true });
    for (const url of [
      bed.repository.bare,
      bed.repository.workTree,
      join(bed.repository.workTree, '.git'),
      `file://${bed.repository.bare}`,
      linked,
    ]) {
      expect(await fetchLocal(url)).toMatchObject({ head, bytesReceived: 0 });
      expect(text(await (await bed.source.tree(url, head)).read('a'))).toBe('committed');
    }
    expect(await readdir(bed.repository.bare, { recursive: true })).toEqual(before);
    expect(bed.server.requests().infoRefs).toBe(0);
  });

  it('sees commits, packed refs, tags and gc as they come', async () => {
    bed = await createBed();
    const { workTree } = bed.repository;
    const first = await bed.repository.commit({ a: '1' }, { message: 'one' });
    await bed.repository.git('tag', '--annotate', '--message', 'x', 'v1');
    expect((await fetchLocal(workTree)).head).toBe(first);
    const second = await bed.repository.commit({ a: '2' }, { message: 'two' });
    expect(await bed.source.fetch({ url: workTree, ref: 'main', knownHead: first, signal })).toMatchObject({
      head: second,
      rewritten: false,
    });
    await bed.repository.git('gc', '--quiet', '--prune=now');
    expect((await fetchLocal(workTree)).head).toBe(second);
    expect((await fetchLocal(workTree, 'v1')).head).toBe(first);
    expect((await fetchLocal(workTree, '')).head).toBe(second);
    expect(text(await (await bed.source.tree(workTree, first)).read('a'))).toBe('1');
    const third = await bed.repository.commit({ a: '3' }, { message: 'three' });
    await bed.repository.git('repack', '-a', '-d', '--quiet');
    expect((await fetchLocal(workTree)).head).toBe(third);
    expect(text(await (await bed.source.tree(workTree, third)).read('a'))).toBe('3');
  });

  it('reads through alternates', async () => {
    bed = await createBed();
    const head = await bed.repository.commit({ a: '1' }, { message: 'one' });
    const clone = join(bed.folder, 'shared');
    await runGit(['clone', '--quiet', '--shared', '--bare', bed.repository.workTree, clone]);
    expect((await fetchLocal(clone)).head).toBe(head);
    expect(text(await (await bed.source.tree(clone, head)).read('a'))).toBe('1');
  });

  it('says what is wrong with a path', async () => {
    bed = await createBed();
    const reasons = async (url: string, ref?: string) =>
      (await errorOf(fetchLocal(url, ref))).details?.['reason'];
    expect(await reasons(bed.folder)).toBe('RepositoryNotFound');
    expect(await reasons(join(bed.folder, 'nowhere'))).toBe('RepositoryNotFound');
    expect(await reasons(bed.repository.bare)).toBe('EmptyRepository');
    await bed.repository.commit({ a: '1' }, { message: 'one' });
    await bed.repository.push();
    expect(await reasons(bed.repository.bare, 'other')).toBe('RefNotFound');
    const sha256 = join(bed.folder, 'sha256');
    await runGit(['init', '--quiet', '--object-format=sha256', sha256]);
    expect(await reasons(sha256)).toBe('Unsupported');
  });
});
