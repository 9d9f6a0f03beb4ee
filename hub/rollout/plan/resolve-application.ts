import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import { createTarget, type ManifestSet, type Target } from '../../../shared/manifest/target.ts';
import type { Application } from '../../model/fleet.ts';
import type { Problem } from '../../model/problem.ts';
import type { Resolution } from '../../store/repositories/fleet-repository.ts';

/** What rendering and policy said of one application in one cluster. */
export type RenderOutcome = { readonly set: ManifestSet } | { readonly problems: readonly Problem[] };

/** With the cluster that it is about; the empty name for the whole application. */
export type ClusterProblem = Resolution['problems'][number];

/** Where an application is placed, with warnings about its placement. */
export interface ApplicationPlacement {
  readonly clusters: readonly string[];
  readonly problems: readonly ClusterProblem[];
}

/** Problems kept of one application in one cluster. */
const problemsMax = 20;

/** What a revision wants of one application. */
export interface Wanted {
  readonly application: string;
  /** Clusters that the application may not be taken from. */
  readonly placed: ReadonlySet<string>;
  /** By cluster, of those that could be rendered. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly problems: readonly ClusterProblem[];
}

/**
 * The Target of each placed cluster that was rendered; the others have a problem. Equal sets share one Target. Without a placement (it could not be
 * found out) all clusters that have the application keep it.
 */
export function resolveApplication(
  application: Application,
  placement: ApplicationPlacement | undefined,
  rendered: ReadonlyMap<string, RenderOutcome> | undefined,
  assignedClusters: Iterable<string>,
): Wanted {
  const { name, origin } = application;
  const missing = (cluster: string, message: string): ClusterProblem => ({
    cluster,
    problem: { code: 'internal', file: origin.file, line: origin.line, field: '', message },
  });
  if (!placement) {
    const problems = [missing('', 'its placement is not known yet: every cluster stays at what it has')];
    return { application: name, placed: new Set(assignedClusters), targets: new Map(), problems };
  }
  const targets = new Map<string, Target>();
  const bySet = new Map<string, Target>();
  const problems: ClusterProblem[] = [...placement.problems];
  for (const cluster of placement.clusters) {
    const outcome = rendered?.get(cluster);
    if (!outcome)
      problems.push(missing(cluster, 'it has not been rendered yet: the cluster stays at what it has'));
    else if ('problems' in outcome)
      problems.push(...outcome.problems.slice(0, problemsMax).map((problem) => ({ cluster, problem })));
    else {
      const target = bySet.get(outcome.set.digest) ?? targetFor(application, outcome.set);
      bySet.set(outcome.set.digest, target);
      targets.set(cluster, target);
    }
  }
  return { application: name, placed: new Set(placement.clusters), targets, problems };
}

function targetFor(application: Application, set: ManifestSet): Target {
  const { sync, health, dependsOn, deletionPolicy } = application;
  return createTarget({ set, sync, health, dependsOn, deletionPolicy, removed: false });
}

/** The resolution to keep; the one before where nothing but the time would change. */
export function resolutionOf(
  { application, targets, problems }: Pick<Wanted, 'application' | 'targets' | 'problems'>,
  before: Resolution | undefined,
  revisionId: string,
  nowMs: number,
): Resolution {
  if (before?.revisionId === revisionId && sameTargets(before.targets, targets))
    if (canonicalJson(before.problems) === canonicalJson(problems)) return before;
  const digests: Record<string, string> = {};
  for (const cluster of [...targets.keys()].sort()) digests[cluster] = targets.get(cluster)?.digest ?? '';
  return { application, revisionId, resolvedAtMs: nowMs, problems, targets: digests };
}

function sameTargets(before: Resolution['targets'], now: Wanted['targets']): boolean {
  if (Object.keys(before).length !== now.size) return false;
  for (const [cluster, { digest }] of now) if (before[cluster] !== digest) return false;
  return true;
}
