/** Parity groups: what each came to last, and a time line with a bound in number and age. */
import type { ParityMoment, ParityState } from '../../model/parity.ts';
import { checkLimit, createPage, decodeCursor } from '../cursor.ts';
import type { ParityRepository } from '../repositories/parity-repository.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import type { SqliteEvents } from './events.ts';

/** Moments kept of one group. */
const momentsMax = 10_000;
/** Moments that are older go: a year and a month, for a month of the year before to compare with. */
const momentsKeptMs = 400 * 86_400_000;

interface MomentRow {
  readonly sequence: number;
  readonly value: string;
}

function momentOf({ sequence, value }: MomentRow): ParityMoment {
  return { ...(JSON.parse(value) as Omit<ParityMoment, 'sequence'>), sequence };
}

/** Values that are undefined are not in the JSON: the keys come back as they were. */
function stateOf(text: string): ParityState {
  const state = JSON.parse(text) as ParityState;
  const pairs = state.report.pairs.map((pair) => ({ ...pair, catchUpMs: pair.catchUpMs ?? undefined }));
  return { ...state, lastWholeAtMs: state.lastWholeAtMs ?? undefined, report: { ...state.report, pairs } };
}

export function createSqliteParity(
  { client, changed }: SqliteContext,
  events: SqliteEvents,
): Synchronous<ParityRepository> {
  const states = client.prepare('SELECT value FROM parity_states ORDER BY name').pluck();
  const saveState = client.prepare(
    'INSERT INTO parity_states (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  );
  const removeState = client.prepare('DELETE FROM parity_states WHERE name = ?');
  const removeMoments = client.prepare('DELETE FROM parity_moments WHERE name = ?');
  const saveMoment = client.prepare('INSERT INTO parity_moments (name, at_ms, value) VALUES (?, ?, ?)');
  const trim = client.prepare(
    `DELETE FROM parity_moments WHERE name = :name AND (at_ms < :beforeMs OR sequence <= (
       SELECT sequence FROM parity_moments WHERE name = :name ORDER BY sequence DESC LIMIT 1 OFFSET ${momentsMax}))`,
  );
  const page = client.prepare(
    'SELECT sequence, value FROM parity_moments WHERE name = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?',
  );
  return {
    states: () => (states.all() as string[]).map(stateOf),
    save(state, moment, added) {
      saveState.run(state.group, JSON.stringify(state));
      if (moment) {
        saveMoment.run(moment.group, moment.atMs, JSON.stringify(moment));
        trim.run({ name: moment.group, beforeMs: moment.atMs - momentsKeptMs });
      }
      events.append(added);
      changed('parity', state.group);
    },
    remove(group) {
      removeMoments.run(group);
      if (removeState.run(group).changes > 0) changed('parity', group);
    },
    timeline(group, request) {
      const limit = checkLimit(request.limit);
      const last = request.cursor === undefined ? undefined : decodeCursor(request.cursor, ['number']);
      const rows = page.all(group, last?.[0] ?? Number.MAX_SAFE_INTEGER, limit + 1) as MomentRow[];
      return createPage(rows, request, ({ sequence }) => [sequence], momentOf);
    },
  };
}
