/**
 * Whether a primary is fenced, and how that is known. Pure.
 *
 * The argument of a lease: an agent counts from before it sent the contact that the hub has answered, the hub from when that came in. So once as much time has passed here,
 * and some more for clocks that run at different speeds, for an agent that starts anew, and for pods to end, the agent has stopped what it promised to, if it and its API
 * server were running. What the fleet asks for does not count, only what the agent itself has said.
 */

import type { FencePromise } from '../../shared/manifest/fencing.ts';
import type { Fenced } from '../model/failover.ts';
import type { FenceContact } from '../model/fencing.ts';

/** Beside the promise's own time: an agent that begins anew waits for the hub for 15 s, another replica needs as long to lead, and requests take their time. */
export const fenceMarginMs = 30_000;
/** Clocks of machines differ by less, unless they are set. */
const clockShare = 0.01;

export interface FencingFacts {
  readonly cluster: string;
  /** Of the group, that are assigned to it. */
  readonly applications: readonly string[];
  readonly connected: boolean;
  /** It is a standby by what was resolved last, and has applied all of that. */
  readonly isStandby: boolean;
  readonly contact: FenceContact | undefined;
  readonly nowMs: number;
}

export interface FencingVerdict {
  readonly fenced: Fenced;
  /** One sentence. */
  readonly reason: string;
}

const timeOf = (atMs: number) => new Date(atMs).toISOString();

export function judgeFencing(facts: FencingFacts): FencingVerdict {
  const { cluster, applications, connected, isStandby, contact } = facts;
  if (applications.length === 0)
    return { fenced: 'yes', reason: `nothing of the group is assigned to ${cluster}` };
  if (isStandby) return { fenced: 'yes', reason: `${cluster} has applied its Targets as a standby` };
  const promises = applications.map((one) =>
    contact?.promises.find((promise) => promise.applications.includes(one)),
  );
  const known = promises.filter((promise) => promise !== undefined);
  const reported =
    contact !== undefined &&
    applications.every((one) => contact.promises.some(({ fenced }) => fenced.includes(one)));
  const left = known.flatMap((promise) => promise.left);
  const stopWithinMs = Math.max(0, ...known.map((promise) => promise.stopWithinMs));
  if (reported && left.length === 0) return reportedVerdict(cluster, contact, stopWithinMs, facts);
  if (reported)
    return {
      fenced: connected ? 'no' : 'unknown',
      reason: `the agent of ${cluster} fences itself, but not all is stopped: ${left[0]}`,
    };
  if (connected) return { fenced: 'no', reason: `the agent of ${cluster} is connected` };
  if (contact === undefined || known.length < promises.length)
    return {
      fenced: 'unknown',
      reason: `the agent of ${cluster} is away, and has not promised to stop ${applicationsWithout(applications, promises)}`,
    };
  if (left.length > 0)
    return {
      fenced: 'unknown',
      reason: `the agent of ${cluster} is away, and could not stop all: ${left[0]}`,
    };
  return promisedVerdict(facts, contact, known, stopWithinMs);
}

function reportedVerdict(
  cluster: string,
  { atMs }: FenceContact,
  stopWithinMs: number,
  { nowMs }: FencingFacts,
): FencingVerdict {
  if (nowMs >= atMs + stopWithinMs)
    return { fenced: 'yes', reason: `the agent of ${cluster} has said that it is fenced` };
  return {
    fenced: 'unknown',
    reason: `the agent of ${cluster} has fenced itself; its pods may take until ${timeOf(atMs + stopWithinMs)} to end`,
  };
}

function applicationsWithout(
  applications: readonly string[],
  promises: readonly (FencePromise | undefined)[],
): string {
  const without = applications.filter((_, index) => promises[index] === undefined);
  const more = without.length > 1 ? ` and ${without.length - 1} more applications` : '';
  return `${without[0]}${more}`;
}

/** When a promise is kept at the latest. */
export function keptAtMs(atMs: number, afterMs: number, stopWithinMs: number): number {
  return Math.ceil(atMs + afterMs * (1 + clockShare) + stopWithinMs + fenceMarginMs);
}

function promisedVerdict(
  { cluster, nowMs }: FencingFacts,
  { atMs }: FenceContact,
  promises: readonly FencePromise[],
  stopWithinMs: number,
): FencingVerdict {
  const afterMs = Math.max(...promises.map((promise) => promise.afterMs));
  const dueMs = keptAtMs(atMs, afterMs, stopWithinMs);
  const said = `the agent of ${cluster} has promised to stop all within ${Math.round(afterMs / 1_000)} s without this hub, and was last heard at ${timeOf(atMs)}`;
  return nowMs >= dueMs
    ? { fenced: 'yes', reason: `${said}: it has, if it and its API server were running` }
    : { fenced: 'unknown', reason: `${said}: known to be kept from ${timeOf(dueMs)} on` };
}
