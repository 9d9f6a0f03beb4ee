/**
 * Opens the store. SQLite's calls are synchronous and wait for the disk, so a database on disk lives in a worker thread; this side hands calls
 * over and keeps nothing. Every method of a repository is one transaction there, many of them one COMMIT (group-commit.ts).
 */
import { resolve } from 'node:path';
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { dataKeyBytes } from './seal.ts';
import type { GarbageReport, Store } from './store.ts';
import { type RepositoryName, storeMethods } from './store-methods.ts';
import { startWorkerClient, type WorkerClient } from './worker-client.ts';

export interface StoreOptions {
  /** `sqlite:PATH`, a path, or `:memory:`. */
  readonly url?: string | undefined;
  /** A file path or `:memory:`; instead of `url`. */
  readonly path?: string | undefined;
  /** 32 bytes; seals Secrets and keys at rest. Never stored. */
  readonly dataKey: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Takes the file for this process alone, until it closes the store or ends. Default false. */
  readonly exclusive?: boolean | undefined;
  /** The store has died: every call fails from now on, and only a new start of the process helps. Never called for `close`. */
  readonly onStopped?: ((error: FairwayError) => void) | undefined;
}

const memoryPath = ':memory:';
const seedBytes = 16;

/** The SQLite file that a store's URL names. @throws unsupported for another dialect; invalid_argument for none. */
function planStorePath(location: string): string {
  if (location === '') throw new FairwayError('invalid_argument', 'the store has no path');
  if (/^postgres(ql)?:/.test(location))
    throw new FairwayError('unsupported', 'this version of Fairway keeps its store in SQLite only');
  const path = location.replace(/^sqlite:(\/\/(?=\/))?/, '');
  return path === memoryPath ? path : resolve(path);
}

type Method = (...args: readonly unknown[]) => Promise<unknown>;

/** A repository whose methods are calls to the worker; `storeMethods` names each of them, held to the contract by its type. */
function createRepository<R extends RepositoryName>(client: WorkerClient, repository: R): Store[R] {
  const methods: Record<string, Method> = {};
  for (const name of Object.keys(storeMethods[repository]))
    methods[name] = (...args) => client.call(`${repository}.${name}`, args);
  return methods as unknown as Store[R];
}

/**
 * @throws failed_precondition for a wrong data key, a store of a newer Fairway, one that another process has for itself or a file that is none;
 * invalid_argument for a data key of another length; data_loss for a damaged file.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dataKey, clock, random, log, exclusive, onStopped } = options;
  if (dataKey.length !== dataKeyBytes)
    throw new FairwayError('invalid_argument', `the data key must have ${dataKeyBytes} bytes`);
  const path = planStorePath(options.path ?? options.url ?? '');
  const seed = Buffer.from(random.bytes(seedBytes)).toString('hex');
  const input = { path, dataKey, seed, nowMs: clock.now(), exclusive };
  const client = await startWorkerClient({ input, clock, log, onStopped });
  return {
    meta: createRepository(client, 'meta'),
    sources: createRepository(client, 'sources'),
    fleet: createRepository(client, 'fleet'),
    content: createRepository(client, 'content'),
    renders: createRepository(client, 'renders'),
    releases: createRepository(client, 'releases'),
    history: createRepository(client, 'history'),
    registry: createRepository(client, 'registry'),
    access: createRepository(client, 'access'),
    observations: createRepository(client, 'observations'),
    events: createRepository(client, 'events'),
    parity: createRepository(client, 'parity'),
    failovers: createRepository(client, 'failovers'),
    subscribe: client.subscribe,
    backup: (file) => client.backup(resolve(file)),
    collectGarbage: async (request) => (await client.call('collectGarbage', [request])) as GarbageReport,
    close: client.close,
  };
}
