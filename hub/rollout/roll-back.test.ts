import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave } from '../model/strategy.ts';
import { amendRollout } from './amend-rollout.ts';
import { clusterState } from './cluster-states.ts';
import { heldMax } from './roll-back.ts';
import { createScenario } from './testing/scenario.test-support.ts';

const strategy = {
  ...defaultStrategy,
  waves: [
    { ...defaultWave, name: 'first', take: { unit: 'clusters', value: 1 } as const },
    { ...defaultWave, name: 'rest' },
  ],
  onFailure: 'rollback' as const,
};

/** eu-1 has the release, eu-2 fails with it and has just gone back. */
function failInRest() {
  const run = createScenario(['eu-1', 'eu-2'], strategy);
  run.pass();
  run.healthy('eu-1');
  run.pass();
  run.wait(1_000);
  run.applied('eu-2', 'Failed', 'bad');
  return { run, back: run.pass() };
}

describe('a rollback by waves', () => {
  it('waits for nobody longer than the health timeout, and says who is ill with what it had', () => {
    const { run, back } = failInRest();
    expect(back.assigned).toEqual(['eu-2=old']);
    run.applied('eu-2', 'InProgress', 'no room');
    const { nextAtMs } = run.pass();
    expect(nextAtMs).toBe(run.input().nowMs + strategy.healthTimeoutMs);
    run.wait(strategy.healthTimeoutMs);
    expect(run.pass().assigned).toEqual(['eu-1=old']);
    run.healthy('eu-1');
    expect(run.pass().changes.map(({ message }) => message)).toEqual([
      'rolled back; not healthy there: eu-2',
    ]);
  });

  it('waits for who is away but expected back, as all are after the hub was started again, and not for long', () => {
    const { run } = failInRest();
    const untilMs = run.input().nowMs + 120_000;
    for (const name of ['eu-1', 'eu-2'])
      Object.assign(run.see(name), { connected: false, expectedUntilMs: untilMs });
    const { assigned, nextAtMs, state } = run.pass();
    expect({ assigned, nextAtMs, phase: state.phase }).toEqual({
      ...{ assigned: [], nextAtMs: untilMs, phase: 'RollingBack' },
    });
    run.wait(120_000);
    expect(run.pass().assigned).toEqual(['eu-1=old']);
    expect(run.pass().types).toEqual(['rollout.rolled-back']);
  });

  it('says when something becomes of those that stay, too', () => {
    const waves = [{ ...defaultWave, name: 'all', minHealthyMs: 120_000 }];
    const run = createScenario(['eu-1', 'eu-2', 'eu-3'], { ...strategy, waves });
    run.see('eu-1').lastHealthyDigest = undefined;
    run.see('eu-2').lastHealthyDigest = undefined;
    run.pass();
    run.wait(1_000);
    run.healthy('eu-1');
    run.applied('eu-2', 'InProgress');
    run.applied('eu-3', 'Failed', 'bad');
    expect(run.pass().assigned).toEqual(['eu-3=old']);
    const { nextAtMs, state } = run.pass();
    expect(state.phase).toBe('RollingBack');
    expect(nextAtMs).toBe(run.input().nowMs + 120_000);
    run.wait(120_000);
    expect(clusterState(run.pass().state.clusters, 'eu-1')?.countedAtMs).toBe(nextAtMs);
    run.wait(strategy.healthTimeoutMs - 120_000);
    expect(run.pass().changes.map(({ cluster }) => cluster)).toContain('eu-2');
  });

  it('does not wait for a cluster that was forgotten after it had gone back', () => {
    const { run } = failInRest();
    run.see('eu-2').targetDigest = undefined;
    run.wait(1_000);
    expect(run.pass().assigned).toEqual(['eu-1=old']);
  });
});

describe('what is held after a rollback', () => {
  it('is bounded, and the newest of it stays', () => {
    const { run } = failInRest();
    const old = Array.from({ length: heldMax + 5 }, (_, index) => `held-${index}`);
    run.put((state) => ({ ...state, held: old }));
    run.healthy('eu-2');
    run.pass();
    run.healthy('eu-1');
    const { held } = run.pass().state;
    expect(held).toHaveLength(heldMax);
    expect(held.slice(-2)).toEqual([`held-${heldMax + 4}`, 'new']);
  });

  it('is not the Target that takes the application out of a cluster: others must be able to leave later', () => {
    const { run } = failInRest();
    const { observed, release, facts, nowMs } = run.input();
    const amended = amendRollout({
      wanted: new Map([
        ['eu-1', 'gone'],
        ['eu-2', 'new'],
      ]),
      removes: new Set(['eu-1']),
      before: { state: run.state(), targets: release.targets },
      ...{ observed, facts, nowMs, matches: () => true, revisionId: 'rev2' },
    });
    expect(clusterState(amended!.clusters, 'eu-1')).toEqual({ previous: 'old' });
    run.release({ targets: { 'eu-1': 'gone', 'eu-2': 'new' }, removes: new Set(['eu-1']) });
    run.put(() => amended ?? run.state());
    run.healthy('eu-2');
    expect(run.pass().state).toMatchObject({ phase: 'RolledBack', held: ['new'] });
  });
});

describe('a cluster that had the release and leaves the application in the middle of it', () => {
  it('goes back to what it had before the release, not to the release', () => {
    const run = createScenario(['eu-1', 'eu-2'], strategy);
    run.pass();
    run.healthy('eu-1');
    const { observed, release, facts, nowMs } = run.input();
    const common = { observed, facts, nowMs, matches: () => true, revisionId: 'rev2' };
    const wanted = new Map([
      ['eu-1', 'gone'],
      ['eu-2', 'new'],
    ]);
    run.put(
      (state) =>
        amendRollout({
          ...common,
          wanted,
          removes: new Set(['eu-1']),
          before: { state, targets: release.targets },
        }) ?? state,
    );
    run.release({ targets: Object.fromEntries(wanted), removes: new Set(['eu-1']) });
    expect(run.pass().assigned).toEqual(['eu-2=new', 'eu-1=gone']);
    run.act({ type: 'rollback' });
    expect(run.pass().assigned).toEqual(['eu-2=old', 'eu-1=old']);
  });
});
