/** Which calls each cluster has open: one Session a cluster, the newest wins, and all calls of a cluster can be ended at once. */
import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError } from '../../shared/error/error.ts';
import { type EndableCall, failCall } from './call.ts';
import { type Contention, createContentionWatch } from './contention.ts';
import { createRateLimiter } from './rate-limit.ts';
import type { Session } from './session-context.ts';

/** Two agents with one identity throw each other out; after this many times a minute the newcomer has to wait. */
const replacementsMax = 12;
const minuteMs = 60_000;

interface Entry {
  readonly session: Session;
  readonly end: (error: FairwayError) => void;
}

export interface Sessions {
  /**
   * Makes this session the cluster's; an older one is ended.
   * @returns what is to be told where two agents take turns.
   * @throws resource_exhausted when they change places too often.
   */
  open(session: Session, end: (error: FairwayError) => void): Contention | undefined;
  /** @returns false when another session has taken its place. */
  close(session: Session): boolean;
  get(cluster: string): Session | undefined;
  all(): readonly Session[];
  /** Remembers a call until the result is called. */
  track(cluster: string, call: EndableCall): () => void;
  callCount(cluster: string): number;
  endAll(cluster: string, error: FairwayError): void;
}

export function createSessions(clock: Clock): Sessions {
  const entries = new Map<string, Entry>();
  const calls = new Map<string, Set<EndableCall>>();
  const replacements = createRateLimiter(clock, replacementsMax, minuteMs);
  const contention = createContentionWatch(clock);
  return {
    open(session, end) {
      const before = entries.get(session.cluster);
      if (before) {
        if (!replacements.take(session.cluster))
          throw new FairwayError('resource_exhausted', 'two agents contend for this cluster');
        before.session.close();
        before.end(new FairwayError('conflict', 'a newer session of this cluster has taken over'));
      }
      entries.set(session.cluster, { session, end });
      return before && contention.replaced(before.session.info(), session.info());
    },
    close(session) {
      session.close();
      if (entries.get(session.cluster)?.session !== session) return false;
      entries.delete(session.cluster);
      return true;
    },
    get: (cluster) => entries.get(cluster)?.session,
    all: () => [...entries.values()].map(({ session }) => session),
    track(cluster, call) {
      const open = calls.get(cluster) ?? new Set();
      calls.set(cluster, open.add(call));
      return () => {
        open.delete(call);
        if (open.size === 0 && calls.get(cluster) === open) calls.delete(cluster);
      };
    },
    callCount: (cluster) => calls.get(cluster)?.size ?? 0,
    endAll(cluster, error) {
      for (const call of [...(calls.get(cluster) ?? [])]) failCall(call, error);
    },
  };
}
