/**
 * Stored facts become the views that people ask for: a pure fold over assignments, observations, resolutions, pauses and registrations, each looked up
 * by key once, so that the cost grows with the number of placements. A view never says more than the facts: what an agent that is away last
 * reported stays, with the word that it is away.
 */
import type { Condition } from '../../shared/condition/condition.ts';
import type { Application, Cluster, Fleet, Origin } from '../model/fleet.ts';
import { versionWarning } from '../model/kubernetes-version.ts';
import type { ApplicationObservation } from '../model/observation.ts';
import { describeProblem, type Problem } from '../model/problem.ts';
import type { RegisteredCluster } from '../model/registry.ts';
import type { Confirmation, Pause } from '../model/release.ts';
import type { ApplicationView, ClusterView, PlacementView } from '../model/view.ts';
import type { Resolution } from '../store/repositories/fleet-repository.ts';
import type { AssignmentState } from '../store/repositories/release-repository.ts';
import { fenceWarning } from './fence-warning.ts';
import { type FoldedPlacement, foldPlacement, pauseText } from './placement-view.ts';
import { type Part, summariseParts } from './summarise.ts';
import { agoText } from './time-text.ts';

export interface FoldViewsInput {
  readonly fleet: Fleet;
  /** The commit whose fleet files were read last: what was read in another is an earlier text that was kept. Undefined: not known. */
  readonly readCommit?: string | undefined;
  readonly resolutions: readonly Resolution[];
  readonly assignments: readonly AssignmentState[];
  readonly observations: readonly ApplicationObservation[];
  readonly registered: readonly RegisteredCluster[];
  readonly pauses: readonly Pause[];
  /** Open ones show in the placements that they hold. */
  readonly confirmations?: readonly Confirmation[] | undefined;
  readonly nowMs: number;
  /** A cluster whose agent is away for less than this is not called away yet. */
  readonly offlineAfterMs: number;
}

export interface Views {
  /** Sorted by name. */
  readonly clusters: readonly ClusterView[];
  /** Sorted by name. */
  readonly applications: readonly ApplicationView[];
  /** Sorted by cluster, then application. */
  readonly placements: readonly PlacementView[];
}

interface Folded extends FoldedPlacement {
  readonly part: Omit<Part, 'name'>;
}

/** Folds all views. */
export function foldViews(input: FoldViewsInput): Views {
  const resolutions = new Map(input.resolutions.map((resolution) => [resolution.application, resolution]));
  const registered = new Map(input.registered.map((cluster) => [cluster.name, cluster]));
  const pauses = indexPauses(input);
  const folded = foldPlacements(input, resolutions, registered, pauses);
  const byCluster = Map.groupBy(folded, ({ view }) => view.cluster);
  const byApplication = Map.groupBy(folded, ({ view }) => view.application);
  const { fleet } = input;
  const fileProblems: FileProblems = {
    byFile: Map.groupBy(fleet.problems, ({ file }) => file),
    readCommit: input.readCommit,
  };
  const clusters = sortedNames(fleet.clusters.keys(), registered.keys(), byCluster.keys()).map((name) =>
    foldCluster(
      name,
      {
        declared: fleet.clusters.get(name),
        registered: registered.get(name),
        pause: pauses.get(`${name}/`),
        fileProblems,
      },
      byCluster.get(name) ?? [],
      input,
    ),
  );
  const applications = sortedNames(fleet.applications.keys(), byApplication.keys()).map((name) =>
    foldApplication(
      name,
      { declared: fleet.applications.get(name), resolution: resolutions.get(name), fileProblems },
      byApplication.get(name) ?? [],
      input.nowMs,
    ),
  );
  return { clusters, applications, placements: folded.map(({ view }) => view) };
}

function sortedNames(...names: readonly Iterable<string>[]): readonly string[] {
  return [...new Set(names.flatMap((some) => [...some]))].sort();
}

/** By `cluster/application`, `cluster/` for a whole cluster; those that are over are left out, those in Git come last and win. */
function indexPauses({ pauses, fleet, nowMs }: FoldViewsInput): ReadonlyMap<string, Pause> {
  const index = new Map<string, Pause>();
  for (const pause of pauses)
    if (pause.untilMs === undefined || pause.untilMs > nowMs)
      index.set(`${pause.cluster}/${pause.application}`, pause);
  for (const cluster of fleet.clusters.values())
    if (cluster.paused) index.set(`${cluster.name}/`, pauseOf(cluster));
  return index;
}

function pauseOf({ name, origin }: Cluster): Pause {
  const reason = `spec.paused is set in ${origin.file}`;
  return { cluster: name, application: '', reason, actor: 'Git', createdAtMs: 0, untilMs: undefined };
}

function foldPlacements(
  input: FoldViewsInput,
  resolutions: ReadonlyMap<string, Resolution>,
  registered: ReadonlyMap<string, RegisteredCluster>,
  pauses: ReadonlyMap<string, Pause>,
): readonly Folded[] {
  const assignments = new Map(
    input.assignments.map((assignment) => [`${assignment.cluster}/${assignment.application}`, assignment]),
  );
  const observations = new Map(
    input.observations.map((observation) => [
      `${observation.cluster}/${observation.application}`,
      observation,
    ]),
  );
  const problems = indexProblems(input.resolutions);
  const holds = new Map(
    (input.confirmations ?? [])
      .filter(({ confirmedAtMs }) => confirmedAtMs === undefined)
      .map((open) => [`${open.kind}/${open.subject}`, open]),
  );
  const { fleet, nowMs, offlineAfterMs } = input;
  const keys = new Set(assignments.keys());
  for (const { application, targets } of input.resolutions)
    for (const cluster of Object.keys(targets)) keys.add(`${cluster}/${application}`);
  for (const key of problems.keys()) if (fleet.clusters.has(key.slice(0, key.indexOf('/')))) keys.add(key);
  return [...keys]
    .map(splitKey)
    .sort(byClusterThenApplication)
    .map(([cluster, application]) => {
      const key = `${cluster}/${application}`;
      const assignment = assignments.get(key);
      const resolution = resolutions.get(application);
      // A warning that a placement names a cluster which is gone keeps nothing in that cluster.
      const declared = fleet.clusters.get(cluster);
      const own = declared && !assignment?.removed ? problems.get(key) : undefined;
      const wanted = resolution?.targets[cluster] !== undefined || own !== undefined;
      const folded = foldPlacement({
        cluster,
        application,
        declared,
        assignment,
        observation: observations.get(key),
        resolution,
        problems: own ?? problems.get(`/${application}`) ?? [],
        registered: registered.get(cluster),
        pause: pauses.get(`${cluster}/`) ?? pauses.get(key),
        hold: wanted
          ? undefined
          : (holds.get(`application/${application}`) ??
            holds.get(`cluster/${cluster}`) ??
            holds.get(`placement/${application}`)),
        nowMs,
        offlineAfterMs,
      });
      return {
        ...folded,
        part: {
          state: folded.state,
          reason: folded.reason,
          message: folded.view.message,
          sinceMs: movedAtMs(assignment),
        },
      };
    });
}

function splitKey(key: string): readonly [string, string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}

function byClusterThenApplication(a: readonly [string, string], b: readonly [string, string]): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0;
}

/** By `cluster/application`; `/application` for the whole application. */
function indexProblems(resolutions: readonly Resolution[]): ReadonlyMap<string, readonly Problem[]> {
  const index = new Map<string, Problem[]>();
  for (const { application, problems } of resolutions)
    for (const { cluster, problem } of problems) {
      const key = `${cluster}/${application}`;
      const members = index.get(key);
      if (members) members.push(problem);
      else index.set(key, [problem]);
    }
  return index;
}

function movedAtMs(assignment: AssignmentState | undefined): number {
  const { healthyAtMs, appliedAtMs, receivedAtMs } = assignment?.acknowledgements ?? {};
  return healthyAtMs ?? appliedAtMs ?? receivedAtMs ?? assignment?.assignedAtMs ?? 0;
}

interface FileProblems {
  readonly byFile: ReadonlyMap<string, readonly Problem[]>;
  readonly readCommit: string | undefined;
}

/** The problems of the resource's own file, if its newest text could not be read, so that an earlier one counts: a file holds several. */
function ownProblems(origin: Origin | undefined, { byFile, readCommit }: FileProblems): readonly Problem[] {
  return origin === undefined || origin.commit === readCommit ? [] : (byFile.get(origin.file) ?? []);
}

interface ClusterFacts {
  readonly declared: Cluster | undefined;
  readonly registered: RegisteredCluster | undefined;
  readonly pause: Pause | undefined;
  readonly fileProblems: FileProblems;
}

function foldCluster(
  name: string,
  facts: ClusterFacts,
  placements: readonly Folded[],
  input: FoldViewsInput,
): ClusterView {
  const { declared, registered, pause } = facts;
  const staying = placements.filter(({ view }) => !view.removing);
  return {
    name,
    region: declared?.region ?? '',
    role: declared?.role ?? 'none',
    roleOverride: declared?.override,
    labels: declared?.labels ?? {},
    declared: declared !== undefined,
    enrolled: registered !== undefined,
    connected: registered?.connected ?? false,
    lastSeenAtMs: registered?.lastSeenAtMs,
    agentVersion: registered?.agentVersion ?? '',
    kubernetesVersion: registered?.kubernetesVersion || (declared?.kubernetesVersion ?? ''),
    warnings: warningsOf(name, facts),
    paused: pause !== undefined,
    pauseReason: pause?.reason ?? '',
    pausedUntilMs: pause?.untilMs,
    applications: staying.length,
    applicationsHealthy: staying.filter(isHealthy).length,
    applicationsDrifted: staying.filter(({ view }) => view.drifted).length,
    conditions: clusterConditions(name, facts, placements, input),
  };
}

function warningsOf(name: string, { declared, registered }: ClusterFacts): readonly string[] {
  const version = versionWarning(
    name,
    declared?.kubernetesVersion ?? '',
    registered?.kubernetesVersion ?? '',
  );
  const { override, role } = declared ?? {};
  const word =
    override &&
    `its role is ${role} by the hub's own word until ${new Date(override.untilMs).toISOString()} (failover ${override.failover}); Git says ${override.roleInGit}`;
  return [version, word ?? '', fenceWarning(registered?.fence)].filter((text) => text !== '');
}

function clusterConditions(
  name: string,
  facts: ClusterFacts,
  placements: readonly Folded[],
  { nowMs, offlineAfterMs }: FoldViewsInput,
): readonly Condition[] {
  const { declared, registered, pause } = facts;
  const unknown = (reason: string, message: string, lastTransitionTimeMs: number): readonly Condition[] => [
    { type: 'Ready', status: 'Unknown', reason, message, lastTransitionTimeMs },
  ];
  const [problem] = ownProblems(declared?.origin, facts.fileProblems);
  if (problem) {
    const message = `an earlier text of it counts: ${describeProblem(problem)}`;
    return summariseParts(
      [
        { name, state: 'stalled', reason: 'InvalidManifest', message, sinceMs: 0 },
        ...parts(placements, 'application'),
      ],
      'part',
      nowMs,
    );
  }
  if (!registered)
    return unknown(
      'NotEnrolled',
      `no agent has enrolled yet: fairway agent install --cluster ${name}`,
      nowMs,
    );
  const { connected, lastSeenAtMs } = registered;
  if (!connected && (lastSeenAtMs === undefined || nowMs - lastSeenAtMs >= offlineAfterMs)) {
    const seen =
      lastSeenAtMs === undefined ? 'has not connected yet' : `was last seen ${agoText(nowMs - lastSeenAtMs)}`;
    return unknown(
      'AgentAway',
      `its agent ${seen}; it heals by itself meanwhile and catches up later`,
      lastSeenAtMs ?? registered.enrolledAtMs,
    );
  }
  if (!declared && placements.length === 0)
    return unknown(
      'NotDeclared',
      'is not in the fleet repository: it gets nothing until a Cluster resource describes it',
      registered.enrolledAtMs,
    );
  if (pause)
    return [
      {
        type: 'Ready',
        status: 'False',
        reason: 'Paused',
        message: pauseText(pause, nowMs),
        lastTransitionTimeMs: pause.createdAtMs || nowMs,
      },
    ];
  return summariseParts(parts(placements, 'application'), 'application', nowMs);
}

function isHealthy({ view }: FoldedPlacement): boolean {
  return view.stage === 'Healthy' && view.health === 'Current';
}

function parts(placements: readonly Folded[], name: 'cluster' | 'application'): readonly Part[] {
  return placements.map(({ view, part }) => ({ ...part, name: view[name] }));
}

interface ApplicationFacts {
  readonly declared: Application | undefined;
  readonly resolution: Resolution | undefined;
  readonly fileProblems: FileProblems;
}

function foldApplication(
  name: string,
  facts: ApplicationFacts,
  placements: readonly Folded[],
  nowMs: number,
): ApplicationView {
  const { declared, resolution } = facts;
  const own = ownProblems(declared?.origin, facts.fileProblems);
  const staying = placements.filter(({ view }) => !view.removing);
  const whole: readonly Part[] = own.slice(0, 1).map((problem) => ({
    name,
    state: 'stalled',
    reason: 'InvalidManifest',
    message: `keeps an earlier text: ${describeProblem(problem)}`,
    sinceMs: 0,
  }));
  const problems = [...own.map((problem) => ({ cluster: '', problem })), ...(resolution?.problems ?? [])];
  const noun = whole.length > 0 ? 'part' : 'cluster';
  return {
    name,
    path: declared?.source.path ?? '',
    repository: declared?.source.repository ?? '',
    revisionId: resolution?.revisionId ?? placements[0]?.view.revisionId ?? '',
    clusters: staying.length,
    clustersHealthy: staying.filter(isHealthy).length,
    clustersUpToDate: staying.filter(({ view }) => view.upToDate).length,
    clustersDrifted: staying.filter(({ view }) => view.drifted).length,
    conditions: summariseParts([...whole, ...parts(placements, 'cluster')], noun, nowMs),
    problems: problems.map(({ cluster, problem: { file, line, field, message } }) => ({
      cluster,
      file,
      line,
      field,
      message,
    })),
    placements: placements.map(({ view }) => view),
  };
}
