import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave, type RolloutStrategy } from '../model/strategy.ts';
import { nextForCluster, nextForRollout, nextForWave } from './next-decision.ts';
import { createScenario } from './testing/scenario.test-support.ts';

const minute = 60_000;
const noon = Date.UTC(2026, 0, 5, 12);
const strategy: RolloutStrategy = {
  ...defaultStrategy,
  waves: [
    {
      ...defaultWave,
      name: 'one',
      take: { unit: 'clusters', value: 1 },
      minHealthyMs: 2 * minute,
      soakMs: 30 * minute,
    },
    { ...defaultWave, name: 'rest', approval: { when: 'before', approvers: [] } },
  ],
};

/** Of the rollout, its first wave and the cluster in it. */
function look(scenario: ReturnType<typeof createScenario>) {
  const [state, input] = [scenario.state(), scenario.input()];
  const wave = state.waves[0]!;
  const told = [
    nextForRollout(state, input),
    nextForWave(state, 0, input),
    nextForCluster(state, wave, wave.clusters[0]!, input),
  ];
  return told.map((next) => next && `${next.what} ${(next.atMs - noon) / minute}`);
}

describe('the next decision', () => {
  it('is a timeout, then the counting, then the end of the soak, then nothing but somebody', () => {
    const scenario = createScenario(['eu-1', 'eu-2'], strategy);
    scenario.pass();
    scenario.pass();
    expect(look(scenario)).toEqual(['times-out 10', 'times-out 10', 'times-out 10']);
    scenario.wait(minute);
    scenario.applied('eu-1');
    scenario.pass();
    expect(look(scenario)).toEqual(['times-out 11', 'times-out 11', 'times-out 11']);
    scenario.healthy('eu-1');
    scenario.pass();
    expect(look(scenario)).toEqual(['counts 3', 'counts 3', 'counts 3']);
    scenario.wait(2 * minute);
    scenario.pass();
    expect(look(scenario)).toEqual(['soak-ends 33', 'soak-ends 33', undefined]);
    scenario.wait(30 * minute);
    scenario.pass();
    expect(look(scenario)).toEqual([undefined, undefined, undefined]);
  });

  it('is the opening of a window before the wave that comes next, and its closing within', () => {
    const windows = [{ cron: '0 14 * * *', durationMs: 60 * minute, timeZone: 'UTC' }];
    const scenario = createScenario(['eu-1'], { ...strategy, windows });
    scenario.pass();
    expect(look(scenario)).toEqual(['window-opens 120', 'window-opens 120', undefined]);
    scenario.wait(175 * minute);
    scenario.pass();
    scenario.pass();
    expect(look(scenario)[0]).toBe('window-closes 180');
  });

  it('is the opening of a window for a wave that has begun, as long as some of it is still to be assigned', () => {
    const windows = [{ cron: '0 12 * * *', durationMs: 60 * minute, timeZone: 'UTC' }];
    const [first] = strategy.waves;
    const waves = [
      {
        ...(first ?? defaultWave),
        take: undefined,
        minHealthyMs: 0,
        maxConcurrent: { unit: 'clusters', value: 1 } as const,
      },
    ];
    const scenario = createScenario(['eu-1', 'eu-2'], {
      ...strategy,
      waves,
      windows,
      healthTimeoutMs: 90 * minute,
    });
    scenario.pass();
    scenario.wait(60 * minute);
    scenario.pass();
    expect(look(scenario)[1]).toBe('times-out 90');
    scenario.healthy('eu-1');
    scenario.pass();
    expect(look(scenario)).toEqual(['window-opens 1440', 'window-opens 1440', undefined]);
    scenario.wait(23 * 60 * minute);
    scenario.pass();
    scenario.wait(60 * minute);
    expect(look(scenario)[1]).toBe('times-out 1530');
  });

  it('is when a wave waits no more for one of it that is ill and away after the soak', () => {
    const scenario = createScenario(['eu-1', 'eu-2'], strategy);
    scenario.pass();
    scenario.healthy('eu-1');
    scenario.pass();
    scenario.wait(2 * minute);
    scenario.pass();
    scenario.wait(25 * minute);
    scenario.applied('eu-1');
    scenario.pass();
    expect(look(scenario)).toEqual(['soak-ends 32', 'soak-ends 32', 'times-out 37']);
    scenario.see('eu-1').connected = false;
    scenario.wait(6 * minute);
    scenario.pass();
    expect(look(scenario)).toEqual(['goes-on 42', 'goes-on 42', undefined]);
    scenario.wait(9 * minute - 1);
    expect(scenario.pass().types).toEqual([]);
    scenario.wait(1);
    expect(scenario.pass().types).toContain('rollout.wave.completed');
  });

  it('is nothing while it is paused, nor for a cluster that failed', () => {
    const scenario = createScenario(['eu-1', 'eu-2'], strategy);
    scenario.pass();
    scenario.pass();
    scenario.act({ type: 'pause' });
    expect(look(scenario)).toEqual([undefined, undefined, undefined]);
    scenario.act({ type: 'resume' });
    scenario.applied('eu-1', 'Failed');
    scenario.pass();
    expect(look(scenario)).toEqual([undefined, undefined, undefined]);
  });
});
