import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { planBackoffMs } from '../../shared/loop/backoff.ts';

/**
 * Notices fights: more than `correctionsMax` corrections of the same field within `windowMs` and the next one waits, longer each time. When the
 * other stops, the window empties and the field is free again.
 */
export interface ContestTracker {
  /** How long to wait before correcting these fields of the object; 0: at once. */
  waitMs(object: string, paths: readonly string[]): number;
  corrected(object: string, paths: readonly string[]): void;
  /** How often the field of the object that was corrected most has been, within the window. */
  corrections(object: string): number;
  /** Whether any field of the object is fought over now. */
  contested(object: string): boolean;
  forget(object: string): void;
}

export interface ContestOptions {
  /** Default 5. */
  readonly correctionsMax?: number;
  /** Default 600,000. */
  readonly windowMs?: number;
}

interface Fight {
  times: number[];
  level: number;
  nextAtMs: number;
}

const backoff = { baseMs: 10_000, maxMs: 600_000 };
const fieldsMax = 1_000;

export function createContestTracker(
  ports: { readonly clock: Clock; readonly random: Random },
  options: ContestOptions = {},
): ContestTracker {
  const { clock, random } = ports;
  const correctionsMax = options.correctionsMax ?? 5;
  const windowMs = options.windowMs ?? 600_000;
  const objects = new Map<string, Map<string, Fight>>();

  const current = (fight: Fight): boolean => {
    const now = clock.monotonic();
    fight.times = fight.times.filter((time) => now - time < windowMs);
    if (fight.times.length === 0 && now >= fight.nextAtMs) fight.level = 0;
    return fight.times.length > 0 || now < fight.nextAtMs;
  };

  return {
    waitMs(object, paths) {
      const fights = objects.get(object);
      const waits = paths.map((path) => (fights?.get(path)?.nextAtMs ?? 0) - clock.monotonic());
      return Math.max(0, ...waits);
    },
    corrected(object, paths) {
      const fights = objects.get(object) ?? new Map<string, Fight>();
      objects.set(object, fights);
      for (const path of paths) {
        const fight = fights.get(path) ?? { times: [], level: 0, nextAtMs: 0 };
        current(fight);
        fight.times = [...fight.times, clock.monotonic()].slice(-(correctionsMax + 1));
        if (fight.times.length > correctionsMax) {
          fight.nextAtMs = clock.monotonic() + planBackoffMs(fight.level, random, backoff);
          fight.level += 1;
        }
        fights.set(path, fight);
      }
      for (const [path, fight] of fights) if (!current(fight)) fights.delete(path);
      if (fights.size > fieldsMax) objects.delete(object);
    },
    corrections(object) {
      const fights = [...(objects.get(object)?.values() ?? [])];
      return Math.max(0, ...fights.filter(current).map(({ times }) => times.length));
    },
    contested(object) {
      const fights = objects.get(object);
      if (!fights) return false;
      return [...fights.values()].some((fight) => current(fight) && fight.level > 0);
    },
    forget: (object) => void objects.delete(object),
  };
}
