/** Runs one sequence on both sides and says where they first differ. */
import { deepEqual, type Json } from '../schema/types.ts';
import type { Operation, Outcome, Side } from './side.ts';
import { sorted } from './side.ts';

export interface Difference {
  readonly step: number;
  readonly operation: Operation;
  readonly parts: readonly string[];
}

/** Paths at which two values differ, with both sides. */
function diffText(real: Json | undefined, sim: Json | undefined, path = ''): string[] {
  if (deepEqual(real, sim)) return [];
  const bothObjects = typeof real === 'object' && typeof sim === 'object' && real !== null && sim !== null;
  if (!bothObjects || Array.isArray(real) !== Array.isArray(sim))
    return [`${path}: real ${JSON.stringify(real)}, sim ${JSON.stringify(sim)}`];
  const keys = new Set([...Object.keys(real), ...Object.keys(sim)]);
  return [...keys].flatMap((key) =>
    diffText((real as Record<string, Json>)[key], (sim as Record<string, Json>)[key], `${path}/${key}`),
  );
}

function compare(real: Outcome, sim: Outcome): string[] {
  return diffText(sorted(real as unknown as Json), sorted(sim as unknown as Json));
}

/** The first step whose outcomes differ; undefined when all agree. */
export async function findDifference(
  real: Side,
  sim: Side,
  operations: readonly Operation[],
): Promise<Difference | undefined> {
  for (const [step, operation] of operations.entries()) {
    const [onReal, onSim] = await Promise.all([real.send(operation), sim.send(operation)]);
    const parts = compare(onReal, onSim);
    if (parts.length > 0) return { step, operation, parts };
  }
  return undefined;
}
