import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../clock/fake-clock.ts';
import { createSeededRandom } from '../clock/random.ts';
import { FairwayError } from '../error/error.ts';
import { silentLogger } from '../log/log.ts';
import { createLoop, type LoopOptions } from './loop.ts';

function setUp(step: LoopOptions['step'], more: Partial<LoopOptions> = {}) {
  const clock = createFakeClock();
  const loop = createLoop({
    name: 'test',
    step,
    clock,
    random: createSeededRandom(1),
    log: silentLogger,
    ...more,
  });
  return { clock, loop };
}

describe('createLoop', () => {
  it('runs a key once however often it was woken before its step', async () => {
    const { loop } = setUp(async () => undefined);
    for (let i = 0; i < 5; i++) loop.wake('a');
    await loop.idle();
    expect(loop.steps).toBe(1);
  });

  it('runs a key once more when it was woken during its step, and never twice at a time', async () => {
    let running = 0;
    let most = 0;
    const { loop } = setUp(
      async () => {
        running += 1;
        most = Math.max(most, running);
        if (loop.steps === 1) for (let i = 0; i < 3; i++) loop.wake('a');
        await Promise.resolve();
        running -= 1;
        return undefined;
      },
      { concurrencyMax: 4 },
    );
    loop.wake('a');
    await loop.idle();
    expect({ steps: loop.steps, most }).toEqual({ steps: 2, most: 1 });
  });

  it('keeps to its concurrency', async () => {
    let running = 0;
    let most = 0;
    const { loop } = setUp(
      async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return undefined;
      },
      { concurrencyMax: 3 },
    );
    for (let i = 0; i < 20; i++) loop.wake(`key-${i}`);
    await loop.idle();
    expect({ steps: loop.steps, most }).toEqual({ steps: 20, most: 3 });
  });

  it('backs off after an error that can heal and forgets the failures after a success', async () => {
    let fail = true;
    const { loop, clock } = setUp(async () => {
      if (fail) throw new FairwayError('unavailable', 'away');
      return undefined;
    });
    loop.wake('a');
    await loop.idle();
    expect(loop.state()[0]).toMatchObject({ failures: 1, lastError: 'away' });
    await clock.advance(200);
    expect(loop.state()[0]?.failures).toBeGreaterThan(1);
    fail = false;
    await clock.advance(60_000);
    expect(loop.state()[0]).toMatchObject({ failures: 0, lastError: undefined });
  });

  it('leaves a terminal error alone until the key is woken', async () => {
    const { loop, clock } = setUp(async () => {
      throw new FairwayError('invalid_argument', 'no use');
    });
    loop.wake('a');
    await loop.idle();
    await clock.advance(3_600_000);
    expect(loop.steps).toBe(1);
    loop.wake('a');
    await loop.idle();
    expect(loop.steps).toBe(2);
  });

  it("waits at least as long as the error's Retry-After", async () => {
    const { loop, clock } = setUp(async () => {
      if (loop.steps === 1)
        throw new FairwayError('resource_exhausted', 'slow down', { retryAfterMs: 30_000 });
      return undefined;
    });
    loop.wake('a');
    await loop.idle();
    await clock.advance(29_999);
    expect(loop.steps).toBe(1);
    await clock.advance(1);
    expect(loop.steps).toBe(2);
  });

  it('runs again by itself after requeueAfterMs and after its period', async () => {
    const { loop, clock } = setUp(async () => (loop.steps === 1 ? { requeueAfterMs: 1000 } : undefined), {
      periodMs: 60_000,
    });
    loop.wake('a');
    await loop.idle();
    await clock.advance(1000);
    expect(loop.steps).toBe(2);
    await clock.advance(72_000);
    expect(loop.steps).toBe(3);
  });

  it('aborts a step that takes too long and tries again', async () => {
    const { loop, clock } = setUp(
      (_key, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      { stepTimeoutMs: 5000 },
    );
    loop.wake('a');
    await clock.advance(5000);
    expect(loop.state()[0]).toMatchObject({ failures: 1, lastError: 'timed out' });
  });

  it('stops: aborts what runs, drops what waits and takes no more', async () => {
    const { loop } = setUp(
      (_key, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined))),
    );
    loop.wake('a');
    loop.wake('b');
    await new Promise((resolve) => setImmediate(resolve));
    await loop.stop();
    loop.wake('c');
    await loop.idle();
    expect(loop.steps).toBe(1);
  });
});
