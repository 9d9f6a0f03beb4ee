import { describe, expect, it } from 'vitest';
import { errorOf } from './git-bed.test-support.ts';
import { createMutex } from './mutex.ts';

describe('createMutex', () => {
  it('runs one at a time, in order, and goes on after a failure', async () => {
    const mutex = createMutex();
    const steps: string[] = [];
    let free: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      free = resolve;
    });
    const first = mutex.run(undefined, async () => {
      steps.push('first starts');
      await gate;
      steps.push('first ends');
      throw new RangeError('first');
    });
    const second = mutex.run(undefined, async () => {
      steps.push('second');
      return 2;
    });
    free();
    await expect(first).rejects.toThrow(RangeError);
    expect(await second).toBe(2);
    expect(steps).toEqual(['first starts', 'first ends', 'second']);
  });

  it('lets go at once who gives up waiting, and never runs their work', async () => {
    const mutex = createMutex();
    let free: () => void = () => undefined;
    const first = mutex.run(
      undefined,
      () =>
        new Promise<void>((resolve) => {
          free = resolve;
        }),
    );
    const abort = new AbortController();
    let ran = false;
    const waiting = errorOf(
      mutex.run(abort.signal, async () => {
        ran = true;
      }),
    );
    abort.abort();
    expect((await waiting).code).toBe('cancelled');
    free();
    await first;
    expect(await mutex.run(undefined, async () => 3)).toBe(3);
    expect(ran).toBe(false);
  });
});
