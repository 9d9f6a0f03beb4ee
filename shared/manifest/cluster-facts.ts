/** What a cluster is besides the objects of its applications: in sections of named values, each with a digest. */
import type { Digest } from './canonical.ts';
import type { Json } from './object.ts';

/** Closed; a hub that does not know one passes it over. */
export const factSections = [
  /** `kubernetes`: its version. `kubelets`: those of its nodes, sorted. */
  'version',
  /** Group and version, with the kinds served. */
  'apis',
  /** CustomResourceDefinitions by name: `served` versions, the one that is `storage`, and those that objects are `stored` in. */
  'crds',
  'storageClasses',
  'ingressClasses',
  'priorityClasses',
  'runtimeClasses',
  /**
   * `allocatable` of nodes that take pods; `taken` of it by what a failover leaves where it is (pods of other namespaces, and those that come with a node); `requested` by all other
   * pods, which are those of managed namespaces, and `requestedIn` each of them: cpuMillis, memoryBytes, pods, and `others` by the resource's name. `nodeSizes` (what is left of each) and `podSizes`: lists of
   * [cpuMillis, memoryBytes, pods, how many], and where there is more to say an object: of nodes `labels` and `taints`, of pods `selector`, `affinity` and `tolerations`.
   * What is not known is not there.
   */
  'capacity',
  /** Of managed namespaces, as all that follows: `namespace/name`. */
  'quotas',
  'limits',
  /** By namespace: its pod-security.kubernetes.io labels. */
  'podSecurity',
  /** By image as pods name it: the digests that run; `id:` before one that is of the runtime's own making, which no registry knows. */
  'images',
  /** That nobody applies from Git: fingerprints of their values. */
  'secrets',
  'configMaps',
  /** `KIND namespace/name` of other objects that nobody applies from Git, and nothing in the cluster has made. */
  'unmanaged',
  /** When they end, RFC 3339. */
  'certificates',
  /** When the newest one was made, RFC 3339. */
  'backups',
  /** By digest of what is applied and SOPS has encrypted: fingerprints of its values by path. */
  'sealed',
  /** By application and origin, as `liveFactName` writes it: live values of fields that nobody applies, by path, each with its `manager` where one is known. */
  'unowned',
] as const;
export type FactSection = (typeof factSections)[number];

/** A field of managed objects that nobody applies from Git, and is compared all the same: live to live. */
export interface UnownedField {
  readonly kind: string;
  /** `/spec/replicas` */
  readonly path: string;
}

/** Names one object's fact in the section of live objects. */
export function liveFactName(application: string, originId: string): string {
  return `${application}\n${originId}`;
}

export type FactValues = Readonly<Record<string, Json>>;

/** `denied`: the agent may not look. `bound`: there is more than is told. `failed`: it may work the next time. */
export const gapReasons = ['denied', 'bound', 'failed'] as const;
export type GapReason = (typeof gapReasons)[number];

/** Something that a section's values say nothing of, or not all. */
export interface FactGap {
  /** A kind; in `apis` a group; empty: of the section as a whole. */
  readonly kind: string;
  readonly reason: GapReason;
  /** The right that lacks, the bound, or what went wrong. */
  readonly message: string;
}

export interface SectionFacts {
  readonly section: FactSection;
  /** Of the values. */
  readonly digest: Digest;
  /** Undefined: whoever asked knows what this digest stands for. */
  readonly values: FactValues | undefined;
  /** Why it could not be collected; empty: it was. */
  readonly failure: string;
  /** Default none: the values are all there is. One that could not be collected has one that says of what sort that is. */
  readonly gaps?: readonly FactGap[];
}

/** Values of one section; more are cut off, by name. */
export const factsMax = 5_000;

/** Bytes of one section's values as JSON; more are cut off, by name. Two sections go into one answer at least. */
export const factsBytesMax = 2 * 1024 * 1024;

/** Gaps told of one section. */
export const gapsMax = 32;
