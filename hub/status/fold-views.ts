/**
 * Stored facts become the views that people ask for: a pure fold over assignments, observations, resolutions, pauses and registrations, each looked up
 * by key once, so that the cost grows with the number of placements. A view never says more than the facts: what an agent that is away last
 * reported stays, with the word that it is away.
 */
import type { Cluster } from '../model/fleet.ts';
import type { Pause } from '../model/release.ts';
import type { ApplicationView, ClusterView, PlacementView } from '../model/view.ts';
import type { FileProblems } from './file-problems.ts';
import { foldApplication } from './fold-application.ts';
import { foldCluster } from './fold-cluster.ts';
import type { FoldViewsInput } from './fold-input.ts';
import { foldPlacements } from './fold-placements.ts';

export interface Views {
  /** Sorted by name. */
  readonly clusters: readonly ClusterView[];
  /** Sorted by name. */
  readonly applications: readonly ApplicationView[];
  /** Sorted by cluster, then application. */
  readonly placements: readonly PlacementView[];
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
