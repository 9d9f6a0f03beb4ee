import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { planBackoffMs } from '../../shared/loop/backoff.ts';
import { formatMarks } from '../model/marks.ts';
import type { HeldState } from './held-state.ts';
import { type DesiredStoreOptions, snapshotOf } from './state-snapshot.ts';
import { sealState } from './state-storage.ts';

/** One write at a time; what is asked for during a write goes into the next. A write that nobody waits for is tried again by itself. */
export function createSnapshotWriter(
  { storage, key, clock, random, log }: DesiredStoreOptions,
  state: HeldState,
) {
  let version = 0;
  let written = 0;
  let failures = 0;
  let running: Promise<void> | undefined;
  let retryPlanned = false;
  // What the last run wrote may have been written before there were marks.
  let unmarked = true;

  const write = async () => {
    const writing = version;
    const marks = formatMarks(state.inForce.values());
    await storage.save(await sealState(JSON.stringify(snapshotOf(state)), key, random), marks);
    unmarked = marks === undefined;
    written = writing;
    failures = 0;
  };

  const retryLater = (caught: unknown) => {
    const delayMs = planBackoffMs(failures, random);
    failures += 1;
    log.warn('the desired state cannot be written', { error: toFairwayError(caught), delayMs });
    if (retryPlanned) return;
    retryPlanned = true;
    clock.after(delayMs, () => {
      retryPlanned = false;
      flush().catch(() => {
        // Reported and planned anew by the failed write itself.
      });
    });
  };

  const flush = async (): Promise<void> => {
    const wanted = version;
    while (written < wanted) {
      running ??= write()
        .catch((caught: unknown) => {
          retryLater(caught);
          throw caught;
        })
        .finally(() => {
          running = undefined;
        });
      await running;
    }
  };

  return {
    /** Something changed: written soon, though nobody may wait for it. */
    touch() {
      version += 1;
      queueMicrotask(() => {
        flush().catch(() => {
          // Reported and planned anew by the failed write itself.
        });
      });
    },
    flush,
    async settleMarks() {
      await flush();
      if (unmarked) throw new FairwayError('resource_exhausted', 'the state is written without its marks');
    },
  };
}
