/** The fleet repository's own resources after validation and defaults (ARCHITECTURE section 4). */
import type { DeletionPolicy, HealthRule, SyncOptions } from '../../shared/manifest/target.ts';
import type { Problem } from './problem.ts';

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
  readonly paused: boolean;
  readonly origin: Origin;
}

/** Label selector as in Kubernetes (apimachinery LabelSelector). Empty matches all. */
export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values: readonly string[];
  }[];
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
}

/** A cluster is placed when it is named, or when a selector is given and matches; with neither, nothing is placed. */
export interface Placement {
  readonly clusters: readonly string[];
  readonly selector: LabelSelector | undefined;
}

export interface Application {
  readonly name: string;
  readonly source: ApplicationSource;
  readonly placement: Placement;
  readonly sync: SyncOptions;
  readonly dependsOn: readonly string[];
  readonly health: readonly HealthRule[];
  readonly deletionPolicy: DeletionPolicy;
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
  /** What could not be read. Not empty: this revision removes nothing, and what a broken file described stays as it last was. */
  readonly problems: readonly Problem[];
}

export const emptyFleet: Fleet = {
  clusters: new Map(),
  applications: new Map(),
  repositories: new Map(),
  problems: [],
};
