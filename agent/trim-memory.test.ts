import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../shared/clock/fake-clock.ts';
import { trimMemory } from './trim-memory.ts';

const mib = 1024 * 1024;

function bed() {
  const clock = createFakeClock();
  const state = { used: 20 * mib, live: 10 * mib, busyMs: 0, collections: 0 };
  const stop = trimMemory({
    clock,
    usedBytes: () => state.used,
    busyMs: () => state.busyMs,
    collect() {
      state.used = state.live;
      state.busyMs += 150;
      state.collections += 1;
    },
  });
  return { clock, state, stop };
}

describe('trimMemory', () => {
  it('collects once what is left from the start when there is nothing to do any more, and then leaves it', async () => {
    const { clock, state } = bed();
    await clock.advance(60_000);
    expect(state).toMatchObject({ collections: 1, used: 10 * mib });
    await clock.advance(3_600_000);
    expect(state.collections).toBe(1);
  });

  it('does not while there is much to do', async () => {
    const { clock, state } = bed();
    for (let seconds = 0; seconds < 600; seconds += 5) {
      state.used += mib;
      state.busyMs += 500;
      await clock.advance(5_000);
    }
    expect(state.collections).toBe(0);
    await clock.advance(5_000);
    expect(state.collections).toBe(1);
  });

  it('collects again after more work, but not for a little of it', async () => {
    const { clock, state } = bed();
    await clock.advance(60_000);
    state.used += mib;
    await clock.advance(600_000);
    expect(state.collections).toBe(1);
    state.used += 5 * mib;
    await clock.advance(10_000);
    expect(state.collections).toBe(2);
  });

  it('takes a rest between collections', async () => {
    const { clock, state } = bed();
    await clock.advance(5_000);
    expect(state.collections).toBe(1);
    state.used += 5 * mib;
    await clock.advance(20_000);
    expect(state.collections).toBe(1);
    await clock.advance(20_000);
    expect(state.collections).toBe(2);
  });

  it('takes what V8 has collected by itself as the new level', async () => {
    const { clock, state } = bed();
    await clock.advance(60_000);
    state.used = 5 * mib;
    await clock.advance(60_000);
    state.used = 9 * mib;
    await clock.advance(60_000);
    expect(state.collections).toBe(2);
  });

  it('ends when it is told to', async () => {
    const { clock, state, stop } = bed();
    stop();
    await clock.advance(60_000);
    expect(state.collections).toBe(0);
  });
});
