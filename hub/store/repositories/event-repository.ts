import type { FleetEvent, NewEvent } from '../../model/event.ts';
import type { Page, PageRequest } from './page.ts';

export interface EventFilter {
  /** Exact types, or a first part: `drift`, `audit`. */
  readonly types?: readonly string[] | undefined;
  readonly cluster?: string | undefined;
  readonly application?: string | undefined;
  readonly sinceMs?: number | undefined;
}

/** An event still to be told to the outside. */
export interface OutboxItem {
  readonly event: FleetEvent;
  readonly attempts: number;
}

/** What has happened, in order, and what of it is still to be told to the outside. */
export interface EventRepository {
  append(events: readonly NewEvent[]): Promise<void>;
  /** Newest first. */
  list(filter: EventFilter, page: PageRequest): Promise<Page<FleetEvent>>;
  /** Oldest first, after a sequence: for streams. */
  after(sequence: number, filter: EventFilter, limit: number): Promise<readonly FleetEvent[]>;
  lastSequence(): Promise<number>;
  /** The oldest sequence still kept; a stream that resumes before it has missed some. */
  firstSequence(): Promise<number>;
  /** Events of these types enter the outbox as they are appended, from now on. Bounded at 10,000: the oldest go first, counted in `events.dropped`. */
  setOutboxTypes(types: readonly string[]): Promise<void>;
  outbox(nowMs: number, limit: number): Promise<readonly OutboxItem[]>;
  /** Delivered or given up: forgotten. */
  settleOutbox(sequence: number): Promise<void>;
  deferOutbox(sequence: number, nextAttemptAtMs: number): Promise<void>;
}
