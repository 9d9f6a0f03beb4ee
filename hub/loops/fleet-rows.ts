import {
  type Application,
  type Cluster,
  emptyFleet,
  type Fleet,
  type NamedStrategy,
  type Repository,
} from '../model/fleet.ts';
import type { ParityGroup } from '../model/parity.ts';
import type { Problem } from '../model/problem.ts';
import type { Project } from '../model/project.ts';
import type { FleetResource } from '../store/repositories/fleet-repository.ts';

/** The fleet's definitions as rows. The reverse of fleetOf, problems apart. */
export function rowsOf(fleet: Fleet): readonly FleetResource[] {
  const rows = <T extends { readonly name: string }>(kind: FleetResource['kind'], resources: Iterable<T>) =>
    [...resources].map((value) => ({ kind, name: value.name, value }));
  return [
    ...rows('Cluster', fleet.clusters.values()),
    ...rows('Application', fleet.applications.values()),
    ...rows('Repository', fleet.repositories.values()),
    ...rows('RolloutStrategy', fleet.strategies.values()),
    ...rows('ParityGroup', fleet.parityGroups.values()),
    ...rows('Project', fleet.projects.values()),
  ];
}

/** Rows were written by rowsOf of this version or an older one; what an older one did not know is filled in by migrations. */
export function fleetOf(stored: {
  readonly resources: readonly FleetResource[];
  readonly problems: readonly Problem[];
}): Fleet {
  if (stored.resources.length === 0 && stored.problems.length === 0) return emptyFleet;
  const clusters = new Map<string, Cluster>();
  const applications = new Map<string, Application>();
  const repositories = new Map<string, Repository>();
  const strategies = new Map<string, NamedStrategy>();
  const parityGroups = new Map<string, ParityGroup>();
  const projects = new Map<string, Project>();
  for (const { kind, name, value } of stored.resources) {
    if (kind === 'Cluster') clusters.set(name, value as Cluster);
    else if (kind === 'Application') applications.set(name, value as Application);
    else if (kind === 'Repository') repositories.set(name, value as Repository);
    else if (kind === 'ParityGroup') parityGroups.set(name, value as ParityGroup);
    else if (kind === 'RolloutStrategy') strategies.set(name, value as NamedStrategy);
    else projects.set(name, value as Project);
  }
  return {
    clusters,
    applications,
    repositories,
    strategies,
    parityGroups,
    projects,
    problems: stored.problems,
  };
}
