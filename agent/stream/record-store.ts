/**
 * The agent's records across restarts, in one sealed snapshot beside the desired state. Written seldom and late: a lost or old snapshot costs reads at
 * the next start, nothing else.
 */
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { toFairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { RecordStore, SavedApplication } from '../model/record.ts';
import { openState, type StateStorage, sealState } from './state-storage.ts';

export interface RecordStoreOptions {
  readonly storage: StateStorage;
  /** 32 bytes; the identity's `cacheKey`. */
  readonly key: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** From a change to its write, and between writes. Default 60,000: what is lost with the process costs a read of each object that changed meanwhile. */
  readonly delayMs?: number;
}

export interface DurableRecordStore extends RecordStore {
  /** Writes what has been touched; resolves when it is durable, or could not be written (which is logged). */
  flush(): Promise<void>;
}

/** Records of this shape only: others are thrown away. */
const version = 1;
const retryMs = 60_000;
/** A write may cost this share of the time at most. */
const busyShare = 0.05;

function parse(text: string): readonly SavedApplication[] {
  const snapshot = JSON.parse(text) as {
    readonly version: number;
    readonly applications: readonly SavedApplication[];
  };
  if (snapshot.version !== version) throw new Error('unknown version');
  return snapshot.applications;
}

async function load(options: RecordStoreOptions): Promise<Map<string, SavedApplication>> {
  const content = await options.storage.load();
  if (content === undefined) return new Map();
  try {
    const saved = parse(await openState(content, options.key));
    return new Map(saved.map((application) => [application.application, application]));
  } catch (caught) {
    options.log.warn('the records of the last run cannot be read; objects are read anew', { error: caught });
    return new Map();
  }
}

/** Loads what the last run left. What cannot be read is thrown away with a warning. @throws when the storage cannot be reached. */
export async function loadRecordStore(options: RecordStoreOptions): Promise<DurableRecordStore> {
  const { storage, key, clock, random, log } = options;
  const saved = await load(options);
  let pending: (() => readonly SavedApplication[]) | undefined;
  let cancel: (() => void) | undefined;
  let writing: Promise<void> | undefined;
  let restMs = 0;

  const write = async (read: () => readonly SavedApplication[]) => {
    const startedAtMs = clock.monotonic();
    try {
      await storage.save(await sealState(JSON.stringify({ version, applications: read() }), key, random));
    } catch (caught) {
      pending ??= read;
      cancel ??= clock.after(retryMs, () => void flush());
      log.warn('the records cannot be written', { error: toFairwayError(caught) });
    }
    restMs = (clock.monotonic() - startedAtMs) / busyShare;
  };
  const flush = async (): Promise<void> => {
    cancel?.();
    cancel = undefined;
    await writing;
    const read = pending;
    pending = undefined;
    if (!read) return;
    writing = write(read).finally(() => {
      writing = undefined;
    });
    await writing;
  };

  return {
    take(application) {
      const found = saved.get(application);
      saved.delete(application);
      return found;
    },
    touch(read) {
      pending = read;
      cancel ??= clock.after(Math.max(options.delayMs ?? 60_000, restMs), () => void flush());
    },
    flush,
  };
}
