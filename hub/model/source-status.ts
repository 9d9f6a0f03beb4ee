import type { Condition } from '../../shared/condition/condition.ts';
import type { SourceKey } from './revision.ts';

/** How a followed ref stands. The last good head stays in force whatever goes wrong later. */
export interface SourceStatus {
  readonly key: SourceKey;
  /** Without credentials. */
  readonly url: string;
  readonly ref: string;
  /** Last good commit; undefined before the first. */
  readonly head: string | undefined;
  /** When `head` was first fetched. */
  readonly headSeenAtMs: number | undefined;
  readonly lastAttemptAtMs: number;
  readonly conditions: readonly Condition[];
}
