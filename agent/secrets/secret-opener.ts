/**
 * Opens manifests that SOPS encrypted for age recipients, with the keys of one named Secret in the agent's namespace: the only place where they are. The
 * age library costs memory and is loaded with the first such manifest.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { stringifyExactJson } from '../../shared/manifest/exact-json.ts';
import { decryptDocument, readSops, type WrappedKey } from './sops-document.ts';

/** In the agent's namespace; any member may hold age identities, one a line, as `age-keygen` writes them. */
export const ageKeysSecret = 'fairway-sops-age';

export interface SecretOpener {
  /**
   * The manifest with its values decrypted; one without SOPS as it is.
   * @throws failed_precondition when this cluster has no key for it, unsupported, invalid_manifest or data_loss for what is wrong with it: never with a value.
   */
  open(text: string): Promise<string>;
}

export interface SecretOpenerOptions {
  /** The members of the Secret; undefined where there is none. */
  readonly readKeys: () => Promise<ReadonlyMap<string, Uint8Array> | undefined>;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Keys are read again after this long, when something is to be opened: a rotated or removed key counts within that time. */
const keysFreshMs = 60_000;
/** And at once when none fits, but not more often than this. */
const keysRereadMinMs = 1_000;
const identitiesMax = 100;
const dataKeysMax = 1_000;
const dataKeyBytes = 32;

function readIdentities(members: ReadonlyMap<string, Uint8Array> | undefined): readonly string[] {
  const lines = [...(members?.values() ?? [])].flatMap((bytes) =>
    Buffer.from(bytes).toString().split(/\r?\n/),
  );
  const found = lines.map((line) => line.trim()).filter((line) => line.startsWith('AGE-SECRET-KEY-'));
  return [...new Set(found)].slice(0, identitiesMax);
}

/** Which of the wrapped keys one of our identities opens; undefined: none. */
async function unwrap(
  keys: readonly WrappedKey[],
  identities: readonly string[],
  log: Logger,
): Promise<Uint8Array | undefined> {
  if (identities.length === 0) return undefined;
  const { Decrypter, armor, identityToRecipient } = await import('age-encryption');
  const own = new Set<string>();
  const decrypter = new Decrypter();
  for (const identity of identities)
    try {
      decrypter.addIdentity(identity);
      own.add(await identityToRecipient(identity));
    } catch {
      // The error may quote the key; that there is one is all that may be said.
      log.warn('an age key cannot be read and is left out', { secret: ageKeysSecret });
    }
  const ours = (key: WrappedKey) => (own.has(key.recipient) ? 0 : 1);
  for (const { armored } of [...keys].sort((a, b) => ours(a) - ours(b)))
    try {
      const dataKey = await decrypter.decrypt(armor.decode(armored));
      if (dataKey.length === dataKeyBytes) return dataKey;
    } catch {
      // Not for us, or damaged: another recipient's copy may open.
    }
  return undefined;
}

function lackingKey(keys: readonly WrappedKey[], namespace: string, held: number): FairwayError {
  const wanted = keys.map(({ recipient }) => recipient.slice(0, 2_000)).join(', ');
  const has = held === 0 ? 'has no age keys' : `has other age keys (${held})`;
  return new FairwayError(
    'failed_precondition',
    `it is encrypted with SOPS for ${wanted}, and this cluster ${has} in Secret ${namespace}/${ageKeysSecret}`,
    { details: { sops: true } },
  );
}

/** All errors of opening are about the one object: `details.sops`. */
function ofTheObject(caught: unknown): FairwayError {
  const { code, message, retry, retryAfterMs, details, subject } = toFairwayError(caught);
  return new FairwayError(code, message, {
    subject,
    retry,
    retryAfterMs,
    details: { ...details, sops: true },
  });
}

export function createSecretOpener(options: SecretOpenerOptions): SecretOpener {
  const { clock, log } = options;
  /** By digest of its wrapped forms; of the identities that are known now. */
  const dataKeys = new Map<string, Uint8Array>();
  let identities: readonly string[] = [];
  let readAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  const read = async (olderThanMs: number): Promise<boolean> => {
    if (clock.monotonic() - readAtMs < olderThanMs) return false;
    reading ??= options
      .readKeys()
      .then((members) => {
        const next = readIdentities(members);
        if (next.join() !== identities.join()) dataKeys.clear();
        identities = next;
        readAtMs = clock.monotonic();
      })
      .finally(() => {
        reading = undefined;
      });
    await reading;
    return true;
  };
  const dataKeyOf = async (keys: readonly WrappedKey[]): Promise<Uint8Array> => {
    await read(keysFreshMs);
    const id = createHash('sha256').update(JSON.stringify(keys)).digest('base64');
    const known = dataKeys.get(id);
    if (known) return known;
    const found =
      (await unwrap(keys, identities, log)) ??
      ((await read(keysRereadMinMs)) ? await unwrap(keys, identities, log) : undefined);
    if (!found) throw lackingKey(keys, options.namespace, identities.length);
    if (dataKeys.size >= dataKeysMax) dataKeys.clear();
    dataKeys.set(id, found);
    return found;
  };
  return {
    async open(text) {
      try {
        const document = readSops(text);
        if (!document) return text;
        return stringifyExactJson(decryptDocument(document, await dataKeyOf(document.keys)));
      } catch (caught) {
        throw ofTheObject(caught);
      }
    },
  };
}
