import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../shared/clock/clock.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { isolatedGitEnvironment } from '../../cli/demo/git-program.ts';
import { createGitSource, type GitSource } from '../git-source.ts';
import { type CommitScript, createGitScript, type GitScript } from './blame.test-support.ts';
import type { BlameLimits } from './blame.ts';

const signal = new AbortController().signal;
const lines = (...texts: readonly string[]) => texts.map((text) => `${text}\n`).join('');

describe('blame', () => {
  let folder: string;
  let source: GitSource;
  let made = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fairway-blame-'));
    source = createGitSource({
      directory: join(folder, 'mirrors'),
      credentials: { forUrl: async () => undefined },
      clock: systemClock,
      log: silentLogger,
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const create = (): GitScript => {
    made += 1;
    return createGitScript(join(folder, `r${made}.git`));
  };

  const blameFile = async (url: string, commit: string, path: string, limits?: Partial<BlameLimits>) => {
    const all = Array.from({ length: 2_000 }, (_, at) => at + 1);
    const blame = await source.blame({ url, commit, files: [{ path, lines: all }], limits, signal });
    return [...(blame.get(path) ?? [])];
  };

  /** The same, by the program: `sha path line`, by line. */
  const expectAsGit = async (script: GitScript, path: string) => {
    const ours = (await blameFile(script.folder, script.head(), path)).map(
      ([line, at]) => `${line}: ${at.commit.sha} ${at.path} ${at.line} ${at.atOrBefore ?? ''}`,
    );
    const theirs = script.blame(path).map((at) => `${at.finalLine}: ${at.sha} ${at.path} ${at.line} `);
    expect(ours).toEqual(theirs);
    return ours.length;
  };

  it('names the commit, author, date and subject of each line of a line of commits', async () => {
    const script = create();
    const first = script.commit({
      files: { 'a.yaml': lines('one', 'two', 'three') },
      message: 'First\n\nbody',
    });
    const second = script.commit({
      files: { 'a.yaml': lines('zero', 'one', 'two!', 'three') },
      author: 'Ada <ada@example.com>',
      timeMs: 1_700_000_000_000,
    });
    script.commit({ files: { 'b.yaml': lines('elsewhere') } });
    const found = await blameFile(script.folder, script.head(), 'a.yaml');
    expect(found.map(([line, { commit, line: there }]) => [line, commit.sha, there])).toEqual([
      [1, second, 1],
      [2, first, 1],
      [3, second, 3],
      [4, first, 3],
    ]);
    expect(found[0]?.[1].commit.author).toEqual({
      name: 'Ada',
      email: 'ada@example.com',
      timeMs: 1_700_000_000_000,
    });
    expect(found[1]?.[1].commit.message).toBe('First\n\nbody');
    await expectAsGit(script, 'a.yaml');
  });

  it('answers for the lines asked for only, and leaves out files and lines that are not there', async () => {
    const script = create();
    const sha = script.commit({ files: { 'a.yaml': lines('one', 'two'), 'd/b.yaml': lines('x') } });
    const files = [
      { path: 'a.yaml', lines: [2, 2, 9, 0] },
      { path: 'd', lines: [1] },
      { path: 'missing/b.yaml', lines: [1] },
      { path: 'd/b.yaml', lines: [1] },
    ];
    const blame = await source.blame({ url: script.folder, commit: sha, files, signal });
    expect([...blame].map(([path, found]) => [path, [...found.keys()]])).toEqual([
      ['a.yaml', [2]],
      ['d/b.yaml', [1]],
    ]);
  });

  it('follows the first parent that has a line through merges', async () => {
    const script = create();
    const base = lines('a', 'b', 'c', 'd', 'e', 'f');
    script.commit({ files: { f: base } });
    script.commit({ files: { f: base.replace('b', 'B') }, branch: 'left', parents: ['main'] });
    script.commit({ files: { f: base.replace('e', 'E') }, branch: 'right', parents: ['main'] });
    script.commit({
      files: { f: base.replace('b', 'B').replace('e', 'E').replace('c', 'resolved') },
      parents: ['left', 'right'],
    });
    expect(await expectAsGit(script, 'f')).toBe(6);
  });

  it('takes the whole file from the second parent that has the same', async () => {
    const script = create();
    script.commit({ files: { f: lines('a', 'b') } });
    script.commit({ files: { f: lines('a', 'new', 'b') }, branch: 'side', parents: ['main'] });
    script.commit({ files: { g: lines('other') } });
    script.commit({ files: { f: lines('a', 'new', 'b') }, parents: ['main', 'side'] });
    await expectAsGit(script, 'f');
  });

  it('follows a file that was renamed, as it was or with changes, and not one that was copied', async () => {
    const script = create();
    const text = lines(
      'kind: Deployment',
      'metadata:',
      '  name: web',
      'spec:',
      '  replicas: 2',
      '  paused: false',
    );
    script.commit({ files: { 'a/deployment.yaml': text, 'other.yaml': lines('x', 'y') } });
    script.commit({ files: { 'a/deployment.yaml': null, 'base/deployment.yaml': text } });
    await expectAsGit(script, 'base/deployment.yaml');
    script.commit({ files: { 'base/deployment.yaml': null, 'base/web.yaml': text.replace('2', '3') } });
    await expectAsGit(script, 'base/web.yaml');
    script.commit({ files: { 'base/copy.yaml': text.replace('2', '3') } });
    await expectAsGit(script, 'base/copy.yaml');
    // Half and half: another file was written in its place.
    script.commit({
      files: { 'base/web.yaml': null, 'base/new.yaml': lines('kind: Deployment', 'nothing else') },
    });
    await expectAsGit(script, 'base/new.yaml');
  });

  it('begins anew where a file was deleted and added again', async () => {
    const script = create();
    script.commit({ files: { f: lines('a', 'b'), g: lines('g') } });
    script.commit({ files: { f: null } });
    const again = script.commit({ files: { f: lines('a', 'b', 'c') } });
    const found = await blameFile(script.folder, script.head(), 'f');
    expect(new Set(found.map(([, at]) => at.commit.sha))).toEqual(new Set([again]));
    await expectAsGit(script, 'f');
  });

  it.each([
    ['carriage returns', 'a\r\nb\r\n', 'a\nb\r\nc\r\n'],
    ['a missing line end', 'a\nb', 'a\nb\n'],
    ['a line end that goes', 'a\nb\n', 'a\nb'],
    ['lines that moved', lines('a', 'b', 'c', 'd'), lines('c', 'd', 'a', 'b')],
    [
      'an item beside its like',
      lines('- name: a', '  x: 1', '- name: b', '  x: 1'),
      lines('- name: a', '  x: 1', '- name: c', '  x: 1', '- name: b', '  x: 1'),
    ],
    ['a file of one line', 'a', 'b'],
    ['an empty file', '', 'a\n'],
    ['bytes that are no text', 'a\0b\xff\n', 'a\0b\xff\nc\n'],
  ])('knows %s as Git does', async (_, before, after) => {
    const script = create();
    script.commit({ files: { f: before } });
    script.commit({ files: { f: after } });
    await expectAsGit(script, 'f');
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'says what git blame says of generated histories (seed %i)',
    async (seed) => {
      const script = create();
      const paths = script.grow(seed, 40);
      let compared = 0;
      for (const path of paths) compared += await expectAsGit(script, path);
      expect(compared).toBeGreaterThan(20);
    },
    60_000,
  );

  it('walks once for several files, and again for nothing', async () => {
    const script = create();
    const paths = script.grow(42, 20);
    const files = paths.map((path) => ({ path, lines: [1, 2, 3] }));
    const request = { url: script.folder, commit: script.head(), files, signal };
    const blame = await source.blame(request);
    expect(blame.size).toBe(paths.length);
    // What is known needs no walk: not one commit may be looked at.
    expect(await source.blame({ ...request, limits: { commitsMax: 0 } })).toEqual(blame);
  });

  it('counts lines of a file on disk, and knows which are not committed', async () => {
    const script = create();
    const sha = script.commit({ files: { f: lines('a', 'b') } });
    const content = new TextEncoder().encode(lines('new', 'a', 'changed', 'b'));
    const files = [
      { path: 'f', lines: [1, 2, 3, 4], content },
      { path: 'g', lines: [1], content },
    ];
    const blame = await source.blame({ url: script.folder, commit: sha, files, signal });
    const found = [...blame].map(([path, answers]) => [
      path,
      [...answers].map(([line, at]) => [line, at.line]),
    ]);
    expect(found).toEqual([
      [
        'f',
        [
          [2, 1],
          [4, 2],
        ],
      ],
    ]);
  });

  it('says at or before where it had to end, and never keeps that', async () => {
    const script = create();
    const first = script.commit({ files: { f: lines('old', 'x') } });
    for (let at = 0; at < 5; at += 1) script.commit({ files: { g: lines(String(at)) } });
    const last = script.commit({ files: { f: lines('old', 'new') } });
    const cut = await blameFile(script.folder, last, 'f', { commitsMax: 2 });
    expect(cut.map(([line, { atOrBefore }]) => [line, atOrBefore])).toEqual([
      [1, 'bounded'],
      [2, undefined],
    ]);
    expect(cut[0]?.[1].commit.sha).not.toBe(first);
    const whole = await blameFile(script.folder, last, 'f');
    expect(whole.map(([, { commit, atOrBefore }]) => [commit.sha, atOrBefore])).toContainEqual([
      first,
      undefined,
    ]);
  });

  it('says at or before the border of a shallow clone', async () => {
    const script = create();
    script.commit({ files: { f: lines('a', 'b') } });
    const border = script.commit({ files: { g: lines('x') } });
    const last = script.commit({ files: { f: lines('a', 'B') } });
    const shallow = join(folder, 'shallow.git');
    spawnSync('git', ['clone', '-q', '--bare', '--depth', '2', `file://${script.folder}`, shallow], {
      env: { ...isolatedGitEnvironment },
    });
    const found = await blameFile(shallow, last, 'f');
    expect(found.map(([line, { commit, atOrBefore }]) => [line, commit.sha, atOrBefore])).toEqual([
      [1, border, 'shallow'],
      [2, last, undefined],
    ]);
  });

  it('is cancelled by its signal', async () => {
    const script = create();
    const commits: CommitScript[] = [{ files: { f: lines('a') } }, { files: { f: lines('b') } }];
    for (const commit of commits) script.commit(commit);
    const request = { url: script.folder, commit: script.head(), files: [{ path: 'f', lines: [1] }] };
    await expect(source.blame({ ...request, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});
