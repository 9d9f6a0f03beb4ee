import type { NewEvent } from '../../model/event.ts';
import type { Failover } from '../../model/failover.ts';
import type { Page, PageRequest } from './page.ts';

/** Failovers from their first word to the last. */
export interface FailoverRepository {
  /** Those that are not over, in the order they began. */
  open(): Promise<readonly Failover[]>;
  get(id: string): Promise<Failover | undefined>;
  /**
   * Keeps a failover with its events in one step. @param before the version that is replaced; undefined: it is new.
   * False: it is another already, or there is an open one of the group; then nothing was kept. Of a group 1,000 are kept.
   */
  save(failover: Failover, before: number | undefined, events: readonly NewEvent[]): Promise<boolean>;
  /** Newest first; of one group, or of all. @param kind of these alone; default: of all. */
  list(group: string | undefined, page: PageRequest, kind?: Failover['kind']): Promise<Page<Failover>>;
}
