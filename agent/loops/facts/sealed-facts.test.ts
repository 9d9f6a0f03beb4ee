import { generateIdentity, identityToRecipient } from 'age-encryption';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../shared/clock/clock.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { fingerprintValue, placeOfValue } from '../../../shared/manifest/fingerprint.ts';
import type { JsonObject } from '../../../shared/manifest/object.ts';
import type { DesiredState } from '../../model/desired.ts';
import { encryptManifest } from '../../secrets/encrypt.test-support.ts';
import { createSecretOpener } from '../../secrets/secret-opener.ts';
import { createSealedFacts } from './sealed-facts.ts';

const salt = new Uint8Array(32).fill(9);
let identity: string;
let recipient: string;
beforeAll(async () => {
  identity = await generateIdentity();
  recipient = await identityToRecipient(identity);
});

const originId = '/Secret/shop/key';
const secret = (members: JsonObject) => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key', namespace: 'shop' } },
  ...members,
});
const sealed = async (manifest: object, regex?: RegExp) =>
  JSON.stringify(await encryptManifest(manifest, [recipient], regex));

/** One application of manifests, by their digests. */
function desire(texts: Readonly<Record<string, string>>) {
  const entries = Object.keys(texts).map((objectDigest) => ({ objectDigest, originId }));
  return {
    applications: () => new Map([['web', { application: 'web', target: { set: { entries } } }]]),
    object: (digest: string) => texts[digest],
  } as unknown as Pick<DesiredState, 'applications' | 'object'>;
}
const asked = () => new AbortController();

/** What is told of manifests under a salt. */
async function tell(texts: Readonly<Record<string, string>>, under = salt, opens = true) {
  const opener = createSecretOpener({
    readKeys: async () => (opens ? new Map([['key', Buffer.from(identity)]]) : undefined),
    ...{ namespace: 'own', clock: systemClock, log: silentLogger },
  });
  const facts = createSealedFacts({ desired: desire(texts), reveal: (text) => opener.open(text) }, under);
  return new Map((await facts.collect(asked().signal)).facts);
}

describe('createSealedFacts', () => {
  it('tells equal values alike, however they are written and encrypted', async () => {
    const plain = Buffer.from('hush').toString('base64');
    const told = await tell({
      a: await sealed(secret({ stringData: { a: 'hush' } })),
      b: await sealed(secret({ data: { a: plain } })),
      c: await sealed(secret({ data: { a: Buffer.from('rush').toString('base64') } })),
      d: await sealed(secret({ data: { b: plain } })),
    });
    // As the hub does of a value that is not encrypted at all.
    const print = fingerprintValue(salt, placeOfValue('web', originId, '/data/a'), plain);
    expect(told.get('a')).toEqual({ '/stringData/a': print });
    expect(told.get('b')).toEqual({ '/data/a': print });
    expect(told.get('c')).not.toEqual(told.get('b'));
    expect(Object.values(told.get('d') as JsonObject)[0]).not.toBe(print);
    expect(JSON.stringify([...told])).not.toMatch(/hush|aHVzaA|ENC/);
  });

  it('tells the same value under another salt otherwise', async () => {
    const text = await sealed(secret({ stringData: { a: 'hush' } }));
    const [mine, other] = [await tell({ a: text }), await tell({ a: text }, new Uint8Array(32))];
    expect(mine.get('a')).not.toEqual(other.get('a'));
  });

  it('counts positions in lists for nothing', async () => {
    const widget = (...list: readonly JsonObject[]) => ({
      ...{ apiVersion: 'x.io/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { list } },
    });
    const told = await tell({
      a: await sealed(widget({ name: 'a', password: 7 }), /^password$/),
      b: await sealed(widget({ name: 'b' }, { name: 'a', password: 7 }), /^password$/),
    });
    const [left, right] = ['a', 'b'].map((digest) => Object.entries(told.get(digest) as JsonObject)[0]);
    expect([left?.[0], right?.[0]]).toEqual(['/spec/list/0/password', '/spec/list/1/password']);
    expect(left?.[1]).toBe(right?.[1]);
  });

  it('ends with the question, and goes on from there with the next one', async () => {
    const texts: Record<string, string> = {};
    for (const name of ['a', 'b', 'c'])
      texts[name] = await sealed(secret({ stringData: { [name]: 'hush' } }));
    const question = asked();
    const opened: string[] = [];
    const reveal = async (text: string) => {
      opened.push(text);
      if (opened.length === 2) question.abort(new Error('nobody waits'));
      return JSON.stringify(secret({ stringData: {} }));
    };
    const facts = createSealedFacts({ desired: desire(texts), reveal }, salt);
    await expect(facts.collect(question.signal)).rejects.toThrow('nobody waits');
    expect(opened).toEqual([texts['a'], texts['b']]);
    expect((await facts.collect(asked().signal)).facts).toHaveLength(3);
    expect(opened).toEqual([texts['a'], texts['b'], texts['c']]);
  });

  it('says nothing of what is not encrypted, or cannot be opened here', async () => {
    const texts = { a: await sealed(secret({ stringData: { a: 'hush' } })), b: JSON.stringify(secret({})) };
    expect([...(await tell(texts)).keys()]).toEqual(['a']);
    expect([...(await tell(texts, salt, false)).keys()]).toEqual([]);
  });
});
