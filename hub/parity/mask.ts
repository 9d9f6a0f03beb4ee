import { Buffer } from 'node:buffer';
import { canonicalJson } from '../../shared/manifest/canonical.ts';
import { decryptedAnnotation } from '../../shared/manifest/masking.ts';
import {
  isJsonObject,
  isSecret,
  type Json,
  type JsonObject,
  type KubeObject,
  keyOf,
} from '../../shared/manifest/object.ts';
import { isForOperator } from '../../shared/manifest/sops-operator.ts';
import { escapePart } from './field-path.ts';

/** `#` and a keyed digest of the value at a path of the object, short; nobody without the key can test a guess against it. */
export type Fingerprint = (path: string, text: string) => string;

/** What the agent has said of a manifest's encrypted values: by JSON pointer their fingerprints, made as the hub makes its own. Undefined: nothing. */
export type SealedValues = JsonObject | undefined;

const encrypted = 'ENC[AES256_GCM,';
/** In place of the ciphertext of a Secret's value. */
const unopened = 'ENC[#';

const valueCharactersMax = 512;
/** As `fingerprintValue` writes them, and ciphertext that stands for itself. A plain value that looks like one is hidden as well: that it differs is told all the same. */
const fingerprints = /"(?:ENC\[)?#[0-9a-f]{16}\]?"/g;
const fingerprintWords = /#[0-9a-f]{16}(?![0-9a-f])/g;
const hidden = '(not shown)';

/**
 * A value as it is kept and shown: canonical JSON, 512 characters at most, without fingerprints. Whoever has a group's salt, an agent that was taken over, could try out what a short
 * value of another cluster is from its fingerprint; and to people it says nothing but that it differs.
 */
export function showValue(value: Json | undefined): string | undefined {
  return value === undefined
    ? undefined
    : canonicalJson(value).replaceAll(fingerprints, `"${hidden}"`).slice(0, valueCharactersMax);
}

/** A sentence without fingerprints: a rule that fails may quote what it was given. */
export function showText(text: string): string {
  return text.replaceAll(fingerprintWords, hidden);
}

/** What SOPS has encrypted, and no agent has said what it is. */
export function isSealed(value: Json | undefined): boolean {
  return typeof value === 'string' && (value.startsWith(encrypted) || value.startsWith(unopened));
}

/**
 * The object as it may be compared: of a Secret each value by its fingerprint, `stringData` among `data` as the API server keeps it; of any object what SOPS has encrypted
 * by the fingerprints of what the agent found when it opened it. Equal values have equal fingerprints. What the agent has not told stays sealed.
 */
export function fingerprintSecret(
  object: KubeObject,
  fingerprint: Fingerprint,
  sealed?: SealedValues,
): KubeObject {
  const opens = object['sops'] !== undefined && !isForOperator(object);
  if (!isSecret(keyOf(object)) && object.metadata.annotations?.[decryptedAnnotation] === undefined)
    return opens ? (openAll(object, sealed ?? {}, '') as KubeObject) : object;
  const { data, stringData, ...rest } = object;
  const members: Record<string, Json> = {};
  const put = (field: 'data' | 'stringData', name: string, text: string) => {
    const part = escapePart(name);
    const path = `/data/${part}`;
    if (opens && text.startsWith(encrypted))
      members[name] = told(sealed, `/${field}/${part}`) ?? `${unopened}${fingerprint(path, text)}]`;
    else members[name] = fingerprint(path, field === 'data' ? text : Buffer.from(text).toString('base64'));
  };
  for (const [name, value] of membersOf(data)) put('data', name, String(value));
  for (const [name, value] of membersOf(stringData)) put('stringData', name, String(value));
  return {
    ...rest,
    ...(data !== undefined || stringData !== undefined ? { data: members } : {}),
  } as KubeObject;
}

function told(sealed: SealedValues, pointer: string): string | undefined {
  const found = sealed && Object.hasOwn(sealed, pointer) ? sealed[pointer] : undefined;
  return typeof found === 'string' ? found : undefined;
}

/** Any value, with what was encrypted in it by its fingerprint where that is told. */
function openAll(value: Json, sealed: JsonObject, pointer: string): Json {
  if (typeof value === 'string')
    return value.startsWith(encrypted) ? (told(sealed, pointer) ?? value) : value;
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item, at) => openAll(item, sealed, `${pointer}/${at}`));
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([name, member]) => [
    name,
    openAll(member ?? null, sealed, `${pointer}/${escapePart(name)}`),
  ]);
  return Object.fromEntries(members) as JsonObject;
}

function membersOf(value: Json | undefined): readonly (readonly [string, Json])[] {
  if (!isJsonObject(value)) return [];
  return Object.entries(value as JsonObject).map(([name, member]) => [name, member ?? null] as const);
}
