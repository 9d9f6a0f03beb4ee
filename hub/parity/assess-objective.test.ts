import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultObjective } from '../model/parity.ts';
import { assessObjective, keepTurns, objectiveReasons } from './assess-objective.ts';

const hour = 3_600_000;
const day = 24 * hour;
const nowMs = 100 * day;
const whole = (atMs: number) => ({ atMs, whole: true });
const broken = (atMs: number) => ({ atMs, whole: false });

describe('assessObjective', () => {
  it('takes what was missed of the window, and of the last hour', () => {
    const turns = [whole(nowMs - 40 * day), broken(nowMs - 10 * day), whole(nowMs - 9 * day)];
    const { held, spent, burns, leftMs, state } = assessObjective(turns, nowMs);
    expect(held).toBeCloseTo(29 / 30);
    expect(spent).toBeCloseTo(1 / 30 / 0.001);
    expect(burns.map(({ rate }) => rate)).toEqual([0, 0, 0]);
    expect([leftMs, state]).toEqual([0, 'missed']);
  });

  it('burns a thousandfold while it is broken', () => {
    const { burns, held } = assessObjective([whole(nowMs - day), broken(nowMs - hour)], nowMs);
    expect(burns.map(({ rate }) => rate)).toEqual(
      [1_000, 1_000 / 6, 1_000 / 72].map((rate) => expect.closeTo(rate)),
    );
    expect(held).toBeCloseTo(23 / 24);
  });

  it('says that it is spent too fast before it is missed, by the share of all that a span may take', () => {
    const brokenFor = (ms: number) => assessObjective([whole(nowMs - 40 * day), broken(nowMs - ms)], nowMs);
    expect(brokenFor(0).burns.map(({ alertAt }) => alertAt)).toEqual(
      [14.4, 6, 1].map((at) => expect.closeTo(at)),
    );
    // 2 % of 43.2 minutes.
    expect(brokenFor(51_000).state).toBe('held');
    expect(brokenFor(52_000).state).toBe('burning');
    expect(brokenFor(43.3 * 60_000).state).toBe('missed');
  });

  it("measures by the group's own target and window", () => {
    const half = { share: 0.5, windowMs: 2 * day };
    const turns = [broken(nowMs - 9 * day), whole(nowMs - day / 2)];
    expect(assessObjective(turns, nowMs, half)).toMatchObject({
      ...{ held: expect.closeTo(0.25), spent: expect.closeTo(1.5), state: 'missed' },
      burns: [{ spanMs: hour, rate: 0, alertAt: expect.closeTo(0.96) }],
    });
    expect(keepTurns(turns, nowMs, { ...half, windowMs: hour })).toEqual([turns[1]]);
    expect(objectiveReasons(assessObjective(turns, nowMs, half), '')[0]?.message).toBe(
      'parity held 25.0 % of the last 2 days, where 50 % is wanted: 1 times what may be missed is spent',
    );
  });

  it('says nothing against a group of which nothing is known, and counts known time alone', () => {
    expect(assessObjective([], nowMs)).toMatchObject({ held: 1, spent: 0, state: 'held' });
    expect(assessObjective([broken(nowMs - 1_000)], nowMs).held).toBe(0);
  });

  it('tells where more is spent than there is, and else nothing', () => {
    const allowedMs = defaultObjective.windowMs * (1 - defaultObjective.share);
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
        expect(
          kept.filter(({ atMs }) => atMs <= nowMs - defaultObjective.windowMs).length,
        ).toBeLessThanOrEqual(1);
      }),
    );
  });
});
