import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { createNotices } from './notices.ts';

function bed() {
  const clock = createFakeClock();
  const notices = createNotices(clock);
  const state = { told: 0 };
  const end = notices.subscribe(() => {
    state.told += 1;
  });
  return { clock, notices, state, end };
}

describe('createNotices', () => {
  it('tells many changes of one moment once, a moment later', async () => {
    const { clock, notices, state } = bed();
    for (let at = 0; at < 100; at += 1) notices.changed();
    expect(state.told).toBe(0);
    await clock.advance(300);
    expect(state.told).toBe(1);
  });

  it('tells changes that do not end less often, and new ones at once after a while', async () => {
    const { clock, notices, state } = bed();
    for (let at = 0; at < 600; at += 1) {
      notices.changed();
      await clock.advance(1_000);
    }
    // Ten minutes: a burst, and four a minute.
    expect(state.told).toBeGreaterThan(40);
    expect(state.told).toBeLessThan(55);
    await clock.advance(300_000);
    const before = state.told;
    notices.changed();
    await clock.advance(300);
    expect(state.told).toBe(before + 1);
  });

  it('tells nobody who has left, and nothing once it is stopped', async () => {
    const { clock, notices, state, end } = bed();
    end();
    notices.changed();
    await clock.advance(1_000);
    notices.subscribe(() => {
      state.told += 1;
    });
    notices.changed();
    notices.stop();
    await clock.advance(60_000);
    expect(state.told).toBe(0);
  });
});
