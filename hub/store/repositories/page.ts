/** One page of a list. `next` is an opaque cursor; undefined on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

export interface PageRequest {
  /** At most 500. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}
