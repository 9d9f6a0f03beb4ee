/**
 * Who this agent is: its key, certificate and whom it trusts, kept in one named Secret of its namespace, or in a directory. Whoever can read it
 * can speak for the cluster. A pod that is deleted with its disk finds it again.
 */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FairwayError } from '../../shared/error/error.ts';
import type { SecretsPort } from './secrets-port.ts';

export interface Identity {
  readonly cluster: string;
  readonly privateKeyPem: string;
  /** Leaf first, then the CA. */
  readonly certificateChainPem: string;
  /** The only authority trusted. */
  readonly caPem: string;
  /** `host:port`, in order of preference. */
  readonly hubAddresses: readonly string[];
  /** Verified in the hub's certificate whatever address is dialled. */
  readonly serverName: string;
  /** Base64 of 32 bytes: seals the cached desired state. */
  readonly cacheKey: string;
}

/** A key that a hub may have certified already, though no answer has come. */
export interface PendingKey {
  /** The token that it is shown with. Another token takes another key. */
  readonly tokenId: string;
  readonly privateKeyPem: string;
}

export interface PendingKeys {
  /** Undefined when there is none that can be read. */
  loadPending(): Promise<PendingKey | undefined>;
  /** Durable when it resolves. Replaces the one before. */
  savePending(pending: PendingKey): Promise<void>;
}

export interface IdentityStore extends PendingKeys {
  /** Undefined when this agent has not been enrolled. @throws data_loss when what is there cannot be read. */
  load(): Promise<Identity | undefined>;
  /** Durable when it resolves. Forgets the pending key. */
  save(identity: Identity): Promise<void>;
}

const identitySecretName = 'fairway-agent-identity';
const member = 'identity.json';
const pendingMember = 'pending.json';

function parseIdentity(text: string): Identity {
  let value: Partial<Record<keyof Identity, unknown>>;
  try {
    value = JSON.parse(text) as typeof value;
  } catch (cause) {
    throw new FairwayError('data_loss', 'the stored identity cannot be read', { cause });
  }
  const text_ = (name: keyof Identity): string => {
    const field = value[name];
    if (typeof field !== 'string' || field === '')
      throw new FairwayError('data_loss', 'the stored identity is not whole', { details: { field: name } });
    return field;
  };
  const { hubAddresses } = value;
  return {
    cluster: text_('cluster'),
    privateKeyPem: text_('privateKeyPem'),
    certificateChainPem: text_('certificateChainPem'),
    caPem: text_('caPem'),
    hubAddresses: Array.isArray(hubAddresses) ? hubAddresses.map(String) : [],
    serverName: text_('serverName'),
    cacheKey: text_('cacheKey'),
  };
}

/** What cannot be read is none: a new key costs at most a spent token. */
function parsePending(text: string): PendingKey | undefined {
  try {
    const { tokenId, privateKeyPem } = JSON.parse(text) as Partial<Record<keyof PendingKey, unknown>>;
    if (typeof tokenId === 'string' && typeof privateKeyPem === 'string') return { tokenId, privateKeyPem };
  } catch {
    // As the comment above says.
  }
  return undefined;
}

const toBytes = (value: unknown) => Buffer.from(JSON.stringify(value));

/** In a Secret of the agent's namespace. */
export function createSecretIdentityStore(secrets: SecretsPort, name = identitySecretName): IdentityStore {
  return {
    async load() {
      const data = await secrets.read(name);
      const bytes = data?.get(member);
      return bytes && parseIdentity(Buffer.from(bytes).toString());
    },
    save: (identity) => secrets.write(name, new Map([[member, toBytes(identity)]])),
    async loadPending() {
      const bytes = (await secrets.read(name))?.get(pendingMember);
      return bytes && parsePending(Buffer.from(bytes).toString());
    },
    async savePending(pending) {
      const data = (await secrets.read(name)) ?? new Map<string, Uint8Array>();
      await secrets.write(name, new Map([...data, [pendingMember, toBytes(pending)]]));
    },
  };
}

/** In a file that only its owner can read. */
export function createDirectoryIdentityStore(directory: string): IdentityStore {
  const read = async (name: string): Promise<string | undefined> => {
    try {
      return await readFile(join(directory, name), 'utf8');
    } catch (caught) {
      if ((caught as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw caught;
    }
  };
  return {
    async load() {
      const text = await read(member);
      return text === undefined ? undefined : parseIdentity(text);
    },
    async save(identity) {
      await writeFileDurably(directory, member, toBytes(identity));
      await rm(join(directory, pendingMember), { force: true });
    },
    async loadPending() {
      const text = await read(pendingMember);
      return text === undefined ? undefined : parsePending(text);
    },
    savePending: (pending) => writeFileDurably(directory, pendingMember, toBytes(pending)),
  };
}

/** Temporary file, fsync, rename, fsync of the directory: the old content or the new, never half of it. */
export async function writeFileDurably(directory: string, name: string, content: Uint8Array): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const temporary = join(directory, `.${name}.new`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(directory, name));
  const folder = await open(directory, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
