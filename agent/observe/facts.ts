import { hash } from 'node:crypto';
import { canonicalJson } from '../../shared/manifest/canonical.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { ObjectFacts } from '../model/record.ts';
import { isOwn, managedFieldsOf } from './fields-v1.ts';

function shortDigest(value: unknown): string {
  // From 12 bytes, not cut from the text of all: V8 would keep that whole.
  return hash('sha256', canonicalJson(value), 'buffer').toString('base64url', 0, 12);
}

const quietSubresources = new Set(['status', 'scale']);

/** Facts of an object or of its metadata alone. */
export function factsOf(object: KubeObject): ObjectFacts {
  const { metadata } = object;
  const entries = managedFieldsOf(object);
  const foreign = entries.filter((entry) => !isOwn(entry) && !quietSubresources.has(entry.subresource ?? ''));
  const generation = metadata['generation'];
  return {
    uid: String(metadata['uid'] ?? ''),
    resourceVersion: String(metadata['resourceVersion'] ?? ''),
    generation: typeof generation === 'number' ? generation : undefined,
    own: shortDigest(entries.find(isOwn) ?? null),
    metadata: shortDigest([metadata.labels ?? {}, metadata.annotations ?? {}]),
    foreign: shortDigest(foreign),
  };
}

/** Whether the object must be read: anything that could stand for a change of ours differs from what we knew. */
export function isSuspicious(known: ObjectFacts, seen: ObjectFacts): boolean {
  if (known.resourceVersion === seen.resourceVersion && known.uid === seen.uid) return false;
  return (
    known.uid !== seen.uid ||
    known.own !== seen.own ||
    known.metadata !== seen.metadata ||
    known.foreign !== seen.foreign ||
    seen.generation === undefined ||
    known.generation !== seen.generation
  );
}
