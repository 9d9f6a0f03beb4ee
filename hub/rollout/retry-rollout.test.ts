import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave, type RolloutStrategy } from '../model/strategy.ts';
import { addAnswer } from './apply-action.ts';
import { createScenario } from './testing/scenario.test-support.ts';

const backwards: RolloutStrategy = { ...defaultStrategy, onFailure: 'rollback' };

describe('retry of a rollout that was taken back', () => {
  it('begins it anew, with its first wave, and lets go of what was held', () => {
    const scenario = createScenario(['eu-1', 'eu-2', 'eu-3', 'eu-4', 'eu-5'], backwards);
    scenario.pass();
    scenario.act({ type: 'exclude', cluster: 'eu-5' });
    scenario.applied('eu-1', 'Failed', 'Deployment web: bad');
    expect(scenario.pass().assigned).toEqual(['eu-1=old']);
    scenario.healthy('eu-1');
    scenario.pass();
    expect(scenario.state()).toMatchObject({ phase: 'RolledBack', held: ['new'] });
    scenario.act({ type: 'retry', cluster: '' });
    expect(scenario.state()).toMatchObject({ phase: 'Progressing', held: [] });
    expect(scenario.pass().assigned).toEqual(['eu-1=new']);
    expect(scenario.pass().assigned).toEqual([]);
    scenario.healthy('eu-1');
    const next = [...scenario.pass().assigned, ...scenario.pass().assigned];
    expect(next).toEqual(['eu-2=new', 'eu-3=new']);
    scenario.healthy('eu-2', 'eu-3');
    expect([...scenario.pass().assigned, ...scenario.pass().assigned]).toEqual(['eu-4=new']);
  });

  it('does so too where some cluster had nothing healthy to go back to', () => {
    const scenario = createScenario(['eu-1', 'eu-2', 'eu-3'], {
      ...backwards,
      waves: [{ ...defaultWave, name: 'all' }],
      regions: 'any',
    });
    scenario.see('eu-2').lastHealthyDigest = undefined;
    scenario.pass();
    scenario.applied('eu-1', 'Failed', 'Deployment web: bad');
    scenario.pass();
    expect(() => scenario.act({ type: 'retry', cluster: '' })).toThrow('it rolls back');
    scenario.healthy('eu-1', 'eu-3');
    scenario.pass();
    expect(scenario.state().phase).toBe('Paused');
    scenario.act({ type: 'retry', cluster: '' });
    expect(scenario.pass().assigned).toEqual(['eu-1=new', 'eu-3=new']);
  });

  it('does the same for one that was given up, and not for one that is complete', () => {
    const scenario = createScenario(['eu-1', 'eu-2']);
    scenario.pass();
    scenario.act({ type: 'abort' });
    scenario.act({ type: 'retry', cluster: '' });
    expect(scenario.state().phase).toBe('Progressing');
    scenario.healthy('eu-1');
    for (let pass = 0; pass < 3; pass += 1) scenario.pass();
    scenario.healthy('eu-2');
    for (let pass = 0; pass < 3; pass += 1) scenario.pass();
    const { phase, waves } = scenario.state();
    expect(phase).toBe('Complete');
    scenario.act({ type: 'retry', cluster: '' });
    expect(scenario.state()).toMatchObject({ phase, waves });
  });

  it('asks a failed analysis anew, and goes on once it succeeds', () => {
    const analysis = {
      ...{ name: 'errors', intervalMs: 1_000, count: 1, failureLimit: 0, inconclusiveLimit: 0 },
      provider: { type: 'http', url: 'https://probe.example', status: 200 },
    } as const;
    const scenario = createScenario(['eu-1'], {
      ...{ ...defaultStrategy, onFailure: 'pause' },
      waves: [{ ...defaultWave, name: 'all', analysis: [analysis] }],
    });
    const said = (verdict: 'success' | 'failure') =>
      scenario.put((state) =>
        addAnswer(state, 0, 'errors', { atMs: scenario.input().nowMs, verdict, detail: verdict }),
      );
    scenario.pass();
    scenario.healthy('eu-1');
    expect(scenario.pass().questions).toEqual([{ wave: 0, name: 'errors' }]);
    said('failure');
    scenario.pass();
    expect(scenario.state().phase).toBe('Paused');
    scenario.act({ type: 'retry', cluster: '' });
    expect(scenario.pass().questions).toEqual([{ wave: 0, name: 'errors' }]);
    said('success');
    // Said once more it does not forget what was answered since.
    scenario.act({ type: 'retry', cluster: '' });
    scenario.pass();
    expect(scenario.state().phase).toBe('Complete');
  });

  it('is what brings one on that was taken back but for clusters with nowhere to go: nothing else leaves it half way', () => {
    const stuck = () => {
      const scenario = createScenario(['eu-1', 'eu-2', 'eu-3'], {
        ...backwards,
        waves: [{ ...defaultWave, name: 'all' }],
        regions: 'any',
      });
      scenario.see('eu-2').lastHealthyDigest = undefined;
      scenario.pass();
      scenario.applied('eu-1', 'Failed', 'Deployment web: bad');
      scenario.healthy('eu-2', 'eu-3');
      scenario.pass();
      scenario.healthy('eu-1', 'eu-3');
      scenario.pass();
      expect(scenario.state().phase).toBe('Paused');
      return scenario;
    };
    const excluded = stuck();
    excluded.act({ type: 'exclude', cluster: 'eu-1' });
    expect(() => excluded.act({ type: 'resume' })).toThrow('it was taken back: retry it');
    expect(() => excluded.act({ type: 'retry', cluster: 'eu-3' })).toThrow(
      'it was taken back: retry all of it',
    );
    const lifted = stuck();
    lifted.act({ type: 'all-at-once' });
    expect(lifted.pass().assigned).toEqual(['eu-1=new', 'eu-3=new']);
    lifted.healthy('eu-1', 'eu-2', 'eu-3');
    lifted.pass();
    expect(lifted.state().phase).toBe('Complete');
  });
});
