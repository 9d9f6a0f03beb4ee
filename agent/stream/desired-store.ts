/**
 * The agent's desired state: in memory for the loops, in a sealed snapshot for the next start. An assignment takes effect when all its
 * objects are here; until then the one before stays in force. What is acknowledged as received has been written.
 */
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { planBackoffMs } from '../../shared/loop/backoff.ts';
import { type Digest, digestText } from '../../shared/manifest/canonical.ts';
import { isSecret } from '../../shared/manifest/object.ts';
import type { Epoch, ManifestEntry } from '../../shared/manifest/target.ts';
import type { DesiredApplication, DesiredState, PauseEntry } from '../model/desired.ts';
import { formatMarks } from '../model/marks.ts';
import { createTextPool, type TextPool } from '../model/text-pool.ts';
import { shareTexts } from './share-texts.ts';
import { openState, type StateStorage, sealState } from './state-storage.ts';

export interface Assigned extends DesiredApplication {
  /** Further assignments of the same decision follow. */
  readonly more: boolean;
}

export interface Blob {
  readonly digest: Digest;
  readonly content: string;
}

/** What this agent holds, as it tells the hub. */
export interface DesiredSummary {
  readonly epoch: Epoch;
  readonly generation: number;
  readonly applications: readonly DesiredApplication[];
}

/** The stream's side of the desired state. */
export interface DesiredStore extends DesiredState {
  summary(): DesiredSummary;
  /**
   * Takes an assignment and the blobs that came with it. Resolves to the digests still lacking; none: it is in force.
   * @throws failed_precondition for a lower epoch, a fork, or an older generation; data_loss for a blob that is not what it says.
   */
  assign(assignment: Assigned, blobs: readonly Blob[]): readonly Digest[];
  /** Adds fetched objects; resolves assignments that were waiting for them. @returns applications that came into force. */
  addBlobs(blobs: readonly Blob[]): readonly DesiredApplication[];
  /** Digests that waiting assignments lack. */
  lacking(): readonly Digest[];
  /** Gives up assignments that wait for these; what was in force stays. @returns them. */
  giveUp(digests: ReadonlySet<Digest>): readonly DesiredApplication[];
  /** An assignment that cannot be read here: nothing may be deleted until one that can has come in its place. */
  reject(application: string, more: boolean): void;
  /** The hub's life. @throws failed_precondition for a lower epoch or a fork of the one we know. */
  acceptEpoch(epoch: Epoch): void;
  setPauses(
    pauses: readonly PauseEntry[],
    deletionsHeld: boolean,
    prunesConfirmed?: ReadonlyMap<string, Digest>,
  ): void;
  setDeletionsHeld(held: boolean): void;
  /** The hub has sent all that differs: no batch is open. */
  closeBatch(): void;
  /** Resolves when all of the above is durable; joins writes that are asked for at once. */
  flush(): Promise<void>;
  /** The same with its marks, where the storage keeps them. @throws resource_exhausted when there are too many, or nothing was written since the start. */
  settleMarks(): Promise<void>;
}

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

/** An assignment that is not in force yet, and what it lacks: thousands of objects come one by one. */
interface Waiting {
  readonly desired: DesiredApplication;
  readonly lacking: Map<Digest, ManifestEntry>;
}

interface State {
  epoch: Epoch;
  generation: number;
  /** The last assignment said that more follow. */
  more: boolean;
  deletionsHeld: boolean;
  pauses: readonly PauseEntry[];
  prunesConfirmed: ReadonlyMap<string, Digest>;
  readonly inForce: Map<string, DesiredApplication>;
  readonly waiting: Map<string, Waiting>;
  /** Assignments of the open batch that were given up. */
  readonly broken: Set<string>;
  readonly objects: Map<Digest, string>;
  /** Some of the objects may be of no use any more. A new application makes none so: looking through all for each would take time by their square. */
  unswept: boolean;
  readonly retained: Map<string, ReadonlySet<Digest>>;
  readonly pool: TextPool;
}

/** Loads what the last run left. What cannot be read is thrown away with a warning: the hub sends it anew. */
export async function loadDesiredStore(options: DesiredStoreOptions): Promise<DesiredStore> {
  const state = await loadState(options);
  const listeners = new Set<(applications: ReadonlySet<string>) => void>();
  const writer = createWriter(options, state);
  const changed = (...applications: string[]) => {
    writer.touch();
    for (const listener of listeners) listener(new Set(applications));
  };
  return {
    applications: () => state.inForce,
    object: (digest) => state.objects.get(digest),
    pauses: () => state.pauses,
    deletionsHeld: () => state.deletionsHeld,
    prunesConfirmed: () => state.prunesConfirmed,
    batchOpen: () => isBatchOpen(state),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    retain(application, digests) {
      const before = state.retained.get(application);
      state.retained.set(application, digests);
      // A snapshot that holds a manifest too many does no harm: it goes with the next write, which is not made for that alone.
      if (before && ![...before].every((digest) => digests.has(digest))) dropUnreferenced(state);
    },
    async forget(application, generation) {
      const held = state.inForce.get(application);
      if (held?.generation !== generation || !held.target.removed) return;
      state.inForce.delete(application);
      state.retained.delete(application);
      dropUnreferenced(state);
      changed(application);
      await writer.flush();
    },
    summary: () => ({
      epoch: state.epoch,
      generation: state.generation,
      applications: [...state.inForce.values()],
    }),
    assign(assignment, blobs) {
      let lacking: readonly Digest[];
      try {
        lacking = assign(state, assignment, blobs);
      } catch (caught) {
        // What it would have taken over from others must not be deleted there.
        if (caught instanceof FairwayError && caught.code === 'data_loss')
          state.broken.add(assignment.application);
        writer.touch();
        throw caught;
      }
      if (lacking.length === 0) changed(assignment.application);
      else writer.touch();
      return lacking;
    },
    addBlobs(blobs) {
      const ready = addBlobs(state, blobs);
      if (ready.length > 0) changed(...ready.map(({ application }) => application));
      return ready;
    },
    lacking: () => [...new Set([...state.waiting.values()].flatMap(({ lacking }) => [...lacking.keys()]))],
    giveUp(digests) {
      const lost = [...state.waiting.values()]
        .filter(({ lacking }) => [...lacking.keys()].some((digest) => digests.has(digest)))
        .map(({ desired }) => desired);
      for (const { application } of lost) {
        state.waiting.delete(application);
        state.unswept = true;
        state.broken.add(application);
      }
      return lost;
    },
    reject(application, more) {
      state.broken.add(application);
      state.more = more;
      writer.touch();
    },
    acceptEpoch(epoch) {
      checkEpoch(state, epoch);
      state.epoch = epoch;
      writer.touch();
    },
    setPauses(pauses, deletionsHeld, prunesConfirmed = new Map()) {
      state.pauses = pauses;
      state.prunesConfirmed = prunesConfirmed;
      state.deletionsHeld = deletionsHeld;
      changed();
    },
    setDeletionsHeld(held) {
      if (state.deletionsHeld === held) return;
      state.deletionsHeld = held;
      changed();
    },
    closeBatch() {
      const wasOpen = isBatchOpen(state);
      state.more = false;
      if (wasOpen) changed();
    },
    flush: () => writer.flush(),
    settleMarks: () => writer.settleMarks(),
  };
}

function isBatchOpen({ more, waiting, broken }: State): boolean {
  return more || waiting.size > 0 || broken.size > 0;
}

function checkEpoch(state: State, epoch: Epoch): void {
  const known = state.epoch;
  if (epoch.counter < known.counter)
    throw new FairwayError('failed_precondition', 'older epoch: this hub was restored from an older state');
  if (epoch.counter === known.counter && known.id !== '' && epoch.id !== known.id)
    throw new FairwayError('failed_precondition', 'another hub has the same epoch');
}

/** Within an epoch generations only grow; a later epoch starts from what its hub knows, and its hub has asked an operator. */
function assign(state: State, assignment: Assigned, blobs: readonly Blob[]): readonly Digest[] {
  const { more, ...desired } = assignment;
  checkEpoch(state, desired.epoch);
  // Refused or not, it says whether the batch goes on.
  state.more = more;
  const known = state.waiting.get(desired.application)?.desired ?? state.inForce.get(desired.application);
  if (known?.epoch.id === desired.epoch.id && desired.generation < known.generation)
    throw new FairwayError('failed_precondition', `older generation: ${known.generation} is known here`);
  keepBlobs(state, desired.target.set.entries, blobs);
  state.epoch = desired.epoch;
  state.generation = Math.max(state.generation, desired.generation);
  const lacking = lackingOf(state, desired);
  if (lacking.size === 0) enforce(state, desired);
  else {
    state.unswept ||= state.waiting.has(desired.application);
    state.waiting.set(desired.application, { desired, lacking });
  }
  return [...lacking.keys()];
}

function enforce(state: State, desired: DesiredApplication): void {
  const { application } = desired;
  const waited = state.waiting.get(application)?.desired ?? desired;
  state.unswept ||= state.inForce.has(application) || waited !== desired;
  state.waiting.delete(application);
  state.broken.delete(application);
  state.inForce.set(application, shareTexts(desired, state.pool));
  if (state.unswept) dropUnreferenced(state);
}

function addBlobs(state: State, blobs: readonly Blob[]): readonly DesiredApplication[] {
  for (const blob of blobs) {
    const holders = [...state.waiting.values()];
    const entry = holders.map(({ lacking }) => lacking.get(blob.digest)).find((found) => found !== undefined);
    if (entry) keepBlob(state, entry, blob);
  }
  const ready = [...state.waiting.values()].filter(({ lacking }) => lacking.size === 0);
  for (const { desired } of ready) enforce(state, desired);
  return ready.map(({ desired }) => desired);
}

/** Keeps those that the entries name. */
function keepBlobs(state: State, entries: readonly ManifestEntry[], blobs: readonly Blob[]): void {
  if (blobs.length === 0) return;
  const named = new Map(entries.map((entry) => [entry.objectDigest, entry]));
  for (const blob of blobs) {
    const entry = named.get(blob.digest);
    if (entry) keepBlob(state, entry, blob);
  }
}

/** A Secret's digest is keyed with the hub's key, so only the others can be checked here; TLS vouches for those. */
function keepBlob(state: State, { objectDigest, key }: ManifestEntry, { content }: Blob): void {
  if (!isSecret(key) && digestText(content) !== objectDigest)
    throw new FairwayError('data_loss', 'an object from the hub does not match its digest');
  state.objects.set(objectDigest, content);
  for (const { lacking } of state.waiting.values()) lacking.delete(objectDigest);
}

function lackingOf({ objects }: State, { target }: DesiredApplication): Map<Digest, ManifestEntry> {
  const lacking = target.set.entries.filter(({ objectDigest }) => !objects.has(objectDigest));
  return new Map(lacking.map((entry) => [entry.objectDigest, entry]));
}

function dropUnreferenced(state: State): void {
  const { inForce, waiting, retained, objects } = state;
  state.unswept = false;
  const used = new Set<Digest>();
  const wanted = [...inForce.values(), ...[...waiting.values()].map(({ desired }) => desired)];
  for (const { target } of wanted) for (const { objectDigest } of target.set.entries) used.add(objectDigest);
  for (const digests of retained.values()) for (const digest of digests) used.add(digest);
  for (const digest of objects.keys()) if (!used.has(digest)) objects.delete(digest);
}

async function loadState({ storage, key, log }: DesiredStoreOptions): Promise<State> {
  const empty: State = {
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

/** One write at a time; what is asked for during a write goes into the next. A write that nobody waits for is tried again by itself. */
function createWriter({ storage, key, clock, random, log }: DesiredStoreOptions, state: State) {
  let version = 0;
  let written = 0;
  let failures = 0;
  let running: Promise<void> | undefined;
  let retryPlanned = false;
  // What the last run wrote may have been written before there were marks.
  let unmarked = true;

  const write = async () => {
    const writing = version;
    const snapshot: Snapshot = {
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
    const marks = formatMarks(state.inForce.values());
    await storage.save(await sealState(JSON.stringify(snapshot), key, random), marks);
    unmarked = marks === undefined;
    written = writing;
    failures = 0;
  };

  const retryLater = (caught: unknown) => {
    const delayMs = planBackoffMs(failures, random);
    failures += 1;
    log.warn('the desired state cannot be written', { error: toFairwayError(caught), delayMs });
    if (retryPlanned) return;
    retryPlanned = true;
    clock.after(delayMs, () => {
      retryPlanned = false;
      flush().catch(() => {
        // Reported and planned anew by the failed write itself.
      });
    });
  };

  const flush = async (): Promise<void> => {
    const wanted = version;
    while (written < wanted) {
      running ??= write()
        .catch((caught: unknown) => {
          retryLater(caught);
          throw caught;
        })
        .finally(() => {
          running = undefined;
        });
      await running;
    }
  };

  return {
    /** Something changed: written soon, though nobody may wait for it. */
    touch() {
      version += 1;
      queueMicrotask(() => {
        flush().catch(() => {
          // Reported and planned anew by the failed write itself.
        });
      });
    },
    flush,
    async settleMarks() {
      await flush();
      if (unmarked) throw new FairwayError('resource_exhausted', 'the state is written without its marks');
    },
  };
}
