/** Encrypts as SOPS does (aes/cipher.go, sops.go), for tests: data key for age recipients, each value by itself, a `sops` block. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { armor, Encrypter } from 'age-encryption';
import type { Json, JsonObject } from '../../shared/manifest/object.ts';

interface Plain {
  readonly text: string;
  readonly type: string;
}

function plainOf(value: Json): Plain {
  if (typeof value === 'boolean') return { text: value ? 'True' : 'False', type: 'bool' };
  if (typeof value === 'number')
    return { text: String(value), type: Number.isInteger(value) ? 'int' : 'float' };
  return { text: String(value), type: 'str' };
}

/** `ENC[...]` of one value. */
export function encryptValue({ text, type }: Plain, dataKey: Uint8Array, path: readonly string[]): string {
  const iv = randomBytes(32);
  const cipher = createCipheriv('aes-256-gcm', dataKey, iv);
  cipher.setAAD(Buffer.from(`${path.join(':')}:`));
  const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]).toString('base64');
  return `ENC[AES256_GCM,data:${data},iv:${iv.toString('base64')},tag:${cipher.getAuthTag().toString('base64')},type:${type}]`;
}

function encryptTree(
  value: Json | undefined,
  dataKey: Uint8Array,
  path: readonly string[],
  on: boolean,
  regex: RegExp,
): Json {
  if (value === null || value === undefined || value === '') return value ?? null;
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item) => encryptTree(item, dataKey, path, on, regex));
  if (typeof value !== 'object') return on ? encryptValue(plainOf(value), dataKey, path) : value;
  const members = Object.entries(value as JsonObject).map(([name, member]) => [
    name,
    encryptTree(member, dataKey, [...path, name], on || regex.test(name), regex),
  ]);
  return Object.fromEntries(members) as JsonObject;
}

/** @param recipients age recipients (`age1...`). @param regex as `encrypted_regex`. */
export async function encryptManifest<T extends object>(
  manifest: T,
  recipients: readonly string[],
  regex = /^(data|stringData)$/,
): Promise<T & { readonly sops: JsonObject }> {
  const dataKey = randomBytes(32);
  const age = await Promise.all(
    recipients.map(async (recipient) => {
      const encrypter = new Encrypter();
      encrypter.addRecipient(recipient);
      return { recipient, enc: armor.encode(await encrypter.encrypt(dataKey)) };
    }),
  );
  const lastmodified = '2026-11-21T12:00:00Z';
  const mac = encryptValue({ text: 'A'.repeat(128), type: 'str' }, dataKey, [lastmodified]);
  const tree = encryptTree(manifest as unknown as JsonObject, dataKey, [], false, regex) as unknown as T;
  return { ...tree, sops: { age, lastmodified, mac, encrypted_regex: regex.source, version: '3.10.2' } };
}
