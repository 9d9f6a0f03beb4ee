import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave, type RolloutStrategy } from '../model/strategy.ts';
import { clusterState } from './cluster-states.ts';
import { createScenario } from './testing/scenario.test-support.ts';

const count = (value: number) => ({ unit: 'clusters', value }) as const;
const minute = 60_000;

describe('a rollout of which nobody is there', () => {
  const names = ['eu-1', 'eu-2', 'us-1'];

  it('waits for a first cluster to prove the release, whatever may be away', () => {
    const scenario = createScenario(names, defaultStrategy, names);
    scenario.pass();
    expect(scenario.pass().assigned).toEqual([]);
    expect(scenario.state().phase).toBe('Progressing');
    expect(scenario.report().message).toBe(
      'waits for wave first: a first cluster that proves the release: 1 of 1 is away',
    );
  });

  it('begins with whoever comes first, alone, and catches up the others by their waves', () => {
    const scenario = createScenario(names, defaultStrategy, names);
    scenario.pass();
    scenario.see('us-1').connected = true;
    expect(scenario.pass().assigned).toEqual(['us-1=new']);
    expect(scenario.state().waves.map(({ name, clusters }) => `${name}: ${clusters.join(' ')}`)).toEqual([
      'first: us-1',
      'quarter: eu-2',
      'rest: eu-1',
    ]);
    for (const name of ['eu-1', 'eu-2']) scenario.see(name).connected = true;
    expect(scenario.pass().assigned).toEqual([]);
    scenario.healthy('us-1');
    expect(scenario.pass().assigned).toEqual(['eu-2=new']);
    expect(scenario.pass().assigned).toEqual([]);
  });

  it('goes on without them once somebody has set them aside', () => {
    const strategy: RolloutStrategy = {
      ...defaultStrategy,
      waves: [
        {
          ...defaultWave,
          name: 'canary',
          selector: { matchLabels: {}, matchExpressions: [] },
          take: count(1),
        },
        { ...defaultWave, name: 'rest' },
      ],
    };
    const scenario = createScenario(names, strategy, names);
    scenario.see('us-1').connected = true;
    scenario.pass();
    expect(scenario.pass().assigned).toEqual([]);
    scenario.act({ type: 'exclude', cluster: 'eu-1' });
    expect(scenario.pass().assigned).toEqual(['us-1=new']);
  });
});

describe('a cluster that was there a moment ago', () => {
  it('is waited for as long as it is expected back, and no longer', () => {
    const scenario = createScenario(['eu-1', 'eu-2', 'eu-3', 'eu-4', 'eu-5']);
    scenario.pass();
    scenario.pass();
    scenario.healthy('eu-1');
    const away = scenario.see('eu-2');
    away.connected = false;
    away.expectedUntilMs = Date.UTC(2026, 0, 5, 12) + minute;
    expect(scenario.pass().assigned).toEqual(['eu-3=new']);
    scenario.healthy('eu-3');
    expect(scenario.pass()).toMatchObject({ assigned: [], nextAtMs: away.expectedUntilMs });
    expect(scenario.report().message).toContain('eu-2 waits on its agent, which is expected back');
    scenario.wait(minute);
    expect(scenario.pass().assigned).toEqual(['eu-4=new', 'eu-5=new']);
  });
});

describe('a cluster that is paused', () => {
  it('is left out, does not fail for being late, and is brought in when its pause ends', () => {
    const scenario = createScenario(['eu-1', 'eu-2']);
    Object.assign(scenario.see('eu-2'), { connected: false, paused: 'by ann: a search' });
    scenario.pass();
    scenario.pass();
    scenario.healthy('eu-1');
    scenario.pass();
    scenario.pass();
    expect(scenario.state().phase).toBe('Complete');
    expect(scenario.report().waves.at(-1)?.clusters).toEqual([
      { cluster: 'eu-2', step: 'Offline', waitsOn: 'the end of its pause by ann: a search' },
    ]);
    Object.assign(scenario.see('eu-2'), { connected: true, paused: undefined });
    expect(scenario.pass().assigned).toEqual(['eu-2=new']);
  });

  it('that was assigned before holds its wave up', () => {
    const scenario = createScenario(['eu-1', 'eu-2']);
    scenario.pass();
    scenario.pass();
    Object.assign(scenario.see('eu-1'), { connected: false, paused: 'by ann' });
    scenario.wait(60 * minute);
    expect(scenario.pass().assigned).toEqual([]);
    expect(scenario.state().phase).toBe('Progressing');
    expect(scenario.report().message).toContain('eu-1 waits on the end of its pause by ann');
  });
});

describe('clusters that come late to a complete rollout', () => {
  it('do not follow one that came late and failed, until it is retried', () => {
    const names = ['eu-1', 'eu-2', 'eu-3'];
    const run = createScenario(names, defaultStrategy, ['eu-2', 'eu-3']);
    run.pass();
    run.healthy('eu-1');
    for (let round = 0; round < 3; round += 1) run.pass();
    expect(run.state().phase).toBe('Complete');
    run.see('eu-2').connected = true;
    expect(run.pass().assigned).toEqual(['eu-2=new']);
    run.applied('eu-2', 'Failed', 'no room');
    run.pass();
    run.see('eu-3').connected = true;
    expect(run.pass().assigned).toEqual([]);
    const waits = run.report().waves.flatMap(({ clusters }) => clusters.map(({ waitsOn }) => waitsOn));
    expect(waits).toContain('a retry of eu-2, which failed when it came late: no room');
    run.act({ type: 'retry', cluster: 'eu-2' });
    run.healthy('eu-2');
    run.pass();
    expect(clusterState(run.pass().state.clusters, 'eu-3')?.assignedAtMs).toBeDefined();
  });
});
