import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createDeadlines } from './deadlines.ts';

describe('createDeadlines', () => {
  it('ends each when its own time is over, and none that was called off', async () => {
    const clock = createFakeClock();
    const deadlines = createDeadlines(clock, 1_000);
    const over: string[] = [];
    deadlines.begin(() => over.push('first'));
    await clock.advance(400);
    const cancel = deadlines.begin(() => over.push('second'));
    deadlines.begin(() => over.push('third'));
    cancel();
    await clock.advance(599);
    expect(over).toEqual([]);
    await clock.advance(1);
    expect(over).toEqual(['first']);
    await clock.advance(399);
    expect(over).toEqual(['first']);
    await clock.advance(1);
    expect(over).toEqual(['first', 'third']);
  });

  it('has one timer whatever is under way, and in the end none', async () => {
    const clock = createFakeClock();
    const deadlines = createDeadlines(clock, 1_000);
    const cancels = Array.from({ length: 50 }, () => deadlines.begin(() => {}));
    expect(clock.pending).toBe(1);
    for (const cancel of cancels) cancel();
    await clock.advance(2_000);
    expect(clock.pending).toBe(0);
    let over = 0;
    deadlines.begin(() => {
      over += 1;
    });
    await clock.advance(1_000);
    expect(over).toBe(1);
  });
});
