import type { Problem } from '../../model/problem.ts';
import type { ObjectTrace } from '../../model/trace.ts';

export type TraceResult =
  /** Exactly one. */
  | { readonly ok: true; readonly traces: readonly ObjectTrace[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };
