import { Buffer } from 'node:buffer';
import { decryptedAnnotation } from '../../shared/manifest/masking.ts';
import {
  isSecret,
  type Json,
  type JsonObject,
  type KubeObject,
  keyOf,
} from '../../shared/manifest/object.ts';
import { isObject } from './field-path.ts';

/** A keyed digest of a text, short; nobody without the key can test a guess against it. */
export type Fingerprint = (text: string) => string;

/**
 * A Secret with each value replaced by its fingerprint, `stringData` among `data` as the API server keeps it; equal values have equal fingerprints. Other objects
 * pass as they are.
 */
export function fingerprintSecret(object: KubeObject, fingerprint: Fingerprint): KubeObject {
  if (!isSecret(keyOf(object)) && object.metadata.annotations?.[decryptedAnnotation] === undefined)
    return object;
  const { data, stringData, ...rest } = object;
  const members: Record<string, Json> = {};
  for (const [name, value] of membersOf(data)) members[name] = `#${fingerprint(String(value))}`;
  for (const [name, value] of membersOf(stringData))
    members[name] = `#${fingerprint(Buffer.from(String(value)).toString('base64'))}`;
  return {
    ...rest,
    ...(data !== undefined || stringData !== undefined ? { data: members } : {}),
  } as KubeObject;
}

function membersOf(value: Json | undefined): readonly (readonly [string, Json])[] {
  if (!isObject(value)) return [];
  return Object.entries(value as JsonObject).map(([name, member]) => [name, member ?? null] as const);
}
