/**
 * Which of several replicas works: the holder of one Lease (https://kubernetes.io/docs/concepts/architecture/leases/). Clocks are not compared: a replica takes
 * the Lease when it has not seen it change for as long as it counts, by its own monotonic clock; and the holder stops by itself well before that when it cannot
 * renew. A writer that hangs in between is stopped by the mark on each application's inventory (fence.ts), as before.
 */
import { type Clock, sleep } from '../../../shared/clock/clock.ts';
import type { Random } from '../../../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import type { Logger } from '../../../shared/log/log.ts';
import { planJitteredMs } from '../../../shared/loop/backoff.ts';
import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import type { KubeClient, LiveObject } from '../../kube/kube-client.ts';

export const leaseName = 'fairway-agent';

export interface ElectionOptions {
  readonly kube: Pick<KubeClient, 'get' | 'create' | 'update'>;
  readonly namespace: string;
  /** The pod's own name (POD_NAME): a holder of that name is an earlier life of this pod, and gone. Undefined where it is not known to be one's own. */
  readonly pod: string | undefined;
  /** Random for each start. */
  readonly instanceId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** How long a Lease counts after it was last renewed. Default 15,000; the holder renews at a third of it and stops at two thirds. */
  readonly leaseMs?: number;
}

export interface Leadership {
  /** Resolves when it is lost, or given up. From then on nothing may be written. */
  readonly ended: Promise<void>;
  /** Whether it counts now, by the clock: a process that was stopped for a while asks before its timers tell it. */
  holds(): boolean;
  /** Gives it up, so that another takes it at once. */
  release(): Promise<void>;
}

/** Served by every API server. */
export const leaseResource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  resource: 'leases',
  namespaced: true,
  verbs: [],
};

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly leaseTransitions?: number;
  readonly acquireTime?: string;
}

function specOf(lease: LiveObject): LeaseSpec {
  return (lease['spec'] ?? {}) as unknown as LeaseSpec;
}

/** MicroTime has six digits. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

/** What the last look at the Lease showed. */
interface Seen {
  readonly resourceVersion: string;
  readonly atMs: number;
}

interface Election extends ElectionOptions {
  readonly holder: string;
  readonly leaseMs: number;
}

async function readLease(
  { kube, namespace }: Election,
  signal: AbortSignal,
): Promise<LiveObject | undefined> {
  try {
    return await kube.get({ resource: leaseResource, namespace, name: leaseName }, signal);
  } catch (caught) {
    const error = toFairwayError(caught);
    if (error.code === 'not_found') return undefined;
    throw error;
  }
}

function leaseBody(election: Election, before: LiveObject | undefined, taking: boolean): JsonObject {
  const { clock, holder, leaseMs, namespace } = election;
  const now = microTime(clock.now());
  const spec = before ? specOf(before) : {};
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: (before?.metadata ?? { name: leaseName, namespace }) as Json as JsonObject,
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: Math.ceil(leaseMs / 1_000),
      acquireTime: taking ? now : (spec.acquireTime ?? now),
      renewTime: now,
      leaseTransitions: (spec.leaseTransitions ?? 0) + (taking && before ? 1 : 0),
    },
  };
}

/** Writes it, unless somebody has written since: the resourceVersion that was read goes with it. */
async function writeLease(
  { kube, namespace }: Election,
  body: JsonObject,
  exists: boolean,
  signal: AbortSignal | undefined,
): Promise<LiveObject> {
  const ref = { resource: leaseResource, namespace, name: leaseName };
  return exists ? kube.update(ref, body, signal) : kube.create(ref, body, signal);
}

/** Whether the Lease may be taken now. */
function isFree(election: Election, lease: LiveObject, seen: Seen): boolean {
  const { holderIdentity = '', leaseDurationSeconds = 0 } = specOf(lease);
  if (holderIdentity === '') return true;
  if (election.pod !== undefined && holderIdentity.startsWith(`${election.pod}_`)) return true;
  return election.clock.monotonic() - seen.atMs > Math.max(leaseDurationSeconds * 1_000, election.leaseMs);
}

/** Losing a race for the Lease is no trouble. */
function isRace(error: FairwayError): boolean {
  return error.code === 'conflict' || error.code === 'already_exists';
}

/** One try. Resolves with the Lease when it is ours. */
async function tryAcquire(
  election: Election,
  seen: { last: Seen | undefined },
  signal: AbortSignal,
): Promise<LiveObject | undefined> {
  const lease = await readLease(election, signal);
  if (lease) {
    const resourceVersion = String(lease.metadata['resourceVersion']);
    if (seen.last?.resourceVersion !== resourceVersion)
      seen.last = { resourceVersion, atMs: election.clock.monotonic() };
    if (!isFree(election, lease, seen.last)) return undefined;
  }
  return writeLease(election, leaseBody(election, lease, true), lease !== undefined, signal);
}

/** One renewal, tried until it works. @throws when another has the Lease, or the time is over: before others may take it. */
async function renew(
  election: Election,
  lease: LiveObject,
  untilMs: number,
  stopping: AbortSignal,
): Promise<{ readonly lease: LiveObject; readonly askedAtMs: number }> {
  const { clock, random, log } = election;
  let known = lease;
  for (;;) {
    const askedAtMs = clock.monotonic();
    const leftMs = untilMs - askedAtMs;
    if (leftMs <= 0) throw new FairwayError('unavailable', 'the Lease could not be renewed in time');
    const deadline = new AbortController();
    const cancel = clock.after(leftMs, () => deadline.abort(new DOMException('too late', 'TimeoutError')));
    try {
      return {
        lease: await writeLease(election, leaseBody(election, known, false), true, deadline.signal),
        askedAtMs,
      };
    } catch (caught) {
      const error = toFairwayError(caught);
      // Written by another, or by ourselves with an answer that never came: what is there says which.
      const now = isRace(error) ? await readLease(election, deadline.signal).catch(() => known) : known;
      if (!now || specOf(now).holderIdentity !== election.holder)
        throw new FairwayError('conflict', 'another replica has taken the Lease', { cause: caught });
      known = now;
      if (stopping.aborted) throw error;
      log.warn('the Lease cannot be renewed', { code: error.code, error: error.message });
    } finally {
      cancel();
    }
    await sleep(clock, planJitteredMs(500, random), stopping);
  }
}

/** How long this replica may work without another renewal, on the monotonic clock. */
interface Term {
  untilMs: number;
}

/** Well before another may take the Lease. @param askedAtMs when the renewal that was granted was asked for. */
function endOfTerm({ leaseMs }: Election, askedAtMs: number): number {
  return askedAtMs + (leaseMs * 2) / 3;
}

/** Keeps the Lease until it cannot, or is told to stop. Resolves with what was last written. */
async function keep(
  election: Election,
  first: LiveObject,
  term: Term,
  stopping: AbortSignal,
): Promise<LiveObject> {
  const { clock, random, leaseMs } = election;
  let lease = first;
  for (;;) {
    await sleep(clock, planJitteredMs(leaseMs / 3, random), stopping);
    if (stopping.aborted) return lease;
    const renewed = await renew(election, lease, term.untilMs, stopping);
    lease = renewed.lease;
    term.untilMs = endOfTerm(election, renewed.askedAtMs);
  }
}

/**
 * Waits for the Lease and keeps it. @throws cancelled when the signal aborts before.
 */
export async function acquireLeadership(options: ElectionOptions, signal: AbortSignal): Promise<Leadership> {
  const { clock, random, instanceId, pod = 'agent' } = options;
  const log = options.log.with({ component: 'leader' });
  const election = { ...options, log, leaseMs: options.leaseMs ?? 15_000, holder: `${pod}_${instanceId}` };
  const seen = { last: undefined as Seen | undefined };
  let waits = false;
  for (;;) {
    if (signal.aborted) throw new FairwayError('cancelled', 'cancelled');
    const askedAtMs = clock.monotonic();
    try {
      const lease = await tryAcquire(election, seen, signal);
      if (lease) return lead(election, lease, askedAtMs);
      if (!waits) log.info('another replica leads; this one stands by', {});
      waits = true;
    } catch (caught) {
      const error = toFairwayError(caught);
      if (!signal.aborted && !isRace(error))
        log.warn('the Lease cannot be had', { code: error.code, error: error.message });
    }
    await sleep(clock, planJitteredMs(election.leaseMs / 5, random), signal);
  }
}

function lead(election: Election, first: LiveObject, takenAtMs: number): Leadership {
  const stopping = new AbortController();
  const term: Term = { untilMs: endOfTerm(election, takenAtMs) };
  const kept = keep(election, first, term, stopping.signal);
  const ended = kept.then(
    () => {
      term.untilMs = Number.NEGATIVE_INFINITY;
    },
    (caught: unknown) => {
      term.untilMs = Number.NEGATIVE_INFINITY;
      const { code, message } = toFairwayError(caught);
      election.log.warn('no longer the leader', { code, error: message });
    },
  );
  election.log.info('this replica leads', { holder: election.holder });
  return {
    ended,
    holds: () => election.clock.monotonic() < term.untilMs,
    async release() {
      stopping.abort();
      const lease = await kept.catch(() => undefined);
      if (!lease) return;
      const body = leaseBody(election, lease, false);
      try {
        await writeLease(
          election,
          { ...body, spec: { ...(body['spec'] as JsonObject), holderIdentity: '', leaseDurationSeconds: 1 } },
          true,
          undefined,
        );
      } catch (caught) {
        // It runs out by itself.
        const { code, message } = toFairwayError(caught);
        election.log.warn('the Lease could not be given back', { code, error: message });
      }
    },
  };
}
