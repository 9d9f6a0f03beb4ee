/** What is rendered by a hub that starts again. Each `bed.resolve()` has a renderer of its own over the same store, as a new process would. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FairwayError } from '../../../shared/error/error.ts';
import { sourceKeyOf } from '../../model/revision.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import { resolveKey } from './resolve-loop.ts';

const overlays = 40;
const cluster = (index: number) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: c${index} }\nspec: { variables: { TIER: t${index % 2} } }\n`;
const application = (name: string, spec: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: ${name} }\nspec:\n  source: ${spec}\n  placement: { selector: {} }\n  rollout: { strategy: all-at-once }\n`;
const map = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { value: "${value}" }\n`;

function fleet(): Record<string, string> {
  const files: Record<string, string> = {
    'fleet/shop.yaml': application('shop', `{ path: shop, overlays: ['overlays/{{cluster.name}}'] }`),
    'fleet/tiers.yaml': application('tiers', '{ path: tiers }').replace('spec:', 'spec:\n  substitute: {}'),
    'shop/base/kustomization.yaml': 'resources: [map.yaml, secret.yaml]\n',
    'shop/base/map.yaml': map('shop', 'base'),
    'shop/base/secret.yaml':
      'apiVersion: v1\nkind: Secret\nmetadata: { name: key }\nstringData: { a: hidden }\n',
    'tiers/map.yaml': map('tiers', `\${TIER}`),
  };
  for (let index = 0; index < overlays; index += 1) {
    files[`fleet/c${index}.yaml`] = cluster(index);
    files[`shop/overlays/c${index}/kustomization.yaml`] = 'resources: [../../base, own.yaml]\n';
    files[`shop/overlays/c${index}/own.yaml`] = map('own', String(index));
  }
  return files;
}

let bed: LoopBed;
beforeEach(async () => {
  bed = await createLoopBed();
});
afterEach(() => bed.close());

const assigned = async () =>
  new Map(
    (await bed.store.releases.assignments({})).map((one) => [
      `${one.cluster} ${one.application}`,
      one.targetDigest,
    ]),
  );
const nothing = { directoriesBuilt: 0, filesRead: 0, filesParsed: 0, bytesParsed: 0 };

describe('a hub that starts again', () => {
  it('renders nothing of a revision that it has rendered before, and comes to the same', async () => {
    await bed.commit(fleet());
    await bed.resolve();
    expect(bed.rendered()).toMatchObject({ directoriesBuilt: overlays + 2 });
    const before = await assigned();
    expect(before.size).toBe(2 * overlays);
    await bed.resolve();
    expect(bed.rendered()).toMatchObject(nothing);
    expect(await assigned()).toEqual(before);
  });

  it('renders of another commit what reads the changed file, and the base under it', async () => {
    const files = fleet();
    await bed.commit(files);
    await bed.resolve();
    const before = await assigned();
    files['shop/overlays/c7/own.yaml'] = map('own', 'changed');
    files['shop/base/README.md'] = 'nobody reads this\n';
    await bed.commit(files);
    await bed.resolve();
    // The overlay's two files and the base's three.
    expect(bed.rendered()).toMatchObject({ directoriesBuilt: 2, filesRead: 5 });
    const after = await assigned();
    const changed = [...after].filter(([key, digest]) => before.get(key) !== digest);
    expect(changed.map(([key]) => key)).toEqual(['c7 shop']);
    await bed.resolve();
    expect(bed.rendered()).toMatchObject(nothing);
  });

  it('renders all that stands on a base of which a file changed or came', async () => {
    const files = fleet();
    await bed.commit(files);
    await bed.resolve();
    files['shop/base/map.yaml'] = map('shop', 'changed');
    await bed.commit(files);
    await bed.resolve();
    expect(bed.rendered()).toMatchObject({ directoriesBuilt: overlays + 1 });
    // A second kustomization file is an error, though nobody has read it before.
    files['shop/base/kustomization.yml'] = '';
    await bed.commit(files);
    await bed.resolve();
    const [first] = (await bed.store.fleet.resolutions()).filter(({ application: name }) => name === 'shop');
    expect(first?.problems[0]?.problem.message).toContain('expected one kustomization file');
  });

  it('renders for a cluster whose variables changed, and for it alone', async () => {
    const files = fleet();
    await bed.commit(files);
    await bed.resolve();
    const before = await assigned();
    files['fleet/c3.yaml'] = cluster(3).replace('t1', 't9');
    await bed.commit(files);
    await bed.resolve();
    expect(bed.rendered()).toMatchObject({ directoriesBuilt: 1, filesRead: 1 });
    const changed = [...(await assigned())].filter(([key, digest]) => before.get(key) !== digest);
    expect(changed.map(([key]) => key)).toEqual(['c3 tiers']);
  });

  it('remembers what was rendered for a plan that could not be saved at first', async () => {
    await bed.commit(fleet());
    const savePlan = vi.fn(bed.store.releases.savePlan);
    savePlan.mockRejectedValueOnce(new FairwayError('unavailable', 'busy'));
    const loop = bed.resolveLoop({ ...bed.store, releases: { ...bed.store.releases, savePlan } });
    for (const failures of [1, 0]) {
      loop.wake(resolveKey);
      await loop.idle();
      expect(loop.state()).toMatchObject([{ failures }]);
    }
    await loop.stop();
    await bed.resolve();
    expect(bed.rendered()).toMatchObject(nothing);
  });

  it('renders anew what the store has let go', async () => {
    await bed.commit(fleet());
    await bed.resolve();
    const before = await assigned();
    const forgetful = { ...bed.store, renders: { ...bed.store.renders, results: async () => [] } };
    await bed.resolve(forgetful);
    expect(bed.rendered()).toMatchObject({ directoriesBuilt: overlays + 2 });
    expect(await assigned()).toEqual(before);
  });

  it('hands on the Secrets of a set that it has not rendered itself', async () => {
    await bed.commit(fleet());
    await bed.resolve();
    await bed.resolve();
    const [digest = ''] = [...(await assigned()).values()];
    const target = await bed.store.content.target(digest);
    const secret = target?.set.entries.find(({ key }) => key.kind === 'Secret')?.objectDigest ?? '';
    const found = (await bed.store.content.objects([secret])).get(secret);
    expect(found).toMatchObject({ secret: true, content: expect.stringContaining('hidden') });
  });
});

describe('applications that follow two branches of one folder', () => {
  const branch = async (files: Readonly<Record<string, string>>) => {
    const head = await bed.commit(files);
    const status = { key: sourceKeyOf('', 'live'), url: bed.root.url, ref: 'live', head, conditions: [] };
    await bed.store.sources.save({ ...status, headSeenAtMs: 0, lastAttemptAtMs: 0 });
  };
  const placed = (name: string, ref: string, at: string) =>
    application(name, `{ path: tiers${ref} }`)
      .replace('spec:', 'spec:\n  substitute: {}')
      .replace('{ selector: {} }', `{ clusters: [${at}] }`);
  const files = (next: string, live: string) => ({
    'fleet/c0.yaml': cluster(0),
    'fleet/c1.yaml': cluster(1),
    'fleet/a.yaml': placed('next', '', next),
    'fleet/b.yaml': placed('live', ', ref: live', live),
    'tiers/map.yaml': map('tiers', `next \${TIER}`),
  });
  const contents = async (place: string) => {
    const target = await bed.store.content.target((await assigned()).get(place) ?? '');
    const digests = target?.set.entries.map(({ objectDigest }) => objectDigest) ?? [];
    return [...(await bed.store.content.objects(digests)).values()].map(({ content }) => content).join();
  };

  it('are told apart, and both remembered', async () => {
    await branch({ 'tiers/map.yaml': map('tiers', `live \${TIER}`) });
    await bed.commit(files('c0', 'c1'));
    await bed.resolve();
    expect([await contents('c0 next'), await contents('c1 live')]).toEqual([
      expect.stringContaining('next t0'),
      expect.stringContaining('live t1'),
    ]);
    await bed.commit(files('c1', 'c0'));
    await bed.resolve();
    expect([await contents('c1 next'), await contents('c0 live')]).toEqual([
      expect.stringContaining('next t1'),
      expect.stringContaining('live t0'),
    ]);
    await bed.resolve();
    expect(bed.rendered()).toMatchObject(nothing);
  });
});

describe('a commit that comes while another is rendered', () => {
  it('is rendered instead of it', async () => {
    const files = fleet();
    const first = await bed.commit(files);
    const { promise: reading, resolve: read } = Promise.withResolvers<void>();
    const { tree } = bed.source;
    vi.spyOn(bed.source, 'tree').mockImplementation(async (url, sha) => {
      const found = await tree(url, sha);
      if (sha !== first) return found;
      return {
        ...found,
        async read(path) {
          if (!path.startsWith('shop/')) return found.read(path);
          read();
          // Takes its time.
          await new Promise((resolve) => setImmediate(resolve));
          return found.read(path);
        },
      };
    });
    const loop = bed.resolveLoop();
    loop.wake(resolveKey);
    await reading;
    files['shop/overlays/c7/own.yaml'] = map('own', 'changed');
    const second = await bed.commit(files);
    loop.wake(resolveKey);
    await loop.idle();
    await loop.stop();
    const { items } = await bed.store.sources.revisions({ limit: 10 });
    expect(items.map(({ commit }) => commit.sha)).toEqual([second]);
    expect((await assigned()).size).toBe(2 * overlays);
  });
});
