/** Lists one kind in all namespaces and watches it from there, until told to end: listed anew where the place is lost, ever later where it cannot be had. */
import { type Clock, sleep } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { type FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { planBackoffMs } from '../../shared/loop/backoff.ts';
import type { KubeClient, WatchEvent } from '../kube/kube-client.ts';

export interface FollowedKind {
  readonly kube: Pick<KubeClient, 'watch'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Of the watch, but for the version that it begins at. */
  readonly request: Omit<Parameters<KubeClient['watch']>[0], 'resourceVersion'>;
  /** Reads all there is; the version to watch from. */
  readonly list: () => Promise<string>;
  /** Before each watch: what was listed or watched last is known to be whole. */
  readonly onKnown: () => void;
  /** Not of bookmarks. */
  readonly onEvent: (event: WatchEvent) => void;
  /** Denied: it is not served, or may not be looked at, which changes seldom. */
  readonly onFailure: (error: FairwayError, denied: boolean) => void;
}

const backoff = { baseMs: 200, maxMs: 30_000 };
/** Rights change seldom, and by hand. */
const deniedBackoff = { baseMs: 10_000, maxMs: 600_000 };
/** API servers end a watch after minutes: one that ends sooner, again and again, is cut by something in between. */
const shortMs = 1_000;
/** An API server that is in trouble is not asked for everything again on top. */
const keepsPlace: ReadonlySet<FairwayError['code']> = new Set([
  ...(['unavailable', 'deadline_exceeded', 'resource_exhausted'] as const),
]);

/** Resolves when the signal has ended it. */
export async function followKind(kind: FollowedKind, signal: AbortSignal): Promise<void> {
  const { kube, clock, random } = kind;
  let resourceVersion = '';
  let failures = 0;
  let shortOnes = 0;

  const follow = async (): Promise<void> => {
    const from = resourceVersion;
    const onEvent = (event: WatchEvent) => {
      const version = event.object.metadata['resourceVersion'];
      if (typeof version === 'string' && version !== '') resourceVersion = version;
      if (event.type !== 'BOOKMARK') kind.onEvent(event);
    };
    try {
      await kube.watch({ ...kind.request, resourceVersion: from }, onEvent, signal);
    } catch (caught) {
      // A connection that broke is no reason to list anew, nor to wait: it goes on where it was.
      if (!keepsPlace.has(toFairwayError(caught).code) || resourceVersion === from) throw caught;
    }
  };

  while (!signal.aborted) {
    try {
      if (resourceVersion === '') resourceVersion = await kind.list();
      kind.onKnown();
      const fromMs = clock.monotonic();
      await follow();
      failures = 0;
      shortOnes = clock.monotonic() - fromMs < shortMs ? shortOnes + 1 : 0;
      // The first is begun anew at once.
      if (shortOnes > 1) await sleep(clock, planBackoffMs(shortOnes - 2, random, backoff), signal);
    } catch (caught) {
      if (signal.aborted) return;
      const error = toFairwayError(caught);
      if (!keepsPlace.has(error.code)) resourceVersion = '';
      const denied = error.code === 'permission_denied' || error.code === 'not_found';
      kind.onFailure(error, denied);
      const waitMs = planBackoffMs(failures, random, denied ? deniedBackoff : backoff);
      failures += 1;
      await sleep(clock, Math.max(waitMs, error.retryAfterMs ?? 0), signal);
    }
  }
}
