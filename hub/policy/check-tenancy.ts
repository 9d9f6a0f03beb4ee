import type { ManifestSet } from '../../shared/manifest/target.ts';
import type { Application, Repository } from '../model/fleet.ts';
import type { Problem } from '../model/problem.ts';
import { type Project, projectOf } from '../model/project.ts';
import { checkApplication, checkObjects, clusterProblem } from './check-project.ts';

/** What Projects are held against. */
export interface Tenancy {
  readonly projects: ReadonlyMap<string, Project>;
  readonly repositories: ReadonlyMap<string, Pick<Repository, 'url'>>;
  readonly allowsCluster: (project: Project, cluster: string) => boolean;
}

/** What an application's Project has against its set in a cluster; each question is answered once. Pure. */
export function createProjectCheck(
  applications: ReadonlyMap<string, Application>,
  { projects, repositories, allowsCluster }: Tenancy,
): (application: string, cluster: string, set: ManifestSet) => readonly Problem[] {
  const known = new Map<string, readonly Problem[]>();
  const once = (id: string, check: () => readonly Problem[]): readonly Problem[] => {
    const problems = known.get(id) ?? check();
    known.set(id, problems);
    return problems;
  };
  return (name, cluster, set) => {
    const application = applications.get(name);
    const project = application && projectOf(application, projects);
    if (!project) return [];
    const own = once(name, () => checkApplication(application, project, repositories));
    const objects = once(`${name}/${set.digest}`, () => checkObjects(application, project, set));
    if (allowsCluster(project, cluster)) return own.length === 0 ? objects : [...own, ...objects];
    return [...own, clusterProblem(application, project, cluster), ...objects];
  };
}
