import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave, type RolloutStrategy } from '../model/strategy.ts';
import { createScenario } from './testing/scenario.test-support.ts';

const gated: RolloutStrategy = {
  ...defaultStrategy,
  name: 'gated',
  waves: [
    { ...defaultWave, name: 'one', take: { unit: 'clusters', value: 1 }, soakMs: 3_600_000 },
    { ...defaultWave, name: 'rest', approval: { when: 'before', approvers: [] } },
  ],
  freezes: [{ fromMs: Date.UTC(2026, 0, 5, 13), untilMs: Date.UTC(2027, 0, 1), reason: 'quiet time' }],
  onFailure: 'rollback',
};
const names = ['eu-1', 'eu-2', 'us-1', 'us-2'];

describe('all at once, in an emergency', () => {
  it('takes the release everywhere, past waves, soak, approval and freeze, those included that are away', () => {
    const scenario = createScenario(names, gated, ['us-2']);
    scenario.pass();
    scenario.healthy('eu-1');
    scenario.wait(2 * 3_600_000);
    expect(scenario.pass().assigned).toEqual([]);
    scenario.act({ type: 'all-at-once' });
    expect(scenario.pass().assigned).toEqual(['eu-2=new', 'us-1=new', 'us-2=new']);
    expect(scenario.state()).toMatchObject({ lifted: { actor: 'ann', reason: 'because' } });
    scenario.healthy('eu-2', 'us-1');
    scenario.pass();
    expect(scenario.state().phase).toBe('Complete');
  });

  it('goes on where a failure had stopped it, and is stopped by none', () => {
    const scenario = createScenario(names, { ...gated, freezes: [], onFailure: 'pause' });
    scenario.pass();
    scenario.applied('eu-1', 'Failed', 'Deployment web: bad');
    scenario.pass();
    expect(scenario.state().phase).toBe('Paused');
    scenario.act({ type: 'all-at-once' });
    expect(scenario.pass().assigned).toEqual(['eu-2=new', 'us-1=new', 'us-2=new']);
    expect(scenario.pass().types).toEqual([]);
    scenario.applied('us-1', 'Failed', 'Deployment web: bad');
    scenario.healthy('eu-2', 'us-2');
    scenario.pass();
    expect(scenario.state().phase).toBe('Complete');
  });

  it('leaves alone who was excluded, and what is rolled back; said twice it changes nothing', () => {
    const scenario = createScenario(names, { ...gated, freezes: [] });
    scenario.pass();
    scenario.act({ type: 'exclude', cluster: 'us-1' });
    scenario.act({ type: 'all-at-once' });
    const { strategy, lifted } = scenario.state();
    scenario.act({ type: 'all-at-once' }, 'bob');
    expect(scenario.state()).toMatchObject({ strategy, lifted });
    expect(scenario.pass().assigned).toEqual(['eu-2=new', 'us-2=new']);
    scenario.act({ type: 'rollback' });
    expect(() => scenario.act({ type: 'all-at-once' })).toThrow('it rolls back');

    const other = createScenario(names, { ...gated, freezes: [] });
    other.pass();
    other.act({ type: 'rollback' });
    expect(() => other.act({ type: 'all-at-once' })).toThrow('it rolls back');
    other.pass();
    other.healthy('eu-1');
    other.pass();
    expect(other.state().phase).toBe('RolledBack');
    expect(() => other.act({ type: 'all-at-once' })).toThrow('the rollout has ended: it is RolledBack');
  });

  it('is refused before the release begins that waits for another environment, as every word is', () => {
    const scenario = createScenario(names, gated);
    scenario.put((before) => ({ ...before, phase: 'Waiting' }));
    for (const type of ['all-at-once', 'pause', 'rollback', 'abort'] as const)
      expect(() => scenario.act({ type })).toThrow('it has not begun: it waits for another environment');
    expect(scenario.state().phase).toBe('Waiting');
  });
});
