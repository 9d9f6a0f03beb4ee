import type { NewEvent } from '../../model/event.ts';
import type { Revision, RevisionRendering, SourceKey } from '../../model/revision.ts';
import type { SourceStatus } from '../../model/source-status.ts';
import type { Page, PageRequest } from './page.ts';

/** Followed sources by key, and the revisions made of them. */
export interface SourceRepository {
  list(): Promise<readonly SourceStatus[]>;
  get(key: SourceKey): Promise<SourceStatus | undefined>;
  save(status: SourceStatus): Promise<void>;
  remove(key: SourceKey): Promise<void>;
  /** Keeps a revision (a known id changes nothing) and its events. */
  saveRevision(revision: Revision, events: readonly NewEvent[]): Promise<void>;
  /** Says what rendering a revision took, instead of what was said before. An unknown id changes nothing. */
  saveRendering(id: string, rendering: RevisionRendering): Promise<void>;
  revision(id: string): Promise<Revision | undefined>;
  latestRevision(): Promise<Revision | undefined>;
  /** Newest first. */
  revisions(page: PageRequest): Promise<Page<Revision>>;
  /** Remembers a webhook delivery; false when it was seen already. Old ones are forgotten after a day, 10,000 at most. */
  rememberDelivery(id: string, nowMs: number): Promise<boolean>;
}
