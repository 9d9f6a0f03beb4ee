/**
 * Keeps what this agent has promised of fencing, and its time. A promise is on disk before it is said, holds from the moment at which it is said, and grows longer only by
 * an answer. When its time is over, the group's applications are fenced; they are let go only when the hub has said in this session that none of them waits for a new Target,
 * all it has assigned is here, and it has answered a contact that no longer calls them fenced. So the hub always knows at least as soon as this agent acts.
 */
import type { Clock } from '../../shared/clock/clock.ts';
import { sleep } from '../../shared/clock/clock.ts';
import { toFairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { FenceOrder, FencePromise, FenceRule } from '../../shared/manifest/fencing.ts';
import type { DesiredState } from '../model/desired.ts';
import type { FenceContact, FencedApplication, Fences, StopReport } from '../model/fencing.ts';
import {
  answered,
  contactIntervalMs,
  isBroken,
  isOver,
  type Lease,
  type Moment,
  momentOf,
  promised,
  restored,
} from './fence-lease.ts';
import type { FenceSnapshot, FenceStorage } from './fence-state.ts';

export interface FenceKeeperOptions {
  readonly storage: FenceStorage;
  readonly desired: Pick<DesiredState, 'applications' | 'batchOpen' | 'subscribe'>;
  /** What can be said of an application's workloads before they are stopped. */
  readonly foresee: (application: string) => StopReport;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface FenceKeeper extends Fences {
  /** A session is open. */
  attach(send: (contact: FenceContact) => void): void;
  detach(): void;
  /** The hub's word in this session: it comes after all that is assigned. */
  order(order: FenceOrder): void;
  answered(sequence: number): void;
  /** Takes promises back before the agent stops: nobody is there to keep them then. Waits a second for the answer. */
  leave(): Promise<void>;
  /** What is fenced, for people. */
  fenced(): readonly FencedApplication[];
  stop(): void;
}

interface Sent {
  readonly at: Moment;
  readonly rules: readonly FenceRule[];
  /** Applications that are let go by the answer. */
  readonly free: readonly string[];
}

interface Stopped extends StopReport {
  readonly atSteadyMs: number;
}

const tickMs = 1_000;
const leaveMs = 1_000;
const leftMax = 20;
const inFlightMax = 8;

function snapshotOf(leases: Iterable<Lease>, fenced: Iterable<FencedApplication>): FenceSnapshot {
  return { leases: [...leases].map(({ untilSteadyMs: _, ...lease }) => lease), fenced: [...fenced] };
}

/** What is promised, without its time. */
function wordOf(leases: Iterable<FenceRule>): string {
  return JSON.stringify(
    [...leases].map(({ group, afterMs, applications }) => [group, afterMs, applications]),
  );
}

/** What was promised, and broken since nobody was there, is promised anew from now on, and that is written before it counts. */
async function loadKept({ storage, clock }: FenceKeeperOptions): Promise<FenceSnapshot> {
  const kept = await storage.load();
  const now = momentOf(clock);
  const broken = kept.leases.filter((lease) => isBroken(lease, now));
  if (broken.length === 0) return kept;
  const leases = kept.leases.map((lease) =>
    broken.includes(lease) ? { ...lease, untilMs: now.wallMs } : lease,
  );
  const anew = { ...kept, leases };
  await storage.save(anew);
  return anew;
}

/** Loads what the last run left. @throws what the storage throws. */
export async function createFenceKeeper(options: FenceKeeperOptions): Promise<FenceKeeper> {
  const { storage, desired, clock, log } = options;
  const kept = await loadKept(options);
  let written = kept;
  const leases = new Map(
    kept.leases.map((lease): [string, Lease] => [lease.group, restored(lease, momentOf(clock))]),
  );
  const fenced = new Map(kept.fenced.map((one) => [one.application, one]));
  const stopped = new Map<string, Stopped>();
  const inFlight = new Map<number, Sent>();
  const listeners = new Set<(applications: ReadonlySet<string>) => void>();
  let send: ((contact: FenceContact) => void) | undefined;
  let order: FenceOrder | undefined;
  let sequence = 0;
  let sending = false;
  let again = false;
  let writing: Promise<void> = Promise.resolve();
  let cancelTick = () => {};
  let cancelContact = () => {};
  let onAnswer = () => {};

  /** Nothing is written that is written already. */
  const save = (): Promise<void> => {
    const write = async () => {
      const snapshot = snapshotOf(leases.values(), fenced.values());
      if (JSON.stringify(snapshot) === JSON.stringify(written)) return;
      await storage.save(snapshot);
      written = snapshot;
    };
    writing = writing.then(write, write);
    return writing;
  };
  /** Where nothing hangs on it: what is kept then is stricter than what holds. */
  const saveSoon = () => {
    save().catch((caught: unknown) =>
      log.warn('what is promised of fencing cannot be written', { error: toFairwayError(caught) }),
    );
  };
  const tell = (applications: readonly string[]) => {
    if (applications.length === 0) return;
    for (const listener of listeners) listener(new Set(applications));
  };
  const isHeld = (application: string) => fenced.get(application)?.resuming === false;
  const mayGo = (application: string) =>
    isHeld(application) &&
    order !== undefined &&
    !order.withheld.includes(application) &&
    !desired.batchOpen();

  const fence = (lease: Lease) => {
    const fresh = lease.applications.filter((application) => !isHeld(application));
    for (const application of fresh) {
      const targetDigest = desired.applications().get(application)?.target.digest ?? '';
      const { group } = lease;
      stopped.delete(application);
      fenced.set(application, {
        ...{ application, group, sinceMs: clock.now(), targetDigest, resuming: false },
        ...(fenced.has(application) && { targetDigest: fenced.get(application)?.targetDigest ?? '' }),
      });
    }
    if (fresh.length === 0) return;
    log.warn('no word from the hub: its applications are fenced', {
      group: lease.group,
      applications: fresh,
    });
    saveSoon();
    tell(fresh);
  };
  const tick = () => {
    cancelTick();
    const now = momentOf(clock);
    for (const lease of leases.values()) if (isOver(lease, now)) fence(lease);
    if (leases.size > 0) cancelTick = clock.after(tickMs, tick);
  };

  const saidOf = (applications: readonly string[], free: readonly string[]) => {
    const now = clock.monotonic();
    const held = applications.filter((one) => isHeld(one) && !free.includes(one));
    const looks = applications.map((application) => {
      const report = stopped.get(application);
      if (!held.includes(application)) return options.foresee(application);
      if (!report) return { ...options.foresee(application), left: [`${application}: being stopped`] };
      return { left: report.left, graceMs: Math.max(0, report.atSteadyMs + report.graceMs - now) };
    });
    return {
      fenced: held,
      left: looks.flatMap(({ left }) => left).slice(0, leftMax),
      stopWithinMs: Math.max(0, ...looks.map(({ graceMs }) => graceMs)),
    };
  };
  /** Those of the rules, and what is fenced still though no rule asks for it any more. */
  const promisesOf = (rules: readonly FenceRule[], free: readonly string[]): readonly FencePromise[] => {
    const named = new Set(rules.flatMap(({ applications }) => applications));
    const others = [...fenced.values()].filter(
      ({ application }) => isHeld(application) && !named.has(application) && !free.includes(application),
    );
    const groups = [...new Set([...rules, ...others].map(({ group }) => group))].sort();
    return groups.map((group) => {
      const rule = rules.find((one) => one.group === group) ?? { group, afterMs: 0, applications: [] };
      const more = others.filter((one) => one.group === group).map(({ application }) => application);
      const applications = [...rule.applications, ...more].sort();
      return { ...rule, applications, ...saidOf(applications, free) };
    });
  };

  /** @param leaving nothing is promised any more, and nothing let go. */
  const sendOne = async (leaving: boolean): Promise<void> => {
    const to = send;
    if (to === undefined || order === undefined) return;
    const at = momentOf(clock);
    const rules = leaving ? [] : order.rules;
    for (const rule of rules) leases.set(rule.group, promised(rule, leases.get(rule.group), at));
    tick();
    if (wordOf(leases.values()) !== wordOf(written.leases)) await save();
    if (send !== to) return;
    const free = leaving ? [] : [...fenced.keys()].filter(mayGo);
    if (inFlight.size >= inFlightMax) inFlight.delete(Math.min(...inFlight.keys()));
    sequence += 1;
    inFlight.set(sequence, { at, rules, free });
    to({ sequence, promises: promisesOf(rules, free) });
  };
  const contact = async (): Promise<void> => {
    if (sending) {
      again = true;
      return;
    }
    sending = true;
    try {
      do {
        again = false;
        await sendOne(false);
      } while (again);
    } catch (caught) {
      log.warn('nothing new can be promised of fencing', { error: toFairwayError(caught) });
    } finally {
      sending = false;
    }
    plan();
  };
  const plan = () => {
    cancelContact();
    if (send === undefined || order === undefined) return;
    if (order.rules.length === 0 && leases.size === 0 && fenced.size === 0) return;
    cancelContact = clock.after(contactIntervalMs(order.rules), () => void contact());
  };
  const take = (rec: Sent) => {
    leases.clear();
    for (const rule of rec.rules) leases.set(rule.group, answered(rule, rec.at));
    // What was said since then may be known to the hub already.
    for (const { rules, at } of inFlight.values())
      for (const rule of rules) leases.set(rule.group, promised(rule, leases.get(rule.group), at));
    tick();
    const over = [...leases.values()].filter((lease) => isOver(lease, momentOf(clock)));
    const dead = new Set(over.flatMap(({ applications }) => applications));
    // What has been called fenced since then stays so: the hub may know.
    const later = [...inFlight.values()];
    const free = rec.free.filter(
      (application) =>
        isHeld(application) &&
        !dead.has(application) &&
        later.every((sent) => sent.free.includes(application)),
    );
    for (const application of free) {
      const one = fenced.get(application);
      if (one) fenced.set(application, { ...one, resuming: true });
      stopped.delete(application);
    }
    if (free.length > 0) log.info('the hub is back: applications are let go', { applications: free });
    saveSoon();
    tell(free);
  };
  // What is assigned may have been all that an application waited for.
  const unsubscribe = desired.subscribe(() => {
    if ([...fenced.keys()].some(mayGo)) void contact();
  });
  tick();

  return {
    of: (application) => fenced.get(application),
    fenced: () => [...fenced.values()],
    stopped(application, report) {
      if (!isHeld(application)) return;
      const before = stopped.get(application);
      const same = before !== undefined && before.left.join() === report.left.join();
      const graceMs = Math.max(report.graceMs, same ? before.graceMs : 0);
      stopped.set(application, {
        ...report,
        graceMs,
        atSteadyMs: same ? before.atSteadyMs : clock.monotonic(),
      });
      if (!same) void contact();
    },
    resumed(application) {
      if (fenced.get(application)?.resuming !== true) return;
      fenced.delete(application);
      saveSoon();
      void contact();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    attach(to) {
      send = to;
      order = undefined;
      inFlight.clear();
    },
    detach() {
      send = undefined;
      order = undefined;
      inFlight.clear();
      cancelContact();
    },
    order(next) {
      order = next;
      const idle = next.rules.length === 0 && leases.size === 0 && fenced.size === 0;
      if (!idle) void contact();
    },
    answered(answeredSequence) {
      const rec = inFlight.get(answeredSequence);
      for (const known of [...inFlight.keys()]) if (known <= answeredSequence) inFlight.delete(known);
      if (rec) take(rec);
      onAnswer();
    },
    async leave() {
      if (send === undefined || order === undefined || leases.size === 0) return;
      const heard = new Promise<void>((resolve) => {
        onAnswer = resolve;
      });
      await sendOne(true);
      await Promise.race([heard, sleep(clock, leaveMs)]);
      await writing.catch(() => undefined);
    },
    stop() {
      unsubscribe();
      cancelTick();
      cancelContact();
    },
  };
}
