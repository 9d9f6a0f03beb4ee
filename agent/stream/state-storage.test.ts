import { mkdtemp, readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDirectoryIdentityStore, createSecretIdentityStore, type Identity } from './identity-store.ts';
import type { SecretsPort } from './secrets-port.ts';
import { createDirectoryStorage, createSecretStorage } from './state-storage.ts';

function memorySecrets(): SecretsPort & {
  readonly held: Map<string, ReadonlyMap<string, Uint8Array>>;
  failAt: string;
} {
  const held = new Map<string, ReadonlyMap<string, Uint8Array>>();
  return {
    held,
    failAt: '',
    read: async (name) => held.get(name),
    async write(name, data) {
      if (name === this.failAt) throw new Error('API server gone');
      held.set(name, data);
    },
    async remove(name) {
      held.delete(name);
    },
  };
}

const identity: Identity = {
  cluster: 'eu-1',
  privateKeyPem: 'key',
  certificateChainPem: 'chain',
  caPem: 'ca',
  hubAddresses: ['hub:1'],
  serverName: 'fairway-hub',
  cacheKey: 'cache',
};

describe('state in Secrets', () => {
  it('is cut in chunks and put together again, and leaves no chunk of an older snapshot', async () => {
    const secrets = memorySecrets();
    const storage = createSecretStorage(secrets, 10);
    expect(await storage.load()).toBeUndefined();
    const first = Buffer.from('a'.repeat(35));
    await storage.save(first);
    expect(secrets.held.size).toBe(5);
    expect(Buffer.from((await storage.load())!)).toEqual(first);
    await storage.save(Buffer.from('b'));
    expect(secrets.held.size).toBe(1);
    expect(Buffer.from((await storage.load())!).toString()).toBe('b');
  });

  it('takes one request for what fits in one Secret', async () => {
    const secrets = memorySecrets();
    const storage = createSecretStorage(secrets, 10);
    await storage.save(Buffer.from('one'));
    const asked: string[] = [];
    const counted: SecretsPort = {
      read: (name) => secrets.read(name).finally(() => asked.push(`read ${name}`)),
      write: (name, data) => secrets.write(name, data).finally(() => asked.push(`write ${name}`)),
      remove: (name) => secrets.remove(name).finally(() => asked.push(`remove ${name}`)),
    };
    const next = createSecretStorage(counted, 10);
    expect(Buffer.from((await next.load())!).toString()).toBe('one');
    asked.length = 0;
    await next.save(Buffer.from('two'));
    expect(asked).toEqual(['write fairway-agent-state']);
    expect(Buffer.from((await createSecretStorage(secrets, 10).load())!).toString()).toBe('two');
  });

  it('bears marks beside the content, whole or in chunks', async () => {
    const told: unknown[] = [];
    const secrets = memorySecrets();
    const port: SecretsPort = {
      ...secrets,
      async write(name, data, annotations) {
        if (name === 'fairway-agent-state') told.push(annotations);
        await secrets.write(name, data);
      },
    };
    const storage = createSecretStorage(port, 10);
    await storage.save(Buffer.from('one'), '{"a/1":{"shop":1}}');
    await storage.save(Buffer.from('a'.repeat(35)), '{"a/1":{"shop":2}}');
    await storage.save(Buffer.from('two'));
    expect(told).toEqual([
      { 'fairway.dev/applied': '{"a/1":{"shop":1}}' },
      { 'fairway.dev/applied': '{"a/1":{"shop":2}}' },
      undefined,
    ]);
  });

  it('does not take a snapshot for whole whose content was lost', async () => {
    const secrets = memorySecrets();
    await createSecretStorage(secrets).save(Buffer.from('one'));
    const [[name, data]] = [...secrets.held] as [[string, ReadonlyMap<string, Uint8Array>]];
    secrets.held.set(name, new Map([...data].filter(([member]) => member !== 'chunk')));
    expect(await createSecretStorage(secrets).load()).toBeUndefined();
  });

  it('keeps the last snapshot whole when a write breaks off', async () => {
    const secrets = memorySecrets();
    const storage = createSecretStorage(secrets, 10);
    await storage.save(Buffer.from('a'.repeat(15)));
    const [index] = [...secrets.held.keys()].filter((name) => !/-\d+$/.test(name));
    secrets.failAt = index!;
    await expect(storage.save(Buffer.from('b'.repeat(15)))).rejects.toThrow();
    expect(Buffer.from((await storage.load())!).toString()).toBe('a'.repeat(15));
    for (const name of secrets.held.keys()) if (/-\d+$/.test(name)) secrets.held.delete(name);
    expect(await storage.load()).toBeUndefined();
  });
});

describe('state in a directory', () => {
  it('is replaced as a whole and readable by its owner only', async () => {
    const directory = join(await mkdtemp(join(tmpdir(), 'fairway-')), 'state');
    const storage = createDirectoryStorage(directory);
    expect(await storage.load()).toBeUndefined();
    await storage.save(Buffer.from('one'));
    await storage.save(Buffer.from('two'));
    expect(Buffer.from((await storage.load())!).toString()).toBe('two');
    const [file, ...others] = await readdir(directory);
    expect(others).toEqual([]);
    expect((await stat(join(directory, file!))).mode & 0o077).toBe(0);
  });
});

describe('identity', () => {
  it('is kept in a directory or a Secret, and one that is not whole is refused', async () => {
    const secrets = memorySecrets();
    const stores = [
      createDirectoryIdentityStore(await mkdtemp(join(tmpdir(), 'fairway-'))),
      createSecretIdentityStore(secrets),
    ];
    for (const store of stores) {
      expect(await store.load()).toBeUndefined();
      await store.save(identity);
      expect(await store.load()).toEqual(identity);
    }
    secrets.held.set(
      'fairway-agent-identity',
      new Map([['identity.json', Buffer.from('{"cluster":"eu-1"}')]]),
    );
    await expect(stores[1]!.load()).rejects.toMatchObject({ code: 'data_loss' });
  });

  it('keeps a pending key until there is an identity', async () => {
    const pending = { tokenId: 't1', privateKeyPem: 'key' };
    const secrets = memorySecrets();
    const directory = await mkdtemp(join(tmpdir(), 'fairway-'));
    for (const store of [createDirectoryIdentityStore(directory), createSecretIdentityStore(secrets)]) {
      expect(await store.loadPending()).toBeUndefined();
      await store.savePending({ tokenId: 't0', privateKeyPem: 'older' });
      await store.savePending(pending);
      expect(await store.loadPending()).toEqual(pending);
      expect(await store.load()).toBeUndefined();
      await store.save(identity);
      expect(await store.loadPending()).toBeUndefined();
      expect(await store.load()).toEqual(identity);
    }
    for (const damaged of ['{', '{}', 'null', '7']) {
      secrets.held.set('fairway-agent-identity', new Map([['pending.json', Buffer.from(damaged)]]));
      expect(await createSecretIdentityStore(secrets).loadPending()).toBeUndefined();
    }
    expect((await stat(directory)).mode & 0o077).toBe(0);
  });
});
