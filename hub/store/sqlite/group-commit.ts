/**
 * Group commit: what is queued becomes one transaction, so that one fsync serves many calls. Each writing call has a savepoint of its own: one
 * that fails takes back its own changes and nobody else's. Nothing is answered before the COMMIT.
 */
import type { Database } from 'better-sqlite3';
import { FairwayError } from '../../../shared/error/error.ts';
import { packError } from '../../../shared/error/posted-error.ts';
import type { Answer, Change } from '../messages.ts';
import type { SqliteCall, SqliteStore } from './sqlite-store.ts';
import { toStoreError } from './store-error.ts';

export interface QueuedCall extends SqliteCall {
  readonly id: number;
}

export interface CommittedBatch {
  /** In the order of the calls. */
  readonly answers: readonly Answer[];
  /** Each once. Empty when the batch was not committed. */
  readonly changes: readonly Change[];
}

function createChanges() {
  const seen = new Map<string, Change>();
  return {
    add: (changes: readonly Change[]) => {
      for (const [topic, key] of changes) seen.set(`${topic} ${key}`, [topic, key]);
    },
    list: (): readonly Change[] => [...seen.values()],
  };
}

export function createGroupCommit(client: Database, store: SqliteStore) {
  const statement = (text: string) => client.prepare(text);
  const beginRead = statement('BEGIN');
  const beginWrite = statement('BEGIN IMMEDIATE');
  const commit = statement('COMMIT');
  const rollback = statement('ROLLBACK');
  const savepoint = statement('SAVEPOINT one_call');
  const release = statement('RELEASE one_call');
  const undo = statement('ROLLBACK TO one_call');

  const runRead = (call: QueuedCall): Answer => ({ id: call.id, value: store.run(call, () => {}) });

  const runWrite = (call: QueuedCall, changes: ReturnType<typeof createChanges>): Answer => {
    const own: Change[] = [];
    savepoint.run();
    const value = store.run(call, (topic, key) => own.push([topic, key]));
    release.run();
    changes.add(own);
    return { id: call.id, value };
  };

  const runOne = (call: QueuedCall, write: boolean, changes: ReturnType<typeof createChanges>): Answer => {
    try {
      return write ? runWrite(call, changes) : runRead(call);
    } catch (caught) {
      const error = toStoreError(caught, call.method);
      // After some errors (a full disk, for one) SQLite has rolled all back by itself: then the batch is lost.
      if (!client.inTransaction) throw error;
      if (write) {
        undo.run();
        release.run();
      }
      return { id: call.id, error: packError(error) };
    }
  };

  const kindOf = (call: QueuedCall): 'read' | 'write' | FairwayError => {
    try {
      return store.kindOf(call.method);
    } catch (caught) {
      return toStoreError(caught, call.method);
    }
  };

  return (calls: readonly QueuedCall[]): CommittedBatch => {
    const kinds = calls.map(kindOf);
    const changes = createChanges();
    try {
      (kinds.includes('write') ? beginWrite : beginRead).run();
      const answers = calls.map((call, index): Answer => {
        const kind = kinds[index];
        if (kind instanceof FairwayError) return { id: call.id, error: packError(kind) };
        return runOne(call, kind === 'write', changes);
      });
      commit.run();
      return { answers, changes: changes.list() };
    } catch (caught) {
      if (client.inTransaction) rollback.run();
      const error = packError(toStoreError(caught));
      return { answers: calls.map(({ id }) => ({ id, error })), changes: [] };
    }
  };
}
