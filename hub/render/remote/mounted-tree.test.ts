import { describe, expect, it } from 'vitest';
import { FairwayError } from '../../../shared/error/error.ts';
import { plainCluster as cluster } from '../../model/cluster.test-support.ts';
import type { RemoteRef, TreeReader } from '../../model/tree.ts';
import { createMemoryTree } from '../memory-tree.ts';
import { createRenderer, type Renderer } from '../renderer.ts';
import { createMountedTree } from './mounted-tree.ts';

const map = (name: string, value = '1') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { value: "${value}" }\n`;
const repository = 'https://git.example/org/base';
const base = (value: string, more = '') => ({
  'web/kustomization.yaml': 'resources: [map.yaml]\n',
  'web/map.yaml': map('web', value),
  'other/readme': more,
});
const overlay = (address: string) => ({
  'app/kustomization.yaml': `namePrefix: p-\nresources:\n- ${JSON.stringify(address)}\n`,
});

/** Each repository at a ref, or why it cannot be had. */
type Remotes = Readonly<Record<string, TreeReader | FairwayError>>;

const mounted = (files: Readonly<Record<string, string>>, remotes: Remotes, asked: RemoteRef[] = []) =>
  createMountedTree(createMemoryTree(files), {
    async remoteTree(remote) {
      asked.push(remote);
      const found = remotes[`${remote.url}@${remote.ref}`];
      if (found === undefined) throw new FairwayError('not_found', 'nobody declared it');
      if (found instanceof FairwayError) throw found;
      return found;
    },
  });

const render = async (
  tree: TreeReader,
  renderer: Renderer = createRenderer({ digestKey: new Uint8Array(32) }),
) => {
  const source = { repository: '', ref: '', path: 'app', overlays: [] };
  const result = await renderer.render({ source, cluster, tree });
  if (!result.ok) return result.problems;
  return [...result.rendered.objects.values()].map(({ content }) => {
    const { metadata, data } = JSON.parse(content);
    return `${metadata.name} ${data?.value}`;
  });
};

describe('a base in another repository', () => {
  it('is built at the commit that the port gives', async () => {
    const asked: RemoteRef[] = [];
    const tree = mounted(
      overlay(`${repository}//web?ref=v1`),
      { [`${repository}@v1`]: createMemoryTree(base('1')) },
      asked,
    );
    expect(await render(tree)).toEqual(['p-web 1']);
    expect(asked).toEqual([{ url: repository, ref: 'v1' }]);
  });

  it('is built anew when its branch has moved, and only when that changed what it reads', async () => {
    const renderer = createRenderer({ digestKey: new Uint8Array(32) });
    const at = (value: string, more: string) =>
      render(
        mounted(overlay(`${repository}//web?ref=main`), {
          [`${repository}@main`]: createMemoryTree(base(value, more)),
        }),
        renderer,
      );
    expect(await at('1', 'a')).toEqual(['p-web 1']);
    const before = renderer.stats().directoriesBuilt;
    expect(await at('1', 'b')).toEqual(['p-web 1']);
    expect(renderer.stats().directoriesBuilt).toBe(before);
    expect(await at('2', 'b')).toEqual(['p-web 2']);
    expect(renderer.stats().directoriesBuilt).toBe(before + 2);
  });

  it('is no longer used when it may not be, though it was built before', async () => {
    const renderer = createRenderer({ digestKey: new Uint8Array(32) });
    const files = overlay(`${repository}//web?ref=v1`);
    await render(mounted(files, { [`${repository}@v1`]: createMemoryTree(base('1')) }), renderer);
    expect(await render(mounted(files, {}), renderer)).toEqual([
      expect.objectContaining({ code: 'not_found', file: 'app/kustomization.yaml', line: 3 }),
    ]);
  });

  it('that is not here yet is a problem that passes', async () => {
    const away = new FairwayError('unavailable', 'it is being fetched');
    const tree = mounted(overlay(`${repository}//web?ref=v1`), { [`${repository}@v1`]: away });
    expect(await render(tree)).toEqual([
      {
        code: 'unavailable',
        file: 'app/kustomization.yaml',
        line: 3,
        field: expect.any(String),
        message: `"${repository}//web?ref=v1" cannot be had: it is being fetched`,
      },
    ]);
  });

  it('that breaks on the way is no problem of an author', async () => {
    const broken = new FairwayError('data_loss', 'the disk is bad');
    const tree = mounted(overlay(`${repository}//web?ref=v1`), { [`${repository}@v1`]: broken });
    await expect(render(tree)).rejects.toThrow('the disk is bad');
  });

  it('may follow links within its repository, and none out of it', async () => {
    const linked = createMemoryTree({
      ...base('1'),
      'to/web': { link: '../web' },
      'to/out': { link: '../../app' },
    });
    const at = (path: string) =>
      render(mounted(overlay(`${repository}//${path}?ref=v1`), { [`${repository}@v1`]: linked }));
    expect(await at('to/web')).toEqual(['p-web 1']);
    expect(await at('to/out')).toEqual([
      expect.objectContaining({ message: expect.stringContaining('leads out of the repository') }),
    ]);
  });

  it.each([
    ['https://raw.githubusercontent.com/org/repo/main/web.yaml', 'is a file over HTTP'],
    ['https://files.example/web.yaml', 'is a file over HTTP'],
    ['https://files.example/web', 'is a file over HTTP'],
    ['oci://registry.example/org/base:v1', 'OCI artifacts are not read'],
    [`${repository}//web?ref=//v1`, 'is no branch, tag or commit'],
    [`${repository}//none?ref=v1`, 'there is no such folder'],
  ])('%s is refused by name and line', async (address, words) => {
    const tree = mounted(overlay(address), { [`${repository}@v1`]: createMemoryTree(base('1')) });
    expect(await render(tree)).toEqual([
      expect.objectContaining({
        file: 'app/kustomization.yaml',
        line: 3,
        message: expect.stringContaining(words),
      }),
    ]);
  });

  it('is never shown with a password or token, nor asked for with one', async () => {
    const asked: RemoteRef[] = [];
    const at = (address: string) => render(mounted(overlay(address), {}, asked));
    const addresses = [
      'https://joe:s3cret@git.example/org/base//web?ref=v1',
      'git::https://:s3cret@git.example/org/base//web?ref=v1',
      'ssh://git:s3cret@git.example/org/base//web',
      'https://s3cret@git.example/org/base//web?ref=v1',
      'https://a@b:s3cret@git.example/org/base//web',
      'https://joe:s3cret@files.example/web.yaml',
      'https://joe:s3cret@git.example/org/base//web/../..//../../x',
    ];
    for (const address of addresses) {
      const problems = await at(address);
      expect(problems, address).toEqual([
        expect.objectContaining({ file: 'app/kustomization.yaml', line: 3 }),
      ]);
      expect(JSON.stringify(problems)).not.toContain('s3cret');
    }
    expect(await at(addresses[0] ?? '')).toEqual([
      expect.objectContaining({ message: expect.stringContaining('is written with a password') }),
    ]);
    expect(asked).toEqual([{ url: repository, ref: 'v1' }]);
  });

  it('is refused where no other repository is read', async () => {
    expect(await render(createMemoryTree(overlay(`${repository}//web?ref=v1`)))).toEqual([
      expect.objectContaining({ code: 'unsupported', file: 'app/kustomization.yaml', line: 3 }),
    ]);
  });

  it('is not reached by the path of an Application', async () => {
    const tree = mounted({ 'app/a.yaml': map('own') }, { [`${repository}@v1`]: createMemoryTree(base('1')) });
    const renderer = createRenderer({ digestKey: new Uint8Array(32) });
    const source = { repository: '', ref: '', path: `${repository}?ref=v1//web`, overlays: [] };
    expect(await renderer.render({ source, cluster, tree })).toMatchObject({ ok: false });
  });
});
