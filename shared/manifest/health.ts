/** Words for the state of an object, after kstatus, and of an application in a cluster. */

/** kstatus: https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md */
export type HealthStatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating' | 'NotFound' | 'Unknown';

export interface Health {
  readonly status: HealthStatus;
  readonly reason: string;
  readonly message: string;
}

/** What a sync did with one object. */
export type ChangeAction =
  | 'created'
  | 'configured'
  | 'recreated'
  | 'unchanged'
  | 'deleted'
  | 'skipped'
  | 'failed';

export interface FieldChange {
  /** JSON pointer; list items by key: `/spec/containers/[name=web]/image`. */
  readonly path: string;
  /** JSON text, cut at 512 characters; undefined where there is none. Always undefined for Secrets. */
  readonly desired?: string | undefined;
  readonly live?: string | undefined;
}

/** One found difference between what we applied and what is there. */
export interface Drift {
  readonly fields: readonly FieldChange[];
  /** Field managers that wrote since our apply; managedFields knows no person. */
  readonly managers: readonly {
    readonly name: string;
    readonly operation: string;
    readonly timeMs: number | undefined;
  }[];
  readonly kind: 'changed' | 'foreign' | 'deleted' | 'recreated';
  readonly foundAtMs: number;
  /** When it was put right; undefined while it is not. */
  readonly healedAtMs?: number | undefined;
}

/** Ours is fought over by somebody. */
export type SyncStatus = 'Synced' | 'Pending' | 'Failed' | 'Drifted' | 'Contested' | 'Skipped' | 'Retained';
