import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { KubeClient, LiveObject } from '../../kube/kube-client.ts';
import { acquireLeadership, type ElectionOptions, type Leadership } from './leader.ts';

type Kube = ElectionOptions['kube'];

/** One Lease, with the API server's optimistic lock. */
function createLeaseServer() {
  const state = { lease: undefined as LiveObject | undefined, version: 0, down: false, writes: 0 };
  const store = (body: unknown) => {
    state.version += 1;
    state.writes += 1;
    const { metadata, ...rest } = body as LiveObject;
    state.lease = {
      ...rest,
      metadata: { ...metadata, resourceVersion: String(state.version) },
    } as LiveObject;
    return state.lease;
  };
  const answer = () => {
    if (state.down) throw new FairwayError('unavailable', 'the API server cannot be reached');
  };
  const kube = {
    async get() {
      answer();
      if (!state.lease) throw new FairwayError('not_found', 'no lease');
      return state.lease;
    },
    async create(_ref: unknown, body: unknown) {
      answer();
      if (state.lease) throw new FairwayError('already_exists', 'there is one');
      return store(body);
    },
    async update(_ref: unknown, body: unknown) {
      answer();
      const { metadata } = body as LiveObject;
      if (metadata['resourceVersion'] !== state.lease?.metadata['resourceVersion'])
        throw new FairwayError('conflict', 'somebody has written');
      return store(body);
    },
  } as unknown as Kube & KubeClient;
  const holder = () => (state.lease?.['spec'] as { holderIdentity?: string } | undefined)?.holderIdentity;
  return { state, kube, holder };
}

function replica(clock: ReturnType<typeof createFakeClock>, kube: Kube, instanceId: string, pod?: string) {
  const abort = new AbortController();
  const seen = { leadership: undefined as Leadership | undefined, ended: false };
  const random = createSeededRandom(instanceId.length);
  const options = { kube, namespace: 'fairway-agent', pod, instanceId, clock, random, log: silentLogger };
  const done = acquireLeadership(options, abort.signal).then(
    (leadership) => {
      seen.leadership = leadership;
      void leadership.ended.then(() => {
        seen.ended = true;
      });
    },
    () => {},
  );
  return { ...seen, seen, abort, done, leads: () => seen.leadership !== undefined && !seen.ended };
}

const seconds = async (clock: ReturnType<typeof createFakeClock>, count: number) => {
  for (let index = 0; index < count * 10; index += 1) await clock.advance(100);
};

describe('acquireLeadership', () => {
  it('gives the Lease to one, who renews it as long as it lives', async () => {
    const clock = createFakeClock();
    const { kube, state, holder } = createLeaseServer();
    const one = replica(clock, kube, 'one', 'pod-a');
    await seconds(clock, 1);
    const two = replica(clock, kube, 'two', 'pod-b');
    await seconds(clock, 120);
    expect([one.leads(), two.leads(), holder()]).toEqual([true, false, 'pod-a_one']);
    // A Lease at the most every four seconds.
    expect(state.writes).toBeLessThanOrEqual(31);
    expect(state.lease?.['spec']).toMatchObject({ leaseDurationSeconds: 15, leaseTransitions: 0 });
  });

  it('is given on at once when the holder ends well', async () => {
    const clock = createFakeClock();
    const { kube, holder } = createLeaseServer();
    const one = replica(clock, kube, 'one');
    await seconds(clock, 1);
    const two = replica(clock, kube, 'two');
    await seconds(clock, 10);
    await one.seen.leadership?.release();
    expect(holder()).toBe('');
    await seconds(clock, 5);
    expect([one.leads(), two.leads(), holder()]).toEqual([false, true, 'agent_two']);
  });

  it('is taken from one that fell silent, not before its time, whatever the clocks say', async () => {
    const clock = createFakeClock();
    const { kube, state } = createLeaseServer();
    await kube.create(
      {} as never,
      {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'fairway-agent' },
        // A holder whose clock is an hour behind: by its word the Lease has long run out.
        spec: {
          holderIdentity: 'pod-a_gone',
          leaseDurationSeconds: 15,
          renewTime: new Date(clock.now() - 3_600_000).toISOString(),
        },
      } as never,
    );
    const two = replica(clock, kube, 'two', 'pod-b');
    await seconds(clock, 14);
    expect(two.leads()).toBe(false);
    await seconds(clock, 6);
    expect(two.leads()).toBe(true);
    expect(state.lease?.['spec']).toMatchObject({ leaseTransitions: 1 });
  });

  it('stops by itself before another may take it, when the API server is out of reach', async () => {
    const clock = createFakeClock();
    const { kube, state } = createLeaseServer();
    const one = replica(clock, kube, 'one');
    await seconds(clock, 1);
    const reachable = createLeaseServer();
    const two = replica(
      clock,
      { ...kube, get: async () => state.lease!, update: reachable.kube.update } as Kube,
      'two',
    );
    await seconds(clock, 4);
    state.down = true;
    let endedAtMs = 0;
    void one.seen.leadership?.ended.then(() => {
      endedAtMs = clock.monotonic();
    });
    const lastMs = clock.monotonic();
    await seconds(clock, 30);
    expect([one.leads(), one.seen.leadership?.holds()]).toEqual([false, false]);
    expect(endedAtMs - lastMs).toBeLessThanOrEqual(10_000);
    two.abort.abort();
  });

  it('counts no more for a process that was stopped for a while, though its timers have not told it yet', async () => {
    const clock = createFakeClock();
    const skipped = { ms: 0 };
    const frozen = { ...clock, monotonic: () => clock.monotonic() + skipped.ms };
    const { kube } = createLeaseServer();
    const one = replica(frozen as typeof clock, kube, 'one');
    await seconds(clock, 1);
    expect(one.seen.leadership?.holds()).toBe(true);
    skipped.ms = 10_001;
    expect([one.seen.leadership?.holds(), one.leads()]).toEqual([false, true]);
  });

  it('lives through a short outage', async () => {
    const clock = createFakeClock();
    const { kube, state, holder } = createLeaseServer();
    const one = replica(clock, kube, 'one');
    await seconds(clock, 1);
    state.down = true;
    await seconds(clock, 4);
    state.down = false;
    await seconds(clock, 60);
    expect([one.leads(), holder()]).toEqual([true, 'agent_one']);
  });

  it('knows an answer that never came from a loss', async () => {
    const clock = createFakeClock();
    const { kube, state } = createLeaseServer();
    let lost = false;
    const update: Kube['update'] = async (ref, body) => {
      const written = await kube.update(ref, body);
      if (lost) return written;
      lost = true;
      throw new FairwayError('unavailable', 'the API server closed the connection');
    };
    const one = replica(clock, { ...kube, update } as Kube, 'one');
    await seconds(clock, 30);
    expect([one.leads(), lost]).toEqual([true, true]);
    // Somebody takes it by force: that is a loss.
    await kube.update({} as never, { ...state.lease, spec: { holderIdentity: 'other' } } as never);
    await seconds(clock, 10);
    expect(one.leads()).toBe(false);
  });

  it('takes at once what an earlier life of its own pod held', async () => {
    const clock = createFakeClock();
    const { kube, holder } = createLeaseServer();
    const one = replica(clock, kube, 'first', 'pod-a');
    await seconds(clock, 1);
    expect(one.leads()).toBe(true);
    const again = replica(clock, kube, 'second', 'pod-a');
    await clock.advance(0);
    expect([again.leads(), holder()]).toEqual([true, 'pod-a_second']);
  });

  it('waits no longer than it is wanted', async () => {
    const clock = createFakeClock();
    const { kube } = createLeaseServer();
    replica(clock, kube, 'one');
    await seconds(clock, 1);
    const two = replica(clock, kube, 'two');
    two.abort.abort();
    await seconds(clock, 5);
    await two.done;
    expect(two.seen.leadership).toBeUndefined();
  });
});
