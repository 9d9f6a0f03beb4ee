import { describe, expect, it } from 'vitest';
import { digestText } from '../../../shared/manifest/canonical.ts';
import type { RenderNode, RenderRecords } from '../../model/render-memory.ts';
import type { StoreUnderTest } from '../contract.ts';
import { configMap, farFutureMs, rendered, saveTarget, t0, targetOf } from './fixtures.ts';

const request = { nowMs: farFutureMs, eventsKeptMs: 1_000, releasesKeptMs: 1_000, releasesKept: 0 };

function nodeOf(folder: string, bases: readonly RenderNode[] = [], oid = 'a'.repeat(40)): RenderNode {
  const probes = [[`${folder}/kustomization.yaml`, oid]] as const;
  const own = { folder, helm: '', probes, bases: bases.map(({ digest }) => digest) };
  return { digest: digestText(JSON.stringify(own)), oid, ...own };
}

function recordsOf(nodes: readonly RenderNode[], set: string, values = ''): RenderRecords {
  const node = nodes.at(-1)?.digest ?? '';
  return {
    engine: 'engine-1',
    nodes,
    roots: [{ key: 'root', node, variables: values === '' ? [] : ['TIER'] }],
    results: [{ root: 'root', node, values, set, builtFrom: 'overlays/eu' }],
  };
}

export function describeRenders(current: () => StoreUnderTest): void {
  describe('renders', () => {
    it('gives back after a restart what a root was made from, and the set that came of it', async () => {
      const { store, reopen } = current();
      const { set } = await saveTarget(store, targetOf([configMap('a'), configMap('b', 'hidden')], true));
      const base = nodeOf('base');
      const overlay = nodeOf('overlays/eu', [base]);
      await store.renders.save(recordsOf([base, overlay], set.digest, 'v1'));
      const again = await reopen();
      const found = await again.renders.roots(['unknown', 'root']);
      expect(found.roots).toEqual([{ key: 'root', node: overlay.digest, variables: ['TIER'] }]);
      expect(new Set(found.nodes)).toEqual(new Set([base, overlay]));
      const node = overlay.digest;
      const keys = ['v1', 'v2'].map((values) => ({ root: 'root', node, values }));
      expect(await again.renders.results(keys)).toEqual([
        { root: 'root', node, values: 'v1', set, builtFrom: 'overlays/eu' },
      ]);
      expect(await again.renders.results([{ root: 'root', node: base.digest, values: 'v1' }])).toEqual([]);
      // The Secrets of such a set open with the data key, as ever.
      const { objectDigest } = set.entries[1] ?? { objectDigest: '' };
      const secret = rendered(configMap('b', 'hidden'), true);
      expect((await again.content.objects([objectDigest])).get(objectDigest)).toEqual(secret);
    });

    it('forgets the results of a root that is made from something else now', async () => {
      const { store } = current();
      const [one, two] = await Promise.all(
        ['a', 'b'].map((name) => saveTarget(store, targetOf([configMap(name)]))),
      );
      const before = recordsOf([nodeOf('x')], one?.set.digest ?? '', 'v1');
      const after = recordsOf([nodeOf('x', [], 'b'.repeat(40))], two?.set.digest ?? '', 'v2');
      const known = async () => {
        const nodes = [...before.nodes, ...after.nodes];
        const keys = nodes.flatMap(({ digest: node }) =>
          ['v1', 'v2'].map((values) => ({ root: 'root', node, values })),
        );
        return (await store.renders.results(keys)).map(({ node, values }) => [node, values]);
      };
      const latest = [[after.nodes[0]?.digest, 'v2']];
      await store.renders.save(before);
      await store.renders.save(after);
      expect(await known()).toEqual(latest);
      // Those of a render that was given up come with those of the next.
      await store.renders.save({
        engine: before.engine,
        nodes: [...before.nodes, ...after.nodes],
        roots: [...before.roots, ...after.roots],
        results: [...before.results, ...after.results],
      });
      expect(await known()).toEqual(latest);
    });

    it('keeps no result whose set it has not, and no root without one', async () => {
      const { store } = current();
      await store.renders.save(recordsOf([nodeOf('x')], digestText('no set')));
      expect(await store.renders.roots(['root'])).toEqual({ roots: [], nodes: [] });
    });

    it('lets go of all of it with the set, base by base', async () => {
      const { store } = current();
      const { set } = await saveTarget(store, targetOf([configMap('a')]));
      const base = nodeOf('base');
      await store.renders.save(recordsOf([base, nodeOf('x', [base])], set.digest));
      expect((await store.collectGarbage({ ...request, nowMs: t0 })).renders).toBe(0);
      expect(await store.collectGarbage(request)).toMatchObject({ sets: 1, renders: 2 });
      expect(await store.collectGarbage(request)).toMatchObject({ renders: 1 });
      expect(await store.renders.roots(['root'])).toEqual({ roots: [], nodes: [] });
    });

    it('lets go of what another engine has made, and of nothing else', async () => {
      const { store } = current();
      const { set } = await saveTarget(store, targetOf([configMap('a')]));
      await store.renders.save(recordsOf([nodeOf('x')], set.digest));
      const other = recordsOf([nodeOf('y')], set.digest);
      await store.renders.save({
        engine: 'engine-2',
        nodes: other.nodes,
        roots: other.roots.map((root) => ({ ...root, key: 'newer' })),
        results: other.results.map((result) => ({ ...result, root: 'newer' })),
      });
      expect(await store.collectGarbage({ ...request, nowMs: t0 })).toMatchObject({ renders: 1 });
      const { roots } = await store.renders.roots(['root', 'newer']);
      expect(roots.map(({ key }) => key)).toEqual(['newer']);
    });

    it('says which sets are still there', async () => {
      const { store } = current();
      const { set } = await saveTarget(store, targetOf([configMap('a')]));
      await store.renders.save(recordsOf([nodeOf('x')], set.digest));
      expect(await store.renders.refresh([set.digest, 'unknown'])).toEqual([set.digest]);
      await store.collectGarbage(request);
      expect(await store.renders.refresh([set.digest])).toEqual([]);
    });

    it('refuses to be asked for more than 500 keys', async () => {
      const keys = Array.from({ length: 501 }, (_, index) => String(index));
      await expect(current().store.renders.roots(keys)).rejects.toMatchObject({ code: 'invalid_argument' });
    });
  });
}
