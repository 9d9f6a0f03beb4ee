import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createGate } from './gate.ts';

describe('createGate', () => {
  it('lets so many through and the rest in order', async () => {
    const gate = createGate(2, createFakeClock());
    const order: number[] = [];
    const passes = await Promise.all([gate.acquire(), gate.acquire()]);
    const waiting = [1, 2].map((index) =>
      gate.acquire().then((pass) => {
        order.push(index);
        return pass;
      }),
    );
    expect(gate.state()).toEqual({ window: 2, underway: 2, waiting: 2 });
    for (const { release } of passes) {
      release();
      release();
    }
    for (const { release } of await Promise.all(waiting)) release();
    expect([order, gate.state()]).toEqual([[1, 2], { window: 2, underway: 0, waiting: 0 }]);
  });

  it('halves once for refusals that come together, sends nothing before the time told, and opens again by and by', async () => {
    const clock = createFakeClock();
    const gate = createGate(16, clock);
    const passes = await Promise.all(Array.from({ length: 16 }, () => gate.acquire()));
    for (const { refused } of passes) refused(2_000);
    for (const { release } of passes) release();
    expect(gate.state().window).toBe(8);
    let sent = false;
    const held = gate.acquire().then(({ release }) => {
      sent = true;
      release();
    });
    await clock.advance(1_999);
    expect(sent).toBe(false);
    await clock.advance(1);
    await held;
    for (let round = 0; round < 6; round += 1) gate.refused(0);
    expect(gate.state().window).toBe(1);
    const { served } = await gate.acquire();
    for (let index = 0; index < 1 + 2 + 3; index += 1) served();
    expect(gate.state().window).toBe(4);
    for (let index = 0; index < 1_000; index += 1) served();
    expect(gate.state().window).toBe(16);
  });

  it('lets go of who does not want to wait any more', async () => {
    const clock = createFakeClock();
    const gate = createGate(1, clock);
    const abort = new AbortController();
    const { release } = await gate.acquire();
    const queued = gate.acquire(abort.signal);
    abort.abort(new Error('gone'));
    await expect(queued).rejects.toThrow('gone');
    release();
    gate.refused(60_000);
    const later = new AbortController();
    const held = gate.acquire(later.signal);
    await Promise.resolve();
    later.abort(new Error('gone too'));
    await expect(held).rejects.toThrow('gone too');
    expect(gate.state()).toEqual({ window: 1, underway: 0, waiting: 0 });
  });
});
