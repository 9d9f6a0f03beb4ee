import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { Problem } from '../../model/problem.ts';

/** One fleet resource as last read well, with the problem of its newest text if that is broken. */
export interface FleetResource {
  readonly kind: 'Cluster' | 'Application' | 'Repository' | 'RolloutStrategy' | 'ParityGroup' | 'Project';
  readonly name: string;
  /** The parsed model (Cluster, Application, Repository, NamedStrategy, ParityGroup) as JSON. */
  readonly value: unknown;
}

/** Where an application stands with regard to the newest revision. */
export interface Resolution {
  readonly application: string;
  /** The revision last looked at. */
  readonly revisionId: string;
  readonly resolvedAtMs: number;
  /** By cluster; empty cluster: the whole application. Not empty: those clusters stay at what they had. */
  readonly problems: readonly { readonly cluster: string; readonly problem: Problem }[];
  /** Cluster to the Target it should have by that revision. */
  readonly targets: Readonly<Record<string, Digest>>;
}

/** The fleet repository's resources as last read, and where each application stands. Written by `savePlan`. */
export interface FleetRepository {
  /** All last good definitions and the problems of the newest revision read. */
  load(): Promise<{
    readonly revisionId: string | undefined;
    readonly resources: readonly FleetResource[];
    readonly problems: readonly Problem[];
  }>;
  /** Whether there is any resource of the kind: whole fleets take their time to be read. */
  hasKind(kind: FleetResource['kind']): Promise<boolean>;
  resolution(application: string): Promise<Resolution | undefined>;
  resolutions(): Promise<readonly Resolution[]>;
}
