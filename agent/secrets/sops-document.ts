/**
 * SOPS in a manifest: what is encrypted in it, for whom, and its values decrypted. The hub streams the ciphertext; only the agent, in its cluster, opens it.
 * Format: https://github.com/getsops/sops (aes/cipher.go, sops.go). Each value is authenticated by itself, bound to the path of its keys; the MAC over the whole
 * file is not looked at, since kustomize has changed the file by then (names, namespaces, labels).
 */
import { createDecipheriv } from 'node:crypto';
import { FairwayError } from '../../shared/error/error.ts';
import { parseExactJson } from '../../shared/manifest/exact-json.ts';
import { decryptedAnnotation } from '../../shared/manifest/masking.ts';
import { isJsonObject, type Json, type JsonObject, type KubeObject } from '../../shared/manifest/object.ts';
import { isForOperator } from '../../shared/manifest/sops-operator.ts';

/** A data key as encrypted for one age recipient. */
export interface WrappedKey {
  readonly recipient: string;
  /** An age file, armored. */
  readonly armored: string;
}

export interface SopsDocument {
  /** Without its `sops` block, its values still encrypted. */
  readonly object: KubeObject;
  readonly keys: readonly WrappedKey[];
  /** JSON pointers of the encrypted values. */
  readonly pointers: readonly string[];
}

const encrypted = /^ENC\[AES256_GCM,data:([^,]+),iv:([^,]+),tag:([^,]+),type:(\w+)\]$/;
const otherMasters = ['pgp', 'kms', 'gcp_kms', 'azure_kv', 'hc_vault', 'hckms'] as const;
/** The whole tag: Node takes shorter ones, which are easier to guess, where this is not stated. */
const tagBytes = 16;
/** Recipients of one file that are looked at. */
const keysMax = 100;
const depthMax = 100;

/** Also what is not whole any more: it is refused when it is opened, and not applied as it is. */
function isEncrypted(value: Json | undefined): value is string {
  return typeof value === 'string' && value.startsWith('ENC[AES256_GCM,');
}

function readKeys(sops: JsonObject): readonly WrappedKey[] {
  const { age, key_groups: groups } = sops;
  if (Array.isArray(groups) && groups.length > 0)
    throw new FairwayError(
      'unsupported',
      'it is encrypted with SOPS for groups of keys (key_groups): encrypt it for age recipients alone',
    );
  const keys = (Array.isArray(age) ? (age as readonly Json[]) : []).filter(isJsonObject).slice(0, keysMax);
  const read = keys.map(({ recipient, enc }) => ({ recipient: String(recipient), armored: String(enc) }));
  if (read.length > 0) return read;
  const masters = otherMasters.filter((name) => Array.isArray(sops[name]) && sops[name].length > 0);
  const has = masters.length === 0 ? 'for nobody' : `for ${masters.join(' and ')} only`;
  throw new FairwayError(
    'unsupported',
    `it is encrypted with SOPS ${has}: encrypt it for an age recipient of this cluster too`,
  );
}

/** Walks the encrypted values; keys make the path that a value is bound to, positions in lists do not (sops.go, walkSlice). */
function mapEncrypted(
  value: Json | undefined,
  visit: (text: string, keys: readonly string[], pointer: string) => Json,
  keys: readonly string[] = [],
  pointer = '',
): Json | undefined {
  if (isEncrypted(value)) return visit(value, keys, pointer);
  if (keys.length > depthMax) throw new FairwayError('invalid_manifest', 'the object is nested too deeply');
  if (Array.isArray(value))
    return (value as readonly Json[]).map(
      (item, index) => mapEncrypted(item, visit, keys, `${pointer}/${index}`) ?? null,
    );
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([name, member]) => {
    const segment = name.replaceAll('~', '~0').replaceAll('/', '~1');
    return [name, mapEncrypted(member, visit, [...keys, name], `${pointer}/${segment}`)] as const;
  });
  return Object.fromEntries(members);
}

function pointersOf(object: KubeObject): readonly string[] {
  const pointers: string[] = [];
  mapEncrypted(object, (text, _keys, pointer) => {
    pointers.push(pointer);
    return text;
  });
  const open = pointers.find((pointer) => /^\/(?:apiVersion|kind|metadata)(?:\/|$)/.test(pointer));
  if (open !== undefined)
    throw new FairwayError(
      'invalid_manifest',
      `${open} is encrypted: what names an object must be readable; encrypt with --encrypted-regex '^(data|stringData)$'`,
    );
  return pointers;
}

/**
 * The manifest as SOPS left it; undefined where it is not encrypted, or is meant to stay so.
 * @throws unsupported for keys other than age's; invalid_manifest where what names the object is encrypted.
 */
export function readSops(text: string): SopsDocument | undefined {
  if (!text.includes('"sops"')) return undefined;
  const parsed = parseExactJson(text) as KubeObject;
  const { sops, ...object } = parsed;
  if (!isJsonObject(sops) || (sops['mac'] === undefined && sops['age'] === undefined)) return undefined;
  if (isForOperator(parsed)) return undefined;
  return {
    object: object as unknown as KubeObject,
    keys: readKeys(sops),
    pointers: pointersOf(object as unknown as KubeObject),
  };
}

/** strconv.ParseBool */
const booleans: Readonly<Record<string, boolean>> = Object.fromEntries([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false] as const),
]);

/** The type is not authenticated: what does not read as it says is refused, without a word of the value. */
function typed(text: string, type: string, pointer: string): Json {
  if (type === 'str' || type === 'bytes' || type === 'time') return text;
  if ((type === 'int' || type === 'int64') && /^-?\d+$/.test(text))
    return (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)) as number;
  if (type === 'float' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  const bool = type === 'bool' && Object.hasOwn(booleans, text) ? booleans[text] : undefined;
  if (bool !== undefined) return bool;
  throw new FairwayError('invalid_manifest', `${pointer} does not hold a value of the type that SOPS noted`);
}

/** One `ENC[...]` value. @param path the keys to it. @throws data_loss when it was changed or moved, or the key is another's. */
export function decryptValue(
  text: string,
  dataKey: Uint8Array,
  path: readonly string[],
  pointer: string,
): Json {
  const [, data = '', iv = '', tag = '', type = ''] = encrypted.exec(text) ?? [];
  let opened: string;
  try {
    const decipher = createDecipheriv('aes-256-gcm', dataKey, Buffer.from(iv, 'base64'), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(`${path.join(':')}:`));
    decipher.setAuthTag(Buffer.from(tag, 'base64'));
    opened = Buffer.concat([decipher.update(Buffer.from(data, 'base64')), decipher.final()]).toString('utf8');
  } catch (cause) {
    throw new FairwayError('data_loss', `${pointer} was changed, moved or renamed after SOPS encrypted it`, {
      cause,
    });
  }
  return typed(opened, type, pointer);
}

const listedMax = 100;

/** The object as it is applied: values decrypted, and noted where, so that nobody shows them. */
export function decryptDocument({ object, pointers }: SopsDocument, dataKey: Uint8Array): KubeObject {
  const opened = mapEncrypted(object, (text, path, pointer) =>
    decryptValue(text, dataKey, path, pointer),
  ) as KubeObject;
  const noted = pointers.length > listedMax ? ['*'] : pointers;
  const annotations = { ...opened.metadata.annotations, [decryptedAnnotation]: JSON.stringify(noted) };
  return { ...opened, metadata: { ...opened.metadata, annotations } };
}
