/** What rollouts did: a row each with a page of summary, their clusters packed beside it, and a timeline with a bound. */
import type {
  ClusterRecord,
  HistoryWrite,
  KeptTimelineEntry,
  RolloutRecord,
  TimelineEntry,
  TimelineKind,
} from '../../model/rollout-history.ts';
import { decodeBlob, encodeBlob } from '../blob-codec.ts';
import { checkLimit, createPage, decodeCursor } from '../cursor.ts';
import type { HistoryRepository } from '../repositories/history-repository.ts';
import type { PageRequest } from '../repositories/page.ts';
import type { SqliteContext, Synchronous } from './context.ts';

/** Entries of one rollout; where it says more, the oldest of the routine ones go first, then the oldest of all. */
const timelineMax = 5_000;

/** What a rollout says cluster by cluster; the times of each cluster are kept besides. */
const routineKinds: ReadonlySet<TimelineKind> = new Set(['decision', 'progress', 'analysis']);

export interface SqliteHistory extends Synchronous<HistoryRepository> {
  /** For the other repositories: within the transaction that changes the rollouts. */
  write(writes: readonly HistoryWrite[]): void;
  /** An application that is in no cluster any more and not in the fleet: whatever its rollout did is done. */
  close(application: string, nowMs: number): void;
}

interface HistoryRow {
  readonly position: number;
  readonly record: string;
}

interface EntryRow {
  readonly sequence: number;
  readonly entry: string;
}

// Values that are undefined are not in the JSON: the keys come back as they were.
const noEnd = { endedAtMs: undefined, supersededBy: undefined };
const noTimes = { startedAtMs: undefined, settledAtMs: undefined, endedAtMs: undefined };
const noSaid = { approvedBefore: undefined, approvedAfter: undefined, promoted: undefined };

function recordOf({ record }: Pick<HistoryRow, 'record'>): RolloutRecord {
  const kept = JSON.parse(record) as RolloutRecord;
  return { ...noEnd, ...kept, waves: kept.waves.map((wave) => ({ ...noTimes, ...noSaid, ...wave })) };
}

const noClusterTimes = {
  assignedAtMs: undefined,
  appliedAtMs: undefined,
  healthyAtMs: undefined,
  countedAtMs: undefined,
  rolledBackAtMs: undefined,
};

function createWriter({ client, sealer, changed }: SqliteContext) {
  const save = client.prepare(
    `INSERT INTO rollout_history (id, application, ended_at_ms, record) VALUES (:id, :application, :endedAtMs, :record)
     ON CONFLICT (id) DO UPDATE SET ended_at_ms = excluded.ended_at_ms, record = excluded.record`,
  );
  const saveClusters = client.prepare(
    'UPDATE rollout_history SET clusters_encoding = :encoding, clusters = :bytes WHERE id = :id',
  );
  const last = client
    .prepare('SELECT coalesce(max(sequence), 0) FROM rollout_timeline WHERE rollout = ?')
    .pluck();
  const insert = client.prepare(
    'INSERT INTO rollout_timeline (rollout, sequence, routine, entry) VALUES (?, ?, ?, ?)',
  );
  const count = client.prepare('SELECT count(*) FROM rollout_timeline WHERE rollout = ?').pluck();
  const trim = client.prepare(
    `DELETE FROM rollout_timeline WHERE rollout = :rollout AND sequence IN (
       SELECT sequence FROM rollout_timeline WHERE rollout = :rollout ORDER BY routine DESC, sequence LIMIT :excess)`,
  );
  const append = (rollout: string, entries: readonly TimelineEntry[]): void => {
    let sequence = last.get(rollout) as number;
    for (const entry of entries) {
      sequence += 1;
      insert.run(rollout, sequence, routineKinds.has(entry.kind) ? 1 : 0, JSON.stringify(entry));
    }
    // Numbers grow by one: as long as the last is within the bound, so are the rows.
    if (entries.length === 0 || sequence <= timelineMax) return;
    const excess = (count.get(rollout) as number) - timelineMax;
    if (excess > 0) trim.run({ rollout, excess });
  };
  return ({ record, clusters, entries }: HistoryWrite): void => {
    const { id, application, endedAtMs } = record;
    save.run({ id, application, endedAtMs: endedAtMs ?? null, record: JSON.stringify(record) });
    if (clusters !== undefined) {
      const { encoding, bytes } = encodeBlob(JSON.stringify(clusters), false, id, sealer);
      saveClusters.run({ id, encoding, bytes });
    }
    append(id, entries);
    changed('rollouts', application);
  };
}

export function createSqliteHistory(context: SqliteContext): SqliteHistory {
  const { client, sealer } = context;
  const write = createWriter(context);
  const page = client.prepare(
    `SELECT position, record FROM rollout_history
     WHERE application = :application AND position < :before ORDER BY position DESC LIMIT :limit`,
  );
  const one = client.prepare('SELECT record FROM rollout_history WHERE id = ?');
  const packed = client.prepare(
    'SELECT clusters_encoding AS encoding, clusters FROM rollout_history WHERE id = ?',
  );
  const entries = client.prepare(
    'SELECT sequence, entry FROM rollout_timeline WHERE rollout = :id AND sequence > :after ORDER BY sequence LIMIT :limit',
  );
  const end = client.prepare(
    `UPDATE rollout_history SET ended_at_ms = :nowMs, record = json_set(record, '$.endedAtMs', :nowMs,
       '$.result', 'Complete', '$.message', 'the application is in no cluster any more')
     WHERE application = :application AND ended_at_ms IS NULL`,
  );
  const positionOf = (cursor: PageRequest['cursor'], otherwise: number): number =>
    cursor === undefined ? otherwise : Number(decodeCursor(cursor, ['number'])[0]);
  return {
    write: (writes) => writes.forEach(write),
    close: (application, nowMs) => void end.run({ application, nowMs }),
    list(application, request) {
      const limit = checkLimit(request.limit) + 1;
      const before = positionOf(request.cursor, Number.MAX_SAFE_INTEGER);
      const rows = page.all({ application, before, limit }) as HistoryRow[];
      return createPage(rows, request, ({ position }) => [position], recordOf);
    },
    record(id) {
      const row = one.get(id) as HistoryRow | undefined;
      return row && recordOf(row);
    },
    clusters(id) {
      const row = packed.get(id) as { encoding: number; clusters: Uint8Array | null } | undefined;
      if (!row?.clusters) return undefined;
      const text = decodeBlob({ encoding: row.encoding, sealed: false, bytes: row.clusters }, id, sealer);
      return (JSON.parse(text) as ClusterRecord[]).map((kept) => ({ ...noClusterTimes, ...kept }));
    },
    timeline(id, request) {
      const limit = checkLimit(request.limit) + 1;
      const rows = entries.all({ id, after: positionOf(request.cursor, 0), limit }) as EntryRow[];
      return createPage(rows, request, ({ sequence }) => [sequence], entryOf);
    },
  };
}

function entryOf({ sequence, entry }: EntryRow): KeptTimelineEntry {
  return { ...(JSON.parse(entry) as TimelineEntry), sequence };
}
