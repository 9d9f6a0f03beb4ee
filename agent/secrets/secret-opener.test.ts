import { readFileSync } from 'node:fs';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { silentLogger } from '../../shared/log/log.ts';
import { canonicalJson } from '../../shared/manifest/canonical.ts';
import { parseExactJson } from '../../shared/manifest/exact-json.ts';
import { decryptedAnnotation } from '../../shared/manifest/masking.ts';
import { encryptManifest, encryptValue } from './encrypt.test-support.ts';
import { createSecretOpener } from './secret-opener.ts';
import { decryptValue, readSops } from './sops-document.ts';

const published = JSON.parse(readFileSync(new URL('testdata/published.json', import.meta.url), 'utf8')) as {
  readonly identity: string;
  readonly manifest: object;
};

interface Opened {
  readonly metadata: { readonly annotations?: Record<string, string> };
  readonly [key: string]: unknown;
}

function keyring(...identities: readonly string[]) {
  const clock = createFakeClock();
  const state = { reads: 0, members: new Map<string, Uint8Array>() };
  const hold = (...held: readonly string[]) => {
    state.members = new Map([['keys.txt', Buffer.from(`# created\n${held.join('\r\n')}\n`)]]);
  };
  hold(...identities);
  const opener = createSecretOpener({
    readKeys: async () => {
      state.reads += 1;
      return state.members;
    },
    namespace: 'fairway-agent',
    clock,
    log: silentLogger,
  });
  const open = async (manifest: object) =>
    parseExactJson(await opener.open(canonicalJson(manifest))) as Opened;
  return { clock, state, hold, open, opener };
}

const secret = (values: Record<string, unknown>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'db', namespace: 'shop' },
  stringData: values,
});

async function pair() {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

describe('createSecretOpener', () => {
  it('opens what sops itself has encrypted', async () => {
    const opened = await keyring(published.identity).open(published.manifest);
    expect(opened).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'global-age-secret',
        namespace: 'default',
        annotations: { [decryptedAnnotation]: '["/stringData/key"]' },
      },
      type: 'Opaque',
      stringData: { key: 'global-value' },
    });
  });

  it('opens every type of value, in lists and maps, and leaves the rest', async () => {
    const { identity, recipient } = await pair();
    const manifest = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'w' },
      spec: {
        open: 'seen',
        data: { 'a.b/c~d': 'text', list: ['one', { deep: true }], n: 7, f: 1.5, none: '' },
      },
    };
    const opened = await keyring(identity).open(await encryptManifest(manifest, [recipient], /^data$/));
    const { [decryptedAnnotation]: pointers, ...annotations } = opened.metadata.annotations ?? {};
    expect([{ ...opened, metadata: { name: 'w' } }, annotations]).toEqual([manifest, {}]);
    expect((JSON.parse(pointers ?? '') as string[]).sort()).toEqual([
      '/spec/data/a.b~1c~0d',
      '/spec/data/f',
      '/spec/data/list/0',
      '/spec/data/list/1/deep',
      '/spec/data/n',
    ]);
  });

  it('passes what is not encrypted, and what an operator in the cluster decrypts itself, without reading a key', async () => {
    const ring = keyring();
    const { recipient } = await pair();
    const encrypted = await encryptManifest(secret({ a: 'b' }), [recipient]);
    const kept = {
      ...encrypted,
      metadata: { ...encrypted.metadata, annotations: { 'fairway.dev/sops': 'disabled' } },
    };
    const operators = { ...encrypted, apiVersion: 'isindir.github.com/v1alpha3', kind: 'SopsSecret' };
    for (const manifest of [secret({ sops: 'x' }), kept, operators])
      expect(await ring.opener.open(canonicalJson(manifest))).toBe(canonicalJson(manifest));
    expect(ring.state.reads).toBe(0);
  });

  it('opens by any of several keys, for any of several recipients', async () => {
    const [old, own, other] = [await pair(), await pair(), await pair()];
    const ring = keyring(old.identity, own.identity);
    const opened = await ring.open(
      await encryptManifest(secret({ a: 'b' }), [other.recipient, own.recipient]),
    );
    expect(opened['stringData']).toEqual({ a: 'b' });
  });

  it('follows a rotation without a restart, and forgets a key that was taken away', async () => {
    const [first, second] = [await pair(), await pair()];
    const ring = keyring(first.identity);
    const before = await encryptManifest(secret({ a: '1' }), [first.recipient]);
    const after = await encryptManifest(secret({ a: '2' }), [second.recipient]);
    expect((await ring.open(before))['stringData']).toEqual({ a: '1' });
    await expect(ring.open(after)).rejects.toMatchObject({ code: 'failed_precondition' });
    ring.hold(second.identity);
    await ring.clock.advance(1_000);
    expect((await ring.open(after))['stringData']).toEqual({ a: '2' });
    await expect(ring.open(before)).rejects.toMatchObject({ code: 'failed_precondition' });
  });

  it('reads keys and opens a data key once for many manifests', async () => {
    const { identity, recipient } = await pair();
    const ring = keyring(identity);
    const manifest = await encryptManifest(secret({ a: 'b' }), [recipient]);
    await Promise.all(Array.from({ length: 20 }, () => ring.open(manifest)));
    await ring.open(manifest);
    expect(ring.state.reads).toBe(1);
    await ring.clock.advance(60_000);
    await ring.open(manifest);
    expect(ring.state.reads).toBe(2);
  });

  it('names the recipients that a manifest wants when there is no key, never a value or a key', async () => {
    const [held, wanted] = [await pair(), await pair()];
    const manifest = await encryptManifest(secret({ a: 'hunter2' }), [wanted.recipient]);
    const refused = await keyring(held.identity)
      .open(manifest)
      .catch((caught: Error) => caught);
    expect(refused).toMatchObject({
      code: 'failed_precondition',
      message: `it is encrypted with SOPS for ${wanted.recipient}, and this cluster has other age keys (1) in Secret fairway-agent/fairway-sops-age`,
      details: { sops: true },
    });
    await expect(keyring().open(manifest)).rejects.toThrow(/has no age keys in Secret/);
    await expect(keyring('AGE-SECRET-KEY-1BROKEN').open(manifest)).rejects.toThrow(
      /has other age keys \(1\)/,
    );
  });

  it('refuses other masters and groups of keys by name, and an encrypted name', async () => {
    const { recipient } = await pair();
    const encrypted = await encryptManifest(secret({ a: 'b' }), [recipient]);
    const { age: _age, ...rest } = encrypted.sops;
    const ring = keyring();
    const pgp = { ...encrypted, sops: { ...rest, age: [], pgp: [{ fp: 'x' }], kms: [{ arn: 'y' }] } };
    await expect(ring.open(pgp)).rejects.toThrow(/encrypted with SOPS for pgp and kms only: .*age recipient/);
    const groups = { ...encrypted, sops: { ...rest, key_groups: [{ age: [] }] } };
    await expect(ring.open(groups)).rejects.toMatchObject({ code: 'unsupported' });
    const all = await encryptManifest(secret({ a: 'b' }), [recipient], /./);
    await expect(ring.open(all)).rejects.toThrow(/\/apiVersion is encrypted: .*--encrypted-regex/);
  });

  it('refuses a value that was changed, moved, or is of another file', async () => {
    const { identity, recipient } = await pair();
    const ring = keyring(identity);
    const encrypted = await encryptManifest(secret({ a: 'one', b: 'two' }), [recipient]);
    const { a, b } = encrypted.stringData as { a: string; b: string };
    const foreign = await encryptManifest(secret({ a: 'other' }), [recipient]);
    const changed = a.replace(/data:(.)/, (_all, first: string) => `data:${first === 'A' ? 'B' : 'A'}`);
    // A part of the tag would be easier to guess; what lacks a part is no password.
    const lessTag = a.replace(
      /tag:[^,]+/,
      (tag) => `tag:${Buffer.from(tag.slice(4), 'base64').subarray(0, 4).toString('base64')}`,
    );
    const cut = [lessTag, a.slice(0, -1), a.replace(/,tag:[^,]+/, ''), a.replace(/data:[^,]+/, 'data:')];
    for (const stringData of [
      { a: b },
      { a: changed },
      foreign.stringData,
      { b: a },
      ...cut.map((text) => ({ a: text })),
    ])
      await expect(ring.open({ ...encrypted, stringData })).rejects.toMatchObject({
        code: 'data_loss',
        message: expect.stringMatching(/^\/stringData\/[ab] was changed, moved or renamed/),
      });
  });
});

describe('decryptValue', () => {
  const key = Buffer.from('f'.repeat(32));

  it('agrees with the vector of sops (aes/cipher_test.go)', () => {
    const text =
      'ENC[AES256_GCM,data:oYyi,iv:MyIDYbT718JRr11QtBkcj3Dwm4k1aCGZBVeZf0EyV8o=,tag:t5z2Z023Up0kxwCgw1gNxg==,type:str]';
    expect(decryptValue(text, key, ['bar'], '/bar')).toBe('foo');
    expect(() => decryptValue(text, key, [], '/bar')).toThrow(/was changed, moved or renamed/);
  });

  it('keeps the digits of large numbers, and quotes no value whose type is a lie', () => {
    const value = (text: string, type: string) => encryptValue({ text, type }, key, ['a']);
    expect(decryptValue(value('9007199254740993', 'int'), key, ['a'], '/a')).toBe(9007199254740993n);
    expect(decryptValue(value('True', 'bool'), key, ['a'], '/a')).toBe(true);
    expect(decryptValue(value('0.25', 'float'), key, ['a'], '/a')).toBe(0.25);
    for (const type of ['int', 'float', 'bool', 'comment'])
      expect(() => decryptValue(value('hunter2', type), key, ['a'], '/a')).toThrow(
        '/a does not hold a value of the type that SOPS noted',
      );
  });
});

describe('readSops', () => {
  it('takes a member named sops that is none of SOPS for what it is', () => {
    expect(readSops(canonicalJson({ ...secret({}), sops: 'x' }))).toBeUndefined();
    expect(readSops(canonicalJson({ ...secret({}), sops: { replicas: 1 } }))).toBeUndefined();
  });
});
