import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { createContestTracker } from './contest.ts';

describe('createContestTracker', () => {
  it('lets five corrections in ten minutes pass, then waits longer each time, and forgets when it is quiet', async () => {
    const clock = createFakeClock();
    const tracker = createContestTracker({ clock, random: createSeededRandom(1) });
    for (let round = 0; round < 5; round += 1) tracker.corrected('o', ['/a']);
    expect(tracker.waitMs('o', ['/a'])).toBe(0);
    expect(tracker.contested('o')).toBe(false);
    tracker.corrected('o', ['/a']);
    const firstMs = tracker.waitMs('o', ['/a']);
    expect(firstMs).toBeGreaterThan(0);
    expect(tracker.waitMs('o', ['/b'])).toBe(0);
    expect(tracker.waitMs('p', ['/a'])).toBe(0);
    expect(tracker.contested('o')).toBe(true);
    for (let round = 0; round < 6; round += 1) tracker.corrected('o', ['/a']);
    expect(tracker.waitMs('o', ['/a'])).toBeGreaterThan(10_000);
    await clock.advance(1_300_000);
    expect(tracker.contested('o')).toBe(false);
    expect(tracker.waitMs('o', ['/a'])).toBe(0);
  });
});
