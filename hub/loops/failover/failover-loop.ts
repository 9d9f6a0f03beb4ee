/**
 * Drives failovers: one key a group, single flight. Each step reads what is kept and what agents have said, writes to Git what is due, lets the pure part decide,
 * and keeps the next state with its events in one transaction. A hub that is killed at any point goes on from there.
 */
import type { Clock } from '../../../shared/clock/clock.ts';
import type { Random } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Logger } from '../../../shared/log/log.ts';
import { createLoop, type Loop } from '../../../shared/loop/loop.ts';
import { createEvent, type NewEvent } from '../../model/event.ts';
import { type Failover, isFailoverOver } from '../../model/failover.ts';
import { advanceFailover } from '../../parity/advance-failover.ts';
import { overrideCounts } from '../../parity/switch-roles.ts';
import { nextWarningAtMs } from '../../parity/warn-expiry.ts';
import type { Store, StoreTopic } from '../../store/store.ts';
import { fleetOf } from '../fleet-rows.ts';
import { loadFailoverFacts, loadFailovers, type ParityNow } from './failover-inputs.ts';
import { attemptSwitch, type SwitchPorts } from './write-switch.ts';

export interface FailoverLoopOptions {
  readonly store: Store;
  readonly digestKey: Uint8Array;
  readonly git: SwitchPorts;
  /** What parity last said. */
  readonly parity: (group: string) => ParityNow | undefined;
  /** Roles count otherwise than before, or a commit is there to be seen. */
  readonly onSwitch: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface FailoverLoop {
  readonly loop: Loop;
  /** Looks at every failover that is open. Does not wait. */
  wakeAll(): void;
  /** A change of the store. */
  changed(topic: StoreTopic, key: string): void;
  stop(): Promise<void>;
}

/** A key that no group has. */
const everyFailover = '*';
const gatherMs = 100;
/** Looks again though nothing woke it. */
const periodMs = 15_000;
/** The same, while parity looks at a standby that was drilled: what it finds may be what it found before. */
const reportMs = 1_000;

const topics: ReadonlySet<StoreTopic> = new Set([
  ...(['fleet', 'assignments', 'acknowledgements', 'observations', 'registry', 'rollouts'] as const),
]);

export function createFailoverLoop(options: FailoverLoopOptions): FailoverLoop {
  const { store, clock, log } = options;
  /** Groups with an open one. */
  const open = new Set<string>();
  let soon: (() => void) | undefined;

  const findOpen = async () => {
    open.clear();
    for (const { group } of await store.failovers.open()) {
      open.add(group);
      loop.wake(group);
    }
    return undefined;
  };

  /** The row as it is kept now, and as it is after an attempt at its commit, where one is due. */
  const commitOf = async (before: Failover, signal: AbortSignal) => {
    const { commit, phase, revoking } = before;
    const due = commit?.nextAtMs !== undefined && clock.now() >= commit.nextAtMs;
    const wanted = phase === 'Writing' || overrideCounts(before) || revoking !== undefined;
    if (!due || !wanted) return { kept: before, noted: before };
    const fleet = fleetOf(await store.fleet.load());
    let kept = before;
    const onPush = async () => {
      if (revoking) throw new FairwayError('cancelled', 'revoked: it is not written any more');
      // Who revokes it from here on knows that it may be in Git; who did so before is not overtaken.
      const marked: Failover = {
        ...{ ...before, version: before.version + 1 },
        commit: { ...commit, pushing: true },
      };
      if (!(await store.failovers.save(marked, before.version, [])))
        throw new FairwayError('conflict', 'the failover has gone on meanwhile');
      kept = marked;
    };
    const written = await attemptSwitch(before, fleet, { ...options, ...options.git, onPush }, signal);
    log.info('failover commit', { group: before.group, ...written, written: written.written?.commit });
    return { kept, noted: { ...kept, commit: written } };
  };

  const step = async (group: string, signal: AbortSignal) => {
    if (group === everyFailover) return findOpen();
    const before = (await loadFailovers(store, options.digestKey)).find((one) => one.group === group);
    if (before === undefined) {
      open.delete(group);
      return undefined;
    }
    const { kept, noted } = await commitOf(before, signal);
    const facts = await loadFailoverFacts(store, noted, options.parity(group), clock.now());
    const advanced = advanceFailover(noted, facts);
    const after = { ...advanced, version: kept.version + 1 };
    if (advanced === kept) return waitFor(kept);
    if (!(await store.failovers.save(after, kept.version, eventsOf(before, after, clock.now()))))
      return { requeueAfterMs: 1 };
    if (before.phase !== after.phase || before.message !== after.message)
      log.info('failover', { group, phase: after.phase, message: after.message });
    if (switches(before, after)) options.onSwitch();
    return isFailoverOver(after) ? undefined : waitFor(after);
  };

  const waitFor = (failover: Failover) => {
    const { commit, override } = failover;
    const untilMs = override?.ended === undefined ? override?.untilMs : undefined;
    const times = [commit?.nextAtMs, untilMs, nextWarningAtMs(failover)];
    const atMostMs = failover.restoredAtMs === undefined ? periodMs : reportMs;
    const dueMs = Math.min(...times.map((atMs) => (atMs ?? Infinity) - clock.now()), atMostMs);
    return { requeueAfterMs: Math.max(1, dueMs) };
  };

  const loop = createLoop({ ...options, name: 'failover', step, concurrencyMax: 4, periodMs });

  return {
    loop,
    wakeAll: () => loop.wake(everyFailover),
    changed(topic, key) {
      if (topic === 'failovers') {
        open.add(key);
        loop.wake(key);
      }
      if (!topics.has(topic) || open.size === 0 || soon !== undefined) return;
      soon = clock.after(gatherMs, () => {
        soon = undefined;
        for (const group of open) loop.wake(group);
      });
    },
    async stop() {
      soon?.();
      await loop.stop();
    },
  };
}

/** Whether what is resolved may come out otherwise now. */
function switches(before: Failover, after: Failover): boolean {
  return (
    overrideCounts(before) !== overrideCounts(after) ||
    before.commit?.written !== after.commit?.written ||
    before.assigned !== after.assigned ||
    before.phase !== after.phase
  );
}

function describeExpiry({ group, roles, commit }: Failover, untilMs: number): string {
  const clusters = Object.keys(roles).join(' and ');
  const error = commit?.error ? ` (${commit.error})` : '';
  return `the hub's own word is over at ${new Date(untilMs).toISOString()}, and ${clusters} get the roles that Git has: it is not in Git yet${error}; mend that, or fairway failover extend ${group}`;
}

function tooLate({ revoking, group, branch }: Failover): string {
  if (revoking === undefined || branch !== '') return '';
  return `; ${revoking.actor} has revoked it too late: go back by \`fairway failover back ${group}\``;
}

/** The id makes an event that is told twice one. */
function eventsOf(before: Failover, after: Failover, nowMs: number): readonly NewEvent[] {
  const { id, group, commit, readyAtMs, to, from, rtoMs, kind, phase } = after;
  const event = (
    type: 'failover.committed' | 'failover.ready' | 'failover.expiring' | 'failover.ended',
    message: string,
  ) =>
    createEvent({
      ...{ type, message: `${group}: ${message}`, actor: 'hub', timeMs: nowMs, id: `${type}-${id}` },
      data: { failover: id, group, kind, from, to, phase, rtoMs: rtoMs ?? null },
    });
  const events: NewEvent[] = [];
  if (before.commit?.written === undefined && commit?.written)
    events.push(
      event(
        'failover.committed',
        `the switch to ${to} is in Git: ${commit.written.commit.slice(0, 8)}${tooLate(before)}`,
      ),
    );
  if (before.readyAtMs === undefined && readyAtMs !== undefined)
    events.push(
      event('failover.ready', `${to} is ready, ${Math.round((rtoMs ?? 0) / 1_000)} s after the start`),
    );
  const { override } = after;
  if (override?.warnedMs !== undefined && override.warnedMs !== before.override?.warnedMs)
    events.push({
      ...event('failover.expiring', describeExpiry(after, override.untilMs)),
      id: `failover.expiring-${id}-${override.untilMs}-${override.warnedMs}`,
    });
  if (isFailoverOver(after)) events.push(event('failover.ended', after.message));
  return events;
}
