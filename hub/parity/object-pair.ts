import type { Digest } from '../../shared/manifest/canonical.ts';
import type { Drift } from '../../shared/manifest/health.ts';
import type { Json, KubeObject, ObjectKey } from '../../shared/manifest/object.ts';
import type { ObjectObservation } from '../model/observation.ts';
import type { ParitySide } from '../model/parity.ts';
import { splitPath, withValueAt } from './field-path.ts';

/** One object on one side: what Git wants of it, and what its agent says of it. */
export interface SideObject {
  readonly key: ObjectKey;
  readonly apiVersion: string;
  /** Digest of what the newest revision wants; undefined: it wants no such object. */
  readonly wanted: Digest | undefined;
  /** Undefined: nothing was reported. */
  readonly observed: ObjectObservation | undefined;
  /** When the cluster was given what it has to reach; undefined: not given yet. */
  readonly assignedAtMs: number | undefined;
}

/** The same object in both clusters, by its identity before prefixes, suffixes and hashes. */
export interface ObjectPair {
  readonly application: string;
  /** Of its own within the application. */
  readonly originId: string;
  readonly origin: ObjectKey;
  readonly primary: SideObject | undefined;
  readonly standby: SideObject | undefined;
  /** Why a side cannot be given the newest revision: it stays at what it has, whatever Git wants. */
  readonly stuck?: Readonly<Partial<Record<ParitySide, string>>> | undefined;
}

/** What is in the cluster, as far as reports tell. */
export type LiveState =
  | { readonly type: 'absent'; readonly drift: Drift | undefined }
  | { readonly type: 'known'; readonly object: KubeObject; readonly drift: Drift | undefined }
  /** Git does not want it any more, and it is still there. */
  | { readonly type: 'leftover' }
  /** On its way, or it could not be applied: what is there in between nobody has said. */
  | { readonly type: 'pending'; readonly failed: boolean; readonly message: string };

export type ContentOf = (digest: Digest) => KubeObject | undefined;

export function sideOf(pair: ObjectPair, side: ParitySide): SideObject | undefined {
  return side === 'primary' ? pair.primary : pair.standby;
}

export function openDrift(observed: ObjectObservation | undefined): Drift | undefined {
  const drift = observed?.drift;
  return drift && drift.healedAtMs === undefined ? drift : undefined;
}

/** Has not reached what the newest revision wants. */
export function isBehind(side: SideObject | undefined): boolean {
  return side?.wanted !== undefined && side.observed?.objectDigest !== side.wanted;
}

export function liveStateOf(side: SideObject | undefined, contentOf: ContentOf): LiveState {
  if (side === undefined) return { type: 'absent', drift: undefined };
  const { observed, wanted } = side;
  if (observed === undefined)
    return wanted === undefined
      ? { type: 'absent', drift: undefined }
      : { type: 'pending', failed: false, message: 'it is not applied yet' };
  const drift = openDrift(observed);
  if (drift?.kind === 'deleted') return { type: 'absent', drift };
  // Kept on purpose after Git let it go: neither extra nor behind.
  if (observed.syncStatus === 'Retained') return { type: 'absent', drift: undefined };
  if (observed.objectDigest === '')
    return wanted === undefined
      ? { type: 'leftover' }
      : { type: 'pending', failed: false, message: 'it is not applied yet' };
  const { syncStatus, message } = observed;
  if (syncStatus === 'Pending' || syncStatus === 'Failed' || syncStatus === 'Skipped')
    return { type: 'pending', failed: syncStatus !== 'Pending', message };
  const applied = contentOf(observed.objectDigest);
  if (applied === undefined)
    return { type: 'pending', failed: false, message: 'it has what an older release wanted' };
  return { type: 'known', object: withDrift(applied, drift, observed.cluster), drift };
}

/** What was applied, with the found changes laid over it. A Secret's values are not told: that one changed is, and then it is like nothing in any other cluster. */
export function withDrift(applied: KubeObject, drift: Drift | undefined, cluster: string): KubeObject {
  if (drift === undefined) return applied;
  let object: Json | undefined = applied;
  for (const { path, live, desired } of drift.fields) {
    const untold = live === undefined && desired === undefined;
    const value = untold ? `*** (changed in ${cluster})` : parseValue(live, cluster);
    object = withValueAt(object, splitPath(path), value);
  }
  return (object ?? applied) as KubeObject;
}

/** JSON that was cut stays text: what it ends with nobody has said, and it is like nothing in any other cluster. */
function parseValue(text: string | undefined, cluster: string): Json | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return `${text}... (in ${cluster})`;
  }
}
