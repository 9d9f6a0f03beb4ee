/**
 * The agent's desired state: in memory for the loops, in a sealed snapshot for the next start. An assignment takes effect when all its
 * objects are here; until then the one before stays in force. What is acknowledged as received has been written.
 */
import { FairwayError } from '../../shared/error/error.ts';
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { Epoch } from '../../shared/manifest/target.ts';
import type { DesiredApplication, DesiredState, PauseEntry } from '../model/desired.ts';
import {
  type Assigned,
  addBlobs,
  assign,
  type Blob,
  checkEpoch,
  dropUnreferenced,
  isBatchOpen,
} from './held-state.ts';
import { createSnapshotWriter } from './snapshot-writer.ts';
import { type DesiredStoreOptions, loadState } from './state-snapshot.ts';

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

/** Loads what the last run left. What cannot be read is thrown away with a warning: the hub sends it anew. */
export async function loadDesiredStore(options: DesiredStoreOptions): Promise<DesiredStore> {
  const state = await loadState(options);
  const listeners = new Set<(applications: ReadonlySet<string>) => void>();
  const writer = createSnapshotWriter(options, state);
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
