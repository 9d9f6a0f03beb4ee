import { FairwayError } from '../../../shared/error/error.ts';
import { placedClusters } from '../../fleet/placement.ts';
import type { Fleet } from '../../model/fleet.ts';
import { defaultProject, type Project } from '../../model/project.ts';
import type { RemoteTrees } from '../../model/tree.ts';
import { allowsRepository } from '../../policy/check-project.ts';
import type { Tenancy } from '../../policy/check-tenancy.ts';
import type { RemoteBases } from '../source/remote-bases.ts';

/** Applications, and what their Projects are held against, of one state of the fleet. */
export function boundsOf(fleet: Fleet): {
  readonly applications: Fleet['applications'];
  readonly tenancy: Tenancy;
} {
  const { applications, projects, repositories, clusters } = fleet;
  const allowed = new Map<string, ReadonlySet<string>>();
  const clustersOf = (project: Project): ReadonlySet<string> => {
    const known = allowed.get(project.name);
    if (known) return known;
    const placed = new Set(
      placedClusters({ placement: project.clusters, origin: project.origin }, clusters).clusters,
    );
    allowed.set(project.name, placed);
    return placed;
  };
  const allowsCluster = (project: Project, cluster: string) => clustersOf(project).has(cluster);
  return { applications, tenancy: { projects, repositories, allowsCluster } };
}

/** Remote bases as far as a Project lets its applications build on them. Without a Project: all. */
export function basesOf(
  bases: RemoteBases,
  { projects }: Pick<Fleet, 'projects'>,
  name: string = defaultProject,
): RemoteTrees {
  const project = projects.get(name);
  if (project === undefined) return bases;
  return {
    async remoteTree(remote, signal) {
      const declared = bases.declared(remote.url);
      // What is declared nowhere is told as such.
      if (declared && !allowsRepository(project, declared.name, declared.url)) {
        const what = declared.name === '' ? 'the fleet repository' : `Repository ${declared.name}`;
        const { file, line } = project.origin;
        throw new FairwayError(
          'permission_denied',
          `${what} is not among spec.sources of Project ${project.name} at ${file}:${line}: build on something else, or have it added`,
        );
      }
      return bases.remoteTree(remote, signal);
    },
  };
}
