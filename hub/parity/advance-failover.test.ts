import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Failover, failoverPhases, isFailoverOver } from '../model/failover.ts';
import {
  advanceFailover,
  type FailoverFacts,
  type FailoverPlacement,
  failoverOpenMaxMs,
} from './advance-failover.ts';
import { aFailover, startedAtMs, word } from './failover.test-support.ts';

const placed: FailoverPlacement = {
  ...{ application: 'web', wanted: 'new', assigned: 'new', problem: '', healthy: true },
  ...{ appliedAtMs: startedAtMs + 4_000, healthyAtMs: startedAtMs + 5_000 },
};
const waiting = { ...placed, assigned: 'old' };
const facts: FailoverFacts = {
  ...{ nowMs: startedAtMs + 10_000, inForce: true, inGit: true, overridden: false, declared: true },
  ...{ standby: [placed], primary: [waiting], standbyConnected: true, primaryConnected: true },
};
const written = { attempts: 1, nextAtMs: undefined, error: '', written: { commit: 'c', ref: 'r' } };
/** Its own roles again, and its own Target. */
const back = { ...facts, inForce: false, standby: [{ ...placed, wanted: 'small', assigned: 'small' }] };
const overridden = aFailover({ mode: 'override', override: word, phase: 'Switching' });

describe('advanceFailover', () => {
  it('waits for its commit, then for the hub to see it, then for the standby', () => {
    const unseen = { ...facts, inForce: false, inGit: false };
    expect(advanceFailover(aFailover(), unseen).phase).toBe('Writing');
    const told = { ...written, written: undefined, error: 'no answer' };
    expect(advanceFailover(aFailover({ commit: told }), unseen).message).toBe('not committed yet: no answer');
    expect(advanceFailover(aFailover({ commit: written }), unseen).phase).toBe('Switching');
    const proposed = advanceFailover(aFailover({ commit: written, branch: 'x' }), unseen);
    expect(proposed).toMatchObject({ phase: 'Proposed', message: 'waits for x to be merged' });
    const slow = { ...facts, standby: [placed, { ...waiting, application: 'mail' }] };
    expect(advanceFailover(proposed, slow)).toMatchObject({
      phase: 'Switching',
      message: '1 of 2 applications to go; mail: its rollout has not assigned the new Target yet',
    });
  });

  it('measures the time from its start to the last application that became healthy', () => {
    const ready = advanceFailover(aFailover({ commit: written }), facts);
    expect(ready).toMatchObject({ phase: 'TrafficReady', rtoMs: 5_000, version: 2 });
    const earlier = { ...facts, standby: [{ ...placed, healthyAtMs: 1 }] };
    expect(advanceFailover(aFailover({ commit: written }), earlier).rtoMs).toBe(0);
    expect(advanceFailover(ready, { ...facts, primary: [placed] })).toMatchObject({ phase: 'Done' });
    expect(advanceFailover(ready, { ...facts, primaryConnected: false }).message).toContain(
      'its agent is away',
    );
  });

  it("is not done by the hub's word alone", () => {
    const both = { ...facts, inGit: false, primary: [placed] };
    const ready = advanceFailover(overridden, both);
    expect(ready.phase).toBe('TrafficReady');
    expect(advanceFailover(ready, { ...both, inGit: true })).toMatchObject({
      ...{ phase: 'Done', override: { ended: 'committed' } },
    });
  });

  it('gives the roles back when the word expires', () => {
    const late = { ...facts, inGit: false, overridden: true, nowMs: word.untilMs };
    const restoring = advanceFailover(overridden, late);
    expect(restoring).toMatchObject({ phase: 'Restoring', override: { ended: 'expired' } });
    const back = { ...late, overridden: false, inForce: false, primary: [placed] };
    expect(advanceFailover(restoring, back)).toMatchObject({ phase: 'Ended', endedAtMs: word.untilMs });
  });

  it('goes on past a week as long as the word lasts that was extended, and then gives the roles back in order', () => {
    const untilMs = startedAtMs + failoverOpenMaxMs + 60_000;
    const extended = aFailover({ mode: 'override', override: { ...word, untilMs }, phase: 'Switching' });
    const stuck = { ...facts, inGit: false, overridden: true, standby: [waiting] };
    const after = advanceFailover(extended, { ...stuck, nowMs: startedAtMs + failoverOpenMaxMs });
    expect(after).toMatchObject({ phase: 'Switching', endedAtMs: undefined });
    expect(after.override?.ended).toBeUndefined();
    expect(advanceFailover(after, { ...stuck, nowMs: untilMs })).toMatchObject({
      ...{ phase: 'Restoring', override: { ended: 'expired' } },
    });
    // Without a word of the hub's nothing comes about any more.
    const written = advanceFailover(aFailover(), { ...stuck, inForce: false, nowMs: untilMs });
    expect(written).toMatchObject({ phase: 'Ended', message: 'given up after 7 days' });
  });

  it('takes a drill back once the standby was ready', () => {
    const drill: Failover = { ...overridden, kind: 'drill', commit: undefined };
    const during = { ...facts, overridden: true };
    const restoring = advanceFailover(drill, during);
    expect(restoring).toMatchObject({ phase: 'Restoring', rtoMs: 5_000, override: { ended: 'drilled' } });
    expect(advanceFailover(restoring, during)).toBe(restoring);
    expect(advanceFailover(restoring, back)).toMatchObject({ phase: 'Restoring', restoredAtMs: back.nowMs });
  });

  describe('a standby that was drilled', () => {
    const as = (verdict: 'Ready' | 'Degraded', score: number) => ({ verdict, score });
    const planned = { ...as('Ready', 98), changes: undefined, problem: '' };
    const ended = { ...word, ended: 'drilled' as const };
    const drill = aFailover({ kind: 'drill', phase: 'Restoring', override: ended, rtoMs: 5_000, planned });
    const restored = advanceFailover(drill, back);
    const { nowMs } = back;
    /** So long after it was a standby again. */
    const look = (ms: number, stands: FailoverFacts['stands'], more: Partial<FailoverFacts> = {}) =>
      advanceFailover(restored, { ...back, nowMs: nowMs + ms, stands, ...more });

    it('ends its drill when parity looks at it and says what it said before', () => {
      expect(look(1_000, { ...as('Ready', 98), lookedAtMs: nowMs - 1 }).phase).toBe('Restoring');
      const after = as('Ready', 98);
      expect(look(1_000, { ...after, lookedAtMs: nowMs })).toMatchObject({
        phase: 'Done',
        after,
        rtoMs: 5_000,
      });
    });

    it('is given a minute to be healthy, and to stand as before', () => {
      const seen = { ...as('Degraded', 80), lookedAtMs: nowMs + 500 };
      expect(look(59_999, seen)).toBe(restored);
      expect(look(60_000, seen)).toMatchObject({ phase: 'Done', after: as('Degraded', 80) });
      const same = { ...as('Ready', 98), lookedAtMs: nowMs + 500 };
      const unwell = { standby: [{ ...placed, healthy: false }] };
      expect(look(59_999, same, unwell).phase).toBe('Restoring');
      expect(look(60_000, same, unwell).phase).toBe('Done');
    });

    it('is waited for no longer than five minutes where parity does not look, and nothing is made up', () => {
      for (const stands of [undefined, { ...as('Ready', 98), lookedAtMs: undefined }]) {
        expect(look(299_999, stands)).toBe(restored);
        const after = { verdict: 'Unknown', score: undefined };
        expect(look(300_000, stands)).toMatchObject({ phase: 'Done', after });
      }
    });

    it('holds its drill open neither for a new release nor for a clock that was set back', () => {
      const seen = { ...as('Degraded', 80), lookedAtMs: nowMs + 500 };
      expect(look(60_000, seen, { standby: [waiting] }).phase).toBe('Done');
      const earlier = look(-3_600_000, seen);
      const minuteLater = { ...back, nowMs: nowMs - 3_540_000, stands: seen };
      expect(advanceFailover(earlier, minuteLater).phase).toBe('Done');
    });
  });

  it('ends with its group', () => {
    expect(advanceFailover(overridden, { ...facts, declared: false })).toMatchObject({
      ...{ phase: 'Ended', override: { ended: 'superseded' } },
    });
  });

  it('changes nothing when it looks again at the same facts, and never goes on once it is over', () => {
    const flag = fc.boolean();
    const placement = fc.record({
      ...{ application: fc.constantFrom('a', 'b'), problem: fc.constantFrom('', 'broken'), healthy: flag },
      wanted: fc.constantFrom(undefined, 'new'),
      assigned: fc.constantFrom(undefined, 'old', 'new'),
      appliedAtMs: fc.constantFrom(undefined, startedAtMs + 1),
      healthyAtMs: fc.constantFrom(undefined, startedAtMs + 2),
    });
    const all = fc.array(placement, { maxLength: 3 });
    const seen = fc.record({
      ...{ inForce: flag, inGit: flag, overridden: flag, standby: all, primary: all },
      ...{ standbyConnected: flag, primaryConnected: flag },
      stands: fc.option(
        fc.record({
          ...{ verdict: fc.constantFrom('Ready', 'Degraded'), score: fc.constantFrom(90, undefined) },
          lookedAtMs: fc.constantFrom(undefined, startedAtMs + 15_000, startedAtMs + 35_000),
        }),
        { nil: undefined },
      ),
    });
    const begun = fc.constantFrom(aFailover(), overridden, { ...overridden, kind: 'drill' as const });
    fc.assert(
      fc.property(begun, fc.array(seen, { minLength: 1, maxLength: 8 }), (first, steps) => {
        let one: Failover = first;
        let nowMs = startedAtMs;
        for (const step of steps) {
          nowMs += 10_000;
          const before = one;
          const given = { ...step, nowMs, declared: true };
          one = advanceFailover(before, given);
          if (isFailoverOver(before)) expect(one).toBe(before);
          // One look is as good as many: nothing hangs on how often a step is made.
          let settled = one;
          for (let again = 0; again < failoverPhases.length; again += 1)
            settled = advanceFailover(settled, given);
          expect(advanceFailover(settled, given)).toBe(settled);
          expect(one.rtoMs === undefined).toBe(one.readyAtMs === undefined);
          if (one.phase === 'Done') expect(one.readyAtMs).toBeDefined();
        }
      }),
    );
  });
});
