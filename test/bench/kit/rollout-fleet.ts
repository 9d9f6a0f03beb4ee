/** Rollouts of many clusters, each brought half-way by the controller itself. */
import { defaultStrategy, defaultWave } from '../../../hub/model/strategy.ts';
import { advanceRollout, type RolloutInput, startRollout } from '../../../hub/rollout/advance-rollout.ts';
import { clusterEntries } from '../../../hub/rollout/cluster-states.ts';
import type { ClusterFacts } from '../../../hub/rollout/plan-waves.ts';
import type { ObservedCluster, RolloutState } from '../../../hub/rollout/rollout-state.ts';

const regions = 6;
/** Into the middle: most regions are done, the one under way has half of its clusters in flight. */
const roundsDone = 9;
const roundMs = 1_000;

const strategy = {
  ...defaultStrategy,
  waves: [
    { ...defaultWave, name: 'canary', take: { unit: 'percent', value: 1 } as const },
    {
      ...defaultWave,
      name: 'regions',
      groupBy: 'region',
      maxConcurrent: { unit: 'percent', value: 50 } as const,
    },
  ],
  regions: 'any' as const,
  pairs: 'any' as const,
};

export interface BenchRollout {
  readonly input: Omit<RolloutInput, 'nowMs'> & { readonly observed: Map<string, ObservedCluster> };
  state: RolloutState;
}

export function rolloutNames(clusters: number): readonly string[] {
  return Array.from({ length: clusters }, (_, index) => `cluster-${index}`);
}

export function rolloutFacts(names: readonly string[]): ReadonlyMap<string, ClusterFacts> {
  return new Map(
    names.map((name, index) => {
      const region = `r${index % regions}`;
      return [name, { name, labels: { region }, region, pair: '', primary: false }];
    }),
  );
}

function healthy(targetDigest: string, nowMs: number): ObservedCluster {
  return {
    ...{ targetDigest, releaseId: 'r', removed: false, connected: true, lastHealthyDigest: targetDigest },
    acknowledgements: { receivedAtMs: nowMs, appliedAtMs: nowMs, healthyAtMs: nowMs, refused: undefined },
    report: { sync: 'Synced', health: 'Current', message: '', waitsFor: '' },
  };
}

/** From the first digest to the second. */
export function planRollout(
  index: number,
  names: readonly string[],
  [from, to]: readonly [string, string],
  nowMs: number,
): BenchRollout {
  const observed = new Map(names.map((name) => [name, healthy(from, nowMs)]));
  const release = {
    ...{ id: `release-${index}`, application: `app-${index}`, revisionId: 'r', createdAtMs: nowMs },
    ...{ reason: 'release' as const, removes: new Set<string>() },
    targets: Object.fromEntries(names.map((name) => [name, to])),
  };
  const input = { release, observed, facts: rolloutFacts(names) };
  return { input, state: startRollout(strategy, { ...input, nowMs }, () => true) };
}

/** A pass of the controller alone; what it assigns is not reported on yet. */
export function passRollout(rollout: BenchRollout, nowMs: number): void {
  const { state, decisions } = advanceRollout(rollout.state, { ...rollout.input, nowMs });
  rollout.state = state;
  for (const { cluster, targetDigest } of decisions)
    rollout.input.observed.set(cluster, {
      ...healthy(targetDigest, 0),
      acknowledgements: undefined,
      report: undefined,
    });
}

/** So many of those that were assigned say that they are healthy. */
export function reportHealthy(rollouts: readonly BenchRollout[], count: number, nowMs: number): void {
  let left = count;
  for (const { input, state } of rollouts)
    for (const [name, seen] of clusterEntries(state.clusters)) {
      if (left === 0) return;
      if (seen.assignedAtMs === undefined || seen.countedAtMs !== undefined) continue;
      const known = input.observed.get(name);
      if (known?.targetDigest === undefined || known.acknowledgements !== undefined) continue;
      input.observed.set(name, healthy(known.targetDigest, nowMs));
      left -= 1;
    }
}

/** @returns when it is then. */
export function bringHalfWay(rollout: BenchRollout, fromMs: number): number {
  let nowMs = fromMs;
  for (let round = 0; round < roundsDone; round += 1) {
    nowMs += roundMs;
    passRollout(rollout, nowMs);
    reportHealthy([rollout], Number.MAX_SAFE_INTEGER, nowMs);
  }
  passRollout(rollout, nowMs);
  return nowMs;
}
