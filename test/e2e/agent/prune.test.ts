/** Deleting what left the set: by waves, never too much unasked, and told while it takes. */
import { afterAll, describe, expect, it } from 'vitest';
import type { KubeClient, WatchEvent } from '../../../agent/kube/kube-client.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-prune');
const at = bed as Bed;
afterAll(() => bed?.stop());

function configMap(name: string, wave = 0, finalizers: readonly string[] = []): Manifest {
  const annotations = { 'fairway.dev/wave': String(wave) };
  const metadata = { name, namespace: 'default', annotations, ...(finalizers.length > 0 && { finalizers }) };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { v: '1' } };
}
const exists = async (name: string) => (await at.get('v1', 'ConfigMap', 'default', name)) !== undefined;
const message = ({ applications }: Agent, name: string) => applications.get(name)?.message ?? '';
const release = (name: string) =>
  at.kubectl('patch', 'configmap', name, '--type=merge', '-p', '{"metadata":{"finalizers":null}}');

describe.skipIf(!bed)('pruning', () => {
  it('goes down the waves, and names what a deletion waits for', async () => {
    const agent = await at.agent();
    const held = ['foo.example/bar', 'foo.example/baz'];
    agent.desire('waves', [configMap('waves-stays'), configMap('waves-0'), configMap('waves-1', 1, held)]);
    await agent.synced('waves');
    agent.desire('waves', [configMap('waves-stays')]);
    const going =
      /^waits for finalizers foo\.example\/bar, foo\.example\/baz of ConfigMap default\/waves-1 since 20\d\d-/;
    await waitFor('the finalizers to be named', () => going.test(message(agent, 'waves')), 15_000);
    expect(agent.applications.get('waves')?.syncStatus).toBe('Synced');
    expect(agent.objects.get('waves /ConfigMap/default/waves-1')).toMatchObject({
      syncStatus: 'Retained',
      reason: 'Terminating',
      lastAction: 'deleted',
    });
    expect(await exists('waves-0')).toBe(true);
    await release('waves-1');
    await waitFor('the lower wave to go', async () => !(await exists('waves-0')), 15_000);
    await waitFor('it to be over', () => message(agent, 'waves') === '');
    expect(agent.applications.get('waves')?.changes).toEqual({ unchanged: 1, deleted: 2 });
    await agent.stop();
  });

  it('goes on where an autoscaler was given a field', async () => {
    const agent = await at.agent();
    const labels = { app: 'scaled' };
    const named = (kind: string, apiVersion: string, spec: unknown): Manifest => ({
      ...{ apiVersion, kind, metadata: { name: 'scaled', namespace: 'default' }, spec },
    });
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } };
    const scaled = [
      named('Deployment', 'apps/v1', { selector: { matchLabels: labels }, template }),
      named('HorizontalPodAutoscaler', 'autoscaling/v2', {
        ...{ minReplicas: 1, maxReplicas: 3 },
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'scaled' },
      }),
    ];
    agent.desire('scaled', [configMap('scaled-before'), ...scaled]);
    await waitFor('it to be applied', () => exists('scaled-before'), 15_000);
    agent.desire('scaled', [configMap('scaled-after'), ...scaled]);
    await waitFor('what left the set to go', async () => !(await exists('scaled-before')), 15_000);
    await agent.stop();
  });

  it('of a whole application goes down the waves too', async () => {
    const agent = await at.agent();
    agent.desire('whole', [configMap('whole-0'), configMap('whole-1', 1, ['foo.example/bar'])]);
    await agent.synced('whole');
    agent.desire('whole', [], { removed: true });
    await waitFor(
      'the upper wave to be leaving',
      () => message(agent, 'whole').includes('finalizer foo.example/bar of ConfigMap default/whole-1'),
      15_000,
    );
    expect(await exists('whole-0')).toBe(true);
    await release('whole-1');
    await waitFor('it to be forgotten', () => agent.desired.state.forgotten.includes('whole'), 15_000);
    expect(await exists('whole-0')).toBe(false);
    await agent.stop();
  });

  it('waits also where as many came as are to go, however often it is looked at', async () => {
    const agent = await at.agent();
    const named = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => configMap(`${prefix}-${index}`));
    // One that stays whatever is desired: the deletion is over without it.
    const kept = configMap('before-kept');
    kept.metadata['annotations'] = { 'fairway.dev/prune': 'disabled' };
    agent.desire('renamed', [...named('before', 12), kept]);
    await agent.synced('renamed');
    agent.desire('renamed', named('after', 20));
    expect((await agent.synced('renamed')).message).toContain('12 of 13 objects left the set');
    for (let look = 0; look < 3; look += 1) {
      agent.loops.syncNow('renamed');
      await agent.loops.idle();
    }
    expect(agent.applications.get('renamed')?.pruneHeld).toMatchObject({ objects: 12, total: 13 });
    expect(await exists('before-0')).toBe(true);
    // An agent that comes new to it does not take what is there for what was there.
    await agent.stop();
    const next = await at.agent({ desired: agent.desired });
    const held = await next.synced('renamed');
    expect(held.pruneHeld).toMatchObject({ objects: 12, total: 13 });
    // And neither does the next target.
    next.desire('renamed', named('after', 30));
    expect((await next.synced('renamed')).message).toContain('12 of 13 objects left the set');
    expect(await exists('before-0')).toBe(true);
    next.desired.state.prunes.set('renamed', next.desired.applications().get('renamed')?.target.digest ?? '');
    next.desired.tell(['renamed']);
    await waitFor('them to go', async () => !(await exists('before-0')), 15_000);
    await waitFor('it to be over', () => next.applications.get('renamed')?.pruneHeld === undefined);
    // Over is over: the next deletion is measured by what is there then.
    next.desire('renamed', named('after', 18));
    await next.synced('renamed');
    await waitFor('what left to go', async () => !(await exists('after-20')), 15_000);
    await next.stop();
  });

  it('measures a target that comes while a confirmed deletion is under way by what is there then', async () => {
    const named = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => configMap(`${prefix}-${index}`));
    let deletions = 0;
    const agent = await at.agent({
      wrap: (client) => ({
        ...client,
        delete: async (...given) => {
          const deleted = await client.delete(...given);
          deletions += 1;
          if (deletions === 12) agent.desire('replaced', named('new', 18));
          return deleted;
        },
      }),
    });
    agent.desire('replaced', named('old', 12));
    await agent.synced('replaced');
    agent.desire('replaced', named('new', 30));
    expect((await agent.synced('replaced')).message).toContain('12 of 12 objects left the set');
    agent.desired.state.prunes.set(
      'replaced',
      agent.desired.applications().get('replaced')?.target.digest ?? '',
    );
    agent.desired.tell(['replaced']);
    await waitFor('what left to go', async () => !(await exists('new-20')), 15_000);
    expect(await exists('old-0')).toBe(false);
    await agent.stop();
  });

  it('waits still where something of it is deleted by hand and takes its time', async () => {
    const named = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => configMap(`${prefix}-${index}`));
    const agent = await at.agent();
    agent.desire('handmade', [...named('lower', 12), configMap('upper', 1, ['foo.example/bar'])]);
    await agent.synced('handmade');
    agent.desire('handmade', named('made', 20));
    expect((await agent.synced('handmade')).message).toContain('13 of 13 objects left the set');
    await at.kubectl('delete', 'configmap', 'upper', '--wait=false');
    await waitFor(
      'it to be leaving',
      () => agent.objects.get('handmade /ConfigMap/default/upper')?.reason === 'Terminating',
      15_000,
    );
    await agent.stop();
    const next = await at.agent({ desired: agent.desired });
    expect((await next.synced('handmade')).message).toContain('12 of 13 objects left the set');
    await release('upper');
    await waitFor('it to be gone', async () => !(await exists('upper')));
    for (let look = 0; look < 3; look += 1) {
      next.loops.syncNow('handmade');
      await next.loops.idle();
    }
    expect(next.applications.get('handmade')?.pruneHeld).toMatchObject({ objects: 12, total: 13 });
    expect(await exists('lower-0')).toBe(true);
    await next.stop();
  });

  it('waits also where an agent dies while it makes what came', async () => {
    const named = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => configMap(`${prefix}-${index}`));
    const first = await at.agent({
      wrap: (client) => ({
        ...client,
        apply: (ref, ...rest) =>
          ref.name === 'late-19'
            ? Promise.reject(new FairwayError('unavailable', 'gone', { retry: true }))
            : client.apply(ref, ...rest),
      }),
    });
    first.desire('dying', named('early', 12));
    await first.synced('dying');
    first.desire('dying', named('late', 20));
    await waitFor('most of it to be there', () => exists('late-18'));
    await first.stop();
    const next = await at.agent({ desired: first.desired });
    expect((await next.synced('dying')).message).toContain('12 of 12 objects left the set');
    expect(await exists('late-19')).toBe(true);
    expect(await exists('early-0')).toBe(true);
    await next.stop();
  });

  it('of more than a share waits for a word, given in the cluster for this target or in Git', async () => {
    const agent = await at.agent();
    const all = Array.from({ length: 30 }, (_, index) => configMap(`many-${index}`));
    const left = async () =>
      (await Promise.all(all.map(({ metadata }) => exists(String(metadata['name']))))).filter(Boolean);
    agent.desire('many', all);
    await agent.synced('many');
    agent.desire('many', all.slice(0, 15));
    await waitFor('half of them to go', async () => (await left()).length === 15, 15_000);
    agent.desire('many', all.slice(0, 4));
    const held = await agent.synced('many');
    expect(held.message).toContain('nothing is deleted: 11 of 15 objects left the set, more than 50 %');
    expect(await left()).toHaveLength(15);
    const [, command] = /without the hub: kubectl (.*)$/.exec(held.message) ?? [];
    const words = (command ?? '').split(' ');
    await at.kubectl(...words.slice(0, -2), 'fairway.dev/prune-confirmed=something-else');
    agent.loops.syncNow('many');
    await agent.loops.idle();
    expect(await left()).toHaveLength(15);
    await at.kubectl(...words);
    agent.loops.syncNow('many');
    await waitFor('them to go', async () => (await left()).length === 4, 15_000);
    expect(held.pruneHeld).toMatchObject({ objects: 11, total: 15 });
    expect(agent.events.filter(({ type }) => type === 'removal.held')).toHaveLength(1);
    await waitFor('the hold to be over', () => agent.applications.get('many')?.pruneHeld === undefined);
    const more = Array.from({ length: 20 }, (_, index) => configMap(`many-${index}`));
    agent.desire('many', more);
    await agent.synced('many');
    // The word is still on the parent: it was about what went then.
    agent.desire('many', all.slice(0, 4));
    expect((await agent.synced('many')).message).toContain('16 of 20 objects left the set');
    expect(await left()).toHaveLength(20);
    expect(agent.events.filter(({ type }) => type === 'removal.held')).toHaveLength(2);
    agent.desire('many', []);
    expect((await agent.synced('many')).message).toContain('20 of 20 objects left the set');
    // A word about another Target is no word about this one.
    agent.desired.state.prunes.set('many', 'another');
    agent.desired.tell(['many']);
    await agent.loops.idle();
    expect(await left()).toHaveLength(20);
    agent.desired.state.prunes.set('many', agent.desired.applications().get('many')?.target.digest ?? '');
    agent.desired.tell(['many']);
    await waitFor('all to go', async () => (await left()).length === 0, 15_000);
    agent.desire('many', more);
    await agent.synced('many');
    agent.desire('many', [], { sync: { pruneLimit: 100 } });
    await waitFor('all to go', async () => (await left()).length === 0, 15_000);
    await agent.stop();
  });

  it('of an application that goes takes what no watch has shown yet along', async () => {
    const late: (() => void)[] = [];
    let isOpen = false;
    const wrap = (client: KubeClient): KubeClient => ({
      ...client,
      watch: (request, onEvent, signal) => {
        const hold = (event: WatchEvent) => {
          if (isOpen || event.object.metadata.name !== 'unseen') onEvent(event);
          else late.push(() => onEvent(event));
        };
        return client.watch(request, hold, signal);
      },
    });
    const agent = await at.agent({ wrap });
    agent.desire('going', [configMap('seen')]);
    await agent.synced('going');
    agent.desire('going', [configMap('seen'), configMap('unseen')]);
    await agent.synced('going');
    agent.desire('going', [], { removed: true });
    await waitFor('the other to go', async () => !(await exists('seen')), 15_000);
    await waitFor(
      'the watch to be waited for',
      () => message(agent, 'going').includes('default/unseen'),
      15_000,
    );
    expect(agent.desired.state.forgotten).toEqual([]);
    isOpen = true;
    for (const tell of late.splice(0)) tell();
    await waitFor('it to be forgotten', () => agent.desired.state.forgotten.includes('going'), 15_000);
    expect(await exists('unseen')).toBe(false);
    await agent.stop();
  });
});
