/**
 * Two agents with the identity of one cluster (a copied Secret, a cluster that was cloned) take turns: each that is thrown out comes back some time later and throws the
 * other out. An agent that restarts has a new instance id each time, so what gives them away is an instance that comes back after another had taken its place.
 */
import type { Clock } from '../../shared/clock/clock.ts';
import { createEvent, type NewEvent } from '../model/event.ts';
import type { SessionInfo } from './session-context.ts';

/** Agents that were thrown out come back within five minutes at most. */
const windowMs = 600_000;
/** Told from this many returns on, each within the window after the one before. */
const returnsMin = 3;
/** A cluster is told of at most this often, and what is older is forgotten. */
const tellEveryMs = 3_600_000;
/** Instances of one cluster that are remembered. */
const instancesMax = 8;

/** Who replaces whom, again and again. */
export interface Contention {
  readonly cluster: string;
  /** The one that was replaced now, and the one that has come back. */
  readonly instances: readonly [Contender, Contender];
  /** How often one of them has come back, of which this is the last. */
  readonly returns: number;
}

export type Contender = Pick<SessionInfo, 'instanceId' | 'peer'>;

export interface ContentionWatch {
  /** One session of a cluster was replaced by another. @returns what is to be told, once an hour for a cluster. */
  replaced(before: SessionInfo, next: SessionInfo): Contention | undefined;
}

/** Of one cluster. */
interface Turns {
  /** When each instance was replaced last, the newest last. */
  readonly replacedAtMs: Map<string, number>;
  returns: number;
  returnedAtMs: number;
  toldAtMs: number;
  seenAtMs: number;
}

/** Remembers clusters with such replacements for an hour after the last. */
export function createContentionWatch(clock: Clock): ContentionWatch {
  /** Those that were seen last stand last. */
  const clusters = new Map<string, Turns>();
  const touch = (cluster: string, nowMs: number): Turns => {
    for (const [old, { seenAtMs }] of clusters) {
      if (nowMs - seenAtMs < tellEveryMs) break;
      clusters.delete(old);
    }
    const turns = clusters.get(cluster) ?? createTurns();
    turns.seenAtMs = nowMs;
    clusters.delete(cluster);
    clusters.set(cluster, turns);
    return turns;
  };
  return {
    replaced(before, next) {
      if (before.instanceId === next.instanceId) return undefined;
      const nowMs = clock.monotonic();
      const { cluster } = next;
      const turns = touch(cluster, nowMs);
      const goneAtMs = turns.replacedAtMs.get(next.instanceId) ?? never;
      remember(turns.replacedAtMs, before.instanceId, nowMs);
      if (nowMs - goneAtMs > windowMs) return undefined;
      turns.returns = nowMs - turns.returnedAtMs > windowMs ? 1 : turns.returns + 1;
      turns.returnedAtMs = nowMs;
      if (turns.returns < returnsMin || nowMs - turns.toldAtMs < tellEveryMs) return undefined;
      turns.toldAtMs = nowMs;
      return { cluster, instances: [contenderOf(before), contenderOf(next)], returns: turns.returns };
    },
  };
}

const never = Number.NEGATIVE_INFINITY;

function createTurns(): Turns {
  return { replacedAtMs: new Map(), returns: 0, returnedAtMs: never, toldAtMs: never, seenAtMs: never };
}

function remember(replacedAtMs: Map<string, number>, instance: string, nowMs: number): void {
  replacedAtMs.delete(instance);
  replacedAtMs.set(instance, nowMs);
  const [oldest] = replacedAtMs.keys();
  if (replacedAtMs.size > instancesMax && oldest !== undefined) replacedAtMs.delete(oldest);
}

function contenderOf({ instanceId, peer }: SessionInfo): Contender {
  return { instanceId, peer };
}

/** What operators and receivers of notifications are told. */
export function contentionEvent({ cluster, instances, returns }: Contention, timeMs: number): NewEvent {
  const [before, next] = instances.map(({ instanceId, peer }) => `instance ${instanceId} from ${peer}`);
  const message = `two agents take turns as ${cluster}: ${before} and ${next} replace each other's sessions; stop the one that does not belong there (if it is of another cluster, enrol it under that one's name)`;
  return createEvent({
    ...{ type: 'agent.contended', actor: 'hub', timeMs, cluster, message },
    data: { instances, returns },
  });
}
