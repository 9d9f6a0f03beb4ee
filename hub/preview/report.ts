/** What a comparison of two fleets says, bounded, with no value of a Secret in it. The same for people, the API and machines. */
import type { ObjectKey } from '../../shared/manifest/object.ts';
import type { Problem } from '../model/problem.ts';

/** One side of a comparison. */
export interface DiffSide {
  /** As it was asked for: `main`, `3f2c1a0`, `running`. */
  readonly name: string;
  /** Of the root repository; null for `running` and a work tree. */
  readonly commit: string | null;
}

/** Clusters, sorted; names of the first ones only where there are many. */
export interface ClusterList {
  readonly count: number;
  readonly names: readonly string[];
}

export interface FieldReport {
  /** `/spec/containers/[name=web]/image` */
  readonly path: string;
  /** `reordered`: `before` and `after` are the items' identities in their order. */
  readonly change: 'added' | 'removed' | 'changed' | 'reordered';
  /** A Secret's value: that it changed is all that is told. */
  readonly masked: boolean;
  /** JSON text, cut where it is long; null where there is none, it is masked, or `lines` tell it. */
  readonly before: string | null;
  readonly after: string | null;
  /** A text of several lines: each with `+`, `-` or a space before it, `@` where lines are left out. Otherwise empty. */
  readonly lines: readonly string[];
}

/** One change, and the clusters that it is the same in. */
export interface ChangeVariant {
  readonly action: 'added' | 'removed' | 'changed';
  /** In the first of the clusters; other clusters may have other prefixes. */
  readonly key: ObjectKey;
  /** The name it had, where that was another. */
  readonly keyBefore: ObjectKey | null;
  readonly clusters: ClusterList;
  readonly fields: readonly FieldReport[];
  /** Fields beyond the bound. */
  readonly fieldsOmitted: number;
}

/** What happens to one object (by origin) in the clusters of an application; the variant of most clusters first. */
export interface ObjectReport {
  readonly variants: readonly ChangeVariant[];
}

/** The Application's own settings: sync options, health rules, dependencies, deletion policy. */
export interface SettingsVariant {
  readonly clusters: ClusterList;
  readonly fields: readonly FieldReport[];
  readonly fieldsOmitted: number;
}

export interface ApplicationReport {
  readonly name: string;
  /** Where anything differs. */
  readonly clusters: ClusterList;
  /** Clusters that get it newly. */
  readonly placed: ClusterList;
  /** Clusters that it is taken out of. */
  readonly withdrawn: ClusterList;
  readonly settings: readonly SettingsVariant[];
  readonly objects: readonly ObjectReport[];
}

/** Something that keeps a side from being rendered. A cluster that cannot be rendered stays at what it has, and is not compared. */
export interface ProblemReport {
  readonly side: 'from' | 'to' | 'both';
  /** Empty: the fleet folder. */
  readonly application: string;
  readonly clusters: ClusterList;
  readonly problem: Problem;
}

export interface DiffReport {
  readonly from: DiffSide;
  readonly to: DiffSide;
  /** True: something differs, or `to` has a problem that `from` has not. */
  readonly differs: boolean;
  /** Clusters where anything differs, and objects, each counted once a cluster. */
  readonly summary: {
    readonly applications: number;
    readonly clusters: number;
    readonly added: number;
    readonly removed: number;
    readonly changed: number;
  };
  readonly applications: readonly ApplicationReport[];
  readonly problems: readonly ProblemReport[];
  /** Variants and problems beyond the bounds. */
  readonly omitted: number;
}
