/** What an object or a kind says of how its drift is dealt with, on a real API server. */
import { afterAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../../agent/kube/kube-client.ts';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import type { JsonObject } from '../../../shared/manifest/object.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';
import { type Drifting, settings, startDrifting, web } from './drift-bed.ts';

const bed = await startBed('agent-modes');
const at = bed as Bed;
afterAll(() => bed?.stop());
const start = (options?: Parameters<typeof startDrifting>[1], manifests?: readonly Manifest[]) =>
  startDrifting(at, options, manifests);
const dataOf = async ({ get }: Drifting) => (await get(settings))['data'];

const only = (agent: Agent, ns: string) =>
  [...agent.objects.entries()].find(([text]) => text.startsWith(`${ns} /ConfigMap/`))?.[1];

describe.skipIf(!bed)('modes of one object', () => {
  const inMode = (mode: string): Manifest => ({
    ...settings,
    metadata: { ...settings.metadata, annotations: { 'fairway.dev/self-heal': mode } },
  });
  const poke = (one: Drifting) => one.kubectl('patch', 'configmap', 'settings', '-p', '{"data":{"a":"9"}}');

  it('report: it is told and left, while its neighbours are healed', async () => {
    const one = await start({}, [web, inMode('report')]);
    await poke(one);
    await one.kubectl('scale', 'deployment', 'web', '--replicas=5');
    await one.healed();
    await waitFor('the other to be told', () => only(one.agent, one.ns)?.syncStatus === 'Drifted');
    expect(await dataOf(one)).toEqual({ a: '9', b: '2' });
    const spent = await one.agent.requestsDuring(() => one.agent.loops.syncNow(one.ns));
    expect(spent).toEqual({});
    await one.agent.stop();
  });

  it('off: nobody looks', async () => {
    const one = await start({}, [inMode('off')]);
    const spent = await one.agent.requestsDuring(async () => {
      await poke(one);
    });
    expect(spent).toEqual({});
    expect(one.events('drift.found')).toEqual([]);
    await one.agent.stop();
  });

  it('enforce: it is healed in an application that is not', async () => {
    const one = await start({ sync: { selfHeal: 'off' } }, [web, inMode('enforce')]);
    await one.kubectl('scale', 'deployment', 'web', '--replicas=5');
    await poke(one);
    await one.healed();
    expect(await dataOf(one)).toEqual({ a: '1', b: '2' });
    expect(((await one.get(web))['spec'] as JsonObject)['replicas']).toBe(5);
    await one.agent.stop();
  });

  it('an annotation that only the live object has counts for nothing', async () => {
    const one = await start();
    await one.kubectl('annotate', 'configmap', 'settings', 'fairway.dev/self-heal=off');
    await one.healed();
    await poke(one);
    await one.healed(2);
    expect(await dataOf(one)).toEqual({ a: '1', b: '2' });
    await one.agent.stop();
  });
});

describe.skipIf(!bed)('kinds that cannot be watched', () => {
  it('are read every minute, and it is said', async () => {
    const clock = createFakeClock(Date.now());
    /** An API server whose ConfigMaps have no watch, as some aggregated ones. */
    const wrap = (client: KubeClient): KubeClient => ({
      ...client,
      discover: async (options) =>
        (await client.discover(options)).map((resource) =>
          resource.kind === 'ConfigMap'
            ? { ...resource, verbs: resource.verbs.filter((verb) => verb !== 'watch') }
            : resource,
        ),
    });
    const one = await start({ agent: { wrap, clock } }, [settings]);
    expect(one.agent.applications.get(one.ns)?.message).toContain(
      'ConfigMap cannot be watched, so its objects are read every minute',
    );
    await one.kubectl('patch', 'configmap', 'settings', '-p', '{"data":{"a":"9"}}');
    await waitFor('the drift to be healed', async () => {
      await clock.advance(5_000);
      return one.events('drift.healed').length === 1;
    });
    expect(await dataOf(one)).toEqual({ a: '1', b: '2' });
    expect(one.agent.loops.metrics.driftMissedByWatch).toBe(0);
    await one.agent.stop();
  });
});
