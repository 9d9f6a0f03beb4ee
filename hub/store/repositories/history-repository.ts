import type { ClusterRecord, KeptTimelineEntry, RolloutRecord } from '../../model/rollout-history.ts';
import type { Page, PageRequest } from './page.ts';

/** What rollouts did, by the ids of their releases. Written by `savePlan`, `saveRollout` and `saveRollouts`, in the transaction that changes the rollout. */
export interface HistoryRepository {
  /** Newest first; the one under way is among them. */
  list(application: string, page: PageRequest): Promise<Page<RolloutRecord>>;
  record(id: string): Promise<RolloutRecord | undefined>;
  /** Undefined: it goes on, and its state tells them; or there is no such rollout. */
  clusters(id: string): Promise<readonly ClusterRecord[] | undefined>;
  /** Oldest first. At most 5,000 of a rollout are kept; where numbers are missing, there were more. */
  timeline(id: string, page: PageRequest): Promise<Page<KeptTimelineEntry>>;
}
