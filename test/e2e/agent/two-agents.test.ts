/** Two agents of one cluster, by mistake: they must converge, and neither may undo the other's work. */
import { afterAll, describe, expect, it } from 'vitest';
import { FairwayError } from '../../../shared/error/error.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-two');
const at = bed as Bed;

const quiet = (agents: readonly Agent[]) =>
  Promise.all(agents.map((agent) => agent.requestsDuring(() => {})));

afterAll(() => bed?.stop());

const places = [
  { where: 'on the parents', marked: false, suffix: '' },
  { where: 'with the cached state', marked: true, suffix: '-marked' },
] as const;

describe.skipIf(!bed).each(places)('two agents of one cluster, marks $where', ({ marked, suffix }) => {
  const [pair, twins, counted] = [`pair${suffix}`, `twins${suffix}`, `counted${suffix}`];
  const anew = () => at.agent({ marked });
  const named = (name: string) => name + suffix;
  const configMap = (name: string, value: string): Manifest => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: named(name), namespace: 'default' },
    data: { value },
  });
  const live = (name: string) => at.get('v1', 'ConfigMap', 'default', named(name));
  const value = async (name: string) =>
    ((await live(name))?.['data'] as Record<string, string> | undefined)?.['value'];

  it('with the same targets do the same, once', async () => {
    const [one, two] = [await anew(), await anew()];
    for (const agent of [one, two]) agent.desire(twins, [configMap('twin-a', '1'), configMap('twin-b', '1')]);
    for (const agent of [one, two]) await agent.synced(twins);
    await quiet([one, two]);
    const before = (await live('twin-a'))?.metadata['resourceVersion'];
    await at.kubectl('patch', 'configmap', named('twin-a'), '-p', '{"data":{"value":"9"}}');
    await waitFor('the drift to be healed', async () => (await value('twin-a')) === '1');
    const spent = await quiet([one, two]);
    expect(spent).toEqual([{}, {}]);
    expect((await live('twin-a'))?.metadata['resourceVersion']).not.toBe(before);
    // Each corrects at most once or twice; nobody goes on.
    expect(one.loops.metrics.driftHealed + two.loops.metrics.driftHealed).toBeLessThanOrEqual(2);
    for (const agent of [one, two]) agent.desire(twins, [configMap('twin-a', '1')]);
    for (const agent of [one, two]) await agent.synced(twins);
    await waitFor('twin-b to go', async () => (await live('twin-b')) === undefined);
    await one.stop();
    await two.stop();
  });

  it('of which one is behind: it stands back, deletes nothing and brings nothing back, until it is told', async () => {
    const [ahead, behind] = [await anew(), await anew()];
    const old = [configMap('kept', '1'), configMap('left', '1')];
    for (const agent of [ahead, behind]) agent.desire(pair, old);
    for (const agent of [ahead, behind]) await agent.synced(pair);
    await quiet([ahead, behind]);
    const fresh = [configMap('kept', '2'), configMap('added', '2')];
    ahead.desire(pair, fresh);
    await ahead.synced(pair);
    await waitFor('what left the set to go', async () => (await live('left')) === undefined);
    const uid = (await live('added'))?.metadata['uid'];
    await waitFor(
      'the other to stand back',
      () => behind.applications.get(pair)?.message.includes('stands back') ?? false,
    );
    await at.kubectl('patch', 'configmap', named('kept'), '-p', '{"data":{"value":"9"}}');
    await waitFor('the drift to be healed', async () => (await value('kept')) === '2');
    behind.loops.checkNow();
    behind.loops.syncNow();
    await quiet([ahead, behind]);
    expect(await value('kept')).toBe('2');
    expect(await live('left')).toBeUndefined();
    expect((await live('added'))?.metadata['uid']).toBe(uid);
    expect(behind.events.filter(({ type }) => type !== 'sync.succeeded')).toEqual([]);
    expect(ahead.loops.metrics.driftFound).toBe(1);

    // A third that starts with an old cache stands back from its first step.
    const third = await anew();
    third.desire(pair, old);
    await third.synced(pair, 'Pending');
    await third.loops.idle();
    expect(third.client.requestCounts()['apply'] ?? 0).toBe(0);
    expect(third.client.requestCounts()['delete'] ?? 0).toBe(0);
    await third.stop();

    behind.desire(pair, fresh);
    await behind.synced(pair);
    await quiet([ahead, behind]);
    expect((await live('added'))?.metadata['uid']).toBe(uid);
    expect(behind.events.filter(({ type }) => type === 'object.pruned')).toEqual([]);
    await ahead.stop();
    await behind.stop();
  });

  it('tell of a new target in no request but that for its object and one', async () => {
    const agent = await anew();
    agent.desire(counted, [configMap('counted', '1')]);
    await agent.synced(counted);
    await quiet([agent]);
    const spent = await agent.requestsDuring(async () => {
      agent.desire(counted, [configMap('counted', '2')]);
      await agent.synced(counted);
    });
    expect(spent).toEqual({ apply: 2 });
    const parent = await at.get('v1', 'ConfigMap', 'fairway-system', `fairway-applyset-${counted}`);
    const state = await at.get('v1', 'Secret', 'fairway-system', 'fairway-agent-state');
    const mark = parent?.metadata.annotations?.['fairway.dev/applied'];
    if (!marked) expect(mark).toBe('test/1/2');
    else {
      expect(mark).toBe('test/1/1');
      expect(state?.metadata.annotations?.['fairway.dev/applied']).toBe(`{"test/1":{"${counted}":2}}`);
    }
    await agent.stop();
  });

  it('are marked on the parent where the state cannot be written', async () => {
    const refused = new FairwayError('unavailable', 'no Secret is written today');
    const agent = await at.agent({
      marked,
      wrap: (client) => ({
        ...client,
        apply: (ref, body, options) =>
          ref.name === 'fairway-agent-state' ? Promise.reject(refused) : client.apply(ref, body, options),
      }),
    });
    const unwritten = `unwritten${suffix}`;
    for (const version of ['1', '2']) {
      agent.desire(unwritten, [configMap('unwritten', version)]);
      await agent.synced(unwritten);
      expect(await value('unwritten')).toBe(version);
      const parent = await at.get('v1', 'ConfigMap', 'fairway-system', `fairway-applyset-${unwritten}`);
      expect(parent?.metadata.annotations?.['fairway.dev/applied']).toBe(`test/1/${version}`);
    }
    await agent.stop();
  });
});
