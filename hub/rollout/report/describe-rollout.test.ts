import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave } from '../../model/strategy.ts';
import { createScenario } from '../testing/scenario.test-support.ts';

const names = ['eu-1', 'eu-2', 'eu-3'];
const strategy = { ...defaultStrategy, waves: [{ ...defaultWave, name: 'eu' }] };

describe('describeRollout', () => {
  it('says of a wave how many are not healthy, and of the first of them what its agent says', () => {
    const run = createScenario(names, strategy);
    run.pass();
    expect(run.report().message).toBe(
      'waits for wave eu: 3 of 3 not healthy: eu-1 waits on its agent to apply it',
    );
    run.healthy('eu-1');
    run.applied('eu-2', 'InProgress', 'Deployment shop/web: 2 of 5 available');
    run.pass();
    const { message, waves } = run.report();
    expect(message).toBe('waits for wave eu: 2 of 3 not healthy: eu-2 Deployment shop/web: 2 of 5 available');
    expect(waves[0]).toMatchObject({
      waitsOn: '2 of 3 not healthy: eu-2 Deployment shop/web: 2 of 5 available',
      counts: { clusters: 3, healthy: 1, failed: 0, untouched: 0 },
    });
    expect(waves[0]?.clusters.map(({ cluster, step, waitsOn }) => `${cluster} ${step} ${waitsOn}`)).toEqual([
      'eu-1 Healthy ',
      'eu-2 Applied Deployment shop/web: 2 of 5 available',
      'eu-3 Assigned its agent to apply it',
    ]);
  });

  it('tells of each cluster when it was assigned, applied and healthy', () => {
    const run = createScenario(names, strategy);
    run.pass();
    const [began] = run.report().waves;
    const assignedAtMs = began?.startedAtMs ?? 0;
    run.wait(5_000);
    run.applied('eu-1');
    const times = () =>
      run
        .report()
        .waves.flatMap(({ clusters }) => clusters)
        .slice(0, 1);
    // Nothing was decided since, and so nothing was kept: it is told all the same.
    expect(times()).toMatchObject([
      { assignedAtMs, appliedAtMs: assignedAtMs + 5_000, healthyAtMs: undefined },
    ]);
    run.wait(10_000);
    run.healthy('eu-1');
    run.pass();
    expect(times()).toMatchObject([{ assignedAtMs, healthyAtMs: assignedAtMs + 15_000 }]);
  });
});

describe('describeRollout of one that goes back', () => {
  const byWaves = {
    ...strategy,
    waves: [{ ...defaultWave, name: 'first', take: { unit: 'clusters', value: 1 } as const }, defaultWave],
    onFailure: 'rollback' as const,
  };
  const failed = () => {
    const run = createScenario(names, byWaves);
    run.pass();
    run.applied('eu-1', 'Failed', 'bad');
    run.pass();
    run.applied('eu-1', 'InProgress', 'Deployment shop/web: 1 of 2 available');
    run.pass();
    return run;
  };
  const told = (run: ReturnType<typeof failed>) =>
    run
      .report()
      .waves.flatMap(({ gate, waitsOn, clusters }) => [
        `${gate}: ${waitsOn}`,
        ...clusters.map((one) => `${one.cluster} ${one.step}: ${one.waitsOn}`),
      ]);

  it('says what who went back still lacks with what it had, and lets nobody else wait for a turn', () => {
    const run = failed();
    expect(run.report().phase).toBe('RollingBack');
    expect(told(run)).toEqual([
      'clusters: 1 of 1 not healthy with what it had before: eu-1: Deployment shop/web: 1 of 2 available',
      'eu-1 RolledBack: health with what it had before: Deployment shop/web: 1 of 2 available',
      'none: ',
      'eu-2 Waiting: ',
      'eu-3 Waiting: ',
    ]);
  });

  it('waits on nothing once everybody is back', () => {
    const run = failed();
    run.healthy('eu-1');
    run.pass();
    expect(run.report().phase).toBe('RolledBack');
    expect(told(run)).toEqual(['none: ', 'eu-1 RolledBack: ', 'none: ', 'eu-2 Waiting: ', 'eu-3 Waiting: ']);
  });
});

describe('describeRollout at an approval', () => {
  it('names who may give it', () => {
    const approval = { when: 'before', approvers: ['ann', 'bob'] } as const;
    const run = createScenario(names, { ...strategy, waves: [{ ...defaultWave, name: 'eu', approval }] });
    run.pass();
    const { message, waves } = run.report();
    expect(waves[0]).toMatchObject({ gate: 'approval', waitsOn: 'an approval by ann or bob' });
    expect(message).toBe('waits for wave eu: an approval by ann or bob');
  });
});
