import type { Application, Cluster } from '../model/fleet.ts';
import type { LabelSelector } from '../model/label-selector.ts';
import type { Problem } from '../model/problem.ts';

/** Labels that every cluster has besides its own; a cluster's own label of that name does not count. */
const implicitLabels = {
  region: 'fairway.dev/region',
  role: 'fairway.dev/role',
  cluster: 'fairway.dev/cluster',
} as const;

/** A Cluster's labels, with those that every Cluster has: name, region, role. */
export function clusterLabels(cluster: Cluster): Readonly<Record<string, string>> {
  return {
    ...cluster.labels,
    [implicitLabels.region]: cluster.region,
    [implicitLabels.role]: cluster.role,
    [implicitLabels.cluster]: cluster.name,
  };
}

export interface PlacedClusters {
  /** Names, sorted. */
  readonly clusters: readonly string[];
  /** Warnings: names of clusters that are not there, which hinder nothing else. */
  readonly problems: readonly { readonly cluster: string; readonly problem: Problem }[];
}

/** Where an application belongs: the clusters it names and those its selector matches; with neither, nowhere. Pure. */
export function placedClusters(
  { placement, origin }: Pick<Application, 'placement' | 'origin'>,
  clusters: ReadonlyMap<string, Cluster>,
): PlacedClusters {
  const names = new Set<string>();
  const problems: PlacedClusters['problems'][number][] = [];
  placement.clusters.forEach((name, index) => {
    if (clusters.has(name)) names.add(name);
    else
      problems.push({
        cluster: name,
        problem: {
          code: 'not_found',
          file: origin.file,
          line: origin.line,
          field: `spec.placement.clusters[${index}]`,
          message: `there is no Cluster ${name}: add it to the fleet repository, or remove the name`,
        },
      });
  });
  const { selector } = placement;
  if (selector)
    for (const cluster of clusters.values())
      if (matchesSelector(selector, clusterLabels(cluster))) names.add(cluster.name);
  return { clusters: [...names].sort(), problems };
}

/** Kubernetes' label selector semantics: NotIn and DoesNotExist also match where the key is missing. */
export function matchesSelector(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels)) if (labels[key] !== value) return false;
  return selector.matchExpressions.every(({ key, operator, values }) => {
    const value = labels[key];
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'DoesNotExist') return value === undefined;
    const within = value !== undefined && values.includes(value);
    return operator === 'In' ? within : !within;
  });
}
