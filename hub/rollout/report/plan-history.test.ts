import { describe, expect, it } from 'vitest';
import type { HistoryWrite } from '../../model/rollout-history.ts';
import { defaultStrategy, defaultWave, type RolloutStrategy, type WaveSpec } from '../../model/strategy.ts';
import { addAnswer, type RolloutAction } from '../apply-action.ts';
import { noClusters } from '../cluster-states.ts';
import type { RolloutState } from '../rollout-state.ts';
import { createScenario } from '../testing/scenario.test-support.ts';
import { noteGate } from './gate-of.ts';
import { planHistory, takesBack } from './plan-history.ts';

const names = ['eu-1', 'eu-2', 'eu-3'];

function strategyOf(waves: readonly Partial<WaveSpec>[], change: Partial<RolloutStrategy> = {}) {
  const specs = waves.map((wave, index) => ({ ...defaultWave, name: `w${index}`, ...wave }));
  return { ...defaultStrategy, name: 'steps', ...change, waves: specs };
}

/** A scenario of which each step is told. */
function createTold(strategy: RolloutStrategy) {
  const run = createScenario(names, strategy);
  const writes: HistoryWrite[] = [...planHistory({ before: undefined, after: run.state(), nowMs: 0 })];
  const step = (before: RolloutState, action?: RolloutAction) => {
    const said = { actor: 'ann', reason: 'because', atMs: 0 };
    const acted = action && { action, said };
    writes.push(...planHistory({ before, after: run.state(), nowMs: 0, acted }));
  };
  return {
    run,
    pass() {
      const before = run.state();
      run.pass();
      step(before);
    },
    act(action: RolloutAction) {
      const before = run.state();
      run.act(action);
      step(before, action);
    },
    record: () => writes.at(-1)?.record,
    clusters: () => writes.at(-1)?.clusters,
    /** Since the last call. */
    told: () =>
      writes
        .splice(0)
        .flatMap(({ entries }) => entries)
        .map(({ kind, actor, wave, clusters, message }) =>
          [kind, actor === 'hub' ? '' : actor, wave, clusters.names.join(','), message]
            .filter(Boolean)
            .join(' | '),
        ),
  };
}

describe('the timeline of a rollout', () => {
  it('tells gates, decisions and progress together, and who did what and why', () => {
    const at = createTold(
      strategyOf([
        { take: { unit: 'clusters', value: 1 }, soakMs: 60_000, approval: { when: 'after', approvers: [] } },
        {},
      ]),
    );
    expect(at.told()).toEqual(['phase | revision rev1: 3 clusters in 2 waves by strategy steps']);
    at.pass();
    expect(at.told()).toEqual(['gate | w0 | begins: 1 cluster', 'decision | w0 | eu-1 | assigned']);
    at.pass();
    expect(at.told()).toEqual([]);
    at.run.healthy('eu-1');
    at.pass();
    expect(at.told()).toEqual([
      'progress | w0 | eu-1 | 1 of 1 healthy',
      'gate | w0 | nobody is waited for any more: soaks 1 min',
    ]);
    at.act({ type: 'promote', wave: 'w0' });
    at.act({ type: 'approve', wave: 'w0' });
    expect(at.told()).toEqual([
      'action | ann | w0 | promote w0: because',
      'action | ann | w0 | approve w0: because',
    ]);
    at.pass();
    expect(at.told()).toEqual([
      'gate | w0 | ends: 1 of 1 healthy',
      'gate | w1 | begins: 2 clusters',
      'decision | w1 | eu-2,eu-3 | assigned',
    ]);
    at.act({ type: 'pause' });
    at.act({ type: 'resume' });
    expect(at.told()).toEqual([
      'action | ann | pause: because',
      'phase | ann | paused: because',
      'action | ann | resume: because',
      'phase | goes on',
    ]);
  });

  it('tells failures with their objects, the way back, and how it ended, cluster by cluster', () => {
    const at = createTold(strategyOf([{}], { onFailure: 'rollback', rollbackSpeed: 'at-once' }));
    at.pass();
    at.run.wait(5_000);
    at.run.healthy('eu-1', 'eu-2');
    at.run.applied('eu-3', 'Failed', 'Deployment shop/web: 0 of 2 available');
    at.told();
    at.pass();
    expect(at.told()).toEqual([
      'failure | w0 | eu-3 | eu-3 failed (Unhealthy): Deployment shop/web: 0 of 2 available',
      'progress | w0 | eu-1,eu-2 | 2 of 3 healthy',
      'decision | w0 | eu-1,eu-2,eu-3 | back to the last healthy Target',
      'phase | rolls back: wave w0: eu-3: Deployment shop/web: 0 of 2 available',
    ]);
    at.run.healthy(...names);
    at.pass();
    expect(at.record()).toMatchObject({
      ...{ id: 'r1', application: 'web', result: 'RolledBack', strategy: 'steps' },
      message: 'wave w0: eu-3: Deployment shop/web: 0 of 2 available',
      waves: [{ name: 'w0', clusters: 3, rolledBack: 3 }],
    });
    const all = at.clusters() ?? [];
    expect(all.map(({ cluster, result }) => `${cluster} ${result}`)).toEqual(
      names.map((name) => `${name} RolledBack`),
    );
    expect(all[2]).toMatchObject({ message: 'Deployment shop/web: 0 of 2 available' });
    expect((all[2]?.appliedAtMs ?? 0) - (all[2]?.assignedAtMs ?? 0)).toBe(5_000);
  });

  it('tells each answer of an analysis once', () => {
    const analysis = {
      ...{ name: 'errors', intervalMs: 1, count: 2, failureLimit: 0, inconclusiveLimit: 0 },
      provider: { type: 'http', url: 'https://checks.example', status: 200 },
    } as const;
    const at = createTold(strategyOf([{ analysis: [analysis] }]));
    const before = at.run.state();
    const first = addAnswer(before, 0, 'errors', { atMs: 1, verdict: 'success', detail: '200' });
    const second = addAnswer(first, 0, 'errors', { atMs: 2, verdict: 'failure', detail: '503' });
    const messages = (from: RolloutState, after: RolloutState) =>
      planHistory({ before: from, after, nowMs: 2 }).flatMap(({ entries }) =>
        entries.map((one) => one.message),
      );
    expect(messages(before, first)).toEqual(['errors: success: 200']);
    expect(messages(first, second)).toEqual(['errors: failure: 503']);
  });

  it('says when a gate begins to hold it, once, and until when where that is known', () => {
    const window = { cron: '0 6 * * *', durationMs: 3_600_000, timeZone: 'UTC' };
    const run = createScenario(names, strategyOf([{}], { windows: [window] }));
    const before = run.state();
    const held = noteGate(before, run.input());
    const [write] = planHistory({ before, after: held, nowMs: 0 });
    expect(write?.entries).toMatchObject([
      { kind: 'gate', wave: 'w0', message: 'waits for a window until 2026-01-06T06:00:00.000Z' },
    ]);
    expect(noteGate(held, run.input())).toBe(held);
    run.wait(18 * 3_600_000);
    expect(noteGate(held, run.input()).waits).toBeUndefined();
  });

  it('says in words that clusters which are not healthy keep the others from going', () => {
    const budget = { unit: 'clusters', value: 2 } as const;
    const one = { unit: 'clusters', value: 1 } as const;
    const run = createScenario(names, strategyOf([{ maxUnavailable: one, failureBudget: budget }]));
    run.pass();
    run.applied('eu-1', 'Failed', 'Deployment web: bad');
    run.pass();
    const before = run.state();
    const held = noteGate(before, run.input());
    const [write] = planHistory({ before, after: held, nowMs: 0 });
    expect(write?.entries).toMatchObject([
      {
        ...{ kind: 'gate', wave: 'w0' },
        message: 'waits for clusters that are not healthy, since no other may become so',
      },
    ]);
  });
});

describe('a rollout that another takes the place of', () => {
  const replaced = (wanted: Readonly<Record<string, string>>) => {
    const run = createScenario(names, strategyOf([{}]));
    run.pass();
    const before = run.state();
    const after: RolloutState = {
      ...before,
      releaseId: 'r2',
      revisionId: 'rev2abcdef',
      clusters: noClusters,
    };
    return planHistory({ before, after, nowMs: before.startedAtMs + 90_000, actor: 'Bo <bo@x>', wanted });
  };

  it('is superseded, and the history of the other begins', () => {
    const [old, next] = replaced({ 'eu-1': 'newer', 'eu-2': 'old', 'eu-3': 'old' });
    expect(old).toMatchObject({
      record: { id: 'r1', result: 'Superseded', supersededBy: { id: 'r2', revisionId: 'rev2abcdef' } },
      entries: [{ actor: 'Bo <bo@x>', message: 'superseded by revision rev2abc, after 1 min 30 s' }],
    });
    expect(old?.clusters?.map(({ result }) => result)).toEqual(['Assigned', 'Assigned', 'Assigned']);
    expect(next).toMatchObject({ record: { id: 'r2', result: 'Progressing' }, clusters: undefined });
  });

  it('was rolled back by it where all that it reached is wanted as it was', () => {
    const [old] = replaced({ 'eu-1': 'old', 'eu-2': 'old', 'eu-3': 'old' });
    expect(old?.record).toMatchObject({ result: 'Reverted', message: 'rolled back by revision rev2abc' });
    const { clusters: _, ...untouched } = createScenario(names).state();
    expect(takesBack({ ...untouched, clusters: noClusters }, {})).toBe(false);
  });
});
