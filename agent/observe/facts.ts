import { hash } from 'node:crypto';
import { canonicalJson } from '../../shared/manifest/canonical.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { ObjectFacts } from '../model/record.ts';
import { isOwn, managedFieldsOf } from './fields-v1.ts';

/** Many objects say the same: who else has no part in them, which labels they bear, what one template made us own. */
const remembered = new Map<string, string>();
const rememberedMax = 128;
const rememberedLengthMax = 2_048;

/** Of the canonical form: a list and a watch may give the members of one object in another order. */
function shortDigest(value: unknown): string {
  const text = JSON.stringify(value);
  const known = remembered.get(text);
  if (known !== undefined) return known;
  // From 12 bytes, not cut from the text of all: V8 would keep that whole.
  const digest = hash('sha256', canonicalJson(value), 'buffer').toString('base64url', 0, 12);
  if (remembered.size >= rememberedMax) remembered.clear();
  if (text.length <= rememberedLengthMax) remembered.set(text, digest);
  return digest;
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

export type FactsReader = (object: KubeObject) => ObjectFacts;

/** As many versions as the watch may be behind the answers to our own writes, or they behind it. */
const versionsMax = 512;

/**
 * `factsOf` for what comes twice: of an object that was applied, the answer tells, and so does the watch soon after. One version of one object has the same
 * facts wherever it is read, and they are kept once.
 */
export function createFactsReader(): FactsReader {
  const known = new Map<string, ObjectFacts>();
  return (object) => {
    const { uid, resourceVersion } = object.metadata;
    if (typeof uid !== 'string' || typeof resourceVersion !== 'string') return factsOf(object);
    const version = `${uid} ${resourceVersion}`;
    const before = known.get(version);
    if (before) return before;
    const facts = factsOf(object);
    if (known.size >= versionsMax)
      for (const oldest of known.keys()) {
        known.delete(oldest);
        break;
      }
    known.set(version, facts);
    return facts;
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
