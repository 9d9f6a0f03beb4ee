/**
 * What a revision begins or amends of one application's rollout. There is one way by which a Target reaches a cluster: a pass of the rollout's reducer.
 * That of a strategy which waits for nothing (`all-at-once`) is made here at once, so that a commit and what it decides are kept together; every other's
 * is made by the rollout loop.
 */
import { canonicalJson, type Digest } from '../../../shared/manifest/canonical.ts';
import type { Target } from '../../../shared/manifest/target.ts';
import type { Fleet } from '../../model/fleet.ts';
import type { Acknowledgements, Assignment, AssignmentDecision, Release } from '../../model/release.ts';
import {
  allAtOnceStrategy,
  defaultRollout,
  defaultStrategy,
  type RolloutStrategy,
  strategyOf,
} from '../../model/strategy.ts';
import { advanceRollout } from '../advance-rollout.ts';
import { amendRollout, goesOn } from '../amend-rollout.ts';
import type { ClusterFacts, SelectorMatch } from '../plan-waves.ts';
import { type ObservedCluster, type RolloutState, targetsOf } from '../rollout-state.ts';
import { planStrategyRelease } from './plan-strategy-release.ts';

/** What the plan of an application with a strategy needs besides. */
export interface WaveFacts {
  readonly facts: ReadonlyMap<string, ClusterFacts>;
  /** Clusters whose agent is there. */
  readonly connected: ReadonlySet<string>;
  /** By application: its rollout, and the Targets of that one's release. */
  readonly rollouts: ReadonlyMap<
    string,
    { readonly state: RolloutState; readonly targets: Release['targets'] }
  >;
  readonly matches: SelectorMatch;
}

export interface PlanApplicationInput {
  readonly application: string;
  readonly revisionId: string;
  readonly fleet: Pick<Fleet, 'applications' | 'strategies'>;
  /** What the revision wants, removals among it. */
  readonly wanted: ReadonlyMap<string, Target>;
  readonly removes: ReadonlySet<string>;
  readonly assigned: readonly (Assignment & {
    readonly acknowledgements?: Acknowledgements | undefined;
    readonly healthyTargetDigest?: Digest | undefined;
  })[];
  readonly waves: WaveFacts;
  /** By cluster: whom it exchanges objects with there. */
  readonly handOvers?: RolloutState['handOvers'];
  /** Clusters that must not be assigned with the plan. */
  readonly blocked?: ReadonlySet<string> | undefined;
  readonly newId: () => string;
  readonly nowMs: number;
}

export interface ApplicationPlan {
  /** Undefined: the rollout before goes on. */
  readonly release: Release | undefined;
  readonly state: RolloutState;
  readonly decisions: readonly AssignmentDecision[];
}

/** An Application that says nothing has the careful one. One that leaves the fleet goes at once: that it may was asked, where much would go. */
export function strategyFor(
  application: string,
  { applications, strategies }: Pick<Fleet, 'applications' | 'strategies'>,
): RolloutStrategy {
  const declared = applications.get(application);
  if (declared === undefined) return { ...allAtOnceStrategy, name: 'all-at-once' };
  return strategyOf(declared.rollout ?? defaultRollout, strategies) ?? defaultStrategy;
}

function observe({ assigned, wanted, waves }: PlanApplicationInput): ReadonlyMap<string, ObservedCluster> {
  return observeAssigned(assigned, wanted.keys(), waves.connected);
}

/** Clusters as their assignments tell of them, and those that have none. */
export function observeAssigned(
  assigned: PlanApplicationInput['assigned'],
  others: Iterable<string>,
  connected: ReadonlySet<string>,
): ReadonlyMap<string, ObservedCluster> {
  const has = new Map(assigned.map((assignment) => [assignment.cluster, assignment]));
  const names = new Set([...others, ...has.keys()]);
  return new Map(
    [...names].map((cluster) => {
      const seen = has.get(cluster);
      return [
        cluster,
        {
          targetDigest: seen?.targetDigest,
          releaseId: seen?.releaseId ?? '',
          revisionId: seen?.revisionId,
          removed: seen?.removed ?? false,
          acknowledgements: seen?.acknowledgements,
          connected: connected.has(cluster),
          report: undefined,
          lastHealthyDigest: seen?.healthyTargetDigest,
        },
      ];
    }),
  );
}

/** Whether the rollout before goes on with what is wanted now, with who has joined or left: nothing that another environment would have to prove. */
export function continues(input: PlanApplicationInput): boolean {
  const before = input.waves.rollouts.get(input.application);
  if (before === undefined || before.state.phase === 'Waiting') return false;
  const wanted = new Map([...input.wanted].map(([cluster, { digest }]) => [cluster, digest]));
  return goesOn({ wanted, removes: input.removes, observed: observe(input), before });
}

/** The same state where they are the same, and where nothing is assigned any more. */
function withHandOvers(
  state: RolloutState | undefined,
  handOvers: RolloutState['handOvers'],
): RolloutState | undefined {
  if (state === undefined || state.phase === 'RolledBack' || state.phase === 'Aborted') return state;
  if (canonicalJson(state.handOvers ?? {}) === canonicalJson(handOvers ?? {})) return state;
  const { handOvers: _, ...rest } = state;
  return handOvers === undefined ? rest : { ...rest, handOvers };
}

/** Undefined: nothing begins, and nothing changes of what is under way. */
export function planApplication(input: PlanApplicationInput): ApplicationPlan | undefined {
  const { application, fleet, waves, removes, revisionId, nowMs } = input;
  const before = waves.rollouts.get(application);
  const observed = observe(input);
  const { facts, matches } = waves;
  const wanted = new Map([...input.wanted].map(([cluster, { digest }]) => [cluster, digest]));
  const common = { wanted, removes, observed, facts, matches, revisionId, nowMs };
  const begun = planStrategyRelease({
    ...{ ...common, application, before, newId: input.newId, blocked: input.blocked },
    strategy: strategyFor(application, fleet),
  });
  const changed = begun?.state ?? (before && amendRollout({ ...common, before }));
  const state = withHandOvers(changed ?? before?.state, input.handOvers);
  if (state === undefined || state === before?.state) return undefined;
  const { release, decisions = [] } = begun ?? {};
  if (!state.strategy.assignsAway || changed === undefined) return { release, state, decisions };
  const pass = advanceRollout(state, {
    ...{ facts, observed, nowMs, blocked: input.blocked },
    release: {
      ...{ id: state.releaseId, application, revisionId: state.revisionId, createdAtMs: nowMs },
      targets: targetsOf(state, release?.targets ?? before?.targets ?? {}),
      removes: new Set(state.removes),
      reason: state.strategy.reason ?? 'release',
    },
  });
  return { release, state: pass.state, decisions: [...decisions, ...pass.decisions] };
}
