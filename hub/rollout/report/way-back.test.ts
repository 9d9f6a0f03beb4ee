import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave, type RolloutStrategy } from '../../model/strategy.ts';
import { createScenario } from '../testing/scenario.test-support.ts';
import { wayBack } from './way-back.ts';

const minute = 60_000;
const noon = Date.UTC(2026, 0, 5, 12);
const one = { unit: 'clusters', value: 1 } as const;
const strategy: RolloutStrategy = {
  ...defaultStrategy,
  waves: ['a', 'b', 'c', 'd'].map((name) => ({ ...defaultWave, name, take: one })),
  onFailure: 'rollback',
};

/** a and b are done, c fails at noon; d has not begun. */
function fail(change: Partial<RolloutStrategy> = {}) {
  const run = createScenario(['eu-1', 'eu-2', 'eu-3', 'eu-4'], { ...strategy, ...change });
  for (const name of ['eu-1', 'eu-2']) {
    run.pass();
    run.healthy(name);
  }
  run.pass();
  run.applied('eu-3', 'Failed', 'bad');
  run.pass();
  run.pass();
  return run;
}

function told(run: ReturnType<typeof fail>) {
  const nextText = (next: { readonly what: string; readonly atMs: number } | undefined) =>
    next === undefined ? '' : ` (${next.what} ${(next.atMs - noon) / minute})`;
  const { waves, message, next } = run.report();
  return [
    `${message}${nextText(next)}`,
    ...waves.flatMap((wave) => [
      `${wave.name} ${wave.gate}: ${wave.waitsOn}${nextText(wave.next)}`,
      ...wave.clusters.map((each) => `  ${each.step}: ${each.waitsOn}${nextText(each.next)}`),
    ]),
  ];
}

describe('the way back', () => {
  it('tells of each wave and cluster what it waits for, and until when at the latest', () => {
    const run = fail();
    run.wait(minute);
    run.applied('eu-3', 'InProgress', 'no room');
    expect(told(run)).toEqual([
      'wave c: eu-3: bad; waits for wave c: 1 of 1 not healthy with what it had before: eu-3: no room (goes-on 10)',
      'a before: wave b to go back first',
      '  Healthy: wave b to go back first',
      'b before: wave c to go back first (goes-back 10)',
      '  Healthy: wave c to go back first (goes-back 10)',
      'c clusters: 1 of 1 not healthy with what it had before: eu-3: no room (goes-on 10)',
      '  RolledBack: health with what it had before: no room (goes-on 10)',
      'd none: ',
      '  Waiting: ',
    ]);
    run.healthy('eu-3');
    run.pass();
    expect(told(run).slice(0, 6)).toEqual([
      'wave c: eu-3: bad; waits for wave b: 1 of 1 not healthy with what it had before: eu-2 (goes-on 11)',
      'a before: wave b to go back first (goes-back 11)',
      '  Healthy: wave b to go back first (goes-back 11)',
      'b clusters: 1 of 1 not healthy with what it had before: eu-2 (goes-on 11)',
      '  RolledBack: health with what it had before (goes-on 11)',
      'c none: ',
    ]);
  });

  it('names the moment at which the reducer goes on, and nothing once it is over', () => {
    const run = fail();
    for (const wave of ['c', 'b', 'a']) {
      const { next, message } = run.report();
      expect(message).toContain(`waits for wave ${wave}: `);
      run.wait((next?.atMs ?? 0) - run.input().nowMs - 1);
      expect(run.pass()).toMatchObject({ assigned: [], state: { phase: 'RollingBack' } });
      run.wait(1);
      const { assigned, state } = run.pass();
      expect(assigned.length > 0 || state.phase === 'RolledBack').toBe(true);
    }
    expect(wayBack(run.state(), run.input())).toBeUndefined();
    expect(run.report().next).toBeUndefined();
  });

  it('waits for one that is away as long as it is expected back', () => {
    const run = fail();
    Object.assign(run.see('eu-3'), { connected: false, expectedUntilMs: noon + 2 * minute });
    expect(told(run)[0]).toMatch(/ \(away 2\)$/);
    expect(told(run)).toContain('b before: wave c to go back first (goes-back 2)');
  });

  it('is the same for all where they go back at once: the last that is waited for ends it', () => {
    const run = fail({ rollbackSpeed: 'at-once' });
    Object.assign(run.see('eu-1'), { connected: false, expectedUntilMs: noon + 2 * minute });
    expect(told(run).filter((line) => line.includes('before: wave'))).toEqual([]);
    expect(run.report().waves.map(({ gate }) => gate)).toEqual(['clusters', 'clusters', 'clusters', 'none']);
    expect(run.report().next).toEqual({ atMs: noon + 10 * minute, what: 'goes-on' });
  });

  it('says of a cluster that has failed earlier both, and of a rollback just asked for that it is its turn', () => {
    const bears = { ...defaultWave, failureBudget: one };
    const run = createScenario(['eu-1', 'eu-2', 'eu-3'], {
      ...strategy,
      waves: [
        { ...bears, name: 'a', take: { unit: 'clusters', value: 2 } },
        { ...defaultWave, name: 'b' },
      ],
    });
    run.pass();
    run.healthy('eu-1');
    run.pass();
    run.applied('eu-2', 'Failed', 'no such image');
    run.pass();
    run.act({ type: 'rollback' });
    expect(told(run)[0]).toBe('because; waits for wave b: 1 of 1 to go back');
    expect(told(run)).toContain('  Assigned: its turn to go back');
    run.pass();
    expect(told(run)).toContain('  Failed: no such image; wave b to go back first (goes-back 10)');
  });
});
