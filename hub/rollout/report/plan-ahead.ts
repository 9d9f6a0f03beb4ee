/**
 * What a revision would do, before anything happens. It is planned by the very functions that plan a revision which is there (`planRevision`, and with it
 * `startRollout` and `planWaves`), so that the plan and what then happens differ only by what changes in between. Pure.
 */
import { describeProblem } from '../../model/problem.ts';
import type { Pause } from '../../model/release.ts';
import { type AnalysisSpec, amountOf, type RolloutStrategy } from '../../model/strategy.ts';
import type { Resolution } from '../../store/repositories/fleet-repository.ts';
import { startRollout } from '../advance-rollout.ts';
import { clusterEntries } from '../cluster-states.ts';
import { isHeldBack } from '../held-clusters.ts';
import { observeAssigned, strategyFor } from '../plan/plan-application.ts';
import { type PlanRevisionInput, planRevisionSteps, type RevisionPlan } from '../plan/plan-revision.ts';
import { specOf } from '../plan-waves.ts';
import { isPromotionQueue, type PromotionQueue, promotionKey } from '../promotion.ts';
import { isOver, type RolloutState, targetsOf, type WaveState } from '../rollout-state.ts';
import { boundsOf, type WaveBounds } from '../wave-bounds.ts';
import { type Openness, opennessAt } from '../windows.ts';
import { takesBack } from './plan-history.ts';

export interface AheadWave {
  readonly name: string;
  /** In the order in which they go. */
  readonly clusters: readonly string[];
  /** Those of them that it is taken out of. */
  readonly leaving: readonly string[];
  /** Those of them whose agent is away: they are left out until it is back. */
  readonly away: readonly string[];
  /** Those of them that are paused: they are left out until they are resumed. */
  readonly paused: readonly string[];
  readonly bounds: WaveBounds;
  /** Before a cluster counts. */
  readonly minHealthyMs: number;
  /** After the last one counts. */
  readonly soakMs: number;
  /** No approvers: whoever may act on rollouts. */
  readonly approval: { readonly when: 'before' | 'after'; readonly approvers: readonly string[] } | undefined;
  readonly analysis: readonly AnalysisSpec[];
}

/** Why clusters take no part. `same`: they have the Target already. `held`: it was rolled back. `problem`: they cannot be rendered. */
export type LeftOutReason = 'same' | 'held' | 'problem' | 'removal' | 'under-way';

export interface LeftOut {
  readonly reason: LeftOutReason;
  readonly message: string;
  readonly clusters: readonly string[];
}

export interface AheadStrategy
  extends Pick<
    RolloutStrategy,
    'name' | 'onFailure' | 'rollbackSpeed' | 'regions' | 'pairs' | 'healthTimeoutMs' | 'windows' | 'freezes'
  > {
  /** What becomes of Git after a rollback by itself. */
  readonly revert: 'none' | 'branch' | 'commit';
  /** Clusters that may fail over all waves; undefined: only the waves' own budgets count. */
  readonly failures: number | undefined;
  /** Waves that ask for clusters by labels, and get none of those that change: they are left out, with their gates. */
  readonly emptyWaves: readonly string[];
  /** Whether assignments may be made at the time of the plan, and until or from when. */
  readonly openness: Openness;
}

export interface AheadApplication {
  readonly application: string;
  /** Begins: a rollout. Waits: one, once another environment has proven it. Amends: clusters join the one that there is, or leave with it. Nothing: no Target changes. */
  readonly outcome: 'begins' | 'waits' | 'amends' | 'nothing';
  /** Of a rollout that would begin; else undefined. */
  readonly strategy: AheadStrategy | undefined;
  /** What is under way and would end. */
  readonly supersedes:
    | {
        readonly id: string;
        readonly revisionId: string;
        readonly phase: RolloutState['phase'];
        /** It is taken back, since all that it reached is wanted as it was before. */
        readonly takesBack: boolean;
        readonly reached: number;
        readonly clusters: number;
      }
    | undefined;
  /** The Application that has to be healthy first, and for how long. */
  readonly after: { readonly application: string; readonly soakMs: number } | undefined;
  readonly waves: readonly AheadWave[];
  readonly leftOut: readonly LeftOut[];
}

export interface PlanAheadInput extends Omit<PlanRevisionInput, 'newId'> {
  readonly pauses: readonly Pause[];
}

/** Applications sorted by name; those of which nothing changes and nobody is left out for another reason are not told. */
export function planAhead(input: PlanAheadInput): readonly AheadApplication[] {
  const steps = planAheadSteps(input);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** The same, in the steps of `planRevisionSteps` and one more an application. */
export function* planAheadSteps(input: PlanAheadInput): Generator<undefined, readonly AheadApplication[]> {
  let ids = 0;
  const newId = () => {
    ids += 1;
    return `planned-${ids}`;
  };
  const plan = yield* planRevisionSteps({ ...input, newId });
  const assigned = Map.groupBy(input.assignments, ({ application }) => application);
  const names = new Set([...input.fleet.applications.keys(), ...Object.keys(plan.rollouts)]);
  const told: AheadApplication[] = [];
  for (const name of [...names].filter((one) => !one.includes('/')).sort()) {
    yield;
    const ahead = aheadOf(name, { ...input, assignments: assigned.get(name) ?? [] }, plan);
    const { outcome, leftOut } = ahead;
    if (outcome !== 'nothing' || leftOut.some(({ reason }) => reason !== 'same')) told.push(ahead);
  }
  return told;
}

/** @param input with the assignments of this application only. */
function aheadOf(application: string, input: PlanAheadInput, plan: RevisionPlan): AheadApplication {
  const before = input.waves.rollouts.get(application)?.state;
  const queue = plan.rollouts[promotionKey(application)];
  const state = plannedState(application, input, plan);
  const planned = state !== undefined && state.releaseId !== before?.releaseId;
  const begins = planned && !isHeldBack(state);
  const promoted = isPromotionQueue(queue) ? queue : undefined;
  const waits = begins && promoted !== undefined;
  const known = planned ? new Set<string>() : unchangedIn(before, state);
  const wanted = plan.resolutions.find((one) => one.application === application)?.targets ?? {};
  const waves = state?.waves.map((wave) => aheadWave(state, wave, input, { known, wanted })) ?? [];
  const told = waves.filter(({ clusters }) => clusters.length > 0);
  return {
    application,
    outcome: waits ? 'waits' : begins ? 'begins' : told.length > 0 ? 'amends' : 'nothing',
    strategy: begins ? aheadStrategy(state, input.nowMs) : undefined,
    supersedes: planned ? supersededBy(state, before, plan) : undefined,
    after: promoted && { application: promoted.partner, soakMs: promoted.soakMs },
    waves: told,
    leftOut: leftOutOf(application, state, input, plan),
  };
}

/** Clusters that an amended rollout has as it had them. */
function unchangedIn(before: RolloutState | undefined, after: RolloutState | undefined): ReadonlySet<string> {
  const left = new Set(before?.removes);
  const leaves = new Set(after?.removes?.filter((cluster) => !left.has(cluster)));
  const known = before?.waves.flatMap((wave) => wave.clusters) ?? [];
  return new Set(
    known.filter(
      (cluster) => !leaves.has(cluster) && before?.amended?.[cluster] === after?.amended?.[cluster],
    ),
  );
}

/** The rollout as it would begin; one that waits for another environment as if that had proven it now. */
function plannedState(
  application: string,
  input: PlanAheadInput,
  plan: RevisionPlan,
): RolloutState | undefined {
  const planned = plan.rollouts[application];
  const queue = plan.rollouts[promotionKey(application)];
  const release = plan.releases.find((one) => one.application === application);
  if (isPromotionQueue(queue) && release !== undefined) return promotedState(application, queue, input, plan);
  return planned !== undefined && 'waves' in planned ? planned : undefined;
}

function promotedState(
  application: string,
  queue: PromotionQueue,
  { waves, assignments, fleet, nowMs }: PlanAheadInput,
  { releases }: RevisionPlan,
): RolloutState | undefined {
  const release = releases.find((one) => one.application === application);
  if (release === undefined) return undefined;
  const observed = observeAssigned(assignments, Object.keys(release.targets), waves.connected);
  const strategy = queue.candidates.at(-1)?.strategy ?? strategyFor(application, fleet);
  return startRollout(
    strategy,
    {
      release: { ...release, removes: new Set(), reason: 'release' },
      ...{ observed, facts: waves.facts, nowMs },
    },
    waves.matches,
    waves.rollouts.get(application)?.state.held ?? [],
  );
}

function aheadWave(
  state: RolloutState,
  wave: WaveState,
  { waves, pauses, nowMs }: PlanAheadInput,
  { known, wanted }: { readonly known: ReadonlySet<string>; readonly wanted: Resolution['targets'] },
): AheadWave {
  const spec = specOf(state.strategy, wave);
  const clusters = wave.clusters.filter((cluster) => !known.has(cluster));
  const paused = new Set(
    pauses
      .filter(({ untilMs }) => untilMs === undefined || untilMs > nowMs)
      .filter(({ application }) => application === '' || application === state.application)
      .map(({ cluster }) => cluster),
  );
  return {
    name: wave.name,
    clusters,
    leaving: clusters.filter((cluster) => !Object.hasOwn(wanted, cluster)),
    away: clusters.filter((cluster) => !waves.connected.has(cluster)),
    paused: clusters.filter((cluster) => paused.has(cluster)),
    bounds: boundsOf(spec, wave.clusters.length),
    minHealthyMs: spec.minHealthyMs,
    soakMs: spec.soakMs,
    approval: spec.approval,
    analysis: spec.analysis,
  };
}

function aheadStrategy({ strategy, waves }: RolloutState, nowMs: number): AheadStrategy {
  const { name, onFailure, rollbackSpeed, regions, pairs, healthTimeoutMs, windows, freezes } = strategy;
  const total = waves.reduce((sum, { clusters }) => sum + clusters.length, 0);
  const { failureBudget } = strategy;
  return {
    ...{ name, onFailure, rollbackSpeed, regions, pairs, healthTimeoutMs, windows, freezes },
    revert: (onFailure === 'rollback' ? strategy.revert : undefined) ?? 'none',
    failures: failureBudget && amountOf(failureBudget, total, 'down'),
    emptyWaves: strategy.waves
      .filter(({ selector }, at) => selector !== undefined && waves.every(({ spec }) => spec !== at))
      .map((wave) => wave.name),
    openness: opennessAt(strategy, nowMs),
  };
}

function supersededBy(
  state: RolloutState,
  before: RolloutState | undefined,
  { releases }: RevisionPlan,
): AheadApplication['supersedes'] {
  if (before === undefined || isOver(before) || before.phase === 'Waiting') return undefined;
  const { releaseId, revisionId, phase, waves, clusters } = before;
  const reached = [...clusterEntries(clusters)].filter(([, known]) => known.assignedAtMs !== undefined);
  const wanted = releases.find(({ id }) => id === state.releaseId)?.targets ?? {};
  return {
    ...{ id: releaseId, revisionId, phase },
    takesBack: takesBack(before, wanted),
    reached: reached.length,
    clusters: waves.reduce((sum, wave) => sum + wave.clusters.length, 0),
  };
}

const leftOutTexts: Readonly<Record<LeftOutReason, string>> = {
  same: 'they have this Target already',
  held: 'their Target was rolled back, and is held until it differs or somebody retries',
  problem: 'they cannot be rendered, and stay at what they have',
  removal: 'they are to leave, but their removal waits for a confirmation, or for a fleet without problems',
  'under-way': 'the rollout that is under way takes them there',
};

function leftOutOf(
  application: string,
  state: RolloutState | undefined,
  { waves, assignments }: PlanAheadInput,
  { resolutions }: RevisionPlan,
): readonly LeftOut[] {
  const resolution = resolutions.find((one) => one.application === application);
  const before = waves.rollouts.get(application);
  const held = new Set(before?.state.held);
  const has = new Map(assignments.map((one) => [one.cluster, one]));
  const planned = new Set(state?.waves.flatMap(({ clusters }) => clusters));
  const underWay =
    before === undefined || isOver(before.state) ? {} : targetsOf(before.state, before.targets);
  const reasons = new Map<string, { readonly reason: LeftOutReason; readonly detail: string }>();
  const leave = (cluster: string, reason: LeftOutReason, detail = '') =>
    void reasons.set(cluster, { reason, detail });
  for (const [cluster, target] of Object.entries(resolution?.targets ?? {})) {
    if (planned.has(cluster)) continue;
    if (has.get(cluster)?.targetDigest === target) leave(cluster, 'same');
    else if (held.has(target)) leave(cluster, 'held');
    else if (underWay[cluster] === target) leave(cluster, 'under-way');
  }
  for (const { cluster, problem } of resolution?.problems ?? [])
    if (cluster !== '' && !planned.has(cluster) && reasons.get(cluster)?.reason !== 'problem')
      leave(cluster, 'problem', `: ${describeProblem(problem)}`);
  for (const [cluster, { removed }] of has)
    if (!removed && !planned.has(cluster) && !reasons.has(cluster)) leave(cluster, 'removal');
  return groupLeftOut(reasons);
}

/** Different problems told of one application. */
const detailsMax = 20;

function groupLeftOut(
  reasons: ReadonlyMap<string, { readonly reason: LeftOutReason; readonly detail: string }>,
): readonly LeftOut[] {
  const details = new Set<string>();
  const groups = new Map<string, { readonly reason: LeftOutReason; message: string; clusters: string[] }>();
  for (const [cluster, { reason, detail }] of [...reasons].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (details.size < detailsMax) details.add(detail);
    const message = `${leftOutTexts[reason]}${details.has(detail) ? detail : ''}`;
    const group = groups.get(message) ?? { reason, message, clusters: [] };
    group.clusters.push(cluster);
    groups.set(message, group);
  }
  return [...groups.values()];
}
