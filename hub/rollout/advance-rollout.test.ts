import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave, type RolloutStrategy, type WaveSpec } from '../model/strategy.ts';
import { createScenario } from './testing/scenario.test-support.ts';

const five = ['eu-1', 'eu-2', 'eu-3', 'us-1', 'us-2'];
const one = { unit: 'clusters', value: 1 } as const;

function strategy(
  waves: readonly Partial<WaveSpec>[],
  change: Partial<RolloutStrategy> = {},
): RolloutStrategy {
  return {
    ...defaultStrategy,
    ...change,
    waves: waves.map((wave, i) => ({ ...defaultWave, name: `w${i}`, ...wave })),
  };
}

describe('waves', () => {
  it('go one after the other, one region at a time, and end', () => {
    const run = createScenario(five);
    expect(run.pass().assigned).toEqual(['eu-1=new']);
    expect(run.pass().assigned).toEqual([]);
    run.healthy('eu-1');
    expect(run.pass().assigned).toEqual(['eu-2=new']);
    expect(run.report().message).toBe(
      'waits for wave quarter: 2 of 2 not healthy: eu-2 waits on its agent to apply it',
    );
    run.healthy('eu-2');
    expect(run.pass().assigned).toEqual(['us-1=new']);
    run.healthy('us-1');
    expect(run.pass().assigned).toEqual(['eu-3=new']);
    run.healthy('eu-3');
    run.pass();
    run.healthy('us-2');
    const last = run.pass();
    expect(last.types).toContain('rollout.completed');
    expect(last.state.phase).toBe('Complete');
    expect(run.report().waves.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'first Done',
      'quarter Done',
      'rest Done',
    ]);
  });

  it('hold no more in flight than they may, nor make more unavailable', () => {
    const run = createScenario(
      five,
      strategy([{ maxConcurrent: { unit: 'clusters', value: 2 } }], { regions: 'any' }),
    );
    expect(run.pass().assigned).toEqual(['eu-1=new', 'eu-2=new']);
    run.healthy('eu-1');
    expect(run.pass().assigned).toEqual(['eu-3=new']);
    const careful = createScenario(five, strategy([{ maxUnavailable: one }], { regions: 'any' }));
    careful.applied('us-2', 'InProgress');
    careful.see('us-2').targetDigest = 'old';
    // One is down with what it has: only that one may go.
    expect(careful.pass().assigned).toEqual(['us-2=new']);
  });

  it('add nothing while clusters of two regions are in flight, though none was begun that way', () => {
    const run = createScenario(
      ['eu-1', 'eu-2', 'us-1'],
      strategy([{ maxConcurrent: { unit: 'clusters', value: 3 } }], { onFailure: 'continue' }),
      ['eu-2'],
    );
    expect(run.pass().assigned).toEqual(['eu-1=new']);
    run.applied('eu-1', 'Failed', 'Deployment web: bad');
    expect(run.pass().assigned).toEqual(['us-1=new']);
    // It is on its way again, and so is another region's.
    run.applied('eu-1');
    run.see('eu-2').connected = true;
    expect(run.pass().assigned).toEqual([]);
    run.healthy('us-1');
    expect(run.pass().assigned).toEqual(['eu-2=new']);
  });

  it('count a cluster only after a time of unbroken health, and soak', () => {
    const run = createScenario(
      ['eu-1', 'eu-2'],
      strategy([{ take: one, minHealthyMs: 60_000, soakMs: 30_000 }, {}]),
    );
    run.pass();
    run.healthy('eu-1');
    const { nextAtMs } = run.pass();
    run.wait(30_000);
    run.applied('eu-1', 'InProgress');
    run.pass();
    run.healthy('eu-1');
    expect(run.pass().nextAtMs).toBe((nextAtMs ?? 0) + 30_000);
    run.wait(60_000);
    expect(run.pass().assigned).toEqual([]);
    expect(run.report().message).toBe('waits for wave w0: its soak: 30 s left');
    run.wait(30_000);
    expect(run.pass().assigned).toEqual(['eu-2=new']);
  });

  it('wait for approvals before and after, by those who may', () => {
    const run = createScenario(
      ['eu-1', 'eu-2'],
      strategy([
        { take: one, approval: { when: 'before', approvers: ['ann'] } },
        { approval: { when: 'after', approvers: [] } },
      ]),
    );
    expect(run.pass().assigned).toEqual([]);
    expect(run.report().message).toBe('waits for wave w0: an approval by ann');
    expect(() => run.act({ type: 'approve', wave: '' }, 'bob')).toThrow('approved by ann, not by bob');
    run.act({ type: 'approve', wave: '' });
    expect(run.pass().assigned).toEqual(['eu-1=new']);
    run.healthy('eu-1');
    expect(run.pass().assigned).toEqual(['eu-2=new']);
    expect(() => run.act({ type: 'approve', wave: 'w1' })).toThrow('some are not yet');
    run.healthy('eu-2');
    expect(run.pass().types).toContain('rollout.approval.needed');
    run.act({ type: 'approve', wave: 'w1' });
    expect(run.pass().state.phase).toBe('Complete');
  });

  it('let those that are away catch up, gates and bounds kept', () => {
    const run = createScenario(
      five,
      strategy([{ take: { unit: 'clusters', value: 3 } }, {}], { regions: 'any' }),
    );
    run.see('eu-1').connected = false;
    expect(run.pass().assigned).toEqual(['eu-2=new', 'us-1=new']);
    run.healthy('eu-2', 'us-1');
    expect(run.pass().assigned).toEqual(['eu-3=new', 'us-2=new']);
    run.healthy('eu-3', 'us-2');
    expect(run.pass().state.phase).toBe('Complete');
    expect(run.report().message).toBe('1 away');
    run.see('eu-1').connected = true;
    expect(run.pass().assigned).toEqual(['eu-1=new']);
  });
});

describe('a cluster whose agent goes away after it was assigned', () => {
  it('proves nothing: its wave waits, until it is back or somebody excludes it', () => {
    const run = createScenario(five, defaultStrategy, ['eu-1']);
    // The first wave takes one that is there.
    expect(run.pass().assigned).toEqual(['eu-2=new']);
    run.see('eu-2').connected = false;
    expect(run.pass().assigned).toEqual([]);
    expect(run.report().message).toBe(
      'waits for wave first: 1 of 1 not healthy: eu-2 waits on its agent, which went away since it was assigned',
    );
    run.act({ type: 'exclude', cluster: 'eu-2' });
    expect(run.pass().assigned).toEqual(['eu-3=new']);
  });
});

describe('failure', () => {
  it('stops a rollout in its first wave, names the object, and goes on when retried', () => {
    const run = createScenario(five);
    run.pass();
    run.applied('eu-1', 'Failed', 'Deployment web/web: ImagePullBackOff');
    const pass = run.pass();
    expect(pass.types).toEqual(['rollout.wave.started', 'rollout.cluster.failed', 'rollout.paused'].slice(1));
    expect(run.report()).toMatchObject({
      phase: 'Paused',
      message: 'wave first: eu-1: Deployment web/web: ImagePullBackOff',
    });
    expect(() => run.act({ type: 'resume' })).toThrow('retry or exclude');
    run.applied('eu-1');
    run.act({ type: 'retry', cluster: '' });
    run.healthy('eu-1');
    expect(run.pass().assigned).toEqual(['eu-2=new']);
  });

  it('is a timeout from Applied on, while the agent is there and waits for nobody', () => {
    const run = createScenario(['eu-1', 'eu-2']);
    run.pass();
    run.pass();
    run.see('eu-1').connected = false;
    run.wait(3_600_000);
    expect(run.pass().state.phase).toBe('Progressing');
    run.see('eu-1').connected = true;
    run.applied('eu-1');
    run.see('eu-1').report = {
      sync: 'Synced',
      health: 'InProgress',
      message: '',
      waitsFor: 'database: InProgress',
    };
    run.pass();
    run.wait(3_600_000);
    expect(run.pass().state.phase).toBe('Progressing');
    run.applied('eu-1');
    const { nextAtMs } = run.pass();
    run.wait(599_999);
    expect(run.pass().state.phase).toBe('Progressing');
    run.wait(1);
    expect(nextAtMs).toBeDefined();
    expect(run.pass().state.stopped?.reason).toBe('wave first: eu-1: not healthy within 600 s');
  });

  it('is borne within a budget', () => {
    const budget = strategy([{ failureBudget: one }], { regions: 'any' });
    const run = createScenario(five, budget);
    run.pass();
    run.applied('eu-1', 'Failed', 'bad');
    run.healthy('eu-2', 'eu-3', 'us-1', 'us-2');
    expect(run.pass().state.phase).toBe('Complete');
    expect(run.report().message).toBe('1 failed');
  });

  it('takes every touched cluster back to its last healthy Target, the last wave first, and holds what failed', () => {
    const run = createScenario(
      five,
      strategy([{ take: one }, {}], { onFailure: 'rollback', regions: 'any' }),
    );
    run.pass();
    run.healthy('eu-1');
    run.pass();
    run.applied('us-1', 'Failed', 'bad image');
    const back = run.pass();
    expect(back.types).toContain('rollout.rolling-back');
    expect(back.assigned).toEqual(['eu-2=old', 'eu-3=old', 'us-1=old', 'us-2=old']);
    expect(back.decisions.map(({ reason }) => reason)).toEqual([
      'rollback',
      'rollback',
      'rollback',
      'rollback',
    ]);
    expect(run.pass().assigned).toEqual([]);
    run.healthy('eu-2', 'eu-3', 'us-1', 'us-2');
    expect(run.pass().assigned).toEqual(['eu-1=old']);
    run.healthy('eu-1');
    expect(run.pass().types).toEqual(['rollout.rolled-back']);
    expect(run.state()).toMatchObject({ phase: 'RolledBack', held: ['new'] });
  });

  it('leaves a cluster that was never healthy as it is, and says so', () => {
    const run = createScenario(['eu-1'], { ...defaultStrategy, onFailure: 'rollback' });
    run.see('eu-1').lastHealthyDigest = undefined;
    run.pass();
    run.applied('eu-1', 'Failed', 'bad');
    expect(run.pass().assigned).toEqual([]);
    expect(run.report().message).toBe(
      'rolled back, but for clusters that had no healthy Target to go back to: eu-1; it had failed: wave first: eu-1: bad',
    );
  });

  it('names some of many that have nowhere to go', () => {
    const names = Array.from({ length: 30 }, (_, index) => `eu-${10 + index}`);
    const run = createScenario(
      names,
      strategy([{}], { onFailure: 'rollback', failureBudget: undefined, regions: 'any' }),
    );
    for (const name of names) run.see(name).lastHealthyDigest = undefined;
    run.pass();
    run.applied('eu-10', 'Failed', 'bad');
    run.pass();
    expect(run.state().stopped?.reason).toContain(
      'eu-18, eu-19 and 20 more; it had failed: wave w0: eu-10: bad',
    );
  });
});

describe('operators', () => {
  it('leave what is assigned to its timeout: a rollout that is paused says when it looks again', () => {
    const run = createScenario(['eu-1'], strategy([{}]));
    run.pass();
    run.act({ type: 'pause' });
    run.wait(60_000);
    const { nextAtMs } = run.pass();
    expect(nextAtMs).toBe(run.input().nowMs + defaultStrategy.healthTimeoutMs - 60_000);
    run.wait(defaultStrategy.healthTimeoutMs - 60_000);
    const late = run.pass();
    expect(late.types).toEqual(['rollout.cluster.failed']);
    expect(late.state.phase).toBe('Paused');
    expect(late.nextAtMs).toBeUndefined();
  });

  it('pause, resume, promote, exclude, abort and roll back, each idempotent', () => {
    const run = createScenario(['eu-1', 'eu-2', 'eu-3'], strategy([{ take: one, soakMs: 600_000 }, {}]));
    run.act({ type: 'pause' });
    run.act({ type: 'pause' });
    expect(run.pass().assigned).toEqual([]);
    run.act({ type: 'resume' });
    run.act({ type: 'resume' });
    expect(run.pass().assigned).toEqual(['eu-1=new']);
    expect(() => run.act({ type: 'promote', wave: '' })).toThrow('does not soak yet');
    run.healthy('eu-1');
    run.pass();
    run.act({ type: 'promote', wave: '' });
    run.act({ type: 'exclude', cluster: 'eu-3' });
    expect(() => run.act({ type: 'exclude', cluster: 'mars' })).toThrow('takes no part');
    expect(run.pass().assigned).toEqual(['eu-2=new']);
    run.act({ type: 'rollback' });
    expect(run.pass().assigned).toEqual(['eu-2=old']);
    run.healthy('eu-2');
    run.pass();
    run.healthy('eu-1');
    run.pass();
    expect(run.state().phase).toBe('RolledBack');
    expect(() => run.act({ type: 'pause' })).toThrow('it is RolledBack');
  });

  it('abort leaves everything where it is', () => {
    const run = createScenario(five);
    run.pass();
    run.act({ type: 'abort' });
    run.healthy('eu-1');
    expect(run.pass().assigned).toEqual([]);
    expect(run.state().phase).toBe('Aborted');
  });
});
