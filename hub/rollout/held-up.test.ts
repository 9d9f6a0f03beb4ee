import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave, type RolloutStrategy } from '../model/strategy.ts';
import { clusterState } from './cluster-states.ts';
import { createScenario } from './testing/scenario.test-support.ts';

const count = (value: number) => ({ unit: 'clusters', value }) as const;
const strategy: RolloutStrategy = {
  ...defaultStrategy,
  waves: [
    {
      ...defaultWave,
      ...{ name: 'region', groupBy: 'fairway.dev/region', offlineBudget: count(1), failureBudget: count(2) },
      ...{ maxConcurrent: count(1), maxUnavailable: count(1) },
    },
  ],
  regions: 'any',
  onFailure: 'rollback',
  rollbackSpeed: 'at-once',
};

describe('a wave that the ill hold up', () => {
  it('stops nothing in the moment in which somebody who came back to an earlier wave is assigned', () => {
    const run = createScenario(['eu-1', 'eu-2', 'us-1', 'us-2'], strategy, ['eu-2']);
    run.pass();
    run.healthy('eu-1');
    run.pass();
    expect(run.see('us-1').targetDigest).toBe('new');
    run.applied('us-1', 'Failed', 'Deployment web/web: bad image');
    expect(run.pass().state.waves[1]?.heldUpSinceMs).toBeDefined();
    run.wait(strategy.healthTimeoutMs);
    run.see('eu-2').connected = true;
    const both = run.pass();
    expect(both.assigned).toEqual(['eu-2=new']);
    expect(both.state.phase).toBe('Progressing');
    expect(both.nextAtMs).toBe(run.input().nowMs);
    const then = run.pass();
    expect(then.types).toContain('rollout.rolling-back');
    expect(then.assigned).toContain('us-1=old');
    expect(then.assigned).toContain('eu-2=old');
    expect(clusterState(then.state.clusters, 'eu-2')?.rolledBackAtMs).toBeDefined();
  });
});
