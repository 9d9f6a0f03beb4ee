/** Where the cached desired state lies: one sealed, compressed snapshot, in a directory or in chunked Secrets. */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip, gzipSync } from 'node:zlib';
import type { Random } from '../../shared/clock/random.ts';
import { markAnnotation } from '../model/inventory.ts';
import { writeFileDurably } from './identity-store.ts';
import type { SecretsPort } from './secrets-port.ts';

/** Bytes under one name, replaced as a whole: durable when `save` resolves, the old or the new after a crash. */
export interface StateStorage {
  load(): Promise<Uint8Array | undefined>;
  /** @param marks told beside the content to whoever may not read that, where the storage has a place for it. */
  save(content: Uint8Array, marks?: string): Promise<void>;
}

/** @param fileName one snapshot, one file. */
export function createDirectoryStorage(directory: string, fileName = 'desired-state'): StateStorage {
  return {
    async load() {
      try {
        return await readFile(join(directory, fileName));
      } catch (caught) {
        if ((caught as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw caught;
      }
    },
    save: (content) => writeFileDurably(directory, fileName, content),
  };
}

/** A Secret holds at most 1 MiB (https://kubernetes.io/docs/concepts/configuration/secret/#restriction-data-size); room is left for metadata. */
export const chunkBytes = 900 * 1024;
export const stateName = 'fairway-agent-state';

interface StateIndex {
  /** Of the two sets of chunk names, the one in force. */
  readonly set: string;
  /** None: the content lies in the index itself. */
  readonly chunks: number;
}

/**
 * A snapshot that fits lies in one Secret, the index, and is replaced in one request. The chunks of a larger one are written beside those of
 * the last, under the other of two sets of names; then the index is turned to them. A crash in between leaves the last snapshot whole. One
 * agent writes: what it wrote last is not read again.
 */
export function createSecretStorage(
  secrets: SecretsPort,
  chunkBytesMax = chunkBytes,
  indexName = stateName,
): StateStorage {
  let last: StateIndex | undefined;
  const chunkName = (set: string, index: number) => `${indexName}-${set}-${index}`;
  const readIndex = async () => {
    const data = await secrets.read(indexName);
    const text = (name: string) => Buffer.from(data?.get(name) ?? []).toString();
    return data && { set: text('set'), chunks: Number(text('chunks')), digest: text('digest'), data };
  };
  const writeIndex = async (
    index: StateIndex,
    content: Uint8Array,
    inline: readonly [string, Uint8Array][],
    marks: string | undefined,
  ) => {
    const words = { set: index.set, chunks: String(index.chunks), digest: digest(content) };
    const data = Object.entries(words).map(([name, text]) => [name, Buffer.from(text)] as const);
    const annotations = marks === undefined ? undefined : { [markAnnotation]: marks };
    await secrets.write(indexName, new Map<string, Uint8Array>([...data, ...inline]), annotations);
    last = index;
  };
  return {
    async load() {
      const index = await readIndex();
      if (!index) return undefined;
      last = { set: index.set, chunks: index.chunks };
      const parts: Uint8Array[] = index.chunks === 0 ? [index.data.get('chunk') ?? new Uint8Array()] : [];
      for (let i = 0; i < index.chunks; i += 1)
        parts.push((await secrets.read(chunkName(index.set, i)))?.get('chunk') ?? new Uint8Array());
      const content = Buffer.concat(parts);
      return digest(content) === index.digest ? content : undefined;
    },
    async save(content, marks) {
      const before = last ?? (await readIndex());
      const set = before?.set === 'a' ? 'b' : 'a';
      if (content.length <= chunkBytesMax)
        await writeIndex({ set, chunks: 0 }, content, [['chunk', content]], marks);
      else {
        const chunks = Math.ceil(content.length / chunkBytesMax);
        for (let i = 0; i < chunks; i += 1) {
          const chunk = content.subarray(i * chunkBytesMax, (i + 1) * chunkBytesMax);
          await secrets.write(chunkName(set, i), new Map([['chunk', chunk]]));
        }
        await writeIndex({ set, chunks }, content, [], marks);
      }
      for (let i = 0; i < (before?.chunks ?? 0); i += 1)
        await secrets.remove(chunkName(before?.set ?? '', i));
    },
  };
}

function digest(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

const compressLarge = promisify(gzip);
/** Texts up to this size, in characters, are compressed at once and fast: for them a thread of their own costs more than the compression. */
const smallMax = 16 * 1024;
const small = { level: 1, windowBits: 13, memLevel: 6 } as const;
const compress = (text: string): Buffer | Promise<Buffer> =>
  text.length <= smallMax ? gzipSync(text, small) : compressLarge(text);
const decompress = promisify(gunzip);
const magic = Buffer.from('fwd1');
const nonceBytes = 12;
const tagBytes = 16;
/** No snapshot is that large; a forged one must not fill the memory. */
const snapshotBytesMax = 512 * 1024 * 1024;

/** AES-256-GCM around gzip: the state holds Secrets, and a changed byte must be noticed. */
export async function sealState(text: string, key: Uint8Array, random: Random): Promise<Uint8Array> {
  const nonce = random.bytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const body = cipher.update(await compress(text));
  return Buffer.concat([magic, nonce, body, cipher.final(), cipher.getAuthTag()]);
}

/** @throws anything when it was not sealed with this key or has changed since. */
export async function openState(content: Uint8Array, key: Uint8Array): Promise<string> {
  const bytes = Buffer.from(content);
  if (bytes.length < magic.length + nonceBytes + tagBytes || !bytes.subarray(0, magic.length).equals(magic))
    throw new Error('not a sealed state');
  const bodyStart = magic.length + nonceBytes;
  const bodyEnd = bytes.length - tagBytes;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(magic.length, bodyStart));
  decipher.setAuthTag(bytes.subarray(bodyEnd));
  const body = Buffer.concat([decipher.update(bytes.subarray(bodyStart, bodyEnd)), decipher.final()]);
  return (await decompress(body, { maxOutputLength: snapshotBytesMax })).toString();
}
