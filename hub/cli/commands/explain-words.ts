import type { ObjectSelector } from '../../model/trace.ts';

/** What `fairway explain` was asked, read from its words. */
export interface ExplainWords {
  /** Empty: none was given. */
  readonly application: string;
  readonly cluster: string;
  readonly object: ObjectSelector;
  readonly field: string;
}
