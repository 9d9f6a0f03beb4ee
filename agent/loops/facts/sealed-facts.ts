/** Values that SOPS has encrypted in Git, as facts: opened here, in the cluster, and told as fingerprints under the salt of a parity group. */

import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import { parseExactJson } from '../../../shared/manifest/exact-json.ts';
import { fingerprintValue, placeOfValue } from '../../../shared/manifest/fingerprint.ts';
import { isSecret, type Json, type KubeObject, keyOf } from '../../../shared/manifest/object.ts';
import type { ManifestEntry, Target } from '../../../shared/manifest/target.ts';
import type { DesiredState } from '../../model/desired.ts';
import { memberOf } from '../../observe/fact-fields.ts';
import { readSops } from '../../secrets/sops-document.ts';
import type { Collected } from './fact-gaps.ts';

export interface SealedFactsPorts {
  readonly desired: Pick<DesiredState, 'applications' | 'object'>;
  /** A manifest with its encrypted values opened. @throws what is wrong with that object. */
  readonly reveal: (text: string) => Promise<string>;
}

/** Objects of one cluster that are told of. */
const objectsMax = 2_000;

function partsOf(pointer: string): readonly string[] {
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valueAt(value: Json | undefined, parts: readonly string[]): Json | undefined {
  let at = value;
  for (const part of parts)
    at = Array.isArray(at) ? (at as readonly Json[])[Number(part)] : memberOf(at, part);
  return at;
}

/**
 * A value's place and text as both clusters would say them: positions in lists count for nothing, and a Secret's `stringData` is what it becomes.
 */
function sayValue(object: KubeObject, pointer: string): readonly [path: string, text: string] {
  const value = valueAt(object, partsOf(pointer));
  const [, field = '', name] = /^\/(stringData|data)\/(.*)$/.exec(pointer) ?? [];
  if (!isSecret(keyOf(object)) || name === undefined)
    return [pointer.replaceAll(/\/\d+(?=\/|$)/g, '/*'), canonicalJson(value ?? null)];
  const text = String(value);
  return [`/data/${name}`, field === 'stringData' ? Buffer.from(text).toString('base64') : text];
}

/** Keeps which entries of a target are encrypted, and their fingerprints as long as they are wanted. One salt's. */
export function createSealedFacts({ desired, reveal }: SealedFactsPorts, salt: Uint8Array) {
  const encrypted = new WeakMap<Target, readonly ManifestEntry[]>();
  let known = new Map<string, Json>();

  const encryptedOf = (target: Target): readonly ManifestEntry[] => {
    const before = encrypted.get(target);
    if (before) return before;
    const texts = target.set.entries.map((entry) => [entry, desired.object(entry.objectDigest)] as const);
    const found = texts.filter(([, text]) => text?.includes('"sops"')).map(([entry]) => entry);
    // What is not here yet is looked at again.
    if (texts.every(([, text]) => text !== undefined)) encrypted.set(target, found);
    return found;
  };

  const fingerprintsOf = async (application: string, entry: ManifestEntry): Promise<Json | undefined> => {
    const text = desired.object(entry.objectDigest);
    if (text === undefined) return undefined;
    try {
      const pointers = readSops(text)?.pointers ?? [];
      if (pointers.length === 0) return undefined;
      const opened = parseExactJson(await reveal(text)) as KubeObject;
      return Object.fromEntries(
        pointers.map((pointer) => {
          const [path, said] = sayValue(opened, pointer);
          return [pointer, fingerprintValue(salt, placeOfValue(application, entry.originId, path), said)];
        }),
      );
    } catch {
      // It cannot be applied for the same reason, which is reported there; here nothing is known of it.
      return undefined;
    }
  };

  return {
    async collect(signal: AbortSignal): Promise<Collected> {
      const next = new Map<string, Json>();
      let left = 0;
      for (const { application, target } of desired.applications().values())
        for (const entry of encryptedOf(target)) {
          if (next.has(entry.objectDigest)) continue;
          if (next.size >= objectsMax) {
            left += 1;
            continue;
          }
          const found = known.get(entry.objectDigest) ?? (await fingerprintsOf(application, entry));
          if (found !== undefined) {
            next.set(entry.objectDigest, found);
            // Thousands may take longer than a question waits: the next one goes on from here.
            known.set(entry.objectDigest, found);
          }
          signal.throwIfAborted();
        }
      known = next;
      const message = `values of ${left} objects beyond ${objectsMax} are not opened`;
      return { facts: [...next], gaps: left > 0 ? [{ kind: '', reason: 'bound', message }] : [] };
    },
  };
}
