import { toFairwayError } from '../../../shared/error/error.ts';
import { type FactGap, gapsMax } from '../../../shared/manifest/cluster-facts.ts';
import type { NamedFacts } from '../../observe/fact-fields.ts';

/** What is told of a section, and what that leaves out. */
export interface Collected {
  readonly facts: NamedFacts;
  readonly gaps: readonly FactGap[];
}

/** What an error leaves out. */
export function gapOf(kind: string, caught: unknown): FactGap {
  const { code, message } = toFairwayError(caught);
  if (code === 'permission_denied') return { kind, reason: 'denied', message };
  return { kind, reason: 'failed', message: `${code}: ${message}` };
}

/** There are more objects of the kind than are kept. */
export function tooMany(kind: string, objectsMax: number): FactGap {
  return {
    kind,
    reason: 'bound',
    message: `there are more than ${objectsMax}, of which the others are left out`,
  };
}

/** As many as are told; that there are more is one that may be about anything. */
export function boundGaps(gaps: readonly FactGap[]): readonly FactGap[] {
  if (gaps.length <= gapsMax) return gaps;
  const more = gaps.slice(gapsMax - 1);
  const reason = more.some((one) => one.reason === 'bound') ? 'bound' : 'failed';
  return [
    ...gaps.slice(0, gapsMax - 1),
    { kind: '', reason, message: `and ${more.length} more: ${more[0]?.message ?? ''}` },
  ];
}
