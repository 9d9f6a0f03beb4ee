/** An enrolment that is cut between the hub's commit and the agent's receipt may be repeated, by the agent that began it and by nobody else. */
import { spawn } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createKeyPair } from '../../../agent/stream/key-pair.ts';
import { createMemoryPendingKeys, enrolWith, type Hub } from './harness.ts';
import { createParties } from './parties.ts';

const child = fileURLToPath(new URL('./dying-enrolment.ts', import.meta.url));
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});
// After the folders: what is set up later ends earlier.
const { hubOf } = createParties();

async function folderOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fairway-cut-'));
  folders.push(folder);
  return folder;
}

interface Side {
  /** The one line it prints; undefined when it ends without. */
  readonly line: Promise<string | undefined>;
  /** How it ended. */
  readonly ended: Promise<NodeJS.Signals | number | null>;
}

function start(...args: readonly string[]): Side {
  const process_ = spawn(process.execPath, [child, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: process_.stdout });
  return {
    line: new Promise((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => resolve(undefined));
    }),
    ended: new Promise((resolve) => process_.once('exit', (code, signal) => resolve(signal ?? code))),
  };
}

const refused = { code: 'unauthenticated', message: 'the enrolment token is not valid; ask for a new one' };
const countOf = async (hub: Hub, type: string) =>
  (await hub.eventTypes()).filter((each) => each.startsWith(type)).length;

describe('an enrolment that is cut', () => {
  it('is repeated after the hub was killed between its commit and its answer', async () => {
    const path = join(await folderOf(), 'fairway.db');
    const dying = start('hub', path);
    const { token, enrolmentAddress } = JSON.parse((await dying.line) ?? '') as {
      token: string;
      enrolmentAddress: string;
    };
    const pendingKeys = createMemoryPendingKeys();
    await expect(enrolWith({ enrolmentAddress }, token, {}, pendingKeys)).rejects.toMatchObject({
      retry: true,
    });
    expect(await dying.ended).toBe('SIGKILL');
    const hub = await hubOf({ path });
    expect(await hub.store.registry.tokens()).toMatchObject([{ usedAtMs: expect.any(Number) }]);
    await expect(enrolWith(hub, token)).rejects.toMatchObject(refused);
    const identity = await enrolWith(hub, token, {}, pendingKeys);
    const leaf = new X509Certificate(identity.certificateChainPem);
    expect(leaf.publicKey.equals(createPublicKey(identity.privateKeyPem))).toBe(true);
    expect(await hub.registry.authenticate(leaf.raw, 'test')).toMatchObject({ cluster: 'eu-1' });
    expect(await countOf(hub, 'audit.certificate.issued')).toBe(2);
    expect(await countOf(hub, 'audit.token.used')).toBe(1);
    expect(await countOf(hub, 'agent.enrolled')).toBe(1);
    expect(await countOf(hub, 'audit.token.refused:used')).toBe(1);
  });

  it.each(['asked', 'answered'])('is repeated after the agent was killed when it had %s', async (when) => {
    const hub = await hubOf();
    const folder = await folderOf();
    const { token } = await hub.registry.createToken({ cluster: 'eu-1', actor: 'ann' });
    const dying = start('agent', folder, token, hub.enrolmentAddress, when);
    expect(await dying.ended).toBe('SIGKILL');
    const again = start('agent', folder, token, hub.enrolmentAddress);
    const identity = JSON.parse((await again.line) ?? '') as { certificateChainPem: string };
    expect(await again.ended).toBe(0);
    const leaf = new X509Certificate(identity.certificateChainPem);
    expect(await hub.registry.authenticate(leaf.raw, 'test')).toMatchObject({ cluster: 'eu-1' });
    expect(await hub.store.registry.certificates('eu-1')).toHaveLength(when === 'asked' ? 1 : 2);
  });
});

describe('a token that was used', () => {
  it('counts for the key of the one who was first, however many come at once', async () => {
    const hub = await hubOf();
    const { token } = await hub.registry.createToken({ cluster: 'eu-1', actor: 'ann' });
    const mine = createMemoryPendingKeys();
    const theirs = createMemoryPendingKeys();
    const tries = [mine, theirs, mine, theirs, mine, theirs];
    // Each has its key before it asks; which of the two is first is open.
    for (const keys of [mine, theirs]) {
      const { privateKeyPem } = await createKeyPair();
      await keys.savePending({ tokenId: token.split('.')[1]!, privateKeyPem });
    }
    const results = await Promise.allSettled(tries.map((keys) => enrolWith(hub, token, {}, keys)));
    const won = tries.filter((_, index) => results[index]?.status === 'fulfilled');
    expect(won).toHaveLength(3);
    expect(new Set(won).size).toBe(1);
    expect(await countOf(hub, 'audit.token.refused:used')).toBe(3);
    expect(await countOf(hub, 'agent.enrolled')).toBe(1);
  });

  it('does not outlast its time, nor a revocation of its cluster', async () => {
    const hub = await hubOf();
    const make = async () => hub.registry.createToken({ cluster: 'eu-1', actor: 'ann', ttlMs: 60_000 });
    const keys = createMemoryPendingKeys();
    const first = await make();
    await enrolWith(hub, first.token, {}, keys);
    await hub.registry.revoke('eu-1', 'stolen', 'ann');
    await expect(enrolWith(hub, first.token, {}, keys)).rejects.toMatchObject(refused);
    expect(await countOf(hub, 'audit.token.refused:revoked')).toBe(1);
    const second = await make();
    await enrolWith(hub, second.token, {}, keys);
    hub.clock.shiftMs = 61_000;
    await expect(enrolWith(hub, second.token, {}, keys)).rejects.toMatchObject(refused);
    expect(await countOf(hub, 'audit.token.refused:expired')).toBe(1);
  });
});
