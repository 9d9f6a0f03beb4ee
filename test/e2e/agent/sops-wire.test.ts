/**
 * The whole way of an encrypted manifest, hub and agent in this process: the hub's store, every log line and every message in both directions are searched
 * for the plain value, and for its base64.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MethodDefinition } from '@grpc/grpc-js';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { encryptManifest } from '../../../agent/secrets/encrypt.test-support.ts';
import { startAgent } from '../../../agent/start-agent.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { systemRandom } from '../../../shared/clock/random.ts';
import { createLogger } from '../../../shared/log/log.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { startHub } from '../../contract/wire/harness.ts';
import { startBed } from './agent-bed.ts';

const frames = vi.hoisted(() => [] as { readonly path: string; readonly bytes: Buffer }[]);

vi.mock('../../../shared/stream/service.ts', async (original) => {
  const actual = await original<{
    toMethodDefinition: (method: never) => MethodDefinition<object, object>;
  }>();
  return {
    ...actual,
    toMethodDefinition(method: never) {
      const definition = actual.toMethodDefinition(method);
      const tap =
        (serialize: (message: object) => Buffer) =>
        (message: object): Buffer => {
          const bytes = serialize(message);
          frames.push({ path: definition.path, bytes });
          return bytes;
        };
      const { requestSerialize, responseSerialize } = definition;
      return {
        ...definition,
        requestSerialize: tap(requestSerialize),
        responseSerialize: tap(responseSerialize),
      };
    },
  };
});

const bed = await startBed('agent-sops-wire');
const folder = mkdtempSync(join(tmpdir(), 'fairway-sops-'));
const password = 'correct-horse-of-the-wire-test';
const other = 'battery-staple-by-hand';
const hidden = [password, other].flatMap((text) => [
  text,
  Buffer.from(text).toString('base64').replace(/=+$/, ''),
]);
const found = (text: string) => hidden.filter((value) => text.includes(value));

afterAll(async () => {
  await bed?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!bed)('the way of an encrypted manifest', () => {
  it('holds no plain value outside of its cluster', async () => {
    const at = bed!;
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    await at.kubectl('create', 'namespace', 'fairway-agent');
    await at.kubectl(
      '-n',
      'fairway-agent',
      'create',
      'secret',
      'generic',
      'fairway-sops-age',
      `--from-literal=keys.txt=${identity}`,
    );
    const lines: string[] = [];
    const log = createLogger({ level: 'debug', write: (line) => lines.push(line) });
    const metadata = { name: 'login', namespace: 'default' };
    const manifests = [
      { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { password } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { password } },
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { type: password, ports: [{ port: 80 }] } },
    ];
    const encrypted = await Promise.all(
      manifests.map((manifest) => encryptManifest(manifest, [recipient], /^(data|stringData|type)$/)),
    );
    const hub = await startHub({ path: join(folder, 'hub.db') });
    await hub.assign('one', { login: encrypted as unknown as KubeObject[] });
    const { token } = await hub.registry.createToken({ cluster: 'one', actor: 'test' });
    const abort = new AbortController();
    const agent = await startAgent({
      connection: at.connection,
      namespace: 'fairway-agent',
      ensureNamespace: false,
      enrolmentToken: async () => token,
      enrolmentAddress: hub.enrolmentAddress,
      hubAddresses: [],
      stateDirectory: join(folder, 'agent'),
      env: {},
      clock: systemClock,
      random: systemRandom,
      log,
      signal: abort.signal,
    });
    const dataOf = async (kind: string) =>
      (await at.get('v1', kind, 'default', 'login'))?.['data'] as { password: string } | undefined;
    await waitFor('both to be applied', async () =>
      Boolean((await dataOf('Secret')) && (await dataOf('ConfigMap'))),
    );
    await at.kubectl('patch', 'configmap', 'login', '-p', JSON.stringify({ data: { password: other } }));
    await at.kubectl('patch', 'secret', 'login', '-p', JSON.stringify({ stringData: { password: other } }));
    await waitFor('both to be healed', async () => {
      const { items } = await hub.store.events.list({ types: ['drift.healed'] }, { limit: 10 });
      return items.length >= 2 && (await dataOf('ConfigMap'))?.password === password;
    });
    for (const kind of ['Secret', 'ConfigMap']) {
      const key = { group: '', kind, namespace: 'default', name: 'login' };
      const answer = await hub.server.query('one', { type: 'object', key, apiVersion: 'v1' });
      expect(answer).toMatchObject({ found: true, content: expect.stringContaining('*** (') });
    }
    const { items } = await hub.store.observations.objects({ cluster: 'one' }, { limit: 10 });
    expect(items.find(({ key }) => key.kind === 'Service')?.message).toContain(
      'spec.type (FieldValueNotSupported)',
    );
    await agent.stop();
    await hub.stop();
    const sent = frames.map(({ bytes }) => bytes.toString('latin1'));
    expect(new Set(frames.map(({ path }) => path.split('/').at(-1)))).toEqual(
      new Set(['Enrol', 'Session', 'Report', 'Query']),
    );
    // The search would find it: the ciphertext is there.
    expect(sent.some((text) => text.includes('ENC[AES256_GCM'))).toBe(true);
    expect(sent.flatMap(found)).toEqual([]);
    expect(lines.flatMap(found)).toEqual([]);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(files.map(({ name }) => name)).toContain('hub.db');
    for (const { parentPath, name } of files)
      expect([name, found(readFileSync(join(parentPath, name), 'latin1'))]).toEqual([name, []]);
  }, 60_000);
});
