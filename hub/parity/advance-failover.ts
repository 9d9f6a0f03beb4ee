/** One look at a failover: from what Git, the fleet and the agents say to its next phase. Pure; looked at again with the same facts, nothing changes. */
import {
  type Failover,
  type FailoverApplication,
  type FailoverReadiness,
  isFailoverOver,
} from '../model/failover.ts';
import { overrideCounts } from './switch-roles.ts';
import { warnExpiry } from './warn-expiry.ts';

/** An application of the group in one of the two clusters. */
export interface FailoverPlacement {
  readonly application: string;
  /** By the newest revision that was resolved; undefined: it does not belong there. */
  readonly wanted: string | undefined;
  /** Assigned now. */
  readonly assigned: string | undefined;
  /** Why its rollout does not assign what is wanted; empty or undefined: it goes on, or it has. */
  readonly notAssigned?: string | undefined;
  readonly appliedAtMs: number | undefined;
  readonly healthyAtMs: number | undefined;
  /** Its health by the last report, if there is one. */
  readonly healthy: boolean;
  /** What its agent said when it could not; empty: nothing. */
  readonly problem: string;
}

export interface FailoverFacts {
  readonly nowMs: number;
  /** Roles as they count for what was resolved last. */
  readonly inForce: boolean;
  readonly inGit: boolean;
  /** The hub's word of this failover is in what was resolved last. */
  readonly overridden: boolean;
  /** The group, and both clusters, are in the fleet. */
  readonly declared: boolean;
  readonly standby: readonly FailoverPlacement[];
  readonly primary: readonly FailoverPlacement[];
  readonly standbyConnected: boolean;
  readonly primaryConnected: boolean;
  /** The standby, as parity said when it looked last; that look was begun at `lookedAtMs` (undefined: not by this process). Default: nothing was ever said. */
  readonly stands?: (FailoverReadiness & { readonly lookedAtMs: number | undefined }) | undefined;
}

/** A standby that has been drilled is given so long to stand as it did before. */
const settleMs = 60_000;
/** Of one that parity has not looked at by then nothing is known. */
const lookWithinMs = 300_000;

/** Whatever has not come about by then does not, unless the hub's word lasts longer. */
export const failoverOpenMaxMs = 7 * 86_400_000;

/** The same object when nothing has changed; else its version is one more. */
export function advanceFailover(before: Failover, facts: FailoverFacts): Failover {
  if (isFailoverOver(before)) return before;
  const steps = [settleRevoke, endOverride, warn, enter, progress, restore];
  const stepped = steps.reduce((one, step) => step(one, facts), before);
  const after = noteAssigned(stepped, before, facts);
  const same = JSON.stringify(after) === JSON.stringify(before);
  return same ? before : { ...after, version: before.version + 1 };
}

/** Roles that are given back have to be assigned anew. */
function noteAssigned(failover: Failover, before: Failover, facts: FailoverFacts): Failover {
  const { phase, kind } = failover;
  if (phase === 'Restoring' && before.phase !== phase) {
    const { assigned: _, ...rest } = failover;
    return rest;
  }
  const counts = phase === 'TrafficReady' ? facts.inForce : phase === 'Restoring' && !facts.overridden;
  const sides = kind === 'drill' ? facts.standby : [...facts.standby, ...facts.primary];
  const all = counts && sides.every(({ wanted, assigned }) => wanted === assigned);
  return all && !failover.assigned ? { ...failover, assigned: true } : failover;
}

/** It ends, and gives back the roles where they count already. What is pushed to the branch that is followed cannot be revoked any more. */
export function revoked(
  failover: Failover,
  { actor, reason }: NonNullable<Failover['revoking']>,
  nowMs: number,
): Failover {
  const { commit, override } = failover;
  const counts = overrideCounts(failover);
  return {
    ...{ ...failover, revoking: undefined, message: `revoked by ${actor}: ${reason}` },
    phase: counts ? 'Restoring' : 'Ended',
    endedAtMs: counts ? undefined : nowMs,
    commit: commit && { ...commit, nextAtMs: undefined },
    override: override && { ...override, ended: override.ended ?? 'revoked' },
  };
}

/** Revoked while its push was under way: now Git has said whether it has the commit. */
function settleRevoke(failover: Failover, { nowMs }: FailoverFacts): Failover {
  const { revoking, commit, branch } = failover;
  if (revoking === undefined || commit?.pushing) return failover;
  if (commit?.written !== undefined && branch === '') return { ...failover, revoking: undefined };
  return revoked(failover, revoking, nowMs);
}

function endOverride(failover: Failover, { inGit, nowMs, declared }: FailoverFacts): Failover {
  const { override, kind, phase } = failover;
  // The hub's word has an end of its own, which may have been put off, and people are warned of that one.
  const late = nowMs >= failover.startedAtMs + failoverOpenMaxMs && !overrideCounts(failover);
  if (!declared || (late && phase !== 'TrafficReady' && phase !== 'Restoring')) {
    const message = declared ? 'given up after 7 days' : 'the group, or one of its clusters, is gone';
    const ended = override && { ...override, ended: override.ended ?? ('superseded' as const) };
    return { ...failover, override: ended, phase: 'Ended', message, endedAtMs: nowMs };
  }
  if (override === undefined || override.ended !== undefined) return failover;
  if (kind !== 'drill' && inGit) return { ...failover, override: { ...override, ended: 'committed' } };
  if (nowMs < override.untilMs) return failover;
  return { ...failover, override: { ...override, ended: 'expired' }, phase: 'Restoring' };
}

function warn(failover: Failover, { nowMs }: FailoverFacts): Failover {
  return warnExpiry(failover, nowMs);
}

function enter(failover: Failover, { inForce }: FailoverFacts): Failover {
  const { phase, commit, branch } = failover;
  if (phase !== 'Writing' && phase !== 'Proposed') return failover;
  if (inForce) return { ...failover, phase: 'Switching' };
  if (commit?.written === undefined) {
    const error = commit?.error ?? '';
    return {
      ...failover,
      message: error === '' ? 'the switch of roles is being committed' : `not committed yet: ${error}`,
    };
  }
  if (branch !== '') return { ...failover, phase: 'Proposed', message: `waits for ${branch} to be merged` };
  return { ...failover, phase: 'Switching', message: 'waits for the hub to see the commit' };
}

function applicationOf(one: FailoverPlacement, startedAtMs: number, connected: boolean): FailoverApplication {
  const { application, wanted, assigned, notAssigned, healthyAtMs, healthy, problem } = one;
  const waiting = (waitsOn: string) => ({ application, readyAtMs: undefined, waitsOn });
  if (assigned !== wanted) return waiting(notAssigned || 'its rollout has not assigned the new Target yet');
  if (problem !== '') return waiting(problem);
  if (healthyAtMs === undefined || !healthy)
    return waiting(connected ? 'not healthy at its new Target yet' : 'the agent is away');
  return { application, readyAtMs: Math.max(healthyAtMs, startedAtMs), waitsOn: '' };
}

function namesOf(all: readonly FailoverApplication[]): string {
  const waiting = all.filter(({ readyAtMs }) => readyAtMs === undefined);
  const [first] = waiting;
  return first === undefined
    ? ''
    : `${waiting.length} of ${all.length} applications to go; ${first.application}: ${first.waitsOn}`;
}

function progress(failover: Failover, facts: FailoverFacts): Failover {
  const { phase, startedAtMs, to, from, kind, override } = failover;
  if (phase === 'TrafficReady') return finish(failover, facts);
  if (phase !== 'Switching' || !facts.inForce) return failover;
  const applications = facts.standby
    .filter(({ wanted }) => wanted !== undefined)
    .map((one) => applicationOf(one, startedAtMs, facts.standbyConnected));
  const readyAtMs = Math.max(startedAtMs, ...applications.map((one) => one.readyAtMs ?? Infinity));
  if (readyAtMs === Infinity) return { ...failover, applications, message: namesOf(applications) };
  const ready = { ...failover, applications, readyAtMs, rtoMs: readyAtMs - startedAtMs };
  if (kind === 'drill' && override !== undefined)
    return { ...ready, phase: 'Restoring', override: { ...override, ended: 'drilled' } };
  return finish(
    { ...ready, phase: 'TrafficReady', message: `${to} is ready, ${from} is not told yet` },
    facts,
  );
}

/** Whether all that belongs there is applied there, and all that does not is gone. */
function hasArrived(all: readonly FailoverPlacement[]): boolean {
  return all.every(
    ({ wanted, assigned, appliedAtMs }) =>
      wanted === assigned && (wanted === undefined || appliedAtMs !== undefined),
  );
}

function finish(failover: Failover, facts: FailoverFacts): Failover {
  const { from, to, branch, commit } = failover;
  if (!hasArrived(facts.primary)) {
    const stuck = facts.primary.find(
      ({ wanted, assigned, notAssigned }) => wanted !== assigned && notAssigned,
    );
    const why = stuck ? `: ${stuck.application}: ${stuck.notAssigned}` : '';
    const away = facts.primaryConnected ? why : ': its agent is away';
    return { ...failover, message: `${to} is ready; ${from} has not taken its new Targets yet${away}` };
  }
  if (overrideCounts(failover)) {
    const error = commit?.error ?? '';
    const waits = branch === '' ? 'the switch to be committed' : `${branch} to be merged`;
    return {
      ...failover,
      message: `both clusters have switched; waits for ${waits}${error === '' ? '' : ` (${error})`}`,
    };
  }
  return { ...failover, phase: 'Done', message: 'both clusters have switched', endedAtMs: facts.nowMs };
}

/** An RTO of milliseconds is told as what it is worth. */
function secondsText(ms: number): string {
  return ms < 1_000 ? 'less than 1 s' : `${Math.round(ms / 1_000)} s`;
}

interface Side {
  readonly cluster: string;
  readonly placements: readonly FailoverPlacement[];
  readonly connected: boolean;
}

/** Says what giving the roles back waits for, once they are resolved. */
function restoringMessage({ override }: Failover, sides: readonly Side[]): string {
  const what = `${override?.ended ?? 'ended'}; the roles that Git has come back`;
  const late = sides.find(({ placements }) => !hasArrived(placements));
  const one = late?.placements.find((placement) => !hasArrived([placement]));
  if (!late || !one) return what;
  const { application, wanted, assigned, notAssigned, problem } = one;
  const rollout = wanted === assigned ? '' : notAssigned || 'its rollout has not assigned the Target yet';
  const why = rollout || problem || (late.connected ? 'not applied yet' : 'its agent is away');
  return `${what}; ${late.cluster} waits for ${application}: ${why}`;
}

/** How a standby stands that was drilled: as before, once a look says so that was begun after it had arrived, or else as it does after a while. Undefined: to be seen. */
function standsAfter(
  { planned }: Failover,
  restoredAtMs: number,
  { stands, standby, nowMs }: FailoverFacts,
): FailoverReadiness | undefined {
  const { lookedAtMs = -Infinity, ...readiness } = stands ?? { verdict: 'Unknown', score: undefined };
  if (lookedAtMs < restoredAtMs)
    return nowMs < restoredAtMs + lookWithinMs ? undefined : { verdict: 'Unknown', score: undefined };
  if (nowMs >= restoredAtMs + settleMs) return readiness;
  const isHealthy = standby.every(
    ({ wanted, healthy, healthyAtMs }) => wanted === undefined || (healthy && healthyAtMs !== undefined),
  );
  const isAsBefore = planned?.verdict === readiness.verdict && planned.score === readiness.score;
  return isHealthy && isAsBefore ? readiness : undefined;
}

function restore(failover: Failover, facts: FailoverFacts): Failover {
  const { overridden, standby, primary, standbyConnected, primaryConnected, nowMs } = facts;
  const { phase, from, to, kind } = failover;
  if (phase !== 'Restoring') return failover;
  const sides = [
    { cluster: to, placements: standby, connected: standbyConnected },
    ...(kind === 'drill' ? [] : [{ cluster: from, placements: primary, connected: primaryConnected }]),
  ];
  const isBack = !overridden && hasArrived(standby) && (kind === 'drill' || hasArrived(primary));
  if (kind === 'drill' && (isBack || failover.restoredAtMs !== undefined)) return report(failover, facts);
  if (!isBack) return { ...failover, message: restoringMessage(failover, overridden ? [] : sides) };
  return end(failover, nowMs);
}

/** A standby that has its own roles and Targets again is looked at before its drill ends. */
function report(failover: Failover, facts: FailoverFacts): Failover {
  const { override, to } = failover;
  const { nowMs } = facts;
  // The least of both: a clock may be set back.
  const restoredAtMs = Math.min(failover.restoredAtMs ?? nowMs, nowMs);
  const after = standsAfter(failover, restoredAtMs, facts);
  if (after !== undefined) return end({ ...failover, restoredAtMs, after }, nowMs);
  const message = `${override?.ended ?? 'ended'}; ${to} is a standby again, and parity looks at it`;
  return { ...failover, restoredAtMs, message };
}

function end(failover: Failover, nowMs: number): Failover {
  const { override, to, readyAtMs } = failover;
  const ended = { ...failover, endedAtMs: nowMs };
  if (override?.ended === 'drilled')
    return {
      ...ended,
      phase: 'Done',
      message: `${to} was ready after ${secondsText(failover.rtoMs ?? 0)}, and is a standby again`,
    };
  const ready = readyAtMs === undefined ? 'it was not ready until then' : 'it was ready';
  return {
    ...ended,
    phase: 'Ended',
    message: `${override?.ended ?? 'ended'}: roles are as Git has them; ${ready}`,
  };
}
