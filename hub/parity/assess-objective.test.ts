import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assessObjective, keepTurns, objective, objectiveReasons } from './assess-objective.ts';

const day = 86_400_000;
const nowMs = 100 * day;
const whole = (atMs: number) => ({ atMs, whole: true });
const broken = (atMs: number) => ({ atMs, whole: false });

describe('assessObjective', () => {
  it('takes what was missed of the window, and of the last hour', () => {
    const turns = [whole(nowMs - 40 * day), broken(nowMs - 10 * day), whole(nowMs - 9 * day)];
    const { held, spent, burn } = assessObjective(turns, nowMs);
    expect(held).toBeCloseTo(29 / 30);
    expect(spent).toBeCloseTo(1 / 30 / 0.001);
    expect(burn).toBe(0);
  });

  it('burns a thousandfold while it is broken', () => {
    const { burn, held } = assessObjective([whole(nowMs - day), broken(nowMs - 3_600_000)], nowMs);
    expect(burn).toBeCloseTo(1_000);
    expect(held).toBeCloseTo(23 / 24);
  });

  it('says nothing against a group of which nothing is known, and counts known time alone', () => {
    expect(assessObjective([], nowMs)).toEqual({ held: 1, spent: 0, burn: 0 });
    expect(assessObjective([broken(nowMs - 1_000)], nowMs).held).toBe(0);
  });

  it('tells where more is spent than there is, and else nothing', () => {
    const allowedMs = objective.windowMs * (1 - objective.share);
    const told = (ms: number) =>
      objectiveReasons(assessObjective([whole(nowMs - 40 * day), broken(nowMs - ms)], nowMs), 'dr');
    expect(told(allowedMs - 1_000)).toEqual([]);
    expect(told(2 * allowedMs + 1_000)[0]).toMatchObject({
      ...{ type: 'objective', severity: 'info', owner: 'dr' },
      message:
        'parity held 99.7 % of the last 30 days, where 99.9 % is wanted: 2 times what may be missed is spent',
    });
  });
});

describe('keepTurns', () => {
  it('keeps what the answer is made of, and no more', () => {
    const turn = fc.record({ atMs: fc.integer({ min: 0, max: nowMs }), whole: fc.boolean() });
    fc.assert(
      fc.property(fc.array(turn), (found) => {
        const turns = [...found].sort((a, b) => a.atMs - b.atMs);
        const kept = keepTurns(turns, nowMs);
        const [before, after] = [assessObjective(turns, nowMs), assessObjective(kept, nowMs)];
        expect(after.held).toBeCloseTo(before.held, 9);
        expect(after.spent).toBeCloseTo(before.spent, 9);
        expect(kept.filter(({ atMs }) => atMs <= nowMs - objective.windowMs).length).toBeLessThanOrEqual(1);
      }),
    );
  });
});
