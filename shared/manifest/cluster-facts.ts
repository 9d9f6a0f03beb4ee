/** What a cluster is besides the objects of its applications: in sections of named values, each with a digest. */
import type { Digest } from './canonical.ts';
import type { Json } from './object.ts';

/** Closed; a hub that does not know one passes it over. */
export const factSections = [
  /** `kubernetes`: its version. */
  'version',
  /** Group and version, with the kinds served. */
  'apis',
  'storageClasses',
  'ingressClasses',
  'priorityClasses',
  'runtimeClasses',
  /**
   * `allocatable` of nodes that take pods, `requested` by pods in managed namespaces: cpuMillis, memoryBytes, pods. `nodeSizes` and `podSizes` (none of DaemonSets): lists of
   * [cpuMillis, memoryBytes, pods, how many].
   */
  'capacity',
  /** Of managed namespaces, as all that follows: `namespace/name`. */
  'quotas',
  'limits',
  /** By namespace: its pod-security.kubernetes.io labels. */
  'podSecurity',
  /** By image as pods name it: the digests that run. */
  'images',
  /** That nobody applies from Git: fingerprints of their values. */
  'secrets',
  'configMaps',
  /** When they end, RFC 3339. */
  'certificates',
  /** When the newest one was made, RFC 3339. */
  'backups',
] as const;
export type FactSection = (typeof factSections)[number];

export type FactValues = Readonly<Record<string, Json>>;

export interface SectionFacts {
  readonly section: FactSection;
  /** Of the values. */
  readonly digest: Digest;
  /** Undefined: whoever asked knows what this digest stands for. */
  readonly values: FactValues | undefined;
  /** Why it could not be collected; empty: it was. */
  readonly failure: string;
}

/** Values of one section; more are cut off, by name. */
export const factsMax = 5_000;
