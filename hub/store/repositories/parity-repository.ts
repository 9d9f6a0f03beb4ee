import type { NewEvent } from '../../model/event.ts';
import type { ParityMoment, ParityState } from '../../model/parity.ts';
import type { Page, PageRequest } from './page.ts';

/** What parity groups came to. */
export interface ParityRepository {
  /** Sorted by group. */
  states(): Promise<readonly ParityState[]>;
  /** Keeps a group's state, a moment of its time line and events in one step. Of a group 10,000 moments are kept, for 400 days. */
  save(
    state: ParityState,
    moment: Omit<ParityMoment, 'sequence'> | undefined,
    events: readonly NewEvent[],
  ): Promise<void>;
  /** With its time line. */
  remove(group: string): Promise<void>;
  /** Newest first. */
  timeline(group: string, page: PageRequest): Promise<Page<ParityMoment>>;
}
