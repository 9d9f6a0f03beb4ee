/**
 * The time of a promise, by both clocks of the machine. It runs from the moment at which the contact was sent that the hub has answered, never from the answer: whatever
 * the network did meanwhile, the hub's own count began later. Steady time alone would stand still while a machine sleeps, and the clock alone can be set. Pure.
 */
import type { Clock } from '../../shared/clock/clock.ts';
import type { FenceRule } from '../../shared/manifest/fencing.ts';
import type { KeptLease } from './fence-state.ts';

export interface Moment {
  readonly wallMs: number;
  readonly steadyMs: number;
}

export interface Lease extends KeptLease {
  readonly untilSteadyMs: number;
}

/** An agent that begins anew asks the hub before it stops what may be well. */
export const startGraceMs = 15_000;
/** An agent that was away for longer than this after its promise was due has broken it: it asks the hub first, once. */
const brokenAfterMs = 60_000;

/** Now, by both clocks: one can be set, the other stands still while a machine sleeps. */
export function momentOf(clock: Clock): Moment {
  return { wallMs: clock.now(), steadyMs: clock.monotonic() };
}

/** Over as soon as one of the clocks says so. */
export function isOver({ untilMs, untilSteadyMs }: Lease, now: Moment): boolean {
  return now.wallMs >= untilMs || now.steadyMs >= untilSteadyMs;
}

/** Said, not answered: never later than before, and what was promised before holds as well. */
export function promised(rule: FenceRule, before: Lease | undefined, at: Moment): Lease {
  const applications = [...new Set([...rule.applications, ...(before?.applications ?? [])])].sort();
  return {
    ...{ ...rule, applications },
    untilMs: Math.min(at.wallMs + rule.afterMs, before?.untilMs ?? Infinity),
    untilSteadyMs: Math.min(at.steadyMs + rule.afterMs, before?.untilSteadyMs ?? Infinity),
  };
}

/** Counted from when the question was sent: the answer may have been long on its way. */
export function answered(rule: FenceRule, sent: Moment): Lease {
  return { ...rule, untilMs: sent.wallMs + rule.afterMs, untilSteadyMs: sent.steadyMs + rule.afterMs };
}

/** Whether nobody was there to keep it. */
export function isBroken({ untilMs }: KeptLease, now: Moment): boolean {
  return now.wallMs >= untilMs + brokenAfterMs;
}

/** As the process before has left it. The time to ask the hub is counted from what is kept, so that an agent that ends again and again gets it once. */
export function restored(kept: KeptLease, now: Moment): Lease {
  const untilMs = kept.untilMs + startGraceMs;
  return { ...kept, untilMs, untilSteadyMs: now.steadyMs + untilMs - now.wallMs };
}

/** How often the hub is asked: each answer lost leaves time for some more. */
export function contactIntervalMs(rules: readonly FenceRule[]): number {
  const shortest = Math.min(...rules.map(({ afterMs }) => afterMs), 240_000);
  return Math.max(1_000, Math.floor(shortest / 4));
}
