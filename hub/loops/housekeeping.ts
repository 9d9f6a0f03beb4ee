import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import type { Logger } from '../../shared/log/log.ts';
import { createLoop, type Loop } from '../../shared/loop/loop.ts';
import type { Store } from '../store/store.ts';
import { fleetOf } from './fleet-rows.ts';
import { followPausesInGit } from './git-pauses.ts';

export interface Retention {
  readonly eventsKeptMs: number;
  readonly releasesKeptMs: number;
  readonly releasesKept: number;
  readonly rolloutsKeptMs: number;
  readonly rolloutsKept: number;
}

interface Ports {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Hourly, and at once again while there was something to delete: each call is bounded. */
export function createGarbageLoop(ports: Ports, retention: Retention): Loop {
  const step = async () => {
    const report = await ports.store.collectGarbage({ nowMs: ports.clock.now(), ...retention });
    const deleted = Object.values(report).reduce((sum, count) => sum + count, 0);
    if (deleted > 0) ports.log.info('garbage collected', { ...report });
    return { requeueAfterMs: deleted > 0 ? 1_000 : 3_600_000 };
  };
  return createLoop({ ...ports, name: 'garbage', step });
}

/** Longest wait before the pauses are looked at again, should a timer be late or a clock be set. */
const pauseCheckMaxMs = 60_000;

/** Ends pauses when their time is over, and has those in Git take over again. Wake it when pauses change. */
export function createPauseLoop(ports: Ports): Loop {
  const step = async () => {
    const nowMs = ports.clock.now();
    const ended = await ports.store.releases.expirePauses(nowMs);
    for (const { cluster, application, reason } of ended)
      ports.log.info('pause ended', { cluster, application, reason });
    await followPausesInGit(ports.store, fleetOf(await ports.store.fleet.load()), nowMs);
    const untils = (await ports.store.releases.pauses()).flatMap(({ untilMs }) =>
      untilMs === undefined ? [] : [untilMs],
    );
    return {
      requeueAfterMs: Math.min(pauseCheckMaxMs, ...untils.map((untilMs) => Math.max(50, untilMs - nowMs))),
    };
  };
  return createLoop({ ...ports, name: 'pauses', step });
}
