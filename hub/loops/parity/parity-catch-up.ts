import type { ParityDifference } from '../../model/parity.ts';
import type { Placed } from './parity-inputs.ts';

/**
 * How long until a standby has caught up: the median of what its applications took from assigned to applied, less what has passed already. Undefined where
 * nothing is behind, and where the past does not tell: it waits for something else than its agent (a wave, an approval), nothing was applied there yet,
 * or it takes longer than usual already. Pure.
 */
export function estimateCatchUp(
  differences: readonly ParityDifference[],
  placed: ReadonlyMap<string, Placed> | undefined,
  nowMs: number,
): number | undefined {
  const behind = new Set(
    differences
      .filter((one) => one.class === 'lagging' && one.side === 'standby')
      .map((one) => one.application),
  );
  if (behind.size === 0 || !placed) return undefined;
  const usualMs = median(
    [...placed.values()].flatMap(({ assignment }) => {
      const appliedAtMs = assignment?.acknowledgements.appliedAtMs;
      return assignment && appliedAtMs !== undefined ? [appliedAtMs - assignment.assignedAtMs] : [];
    }),
  );
  if (usualMs === undefined) return undefined;
  let longest = 0;
  for (const application of behind) {
    const one = placed.get(application);
    if (!one?.assignment || one.assignment.targetDigest !== one.wantedDigest) return undefined;
    const left = one.assignment.assignedAtMs + usualMs - nowMs;
    if (left < 0) return undefined;
    longest = Math.max(longest, left);
  }
  return longest;
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
