import type { Problem } from '../model/problem.ts';
import type { RegisteredCluster } from '../model/registry.ts';
import type { Pause } from '../model/release.ts';
import type { Resolution } from '../store/repositories/fleet-repository.ts';
import type { AssignmentState } from '../store/repositories/release-repository.ts';
import type { FoldViewsInput } from './fold-input.ts';
import { type FoldedPlacement, foldPlacement } from './placement-view.ts';
import type { Part } from './summarise.ts';

/** A placement's view, and what it adds to the condition of its cluster and application. */
export interface Folded extends FoldedPlacement {
  readonly part: Omit<Part, 'name'>;
}

/** Every placement that is, or is to be, sorted by cluster, then application. */
export function foldPlacements(
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

/** Its newest assignment is healthy there, and is so still. */
export function isHealthy({ view }: FoldedPlacement): boolean {
  return view.stage === 'Healthy' && view.health === 'Current';
}

/** What placements add to a condition, each by the name of its cluster or application. */
export function partsOf(placements: readonly Folded[], name: 'cluster' | 'application'): readonly Part[] {
  return placements.map(({ view, part }) => ({ ...part, name: view[name] }));
}
