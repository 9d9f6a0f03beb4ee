import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Condition } from '../../../shared/condition/condition.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { createMemoryTree } from '../../render/memory-tree.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import { createRemoteBases } from './remote-bases.ts';

const resource = (kind: string, name: string, spec: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
const library = 'https://git.example/org/library.git';
const fleet = (address: string, repository = library) => ({
  'fleet/one.yaml': resource('Cluster', 'one', '{}'),
  'fleet/shop.yaml': resource(
    'Application',
    'shop',
    '{ source: { path: shop }, placement: { clusters: [one] }, rollout: { strategy: all-at-once } }',
  ),
  ...(repository && { 'fleet/library.yaml': resource('Repository', 'library', `{ url: "${repository}" }`) }),
  'shop/kustomization.yaml': `resources:\n- "${address}"\n`,
});
const base = (value: string) => ({
  'base/kustomization.yaml': 'resources: [map.yaml]\n',
  'base/map.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata: { value: "${value}" }\n`,
});

let bed: LoopBed;
beforeEach(async () => {
  bed = await createLoopBed();
});
afterEach(() => bed.close());

/** Makes this the head that the source loop has brought; the root's stays as it is. */
const bring = async (key: string, files: Readonly<Record<string, string>>) => {
  const root = await bed.store.sources.get(bed.root.key);
  const head = await bed.commit(files);
  if (root) await bed.store.sources.save(root);
  const ref = key.slice(key.indexOf('@') + 1);
  await bed.store.sources.save({
    key,
    url: library,
    ref,
    head,
    headSeenAtMs: 0,
    lastAttemptAtMs: 0,
    conditions: [],
  });
  return head;
};
const problems = async () =>
  (await bed.store.fleet.resolutions()).flatMap((one) => one.problems.map(({ problem }) => problem));
const sources = async () => (await bed.store.sources.latestRevision())?.sources;

describe('remote bases in the resolve loop', () => {
  it('are followed when rendering asks for them, and rendered when they have come', async () => {
    await bed.commit(fleet(`${library}//base?ref=v1`));
    await bed.resolve();
    expect(await problems()).toEqual([
      expect.objectContaining({ code: 'unavailable', file: 'shop/kustomization.yaml', line: 2 }),
    ]);
    expect(bed.followed.at(-1)?.get('library@v1')).toEqual({ key: 'library@v1', url: library, ref: 'v1' });
    const head = await bring('library@v1', base('1'));
    await bed.resolve();
    expect(await problems()).toEqual([]);
    expect(await sources()).toEqual({ 'library@v1': head });
  });

  it('make a new revision when their branch moves, and none when nothing did', async () => {
    const commit = await bed.commit(fleet(`${library}//base?ref=main`));
    await bring('library@main', base('1'));
    await bed.resolve();
    const first = await bed.store.sources.latestRevision();
    await bed.resolve();
    expect((await bed.store.sources.latestRevision())?.id).toBe(first?.id);
    const moved = await bring('library@main', base('2'));
    await bed.resolve();
    const second = await bed.store.sources.latestRevision();
    expect(second?.id).not.toBe(first?.id);
    expect(second?.commit.sha).toBe(commit);
    expect(second?.sources).toEqual({ 'library@main': moved });
  });

  it('that are gone, or no longer declared, leave what runs as it is', async () => {
    await bed.commit(fleet(`${library}//base?ref=main`));
    const head = await bring('library@main', base('1'));
    await bed.resolve();
    const running = await bed.store.releases.assignments({});
    expect(running).toEqual([expect.objectContaining({ application: 'shop', removed: false })]);
    const status = await bed.store.sources.get('library@main');
    const gone: Condition = {
      type: 'Ready',
      status: 'False',
      reason: 'RefNotFound',
      message: 'gone',
      lastTransitionTimeMs: 0,
    };
    if (status) await bed.store.sources.save({ ...status, conditions: [gone] });
    await bed.resolve();
    expect(await problems()).toEqual([]);
    expect(await sources()).toEqual({ 'library@main': head });
    expect(await bed.store.releases.assignments({})).toEqual(running);
    await bed.commit({ ...fleet(`${library}//base?ref=main`, ''), 'fleet/library.yaml': '' });
    await bed.resolve();
    expect(await problems()).toEqual([expect.objectContaining({ code: 'not_found', line: 2 })]);
    expect(await bed.store.releases.assignments({})).toEqual(running);
    // Another ref that was never there takes nothing away either.
    await bed.commit(fleet(`${library}//base?ref=never`));
    await bed.store.sources.save({
      key: 'library@never',
      url: library,
      ref: 'never',
      head: undefined,
      headSeenAtMs: undefined,
      lastAttemptAtMs: 0,
      conditions: [gone],
    });
    await bed.resolve();
    expect(await problems()).toEqual([
      expect.objectContaining({
        message: expect.stringContaining('source library@never was never fetched: gone'),
      }),
    ]);
    expect(await bed.store.releases.assignments({})).toEqual(running);
  });

  it('stay followed over a restart, before anything was rendered', async () => {
    await bed.commit(fleet(`${library}//base?ref=v1`));
    await bring('library@v1', base('1'));
    await bed.resolve();
    const calls = bed.followed.length;
    await bed.resolve();
    expect(bed.followed[calls]?.has('library@v1')).toBe(true);
  });

  it('are no longer followed when nobody asks any more', async () => {
    await bed.commit(fleet(`${library}//base?ref=v1`));
    await bring('library@v1', base('1'));
    await bed.resolve();
    await bed.commit({
      ...fleet(''),
      'shop/kustomization.yaml': 'resources: [map.yaml]\n',
      'shop/map.yaml': base('1')['base/map.yaml'],
    });
    await bed.resolve();
    expect(bed.followed.at(-1)?.has('library@v1')).toBe(false);
    expect(await sources()).toEqual({});
  });

  it('are refused without a Repository, saying what to write', async () => {
    await bed.commit(fleet('git@git.example:org/library.git//base?ref=v1', ''));
    await bed.resolve();
    expect(await problems()).toEqual([
      expect.objectContaining({
        code: 'not_found',
        file: 'shop/kustomization.yaml',
        line: 2,
        message: expect.stringContaining(
          'metadata: {name: library}, spec: {url: https://git.example/org/library.git}',
        ),
      }),
    ]);
  });
});

describe('createRemoteBases', () => {
  const declared = (urls: Readonly<Record<string, string>>) => ({
    repositories: new Map(
      Object.entries(urls).map(([name, url]) => [
        name,
        { name, url, ref: 'stable', origin: { file: '', line: 0, commit: '' } },
      ]),
    ),
  });
  const find = async (urls: Readonly<Record<string, string>>, url: string, ref = 'v1') => {
    const bases = createRemoteBases({
      rootUrl: 'https://git.example/org/fleet',
      fleet: declared(urls),
      treeOf: async () => createMemoryTree({}),
    });
    await bases.remoteTree({ url, ref });
    return [...bases.asked.values()];
  };

  it('reads from the URL that is declared, however the kustomization spells it', async () => {
    const urls = { library };
    for (const url of ['git@git.example:org/library', 'https://user@git.example/org/library.git', library])
      expect(await find(urls, url)).toEqual([{ key: 'library@v1', url: library, ref: 'v1' }]);
    await expect(find(urls, 'https://git.example/org/library2.git')).rejects.toThrow(FairwayError);
    await expect(find(urls, 'https://other.example/org/library.git')).rejects.toThrow('no Repository');
  });

  it.each([
    [
      'ssh://git@git.example:7999/org/My_Lib.git',
      '{name: my-lib}, spec: {url: https://git.example/org/My_Lib.git}',
    ],
    ['git@git.example:org/lib', '{name: lib}, spec: {url: https://git.example/org/lib}'],
    ['https://git.example@evil.example/org/library', '{name: library}'],
    ['https://evil.example\\@git.example/org/library', '{name: library}'],
    ['https://git.example:8443/org/library', '{name: library}'],
    ['https://git.example/org/library/..', 'no Repository'],
    ['file:///org/library.git', 'they are read over https:// or http://'],
    ['/org/library.git', 'no Repository'],
  ])('does not know %s, and says what can be declared', async (url, words) => {
    await expect(find({ library }, url)).rejects.toThrow(words);
  });

  it('takes the one that is written the same way before one that is alike', async () => {
    const urls = { upper: 'https://git.example/org/Library.git', library };
    expect(await find(urls, library)).toEqual([expect.objectContaining({ key: 'library@v1' })]);
  });

  it('takes the default branch where no ref is stated, as kustomize does', async () => {
    expect(await find({ library }, library, '')).toEqual([
      { key: 'library@HEAD', url: library, ref: 'HEAD' },
    ]);
  });

  it('knows the repository of the fleet itself', async () => {
    expect(await find({}, 'https://git.example/org/fleet.git')).toEqual([
      { key: '@v1', url: 'https://git.example/org/fleet', ref: 'v1' },
    ]);
  });
});
