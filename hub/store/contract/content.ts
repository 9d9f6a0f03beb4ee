import { describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import { assign, configMap, rendered, saveTarget, targetOf } from './fixtures.ts';

export function describeContent(current: () => StoreUnderTest): void {
  describe('content', () => {
    it('gives back small and large objects, plain and secret, after a restart', async () => {
      const { store, reopen } = current();
      const plain = targetOf([configMap('small'), configMap('large', 'x'.repeat(100_000))]);
      const secret = targetOf([configMap('hidden', 'y'.repeat(1_000))], true);
      await saveTarget(store, plain);
      await saveTarget(store, secret);
      const again = await reopen();
      const all = [...plain.objects, ...secret.objects];
      const found = await again.content.objects([...all.map(({ digest }) => digest), 'unknown']);
      expect([...found.values()]).toEqual(all);
      expect(await again.content.target(plain.target.digest)).toEqual(plain.target);
    });

    it('skips what it knows', async () => {
      const { store } = current();
      const saved = targetOf([configMap('a')]);
      await saveTarget(store, saved);
      await saveTarget(store, saved);
      // A known object need not be given again.
      await store.content.saveSets([saved.target.set], []);
      const found = await store.content.targets([saved.target.digest, 'unknown']);
      expect([...found.keys()]).toEqual([saved.target.digest]);
      expect(await store.content.target('unknown')).toBeUndefined();
    });

    it('refuses a set without its objects and a target without its set, and keeps neither', async () => {
      const { store } = current();
      const { target, objects } = targetOf([configMap('a'), configMap('b')]);
      const refused = { code: 'failed_precondition' };
      await expect(store.content.saveSets([target.set], objects.slice(0, 1))).rejects.toMatchObject(refused);
      expect((await store.content.objects(objects.map(({ digest }) => digest))).size).toBe(0);
      await expect(store.content.saveTargets([target])).rejects.toMatchObject(refused);
    });

    it('refuses to be asked for more than 1,000 objects', async () => {
      const digests = Array.from({ length: 1_001 }, (_, index) => String(index));
      await expect(current().store.content.objects(digests)).rejects.toMatchObject({
        code: 'invalid_argument',
      });
    });

    it('knows which objects a cluster may not see', async () => {
      const { store } = current();
      await assign(store, 'eu-1', 'web', 'mine');
      await assign(store, 'eu-2', 'web', 'theirs');
      const mine = rendered(configMap('web', 'mine')).digest;
      const theirs = rendered(configMap('web', 'theirs')).digest;
      expect(await store.content.unreachable('eu-1', [mine, theirs, 'none'])).toEqual([theirs, 'none']);
      await assign(store, 'eu-1', 'web', 'next');
      expect(await store.content.unreachable('eu-1', [mine])).toEqual([mine]);
    });
  });
}
