/**
 * What a revision asks of the fleet, compared with what is in force: Targets to keep, a Release for each application of which some cluster's Target
 * changes, the assignments to make now, removals that wait for an operator, and the events that say who changed what. Pure: the loop loads the
 * input and keeps the result in one transaction, so that a hub that is killed before that plans the same again.
 */
import { canonicalJson, type Digest } from '../../../shared/manifest/canonical.ts';
import type { Target } from '../../../shared/manifest/target.ts';
import type { NewEvent } from '../../model/event.ts';
import type { Fleet } from '../../model/fleet.ts';
import type { Problem } from '../../model/problem.ts';
import { syncOf } from '../../model/project.ts';
import { partnersOf } from '../../model/promotion.ts';
import type {
  Acknowledgements,
  Assignment,
  AssignmentDecision,
  Confirmation,
  Release,
} from '../../model/release.ts';
import type { Revision } from '../../model/revision.ts';
import type { HistoryWrite } from '../../model/rollout-history.ts';
import type { Resolution } from '../../store/repositories/fleet-repository.ts';
import type { Plan } from '../../store/repositories/release-repository.ts';
import { type PromotionQueue, promotionKey, type SourceContent } from '../promotion.ts';
import { planHistory } from '../report/plan-history.ts';
import type { RolloutState } from '../rollout-state.ts';
import { concernedOnly } from './concerned-clusters.ts';
import { orderForHandOver } from './hand-over.ts';
import { continues, type PlanApplicationInput, strategyFor, type WaveFacts } from './plan-application.ts';
import { planPromotion } from './plan-promotion.ts';
import {
  classifyRemoval,
  type OpenConfirmation,
  openSubjects,
  planRemovals,
  removalTargetFor,
} from './plan-removals.ts';
import { planTogether } from './plan-together.ts';
import {
  type ApplicationPlacement,
  type ClusterProblem,
  type RenderOutcome,
  resolutionOf,
  resolveApplication,
  type Wanted,
} from './resolve-application.ts';
import {
  actorOf,
  assignmentEvent,
  failedEvent,
  heldEvent,
  releaseEvent,
  withheldEvent,
} from './revision-events.ts';

/** An assignment in force. */
export type AssignmentInForce = Assignment & {
  readonly acknowledgements?: Acknowledgements | undefined;
  readonly healthyTargetDigest?: Digest | undefined;
};

export interface PlanRevisionInput {
  readonly revision: Revision;
  readonly fleet: Fleet;
  /** As last kept. */
  readonly previousFleet: Fleet;
  /** The revision that was last planned and kept: looking at it again with the same problems tells no event. Undefined: none. */
  readonly previousRevisionId?: string | undefined;
  /** As last kept. */
  readonly resolutions: readonly Resolution[];
  /** By application. One that is missing here keeps every cluster at what it has. */
  readonly placements: ReadonlyMap<string, ApplicationPlacement>;
  /** By application, then cluster. A placed cluster that is missing here stays at what it has. */
  readonly rendered: ReadonlyMap<string, ReadonlyMap<string, RenderOutcome>>;
  readonly assignments: readonly AssignmentInForce[];
  /** The Targets in force, by digest: a removal takes its options from them, a hand-over its order. */
  readonly targets: ReadonlyMap<Digest, Target>;
  /** Open and confirmed ones. While a `restored-hub` one is open nothing is removed. */
  readonly confirmations: readonly Confirmation[];
  /** For applications with a strategy. */
  readonly waves: WaveInput;
  /** By application: what it is rendered from, of those that wait for another environment and those they wait for. */
  readonly contents?: ReadonlyMap<string, SourceContent> | undefined;
  /** Above this number of assignments removals wait for a confirmation. */
  readonly thresholds: { readonly confirmAbove: number };
  readonly nowMs: number;
  readonly newId: () => string;
}

/** What the rollouts of all of them need besides. */
export interface WaveInput extends WaveFacts {
  /** By application: the releases that wait for another environment, as last kept. */
  readonly queues?: ReadonlyMap<string, PromotionQueue> | undefined;
}

/** The parts of a Plan that are decided here, and the Targets to keep before it. */
export interface RevisionPlan {
  readonly resolutions: readonly Resolution[];
  readonly releases: readonly Release[];
  readonly decisions: readonly AssignmentDecision[];
  readonly confirmations: Plan['confirmations'];
  /** Of the applications with a new release. */
  readonly rollouts: Readonly<Record<string, PlannedRollout>>;
  readonly history: readonly HistoryWrite[];
  readonly events: readonly NewEvent[];
  /** All that resolutions, releases and decisions name, but for those in force already. Their sets are the rendered ones, or empty. */
  readonly targets: readonly Target[];
}

type PlannedRollout = RolloutState | PromotionQueue;

type AssignmentsOf = ReadonlyMap<string, readonly AssignmentInForce[]>;

/** Plans a revision. */
export function planRevision(input: PlanRevisionInput): RevisionPlan {
  const steps = planRevisionSteps(input);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** The same, step by step, about one an application: a large fleet takes seconds, and others shall have their turn meanwhile. */
export function* planRevisionSteps(input: PlanRevisionInput): Generator<undefined, RevisionPlan> {
  const { revision, nowMs, fleet } = input;
  const assigned: AssignmentsOf = Map.groupBy(input.assignments, ({ application }) => application);
  const wanted: Wanted[] = [];
  for (const application of fleet.applications.values()) {
    yield;
    const { name } = application;
    const sync = syncOf(application, fleet.projects);
    const clusters = (assigned.get(name) ?? []).map(({ cluster }) => cluster);
    const [placement, rendered] = [input.placements.get(name), input.rendered.get(name)];
    wanted.push(resolveApplication({ ...application, sync }, placement, rendered, clusters));
  }
  const removals = planFleetRemovals(input, wanted);
  yield;
  const resolutions = yield* resolveAll(input, wanted, assigned, removals.problems);
  const { releases, decisions, rollouts, targets } = yield* planReleases(
    input,
    wanted,
    assigned,
    removals.targets,
  );
  yield;
  const ordered = orderDecisions(input, decisions, targets);
  return {
    resolutions,
    releases,
    decisions: ordered,
    confirmations: removals.confirmations,
    rollouts,
    history: planHistories(input, rollouts, releases),
    events: [
      ...problemEvents(input, resolutions),
      ...releases.map((release) =>
        releaseEvent(revision, release, partOf(rollouts[release.application]), nowMs),
      ),
      ...releases.flatMap((release) => withheldEvents(rollouts[release.application], release.id, nowMs)),
      ...ordered.map((decision) => assignmentEvent(revision, decision, nowMs)),
      ...removals.held.map((confirmation) => heldEvent(revision, confirmation, nowMs)),
    ],
    targets: [...targets.values()].filter(({ digest }) => !input.targets.has(digest)),
  };
}

/** Of a rollout that begins with this release. */
function withheldEvents(
  rollout: PlannedRollout | undefined,
  releaseId: string,
  nowMs: number,
): readonly NewEvent[] {
  if (rollout === undefined || !('waves' in rollout) || rollout.releaseId !== releaseId) return [];
  return rollout.withheld ? [withheldEvent(rollout, nowMs)] : [];
}

/** Who takes part in a rollout, and who of them is left. */
function partOf(rollout: PlannedRollout | undefined) {
  if (rollout === undefined || !('waves' in rollout)) return { clusters: [], removed: [] };
  const clusters = rollout.waves.flatMap((wave) => wave.clusters).sort();
  const removes = new Set(rollout.removes);
  return { clusters, removed: clusters.filter((cluster) => removes.has(cluster)) };
}

/** Of the rollouts that begin, are amended or are superseded. */
function planHistories(
  { waves, revision, nowMs }: PlanRevisionInput,
  rollouts: Readonly<Record<string, PlannedRollout>>,
  releases: readonly Release[],
): readonly HistoryWrite[] {
  const released = new Map(releases.map(({ id, targets }) => [id, targets]));
  const actor = actorOf(revision);
  return Object.values(rollouts).flatMap((after) => {
    if (!('waves' in after)) return [];
    const before = waves.rollouts.get(after.application)?.state;
    return planHistory({ before, after, nowMs, actor, wanted: released.get(after.releaseId) });
  });
}

interface FleetRemovals {
  /** By application, then cluster. */
  readonly targets: ReadonlyMap<string, ReadonlyMap<string, Target>>;
  readonly confirmations: readonly OpenConfirmation[];
  readonly held: readonly OpenConfirmation[];
  readonly problems: ReadonlyMap<string, readonly ClusterProblem[]>;
}

function planFleetRemovals(input: PlanRevisionInput, wanted: readonly Wanted[]): FleetRemovals {
  const { fleet, previousFleet, confirmations, revision, nowMs } = input;
  const placed = new Map(wanted.map((one) => [one.application, one.placed]));
  const removals = input.assignments
    .filter(({ removed, application, cluster }) => !removed && !placed.get(application)?.has(cluster))
    .map((assignment) => classifyRemoval(assignment, fleet));
  const { confirmAbove } = input.thresholds;
  const planned = planRemovals({ removals, confirmations, confirmAbove, revisionId: revision.id, nowMs });
  const restored = confirmations.some(
    ({ kind, confirmedAtMs }) => kind === 'restored-hub' && confirmedAtMs === undefined,
  );
  if (restored || fleet.problems.length > 0) {
    // Nothing goes now; what waits already goes on waiting unless it is wanted again.
    const open = openSubjects(confirmations);
    return {
      targets: new Map(),
      confirmations: planned.confirmations.filter(({ kind, subject }) => open.has(`${kind}/${subject}`)),
      held: [],
      problems: new Map(),
    };
  }
  const targets = new Map<string, Map<string, Target>>();
  const problems = new Map<string, ClusterProblem[]>();
  for (const { assignment } of planned.released) {
    const { application, cluster } = assignment;
    const target = removalTargetFor(assignment, [fleet, previousFleet], input.targets);
    if (target) insert(targets, application, cluster, target);
    else problems.set(application, [...(problems.get(application) ?? []), unknownOptions(cluster)]);
  }
  return { targets, confirmations: planned.confirmations, held: planned.held, problems };
}

function insert(
  targets: Map<string, Map<string, Target>>,
  application: string,
  cluster: string,
  target: Target,
): void {
  const members = targets.get(application) ?? new Map<string, Target>();
  targets.set(application, members.set(cluster, target));
}

function unknownOptions(cluster: string): ClusterProblem {
  const message =
    'stays, since its last deletionPolicy is not known: put the application back, then remove it again';
  return { cluster, problem: { code: 'internal', file: '', line: 0, field: '', message } };
}

function* resolveAll(
  { resolutions, revision, nowMs }: PlanRevisionInput,
  wanted: readonly Wanted[],
  assigned: AssignmentsOf,
  problems: FleetRemovals['problems'],
): Generator<undefined, readonly Resolution[]> {
  const before = new Map(resolutions.map((resolution) => [resolution.application, resolution]));
  const declared = new Set(wanted.map(({ application }) => application));
  const stale = resolutions.filter((one) => one.problems.length > 0 || Object.keys(one.targets).length > 0);
  const leaving = [...new Set([...assigned.keys(), ...stale.map(({ application }) => application)])]
    .filter((application) => !declared.has(application))
    .map((application) => ({ application, targets: new Map<string, Target>(), problems: [] }));
  const resolved: Resolution[] = [];
  for (const one of [...wanted, ...leaving]) {
    const all = [...one.problems, ...(problems.get(one.application) ?? [])];
    resolved.push(resolutionOf({ ...one, problems: all }, before.get(one.application), revision.id, nowMs));
    yield;
  }
  return resolved;
}

interface PlannedReleases {
  readonly releases: readonly Release[];
  readonly decisions: readonly AssignmentDecision[];
  readonly rollouts: Readonly<Record<string, PlannedRollout>>;
  readonly targets: ReadonlyMap<Digest, Target>;
}

function* planReleases(
  input: PlanRevisionInput,
  resolved: readonly Wanted[],
  assigned: AssignmentsOf,
  removals: FleetRemovals['targets'],
): Generator<undefined, PlannedReleases> {
  const releases: Release[] = [];
  const decisions: AssignmentDecision[] = [];
  const rollouts: Record<string, PlannedRollout> = {};
  const targets = new Map<Digest, Target>();
  const wantedTargets = new Map(resolved.map((one) => [one.application, one.targets]));
  const partners = partnersOf(input.fleet);
  const plain: PlanApplicationInput[] = [];
  for (const application of [...new Set([...wantedTargets.keys(), ...removals.keys()])].sort()) {
    const all = new Map([...(wantedTargets.get(application) ?? []), ...(removals.get(application) ?? [])]);
    for (const target of all.values()) targets.set(target.digest, target);
    const inForce = assigned.get(application) ?? [];
    const { wanted, removes } = concernedOnly(
      { wanted: all, removes: new Set(removals.get(application)?.keys()) },
      ...([strategyFor(application, input.fleet), inForce, input.targets] as const),
    );
    const about: PlanApplicationInput = {
      ...{ application, removes, wanted, assigned: inForce },
      ...{ fleet: input.fleet, waves: input.waves, revisionId: input.revision.id },
      ...{ newId: input.newId, nowMs: input.nowMs },
    };
    const partner = partners.get(application);
    if (partner !== undefined) {
      // Which it is cannot be told: the one of before counts, and without one nothing begins.
      const name = partner.partner ?? input.waves.queues?.get(application)?.partner;
      if (name === undefined) continue;
      const promoted = planPromoted(input, about, { partner: name, soakMs: partner.soakMs }, resolved);
      rollouts[promotionKey(application)] = promoted.queue;
      if (promoted.release) releases.push(promoted.release);
      if (promoted.state) rollouts[application] = promoted.state;
      if (!promoted.continues) continue;
    }
    plain.push(about);
  }
  for (const [application, plan] of yield* planTogether(plain, input.targets)) {
    if (plan.release) releases.push(plan.release);
    decisions.push(...plan.decisions);
    rollouts[application] = plan.state;
  }
  return { releases, decisions, rollouts, targets };
}

/** A release that waits for another environment. */
function planPromoted(
  { contents, waves }: PlanRevisionInput,
  about: PlanApplicationInput,
  { partner, soakMs }: { readonly partner: string; readonly soakMs: number },
  all: readonly Wanted[],
) {
  const { application, revisionId, wanted, assigned, fleet, newId, nowMs } = about;
  const first = all.find((one) => one.application === partner);
  const digests = (targets: ReadonlyMap<string, Target>) =>
    new Map([...targets].map(([cluster, { digest }]) => [cluster, digest]));
  const goesOn = continues(about);
  const planned = planPromotion({
    ...{ application, partner, soakMs, newId, nowMs, revisionId, continues: goesOn },
    strategy: strategyFor(application, fleet),
    queue: waves.queues?.get(application),
    wanted: digests(wanted),
    // Without some of its clusters it would look like another wish than it is.
    partnerWanted: first && first.problems.length === 0 ? digests(first.targets) : undefined,
    content: contents?.get(application),
    partnerContent: contents?.get(partner),
    assigned: new Map(assigned.map(({ cluster, targetDigest }) => [cluster, targetDigest])),
    before: waves.rollouts.get(application)?.state,
  });
  return { ...planned, continues: goesOn };
}

function orderDecisions(
  { assignments, targets }: PlanRevisionInput,
  decisions: readonly AssignmentDecision[],
  planned: ReadonlyMap<Digest, Target>,
): readonly AssignmentDecision[] {
  // Most are left to the rollouts' loop.
  if (decisions.length === 0) return [];
  const inForce = new Map(
    assignments.map(({ cluster, application, targetDigest }) => [`${cluster}/${application}`, targetDigest]),
  );
  return orderForHandOver(decisions, {
    inForce: (cluster, application) => targets.get(inForce.get(`${cluster}/${application}`) ?? ''),
    decided: (digest) => planned.get(digest),
  });
}

/**
 * Once a revision and set of problems: looking again at the same revision with the same problems says nothing. What is merely not here yet (`unavailable`)
 * is no failure of a revision; should it not come, its source says so.
 */
function problemEvents(input: PlanRevisionInput, resolutions: readonly Resolution[]): readonly NewEvent[] {
  const problems = failures(input.fleet, resolutions);
  if (problems.length === 0) return [];
  const lookedAt = input.previousRevisionId === input.revision.id;
  const same =
    lookedAt && canonicalJson(problems) === canonicalJson(failures(input.previousFleet, input.resolutions));
  return same ? [] : [failedEvent(input.revision, problems, input.nowMs)];
}

function failures(fleet: Fleet, resolutions: readonly Resolution[]): readonly Problem[] {
  const sorted = [...resolutions].sort((a, b) => (a.application < b.application ? -1 : 1));
  return [
    ...fleet.problems,
    ...sorted.flatMap((resolution) => resolution.problems.map(({ problem }) => problem)),
  ].filter(({ code }) => code !== 'unavailable');
}
