/** Holds the database behind a port: takes what is queued, commits it as one batch and answers. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Database } from 'better-sqlite3';
import { systemRandom } from '../../../shared/clock/random.ts';
import { packError } from '../../../shared/error/posted-error.ts';
import type { WorkerInput, WorkerReply, WorkerRequest } from '../messages.ts';
import { createSealer } from '../seal.ts';
import { backupDatabase } from './backup.ts';
import { memoryPath, openDatabase } from './database.ts';
import { createGroupCommit, type QueuedCall } from './group-commit.ts';
import { lockStore } from './lock.ts';
import { createSqliteStore } from './sqlite-store.ts';
import { toStoreError } from './store-error.ts';

/** Calls in one transaction at most: bounds how long the first of them waits for the last. */
const batchMax = 256;

function serve(port: MessagePort, database: Database, lock: Database | undefined, input: WorkerInput): void {
  const sealer = createSealer(input.dataKey, systemRandom);
  const runBatch = createGroupCommit(database, createSqliteStore(database, sealer, input.seed));
  const post = (reply: WorkerReply) => port.postMessage(reply);
  let backups: Promise<void> = Promise.resolve();

  const runBackup = async (id: number, path: string): Promise<void> => {
    try {
      await backupDatabase(database, path);
      post({ type: 'answers', answers: [{ id, value: undefined }], changes: [] });
    } catch (caught) {
      post({ type: 'answers', answers: [{ id, error: packError(toStoreError(caught)) }], changes: [] });
    }
  };

  const close = async (): Promise<void> => {
    await backups;
    database.close();
    lock?.close();
    port.close();
  };

  port.on('message', (first: WorkerRequest) => {
    const calls: QueuedCall[] = [];
    let request: WorkerRequest | undefined = first;
    while (request?.type === 'call') {
      calls.push(request);
      request =
        calls.length === batchMax
          ? undefined
          : (receiveMessageOnPort(port)?.message as WorkerRequest | undefined);
    }
    if (calls.length > 0) post({ type: 'answers', ...runBatch(calls) });
    if (request?.type === 'backup') {
      const { id, path } = request;
      // One at a time.
      backups = backups.then(() => runBackup(id, path));
    }
    if (request?.type === 'close') void close();
  });
  post({ type: 'ready' });
}

/** Answers on the port until it is told to close. What cannot be opened is refused by a message. */
export function serveStore(port: MessagePort, input: WorkerInput): void {
  let database: Database;
  let lock: Database | undefined;
  try {
    if (input.exclusive && input.path !== memoryPath) lock = lockStore(input.path);
    const sealer = createSealer(input.dataKey, systemRandom);
    database = openDatabase(input.path, sealer, input.nowMs);
  } catch (caught) {
    const refused: WorkerReply = { type: 'refused', error: packError(toStoreError(caught, input.path)) };
    lock?.close();
    port.postMessage(refused);
    return;
  }
  serve(port, database, lock, input);
}
