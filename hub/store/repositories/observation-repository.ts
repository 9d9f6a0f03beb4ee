import type { NewEvent } from '../../model/event.ts';
import type { ApplicationObservation, ObjectObservation, ReportBatch } from '../../model/observation.ts';
import type { Page, PageRequest } from './page.ts';
import type { AssignmentFilter } from './release-repository.ts';

export interface ObjectFilter extends AssignmentFilter {
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly syncStatus?: string | undefined;
  readonly healthStatus?: string | undefined;
  /** keyText. */
  readonly object?: string | undefined;
  /** True: hooks alone, by their reason (shared/manifest/hook-reasons.ts). */
  readonly hooks?: boolean | undefined;
}

/** What agents report of applications and objects. */
export interface ObservationRepository {
  /** Keeps a whole batch, its events too. Older than what is kept (generation, then time): ignored, row by row. Rows of applications not assigned to the cluster are ignored. */
  saveBatch(batch: ReportBatch, events: readonly NewEvent[]): Promise<void>;
  applications(filter: AssignmentFilter): Promise<readonly ApplicationObservation[]>;
  /** Sorted by cluster, application, key. */
  objects(filter: ObjectFilter, page: PageRequest): Promise<Page<ObjectObservation>>;
}
