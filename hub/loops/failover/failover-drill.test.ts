/** What is kept of a drill: how the standby stood before and after it, what was planned, and the time without that of planning. */
import { afterEach, expect, it } from 'vitest';
import { FairwayError } from '../../../shared/error/error.ts';
import type { ParityState } from '../../model/parity.ts';
import { createLoopBed, openRollouts } from '../loop-bed.test-support.ts';
import type { Preview } from '../preview/preview.ts';
import {
  createFailoverBed,
  type FailoverBed,
  failoverFleet,
  lookAround,
  openDarkFailovers,
} from './failover-bed.test-support.ts';
import { loadFailovers } from './failover-inputs.ts';

const pair = { standby: 'eu-2', verdict: 'Degraded', score: 90 };
const state = { report: { pairs: [pair], reasons: [] } } as unknown as ParityState;
const changes = { applications: 1, clusters: 1, added: 0, removed: 0, changed: 1 };
const asked = {
  ...{ group: 'eu', to: 'eu-2', reason: 'a test', actor: 'ann', confirm: true },
  ...{ commit: undefined, overrideMs: 600_000 },
};

let made: FailoverBed | undefined;
afterEach(() => made?.close());

async function open(diff: Preview['diff']): Promise<FailoverBed> {
  const dark = () => Promise.reject(new FairwayError('unavailable', 'Git does not answer'));
  made = await createFailoverBed(dark, () => state, diff);
  for (const cluster of ['eu-1', 'eu-2'])
    await made.bed.store.registry.seen({ cluster, connected: true, nowMs: made.bed.clock.now() });
  return made;
}
const planned = async ({ failovers }: FailoverBed) =>
  (await failovers.list('eu', { limit: 1, cursor: undefined })).items[0]?.planned;

it('keeps what a drill was to change, and begins its time when that is known', async () => {
  const bed = await open(async () => {
    await made?.bed.clock.advance(30_000);
    return { summary: changes } as Awaited<ReturnType<Preview['diff']>>;
  });
  const beganMs = bed.bed.clock.now();
  const drill = await bed.failovers.start({ ...asked, kind: 'drill' });
  expect(drill.startedAtMs).toBe(beganMs + 30_000);
  expect(await planned(bed)).toEqual({ verdict: 'Degraded', score: 90, changes, problem: '' });
});

it('begins a drill that cannot be planned, and keeps why', async () => {
  const bed = await open(() => Promise.reject(new FairwayError('resource_exhausted', 'too many at once')));
  await bed.failovers.start({ ...asked, kind: 'drill' });
  const told = { verdict: 'Degraded', score: 90, problem: 'too many at once' };
  expect(await planned(bed)).toEqual(told);
});

it('waits for no plan in an emergency', async () => {
  const bed = await open(() => Promise.reject(new Error('not to be asked')));
  await bed.failovers.start({ ...asked, kind: 'failover' });
  expect(await planned(bed)).toEqual({ verdict: 'Degraded', score: 90, problem: '' });
});

it('looks for how parity finds the standby after it, and keeps that', async () => {
  const digestKey = new Uint8Array(32).fill(7);
  const bed = await createLoopBed(undefined, (store) => loadFailovers(store, digestKey));
  const rollouts = openRollouts(bed);
  let stands = { state, lookedAtMs: bed.clock.now() };
  const failovers = openDarkFailovers(bed, digestKey, () => stands);
  try {
    for (const cluster of ['eu-1', 'eu-2'])
      await bed.store.registry.seen({ cluster, connected: true, nowMs: bed.clock.now() });
    await bed.commit(failoverFleet);
    await lookAround(bed, { failovers, rollouts }, ['eu-1', 'eu-2']);
    const { id } = await failovers.start({ ...asked, kind: 'drill' });
    await lookAround(bed, { failovers, rollouts }, ['eu-1', 'eu-2']);
    await failovers.loop.idle();
    const restored = await failovers.get(id);
    expect(restored).toMatchObject({ phase: 'Restoring', message: expect.stringContaining('parity looks') });
    stands = { state, lookedAtMs: bed.clock.now() };
    // Nothing wakes it but time.
    await bed.clock.advance(1_000);
    await failovers.loop.idle();
    expect(await failovers.get(id)).toMatchObject({
      phase: 'Done',
      after: { verdict: 'Degraded', score: 90 },
    });
  } finally {
    await Promise.all([failovers.stop(), rollouts.stop()]);
    await bed.close();
  }
});
