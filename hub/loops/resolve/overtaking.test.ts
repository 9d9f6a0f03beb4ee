import { describe, expect, it } from 'vitest';
import { FairwayError } from '../../../shared/error/error.ts';
import type { SourceStatus } from '../../model/source-status.ts';
import type { StoreListener } from '../../store/store.ts';
import { createOvertaking, overtakenMax } from './overtaking.ts';

const key = '@main';

/** A store of one source, whose head can be moved. */
function sources() {
  const listeners = new Set<StoreListener>();
  let head = 'h0';
  const status = (): SourceStatus => ({
    ...{ key, url: 'u', ref: 'main', head, headSeenAtMs: 0, lastAttemptAtMs: 0, conditions: [] },
  });
  const store = {
    sources: { get: async () => status() },
    subscribe(listener: StoreListener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  } as unknown as Parameters<typeof createOvertaking>[0];
  return {
    store,
    listeners,
    heads: () => new Map([[key, head]]),
    tell(topic: 'sources' | 'events' = 'sources') {
      for (const listener of listeners) listener(topic, key);
    },
    move(next: string) {
      head = next;
      this.tell();
    },
  };
}

/** Work that ends when it is aborted, or told to. */
function work() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return {
    finish: () => resolve('done'),
    run: (signal: AbortSignal) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      return promise;
    },
  };
}

const never = new AbortController().signal;

describe('createOvertaking', () => {
  it('gives up work once a head has moved, and lets go of the store', async () => {
    const bed = sources();
    const { run } = createOvertaking(bed.store);
    const running = run(bed.heads(), never, work().run);
    bed.move('h1');
    expect(await running).toBeUndefined();
    expect(bed.listeners.size).toBe(0);
  });

  it('goes on while the head is the same, whatever else is said of the source', async () => {
    const bed = sources();
    const one = work();
    const running = createOvertaking(bed.store).run(bed.heads(), never, one.run);
    bed.tell();
    bed.tell('events');
    await Promise.resolve();
    one.finish();
    expect(await running).toBe('done');
  });

  it('lets one finish after so many in a row, however fast heads move', async () => {
    const bed = sources();
    const { run } = createOvertaking(bed.store);
    const outcomes: (string | undefined)[] = [];
    for (let round = 0; round < 2 * (overtakenMax + 1); round += 1) {
      const one = work();
      const running = run(bed.heads(), never, one.run);
      bed.move(`h${round + 1}`);
      // Time enough for it to be given up.
      await new Promise((resolve) => setImmediate(resolve));
      one.finish();
      outcomes.push(await running);
    }
    const row = [...Array.from({ length: overtakenMax }, () => undefined), 'done'];
    expect(outcomes).toEqual([...row, ...row]);
  });

  it('hands on why work failed, and that nobody wants it', async () => {
    const bed = sources();
    const { run } = createOvertaking(bed.store);
    const failure = new FairwayError('data_loss', 'damaged');
    await expect(run(bed.heads(), never, () => Promise.reject(failure))).rejects.toBe(failure);
    const stop = new AbortController();
    const running = run(bed.heads(), stop.signal, work().run);
    stop.abort(failure);
    await expect(running).rejects.toBe(failure);
  });
});
