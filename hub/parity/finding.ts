import type { FactGap, FactSection, FactValues } from '../../shared/manifest/cluster-facts.ts';
import type { Json } from '../../shared/manifest/object.ts';
import type { ParityDifference, ParityFreshness, ParitySide } from '../model/parity.ts';
import type { ExpectationBook } from './expectations.ts';
import type { Normaliser } from './normalise.ts';

/** Something that an agent says nothing of, or not all, and since when. */
export interface KnownGap extends FactGap {
  readonly sinceMs: number;
}

/** What a cluster is besides its applications; sections that could not be collected, or not as a whole, say why. */
export interface ClusterFacts {
  readonly values: ReadonlyMap<FactSection, FactValues>;
  readonly gaps: ReadonlyMap<FactSection, readonly KnownGap[]>;
  /** What its agent has no word for: it is older than this hub. Default none. */
  readonly untold?: readonly FactSection[];
  /** The group under whose salt its fingerprints are: those under another say nothing about one another. */
  readonly saltedFor: string;
}

export interface FactsRequest {
  readonly primary: string;
  readonly standby: string;
  /** Undefined: nothing is known of it yet. */
  readonly facts: Readonly<Record<ParitySide, ClusterFacts | undefined>>;
  /** apiVersions of the group's objects: alone, and with each kind (`apps/v1 Deployment`). */
  readonly used: ReadonlySet<string>;
  /** Where the group's applications have objects, on each side: what runs elsewhere stays there after a failover. Default: all that is managed is the group's. */
  readonly namespaces?: Readonly<Record<ParitySide, ReadonlySet<string>>>;
  /** Each cluster's own words for what both have: names of images, namespaces and classes hold them. */
  readonly normalisers: Readonly<Record<ParitySide, Normaliser>>;
  readonly book: ExpectationBook;
  readonly freshness: ParityFreshness;
  readonly nowMs: number;
}

/** Something that differs between the clusters themselves, or ails one of them. */
export interface Finding {
  readonly section: FactSection;
  readonly name: string;
  readonly side: ParityDifference['side'];
  readonly message: string;
  readonly action: string;
  readonly severity: ParityDifference['severity'];
  readonly values?: Readonly<Partial<Record<ParitySide, Json>>>;
  /** What depends on it is not known. Default false. */
  readonly leavesUnknown?: boolean;
}
