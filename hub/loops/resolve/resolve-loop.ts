/**
 * The heart of the hub: from the heads of the followed sources to assignments. One key, single flight, level-triggered: each step reads the newest
 * heads and the stored state, renders what the fleet places, and keeps everything it decides in one transaction.
 */
import type { Clock } from '../../../shared/clock/clock.ts';
import type { Random } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Logger } from '../../../shared/log/log.ts';
import { createLoop, type Loop } from '../../../shared/loop/loop.ts';
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { Target } from '../../../shared/manifest/target.ts';
import { readFleet } from '../../fleet/read-fleet.ts';
import { createEvent, type NewEvent } from '../../model/event.ts';
import type { Failover } from '../../model/failover.ts';
import type { Application, Fleet } from '../../model/fleet.ts';
import type { ParityGroup } from '../../model/parity.ts';
import type { Assignment } from '../../model/release.ts';
import { type Revision, rootRepository, type SourceKey, sourceKeyOf } from '../../model/revision.ts';
import type { SourceStatus } from '../../model/source-status.ts';
import { withOverrides, withoutOverrides, withStrategies } from '../../parity/switch-roles.ts';
import { checkFleet } from '../../policy/check-fleet.ts';
import { createMountedTree } from '../../render/remote/mounted-tree.ts';
import type { RenderWork } from '../../render/render-work.ts';
import { planRevisionSteps, type RevisionPlan } from '../../rollout/plan/plan-revision.ts';
import { packState, pinsOf } from '../../rollout/rollout-state.ts';
import type { GitSource } from '../../source/git-source.ts';
import type { Plan } from '../../store/repositories/release-repository.ts';
import type { Store } from '../../store/store.ts';
import { fleetOf, rowsOf } from '../fleet-rows.ts';
import { followPausesInGit } from '../git-pauses.ts';
import { loadTargets } from '../load-targets.ts';
import { isSelected } from '../parity/parity-inputs.ts';
import { finishUnheard } from '../rollout/finish-unheard.ts';
import { isWaved, loadWaves } from '../rollout/rollout-inputs.ts';
import { createRemoteBases, headOf } from '../source/remote-bases.ts';
import { createRevision } from '../source/revision-of.ts';
import type { FollowedSource } from '../source/source-loop.ts';
import { inTurns } from './in-turns.ts';
import { createOvertaking } from './overtaking.ts';
import { createPendingRecords } from './pending-records.ts';
import { loadContents } from './promotion-contents.ts';
import {
  type FleetOutcome,
  type FleetRenderer,
  type Placements,
  placeAll,
  saveContent,
  saveRecords,
} from './render-fleet.ts';
import { planRendering } from './revision-rendering.ts';
import { basesOf, boundsOf } from './tenancy.ts';

export const resolveKey = 'fleet';

/** Looks again though nothing woke it: whatever hindered the last step may be gone. Costs little while inputs are as they were. */
const periodMs = 300_000;

/** Whoever moved the head wakes the loop as well, as a rule at once. */
const overtakenWaitMs = 1_000;

export interface ResolveLoopOptions {
  readonly store: Store;
  readonly source: GitSource;
  readonly renderer: FleetRenderer;
  readonly root: FollowedSource;
  readonly folder: string;
  readonly confirmAbove: number;
  /** The sources that the newest fleet and the remote bases follow, twice in each step: before rendering and when it has told of all bases. */
  readonly onFollowed: (
    fleet: Fleet,
    remotes: readonly SourceKey[],
  ) => ReadonlyMap<SourceKey, FollowedSource>;
  /** Told what rendering a revision took, once for each look at it. */
  readonly onRendered?: ((revisionId: string, work: Readonly<RenderWork>) => void) | undefined;
  /** Failovers that are open, those without whose override is not signed by this hub. Default: none. */
  readonly failovers?: (() => Promise<readonly Failover[]>) | undefined;
  readonly newId: () => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Whether an Application is of a group, and goes over when the group does. */
function isMember(application: Application, group: ParityGroup): boolean {
  return isSelected(group, application.name, application);
}

export function createResolveLoop(options: ResolveLoopOptions): Loop {
  const { store, source, clock, log } = options;
  /** What the last step's rendering asked for. */
  let remotes: readonly SourceKey[] | undefined;
  const overtaking = createOvertaking(store);
  /** What steps have rendered that failed before it was kept: the renderer tells it once. */
  const unsaved = createPendingRecords();

  const step = async (_key: string, signal: AbortSignal) => {
    const status = await store.sources.get(options.root.key);
    if (!status?.head || status.url !== options.root.url) return undefined;
    const stored = await store.fleet.load();
    const previousFleet = fleetOf(stored);
    const rootTree = await source.tree(options.root.url, status.head);
    const previous = withoutOverrides(previousFleet);
    const inGit = await readFleet({ tree: rootTree, folder: options.folder, previous, signal });
    const failovers = (await options.failovers?.()) ?? [];
    const fleet = withOverrides(inGit, failovers);
    const placements = placeAll(fleet);
    const beganMs = clock.monotonic();
    const render = await renderHead(status.head, fleet, placements, signal);
    if (render === undefined) return { requeueAfterMs: overtakenWaitMs };
    const renderedMs = clock.monotonic();
    const { outcome, heads, asked } = render;
    unsaved.add(outcome.records);
    signal.throwIfAborted();
    const revision = await remember(status.head, heads, fleet, asked);
    options.onRendered?.(revision.id, outcome.work);
    const waves = await loadWaves(store, fleet);
    const assignments = await store.releases.assignments({});
    const targets = await loadTargets(
      store,
      assignments.map(({ targetDigest }) => targetDigest),
    );
    const steps = planRevisionSteps({
      revision,
      fleet: withStrategies(fleet, failovers, isMember),
      previousFleet,
      previousRevisionId: stored.revisionId,
      resolutions: await store.fleet.resolutions(),
      placements,
      rendered: checkFleet({
        ...outcome,
        ...boundsOf(fleet),
        inForce: setsInForce(assignments, targets),
      }),
      assignments,
      targets,
      confirmations: await store.releases.confirmations(),
      waves,
      contents: await contentsOf(fleet, revision, asked),
      thresholds: { confirmAbove: options.confirmAbove },
      nowMs: clock.now(),
      newId: options.newId,
    });
    const plan = await inTurns(steps, signal);
    const plannedMs = clock.monotonic();
    await saveContent(store, outcome, plan.targets);
    // Before the plan: a commit that pauses a cluster must not reach it with what else it says.
    await followPausesInGit(store, fleet, clock.now());
    const over = { rolloutsBefore: beforeOf(plan, waves.versions), pins: pinsIn(plan) };
    const row = { ...planRow(revision.id, fleet, plan, clock.now()), ...over };
    const changed = await savePlan(store, row);
    // A rollout has gone on meanwhile: everything is looked at again.
    if (changed === undefined) return { requeueAfterMs: 1 };
    // Also those of an earlier step that was killed before it came here.
    await finishUnheard(store, [...assignments, ...changed], clock.now());
    await finishRender(revision, outcome);
    const isNew = changed.length > 0 || stored.revisionId !== revision.id;
    log[isNew ? 'info' : 'debug']('revision resolved', {
      revision: revision.id,
      assignments: changed.length,
      problems: fleet.problems.length,
      ...outcome.work,
      renderMs: Math.round(renderedMs - beganMs),
      planMs: Math.round(plannedMs - renderedMs),
      saveMs: Math.round(clock.monotonic() - plannedMs),
    });
    return undefined;
  };

  /** Last: nothing hangs on it but the work of the next process, and what people are told. */
  const finishRender = async (revision: Revision, outcome: FleetOutcome) => {
    await saveRecords(store, unsaved.take());
    const rendering = planRendering(revision.rendering, outcome);
    if (rendering !== undefined) await store.sources.saveRendering(revision.id, rendering);
  };

  const contentsOf = (fleet: Fleet, revision: Revision, asked: readonly SourceKey[]) => {
    const followed = options.onFollowed(fleet, asked);
    return loadContents({ fleet, revision, source, root: options.root, followed });
  };

  /** Undefined: a newer commit came meanwhile. */
  const renderHead = async (head: string, fleet: Fleet, placements: Placements, signal: AbortSignal) => {
    remotes ??= Object.keys((await store.sources.latestRevision())?.sources ?? {});
    const followed = options.onFollowed(fleet, remotes);
    const known = new Map((await store.sources.list()).map((one) => [one.key, one]));
    const bases = createRemoteBases({
      rootUrl: options.root.url,
      fleet,
      treeOf: async (base) => source.tree(base.url, headOf(base, known.get(base.key))),
    });
    const trees = async (key: SourceKey, project: string | undefined) =>
      createMountedTree(await treeOf(key, followed.get(key), known, head), basesOf(bases, fleet, project));
    const seen = new Map([...followed.keys()].map((key) => [key, known.get(key)?.head] as const));
    const outcome = await overtaking.run(seen.set(options.root.key, head), signal, (own) =>
      options.renderer.render({ fleet, placements, treeOf: trees, signal: own, memory: 'keep' }),
    );
    if (outcome === undefined) {
      log.info('render given up for a newer revision', { head });
      return undefined;
    }
    remotes = [...bases.asked.keys()];
    return { outcome, asked: remotes, heads: headsOf(options.onFollowed(fleet, remotes), known) };
  };

  const treeOf = async (
    key: SourceKey,
    followed: FollowedSource | undefined,
    known: ReadonlyMap<SourceKey, SourceStatus>,
    rootHead: string,
  ) => {
    if (key === sourceKeyOf(rootRepository, '')) return source.tree(options.root.url, rootHead);
    if (!followed) throw new FairwayError('not_found', `source ${key} is not followed`, { subject: key });
    return source.tree(followed.url, headOf(followed, known.get(key)));
  };

  /** Keeps a revision that is new, with who made it and all commits since the last. */
  const remember = async (
    head: string,
    heads: ReadonlyMap<SourceKey, string>,
    fleet: Fleet,
    remotes: readonly SourceKey[],
  ): Promise<Revision> => {
    const commit = await source.commit(options.root.url, head);
    const { ref } = options.root;
    const revision = createRevision({ commit, ref, heads, fleet, remotes, seenAtMs: clock.now() });
    const known = await store.sources.revision(revision.id);
    if (known) return known;
    const last = await store.sources.latestRevision();
    const commits = await source.log(options.root.url, head, last?.commit.sha, 50);
    await store.sources.saveRevision(revision, [
      describeRevision(
        revision,
        commits.map(({ sha }) => sha),
      ),
    ]);
    return revision;
  };

  return createLoop({
    name: 'resolve',
    step,
    clock,
    random: options.random,
    log,
    periodMs,
    stepTimeoutMs: 600_000,
  });
}

/** Of what is followed now, as far as it was fetched. */
export function headsOf(
  followed: ReadonlyMap<SourceKey, FollowedSource>,
  known: ReadonlyMap<SourceKey, SourceStatus>,
): ReadonlyMap<SourceKey, string> {
  return new Map(
    [...followed.values()].flatMap(({ key, url }) => {
      const status = known.get(key);
      return status?.url === url && status.head !== undefined ? [[key, status.head] as const] : [];
    }),
  );
}

/** What the plan changes, as it was when that was made: rollouts, and the releases that wait, of which one that begins takes its leave. */
function beforeOf(
  { rollouts }: RevisionPlan,
  versions: ReadonlyMap<string, number>,
): NonNullable<Plan['rolloutsBefore']> {
  const known = Object.keys(rollouts).map((key) => [key, versions.get(key)] as const);
  return Object.fromEntries(known.filter((one): one is [string, number] => one[1] !== undefined));
}

function pinsIn({ rollouts }: RevisionPlan): NonNullable<Plan['pins']> {
  const pins = Object.entries(rollouts).flatMap(([application, state]) =>
    isWaved(state) ? [[application, pinsOf(state)] as const] : [],
  );
  return Object.fromEntries(pins);
}

/** Undefined: nothing was kept, since a rollout that the plan changes is not as it was. */
async function savePlan(store: Store, plan: Plan): Promise<readonly Assignment[] | undefined> {
  try {
    return await store.releases.savePlan(plan);
  } catch (caught) {
    if (caught instanceof FairwayError && caught.code === 'conflict') return undefined;
    throw caught;
  }
}

function planRow(revisionId: string, fleet: Fleet, plan: RevisionPlan, nowMs: number): Plan {
  const { resolutions, releases, decisions, confirmations, rollouts, history, events } = plan;
  const states = Object.entries(rollouts).map(([key, state]) => [
    key,
    isWaved(state) ? packState(state) : state,
  ]);
  const packed = Object.fromEntries(states) as Plan['rollouts'];
  const rows = { resources: rowsOf(fleet), problems: fleet.problems };
  return {
    revisionId,
    fleet: rows,
    resolutions,
    releases,
    decisions,
    confirmations,
    rollouts: packed,
    history,
    events,
    nowMs,
  };
}

function setsInForce(assignments: readonly Assignment[], targets: ReadonlyMap<Digest, Target>) {
  const digests = new Map(
    assignments.map(({ cluster, application, targetDigest }) => [`${cluster}/${application}`, targetDigest]),
  );
  return (cluster: string, application: string) => {
    const target = targets.get(digests.get(`${cluster}/${application}`) ?? '');
    return target?.removed ? undefined : target?.set;
  };
}

function describeRevision(revision: Revision, commits: readonly string[]): NewEvent {
  const { author, message } = revision.commit;
  return createEvent({
    type: 'revision.seen',
    actor: `${author.name} <${author.email}>`,
    timeMs: revision.seenAtMs,
    revisionId: revision.id,
    message: message.split('\n', 1)[0] ?? '',
    data: {
      commit: revision.commit.sha,
      committedAtMs: revision.commit.committer.timeMs,
      commits,
      sources: revision.sources,
    },
    id: `revision-${revision.id}`,
  });
}
