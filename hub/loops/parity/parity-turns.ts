import { defaultObjective, type ParityGroup } from '../../model/parity.ts';
import { keepTurns, type Turn } from '../../parity/assess-objective.ts';
import type { Store } from '../../store/store.ts';

const pageSize = 500;

/** When parity of a group became whole or broke, as its time line tells: as far back as the objective looks. Bounded as the time line is. */
export async function loadTurns(
  store: Store,
  { name, objective = defaultObjective }: ParityGroup,
  nowMs: number,
): Promise<readonly Turn[]> {
  const turns: Turn[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.parity.timeline(name, { limit: pageSize, cursor });
    for (const { atMs, whole } of page.items) turns.push({ atMs, whole });
    const oldest = turns.at(-1);
    const enough = oldest !== undefined && oldest.atMs <= nowMs - objective.windowMs;
    cursor = enough ? undefined : page.next;
  } while (cursor !== undefined);
  return keepTurns(turns.reverse(), nowMs, objective);
}
