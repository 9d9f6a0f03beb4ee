/** The fleet repository's own resources after validation and defaults. */
import type { JsonObject } from '../../shared/manifest/object.ts';
import type { DeletionPolicy, HealthRule, SyncOptions } from '../../shared/manifest/target.ts';
import type { LabelSelector } from './label-selector.ts';
import type { ParityGroup } from './parity.ts';
import type { Problem } from './problem.ts';
import type { Project } from './project.ts';
import type { ApplicationRollout, RolloutStrategy } from './strategy.ts';

/** Where a resource was read. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  /** Commit in which this text was read. */
  readonly commit: string;
}

export interface Cluster {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly region: string;
  readonly role: 'primary' | 'standby' | 'none';
  readonly variables: Readonly<Record<string, string>>;
  /** For rendering; empty: not stated. */
  readonly kubernetesVersion: string;
  /** API versions such as `monitoring.coreos.com/v1` that charts may ask for, over the built-in ones. */
  readonly kubernetesApiVersions?: readonly string[] | undefined;
  readonly paused: boolean;
  readonly origin: Origin;
  /** The hub's own word on its role, which goes before Git's while it lasts. Undefined: none. */
  readonly override?:
    | {
        readonly failover: string;
        readonly roleInGit: 'primary' | 'standby' | 'none';
        readonly untilMs: number;
      }
    | undefined;
}

export interface ApplicationSource {
  /** Name of a Repository; empty for the fleet repository itself. */
  readonly repository: string;
  /** Branch, tag or commit; empty: the repository's own. */
  readonly ref: string;
  /** Folder, relative to the repository's top. */
  readonly path: string;
  /** Templates relative to `path`, tried in order; the first that exists is built. Empty: `path` itself. */
  readonly overlays: readonly string[];
  /** A Helm chart instead of a folder of manifests. */
  readonly helm?: HelmSource | undefined;
  /** Cluster variables are filled in (`spec.substitute`). Undefined: nothing is. */
  readonly substitute?: Substitution | undefined;
}

export interface Substitution {
  /** Variables that no Cluster states become empty text instead of a Problem. Default false. */
  readonly optional: boolean;
  /** For all clusters; a Cluster's own go before them. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface HelmSource {
  /** Folder of the chart relative to the source's `path`; with a chart repository, the chart's name there. */
  readonly chart: string;
  /** Undefined: the chart is in Git. */
  readonly pin: ChartPin | undefined;
  /** Default: the Application's name. */
  readonly releaseName: string;
  /** Default: the namespace of `sync`. */
  readonly namespace: string;
  /** Templates relative to the source's `path`; the later goes before the earlier. One with a variable in it may be missing. */
  readonly valueFiles: readonly string[];
  /** Go before all files. */
  readonly values: JsonObject;
  readonly includeCrds: boolean;
}

/** A chart of an HTTP or OCI repository, by its content. */
export interface ChartPin {
  readonly repository: string;
  readonly version: string;
  /** `sha256:...` of the chart's archive (HTTP) or manifest (OCI). */
  readonly digest: string;
}

/** A cluster is placed when it is named, or when a selector is given and matches; with neither, nothing is placed. */
export interface Placement {
  readonly clusters: readonly string[];
  readonly selector: LabelSelector | undefined;
}

export interface Application {
  readonly name: string;
  /** What it may do. Undefined: the project `default`. */
  readonly project?: string | undefined;
  readonly source: ApplicationSource;
  readonly placement: Placement;
  readonly sync: SyncOptions;
  readonly dependsOn: readonly string[];
  readonly health: readonly HealthRule[];
  readonly deletionPolicy: DeletionPolicy;
  /** How releases go over its clusters: a RolloutStrategy by name, or one of its own. Undefined: all clusters at once. */
  readonly rollout?: ApplicationRollout | undefined;
  /** Of its metadata; parity groups select by them. Undefined: none. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** What it is an instance of, and where: those of one component follow one another from environment to environment. */
  readonly component?: string | undefined;
  readonly environment?: string | undefined;
  readonly origin: Origin;
}

/** A RolloutStrategy of the fleet repository. */
export interface NamedStrategy {
  readonly name: string;
  readonly strategy: RolloutStrategy;
  readonly origin: Origin;
}

export interface Repository {
  readonly name: string;
  readonly url: string;
  readonly ref: string;
  readonly origin: Origin;
}

/** Everything that counts of the fleet folder at one revision. */
export interface Fleet {
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly applications: ReadonlyMap<string, Application>;
  readonly repositories: ReadonlyMap<string, Repository>;
  readonly strategies: ReadonlyMap<string, NamedStrategy>;
  readonly parityGroups: ReadonlyMap<string, ParityGroup>;
  readonly projects: ReadonlyMap<string, Project>;
  /** What could not be read. Not empty: this revision removes nothing, and what a broken file described stays as it last was. */
  readonly problems: readonly Problem[];
}

export const emptyFleet: Fleet = {
  clusters: new Map(),
  applications: new Map(),
  repositories: new Map(),
  strategies: new Map(),
  parityGroups: new Map(),
  projects: new Map(),
  problems: [],
};
