import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { systemRandom } from '../../shared/clock/random.ts';
import { silentLogger } from '../../shared/log/log.ts';
import { openStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import { createAuditLimiter } from './audit.ts';
import { readPublicKey } from './csr.ts';
import { createRegistry } from './registry.ts';
import { createTokenParts, parseToken, tokenText } from './token.ts';

const stores: Store[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function registryOf() {
  const clock = createFakeClock(Date.now());
  const common = { clock, random: systemRandom, log: silentLogger };
  const store = await openStore({ ...common, path: ':memory:', dataKey: Buffer.alloc(32, 1) });
  stores.push(store);
  const registry = await createRegistry({
    ...common,
    store,
    serverNames: ['hub.example', '10.0.0.1', '::1'],
  });
  return { clock, store, registry, again: () => createRegistry({ ...common, store }) };
}

/** PKCS#10 requests made by openssl-like means are tested through the agent; here only what must be refused. */
const garbage = Buffer.from('30030201', 'hex');

describe('authority', () => {
  it('stays the same over restarts, and serves with a certificate that cannot act as a client', async () => {
    const { registry, again, clock } = await registryOf();
    expect((await again()).caPem).toBe(registry.caPem);
    const ca = new X509Certificate(registry.caPem);
    const served = await registry.issueServerCertificate();
    const leaf = new X509Certificate(served.chainPem);
    expect(ca.ca).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.verify(ca.publicKey)).toBe(true);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.checkHost('fairway-hub')).toBeDefined();
    expect(leaf.checkHost('hub.example')).toBeDefined();
    expect(leaf.checkIP('10.0.0.1')).toBeDefined();
    expect(leaf.checkIP('::1')).toBeDefined();
    expect(Date.parse(leaf.validFrom)).toBeLessThan(clock.now());
  });
});

describe('tokens', () => {
  it('are bounded in time and made for names a cluster may have', async () => {
    const { registry } = await registryOf();
    const invalid = { code: 'invalid_argument' };
    for (const cluster of ['', 'EU', 'a/b', '-a', 'a'.repeat(254)])
      await expect(registry.createToken({ cluster, actor: 'ann' })).rejects.toMatchObject(invalid);
    for (const ttlMs of [0, -1, 7 * 86_400_000 + 1, Number.NaN])
      await expect(registry.createToken({ cluster: 'eu-1', actor: 'ann', ttlMs })).rejects.toMatchObject(
        invalid,
      );
  });

  it('are read as they were written, and nothing else is', () => {
    const parts = createTokenParts(systemRandom, 'p'.repeat(43));
    expect(parseToken(` ${tokenText(parts)}\n`)).toEqual(parts);
    for (const text of [
      '',
      'fw1',
      'fw2' + tokenText(parts).slice(3),
      tokenText(parts) + 'x',
      tokenText(parts).slice(1),
    ])
      expect(parseToken(text)).toBeUndefined();
  });

  it('are not spent by a request that cannot be read', async () => {
    const { registry, store } = await registryOf();
    const { token, id } = await registry.createToken({ cluster: 'eu-1', actor: 'ann' });
    const request = { token, csr: garbage, agentVersion: '', peer: 'test' };
    await expect(registry.enrol(request)).rejects.toMatchObject({ code: 'invalid_argument' });
    expect((await store.registry.token(id))?.usedAtMs).toBeUndefined();
  });
});

describe('readPublicKey', () => {
  it('refuses what is empty, too long or no request', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    for (const request of [Buffer.alloc(0), Buffer.alloc(9_000), garbage, spki])
      await expect(readPublicKey(request)).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});

describe('audit limiter', () => {
  it('lets so many pass a window and tells what was dropped', async () => {
    const clock = createFakeClock();
    const limiter = createAuditLimiter(clock, 2, 1_000);
    expect([limiter.admit(), limiter.admit(), limiter.admit(), limiter.admit()]).toEqual([
      0,
      0,
      undefined,
      undefined,
    ]);
    await clock.advance(1_000);
    expect(limiter.admit()).toBe(2);
    expect(limiter.admit()).toBe(0);
  });
});
