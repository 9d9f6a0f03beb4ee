/**
 * Follows what the fleet is made of: a key for each ref that somebody follows. What the source stage finds is kept as the source's status; who renders is told that a head
 * has moved. Beside it what else asks for commits: by a name (find-commit.ts), of bases elsewhere (remote-bases.ts), as a revision (revision-of.ts).
 */
import type { Clock } from '../../../shared/clock/clock.ts';
import type { Random } from '../../../shared/clock/random.ts';
import { findCondition } from '../../../shared/condition/condition.ts';
import { toFairwayError } from '../../../shared/error/error.ts';
import type { Logger } from '../../../shared/log/log.ts';
import { planJitteredMs } from '../../../shared/loop/backoff.ts';
import { createLoop, type Loop } from '../../../shared/loop/loop.ts';
import type { SourceKey } from '../../model/revision.ts';
import type { SourceStatus } from '../../model/source-status.ts';
import type { FetchResult, GitSource } from '../../source/git-source.ts';
import { planSourceStatus, type SourceAttempt } from '../../source/plan-status.ts';
import type { Store } from '../../store/store.ts';

/** A ref that somebody follows. */
export interface FollowedSource {
  readonly key: SourceKey;
  readonly url: string;
  readonly ref: string;
}

export interface SourceLoopOptions {
  readonly store: Store;
  readonly source: GitSource;
  /** What is followed now; a key that is not among them is forgotten. */
  readonly followed: () => ReadonlyMap<SourceKey, FollowedSource>;
  readonly pollIntervalMs: number;
  /** The root repository's, on which everything hangs: it has a lane of its own, so that remotes which hang never hold it up. */
  readonly rootKey: SourceKey;
  /** Called after a head has moved, or its commits were fetched again. */
  readonly onMoved: (key: SourceKey) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** One key a followed ref: looks whether it moved, fetches what is new, keeps the outcome as a condition. */
export function createSourceLoop(options: SourceLoopOptions): Loop {
  const { store, source, clock, random, log } = options;

  const attempt = async (
    followed: FollowedSource,
    knownHead: string | undefined,
    signal: AbortSignal,
  ): Promise<FetchResult | Extract<SourceAttempt['outcome'], { error: unknown }>> => {
    try {
      return await source.fetch({ url: followed.url, ref: followed.ref, knownHead, signal });
    } catch (caught) {
      const error = toFairwayError(caught, followed.key);
      if (error.code === 'cancelled') throw error;
      return { error };
    }
  };

  const step = async (key: string, signal: AbortSignal) => {
    const followed = options.followed().get(key);
    if (!followed) {
      await store.sources.remove(key);
      laneOf(key).forget(key);
      return undefined;
    }
    const previous = await store.sources.get(key);
    const sameUrl = previous?.url === followed.url ? previous : undefined;
    const outcome = await attempt(followed, sameUrl?.head, signal);
    const { status, events } = planSourceStatus(sameUrl, { ...followed, nowMs: clock.now(), outcome });
    await store.sources.save(status);
    if (events.length > 0) await store.events.append(events);
    for (const { type, message } of events)
      if (type === 'source.failed') log.warn('source cannot be followed', { source: key, message });
    if ('head' in outcome && outcome.head !== sameUrl?.head)
      log.info('source moved', { source: key, head: outcome.head, rewritten: outcome.rewritten });
    // What came anew though the head is the same mends a mirror that could not be read: somebody may wait for it.
    if ('head' in outcome && (outcome.head !== sameUrl?.head || outcome.bytesReceived > 0))
      options.onMoved(key);
    // The condition tells of the failure; the period goes on, slower the longer it lasts and when the remote asks for patience.
    const retryAfterMs = 'error' in outcome ? (outcome.error.retryAfterMs ?? 0) : 0;
    const waitMs = planJitteredMs(planPollMs(status, options.pollIntervalMs, clock.now()), random);
    return { requeueAfterMs: Math.max(retryAfterMs, waitMs) };
  };

  const lane = (concurrencyMax: number) =>
    createLoop({ name: 'source', step, clock, random, log, concurrencyMax, stepTimeoutMs: 600_000 });
  const [rootLane, otherLane] = [lane(1), lane(othersAtOnce)];
  const laneOf = (key: SourceKey) => (key === options.rootKey ? rootLane : otherLane);
  return {
    wake: (key) => laneOf(key).wake(key),
    forget: (key) => laneOf(key).forget(key),
    state: () => [...rootLane.state(), ...otherLane.state()],
    get steps() {
      return rootLane.steps + otherLane.steps;
    },
    idle: async () => void (await Promise.all([rootLane.idle(), otherLane.idle()])),
    stop: async () => void (await Promise.all([rootLane.stop(), otherLane.stop()])),
  };
}

const othersAtOnce = 4;
const slowestMs = 60_000;

/** How long to wait for the next look: the poll interval, and while a source fails a quarter of the time since then, up to a minute. Pure. */
export function planPollMs({ conditions }: SourceStatus, pollIntervalMs: number, nowMs: number): number {
  const ready = findCondition(conditions, 'Ready');
  if (ready?.status !== 'False') return pollIntervalMs;
  const failedForMs = Math.max(0, nowMs - ready.lastTransitionTimeMs);
  return Math.max(pollIntervalMs, Math.min(slowestMs, failedForMs / 4));
}
