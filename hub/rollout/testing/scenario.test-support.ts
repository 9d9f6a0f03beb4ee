/** One release over a few clusters, step by step: what agents say, what operators do, what the controller answers. */
import { defaultStrategy, type RolloutStrategy } from '../../model/strategy.ts';
import { advanceRollout, type RolloutInput, startRollout } from '../advance-rollout.ts';
import { applyAction, type RolloutAction } from '../apply-action.ts';
import { admitReleased } from '../held-clusters.ts';
import type { ClusterFacts } from '../plan-waves.ts';
import { describeRollout } from '../report/describe-rollout.ts';
import type { ObservedCluster, RolloutChange, RolloutRelease, RolloutState } from '../rollout-state.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function createScenario(
  clusters: readonly string[],
  strategy: RolloutStrategy = defaultStrategy,
  away: readonly string[] = [],
) {
  let nowMs = Date.UTC(2026, 0, 5, 12);
  const facts = new Map<string, ClusterFacts>(
    clusters.map((name) => {
      const region = name.split('-')[0] ?? '';
      return [name, { name, labels: { 'fairway.dev/region': region }, region, pair: '', primary: false }];
    }),
  );
  const observed = new Map<string, Mutable<ObservedCluster>>(
    clusters.map((name) => [
      name,
      {
        ...{
          targetDigest: 'old',
          releaseId: 'r0',
          revisionId: 'r0',
          removed: false,
          connected: !away.includes(name),
          lastHealthyDigest: 'old',
        },
        acknowledgements: { receivedAtMs: 0, appliedAtMs: 0, healthyAtMs: 0, refused: undefined },
        report: { sync: 'Synced', health: 'Current', message: '', waitsFor: '' },
      },
    ]),
  );
  let release: RolloutRelease = {
    ...{ id: 'r1', application: 'web', revisionId: 'rev1', createdAtMs: nowMs, reason: 'release' as const },
    targets: Object.fromEntries(clusters.map((name) => [name, 'new'])),
    removes: new Set<string>(),
  };
  const input = (): RolloutInput => ({ release, facts, observed, nowMs, matches: () => true });
  let state: RolloutState = startRollout(strategy, input(), () => true);
  const see = (cluster: string): Mutable<ObservedCluster> => {
    const found = observed.get(cluster);
    if (!found) throw new Error(`no cluster ${cluster}`);
    return found;
  };
  return {
    observed,
    input,
    state: () => state,
    see,
    /** What was assigned, as `cluster=target`, and what happened. */
    pass() {
      const pass = advanceRollout(state, input());
      state = pass.state;
      for (const { cluster, targetDigest, releaseId } of pass.decisions)
        Object.assign(see(cluster), {
          ...{ targetDigest, releaseId, revisionId: releaseId, report: undefined },
          acknowledgements: {
            receivedAtMs: undefined,
            appliedAtMs: undefined,
            healthyAtMs: undefined,
            refused: undefined,
          },
        });
      const assigned = pass.decisions.map(({ cluster, targetDigest }) => `${cluster}=${targetDigest}`);
      return { ...pass, assigned, types: pass.changes.map(({ type }: RolloutChange) => type) };
    },
    wait(ms: number) {
      nowMs += ms;
    },
    healthy(...names: readonly string[]) {
      for (const name of names) {
        const one = see(name);
        one.acknowledgements = {
          receivedAtMs: nowMs,
          appliedAtMs: nowMs,
          healthyAtMs: one.acknowledgements?.healthyAtMs ?? nowMs,
          refused: undefined,
        };
        one.report = { sync: 'Synced', health: 'Current', message: '', waitsFor: '' };
        one.lastHealthyDigest = one.targetDigest;
      }
    },
    applied(name: string, health = 'InProgress', message = '') {
      const one = see(name);
      one.acknowledgements = {
        receivedAtMs: nowMs,
        appliedAtMs: nowMs,
        healthyAtMs: one.acknowledgements?.healthyAtMs,
        refused: undefined,
      };
      one.report = { sync: 'Synced', health, message, waitsFor: '' };
    },
    act(action: RolloutAction, actor = 'ann') {
      const acted = applyAction(state, action, { actor, reason: 'because', atMs: nowMs });
      state = admitReleased(acted, input(), () => true);
    },
    /** What amendments have made of it. */
    release(change: Pick<RolloutRelease, 'targets' | 'removes'>) {
      release = { ...release, ...change };
    },
    /** What the loop keeps besides. */
    put(change: (before: RolloutState) => RolloutState) {
      state = change(state);
    },
    report: () => describeRollout(state, input()),
  };
}
