/** The rules by which assignments, and the objects they name, come into force in memory. */
import { FairwayError } from '../../shared/error/error.ts';
import { type Digest, digestText } from '../../shared/manifest/canonical.ts';
import { isSecret } from '../../shared/manifest/object.ts';
import type { Epoch, ManifestEntry } from '../../shared/manifest/target.ts';
import type { DesiredApplication, PauseEntry } from '../model/desired.ts';
import type { TextPool } from '../model/text-pool.ts';
import { shareTexts } from './share-texts.ts';

export interface Assigned extends DesiredApplication {
  /** Further assignments of the same decision follow. */
  readonly more: boolean;
}

export interface Blob {
  readonly digest: Digest;
  readonly content: string;
}

/** An assignment that is not in force yet, and what it lacks: thousands of objects come one by one. */
interface Waiting {
  readonly desired: DesiredApplication;
  readonly lacking: Map<Digest, ManifestEntry>;
}

/** The desired state in memory; changed by the functions of this file and by the store. */
export interface HeldState {
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

/** Not all of the last decision is in force: nothing may be deleted for what may yet be taken over. */
export function isBatchOpen({ more, waiting, broken }: HeldState): boolean {
  return more || waiting.size > 0 || broken.size > 0;
}

/** @throws failed_precondition for a hub that was restored, or another that claims the same life. */
export function checkEpoch(state: HeldState, epoch: Epoch): void {
  const known = state.epoch;
  if (epoch.counter < known.counter)
    throw new FairwayError('failed_precondition', 'older epoch: this hub was restored from an older state');
  if (epoch.counter === known.counter && known.id !== '' && epoch.id !== known.id)
    throw new FairwayError('failed_precondition', 'another hub has the same epoch');
}

/**
 * Takes an assignment; without anything lacking it is in force. @returns what it lacks. Within an epoch generations only grow; a later epoch starts from what its hub knows, and its hub
 * has asked an operator. @throws as `DesiredStore.assign` says.
 */
export function assign(state: HeldState, assignment: Assigned, blobs: readonly Blob[]): readonly Digest[] {
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

function enforce(state: HeldState, desired: DesiredApplication): void {
  const { application } = desired;
  const waited = state.waiting.get(application)?.desired ?? desired;
  state.unswept ||= state.inForce.has(application) || waited !== desired;
  state.waiting.delete(application);
  state.broken.delete(application);
  state.inForce.set(application, shareTexts(desired, state.pool));
  if (state.unswept) dropUnreferenced(state);
}

/** Keeps what waiting assignments lack. @returns those that came into force. */
export function addBlobs(state: HeldState, blobs: readonly Blob[]): readonly DesiredApplication[] {
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
function keepBlobs(state: HeldState, entries: readonly ManifestEntry[], blobs: readonly Blob[]): void {
  if (blobs.length === 0) return;
  const named = new Map(entries.map((entry) => [entry.objectDigest, entry]));
  for (const blob of blobs) {
    const entry = named.get(blob.digest);
    if (entry) keepBlob(state, entry, blob);
  }
}

/** A Secret's digest is keyed with the hub's key, so only the others can be checked here; TLS vouches for those. */
function keepBlob(state: HeldState, { objectDigest, key }: ManifestEntry, { content }: Blob): void {
  if (!isSecret(key) && digestText(content) !== objectDigest)
    throw new FairwayError('data_loss', 'an object from the hub does not match its digest');
  state.objects.set(objectDigest, content);
  for (const { lacking } of state.waiting.values()) lacking.delete(objectDigest);
}

function lackingOf({ objects }: HeldState, { target }: DesiredApplication): Map<Digest, ManifestEntry> {
  const lacking = target.set.entries.filter(({ objectDigest }) => !objects.has(objectDigest));
  return new Map(lacking.map((entry) => [entry.objectDigest, entry]));
}

/** Forgets objects that nothing in force, waiting or retained names. */
export function dropUnreferenced(state: HeldState): void {
  const { inForce, waiting, retained, objects } = state;
  state.unswept = false;
  const used = new Set<Digest>();
  const wanted = [...inForce.values(), ...[...waiting.values()].map(({ desired }) => desired)];
  for (const { target } of wanted) for (const { objectDigest } of target.set.entries) used.add(objectDigest);
  for (const digests of retained.values()) for (const digest of digests) used.add(digest);
  for (const digest of objects.keys()) if (!used.has(digest)) objects.delete(digest);
}
