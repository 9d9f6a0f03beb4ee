/** The desired state as it is kept for the next start. */
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { Epoch } from '../../shared/manifest/target.ts';
import type { DesiredApplication, PauseEntry } from '../model/desired.ts';
import { createTextPool } from '../model/text-pool.ts';
import { type HeldState, isBatchOpen } from './held-state.ts';
import { shareTexts } from './share-texts.ts';
import { openState, type StateStorage } from './state-storage.ts';

export interface DesiredStoreOptions {
  readonly storage: StateStorage;
  /** 32 bytes; the identity's `cacheKey`. */
  readonly key: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

interface Snapshot {
  readonly version: 1;
  readonly epoch: Epoch;
  readonly generation: number;
  readonly batchOpen: boolean;
  readonly deletionsHeld: boolean;
  readonly pauses: readonly PauseEntry[];
  readonly applications: readonly DesiredApplication[];
  readonly objects: Readonly<Record<Digest, string>>;
  /** Of versions that are applied still. Absent in older snapshots. */
  readonly retained?: Readonly<Record<string, readonly Digest[]>>;
  /** Absent in older snapshots. */
  readonly prunesConfirmed?: Readonly<Record<string, Digest>>;
}

/** What the last run left; nothing, with a warning, when it cannot be read: the hub sends it anew. */
export async function loadState({ storage, key, log }: DesiredStoreOptions): Promise<HeldState> {
  const empty: HeldState = {
    epoch: { counter: 0, id: '' },
    generation: 0,
    more: false,
    deletionsHeld: false,
    pauses: [],
    prunesConfirmed: new Map(),
    inForce: new Map(),
    waiting: new Map(),
    broken: new Set(),
    objects: new Map(),
    retained: new Map(),
    pool: createTextPool(),
    unswept: true,
  };
  const content = await storage.load();
  if (content === undefined) return empty;
  let snapshot: Snapshot;
  try {
    snapshot = JSON.parse(await openState(content, key)) as Snapshot;
    if (snapshot.version !== 1) throw new Error('unknown version');
  } catch (caught) {
    log.warn('the cached desired state cannot be read; the hub will send it anew', { error: caught });
    return empty;
  }
  const { epoch, generation, batchOpen, deletionsHeld, pauses, applications, objects } = snapshot;
  const retained = Object.entries(snapshot.retained ?? {});
  return {
    ...empty,
    epoch,
    generation,
    more: batchOpen,
    deletionsHeld,
    pauses,
    prunesConfirmed: new Map(Object.entries(snapshot.prunesConfirmed ?? {})),
    inForce: new Map(applications.map((entry) => [entry.application, shareTexts(entry, empty.pool)])),
    objects: new Map(Object.entries(objects)),
    retained: new Map(retained.map(([application, digests]) => [application, new Set(digests)])),
  };
}

/** What `loadState` reads. */
export function snapshotOf(state: HeldState): Snapshot {
  return {
    version: 1,
    epoch: state.epoch,
    generation: state.generation,
    batchOpen: isBatchOpen(state),
    deletionsHeld: state.deletionsHeld,
    pauses: state.pauses,
    prunesConfirmed: Object.fromEntries(state.prunesConfirmed),
    applications: [...state.inForce.values()],
    objects: Object.fromEntries(state.objects),
    retained: Object.fromEntries([...state.retained].map(([name, digests]) => [name, [...digests]])),
  };
}
