/**
 * What the applications of a tenant may do, as an operator wrote it in a Project. The project `default` need not be written: until it is, applications that
 * name none may do everything.
 */
import type { ClusterObjectRule } from '../../shared/manifest/cluster-objects.ts';
import type { SyncOptions } from '../../shared/manifest/target.ts';
import type { Application, Origin, Placement } from './fleet.ts';

/** Of Applications that name none. */
export const defaultProject = 'default';

/** One place that applications may take from. */
export interface ProjectSource {
  /** Repositories, of Git or charts, at or below this URL; `*`: any, the fleet's own as well. Empty: `repository` says it. */
  readonly url: string;
  /** Name of a Repository; empty, as `url` is: the fleet repository. */
  readonly repository: string;
  /** Folder in which an application's source has to lie; empty: anywhere. */
  readonly path: string;
}

/** In both parts `*` stands for any run of characters. */
export interface KindRule {
  readonly group: string;
  readonly kind: string;
}

export interface ProjectServiceAccount {
  readonly name: string;
  /** Empty: the application's own namespace (`sync.namespace`). */
  readonly namespace: string;
  /** An Application may not name another. */
  readonly enforce: boolean;
}

export interface Project {
  readonly name: string;
  readonly sources: readonly ProjectSource[];
  /** As an Application's placement: with neither names nor selector, nowhere. */
  readonly clusters: Placement;
  /** Patterns. */
  readonly namespaces: readonly string[];
  readonly kinds: {
    /** Of namespaced objects; undefined: all. */
    readonly allow: readonly KindRule[] | undefined;
    /** Goes before `allow` and `cluster`. */
    readonly deny: readonly KindRule[];
    /** What may be brought of objects that lie in no namespace. */
    readonly cluster: readonly ClusterObjectRule[];
  };
  readonly serviceAccount: ProjectServiceAccount | undefined;
  readonly origin: Origin;
}

type Projects = ReadonlyMap<string, Project>;

/** Undefined: nothing is forbidden. */
export function projectOf(
  { project = defaultProject }: Pick<Application, 'project'>,
  projects: Projects,
): Project | undefined {
  return projects.get(project);
}

/** As `sync.serviceAccount` holds it: NAME in the application's namespace, or NAMESPACE:NAME. */
export function serviceAccountText({
  name,
  namespace,
}: Pick<ProjectServiceAccount, 'name' | 'namespace'>): string {
  return namespace === '' ? name : `${namespace}:${name}`;
}

/** The options that count: the Application's own, with what its Project adds and demands. Pure. */
export function syncOf(application: Pick<Application, 'project' | 'sync'>, projects: Projects): SyncOptions {
  const project = projectOf(application, projects);
  if (project === undefined) return application.sync;
  const { serviceAccount: own, ...sync } = application.sync;
  const theirs = project.serviceAccount;
  const chosen = theirs && (theirs.enforce || own === undefined) ? serviceAccountText(theirs) : own;
  return {
    ...sync,
    ...(chosen !== undefined && { serviceAccount: chosen }),
    clusterObjects: project.kinds.cluster,
  };
}
