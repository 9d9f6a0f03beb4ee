/** Manifests encrypted with SOPS: opened with a key that only the cluster has, applied, healed, and never shown. */
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createQueryHandlers } from '../../../agent/loops/questions/query-handlers.ts';
import { encryptManifest } from '../../../agent/secrets/encrypt.test-support.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-sops');
const at = bed as Bed;
const value = 'tiger-of-the-sops-test';
const encoded = Buffer.from(value).toString('base64');

async function pair() {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

const own = await pair();
const secret = (name: string, values: Record<string, string>): Manifest => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'default' },
  stringData: values,
});
const configMap = (name: string, data: Record<string, string>): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});
const encrypt = (manifest: Manifest, recipient = own.recipient, regex?: RegExp) =>
  encryptManifest(manifest, [recipient], regex);
const dataOf = async (kind: string, name: string) =>
  (await at.get('v1', kind, 'default', name))?.['data'] as Record<string, string> | undefined;
/** Everything that the agent has said. */
const said = (agent: Agent) =>
  JSON.stringify([agent.events, [...agent.objects], [...agent.applications], agent.acks]);
const healed = (agent: Agent, times: number) =>
  waitFor(
    'drift to be healed',
    () => agent.events.filter(({ type }) => type === 'drift.healed').length >= times,
  );

describe.skipIf(!bed)('SOPS on a real API server', () => {
  beforeAll(async () => {
    await at.kubectl('create', 'namespace', 'fairway-system');
    await at.kubectl(
      '-n',
      'fairway-system',
      'create',
      'secret',
      'generic',
      'fairway-sops-age',
      `--from-literal=own.agekey=${own.identity}`,
    );
  });
  afterAll(() => at.stop());

  it('applies the plain values, and nothing differs afterwards', async () => {
    const agent = await at.agent();
    agent.desire('plain', [
      await encrypt(secret('db', { password: value })),
      await encrypt(configMap('settings', { password: value, open: '' })),
    ]);
    expect((await agent.synced('plain')).changes).toEqual({ created: 2 });
    expect(await dataOf('Secret', 'db')).toEqual({ password: encoded });
    expect(await dataOf('ConfigMap', 'settings')).toEqual({ password: value, open: '' });
    expect(Object.keys((await at.get('v1', 'Secret', 'default', 'db')) ?? {})).not.toContain('sops');
    expect(await agent.requestsDuring(() => agent.loops.syncNow())).toEqual({});
    await agent.stop();
    // One without memory finds them as they should be.
    const second = await at.agent({ desired: agent.desired });
    expect((await second.synced('plain')).changes).toEqual({ unchanged: 2 });
    expect(said(agent) + said(second)).not.toContain(value);
    await second.stop();
  });

  it('heals a changed value of any kind without telling it, old or new', async () => {
    const agent = await at.agent();
    agent.desire('healed', [
      await encrypt(configMap('healed', { password: value })),
      await encrypt(secret('healed', { password: value })),
    ]);
    await agent.synced('healed');
    const other = 'lion-by-hand';
    await at.kubectl('patch', 'configmap', 'healed', '-p', JSON.stringify({ data: { password: other } }));
    await healed(agent, 1);
    // Even when the note of what was decrypted is taken off together with it.
    const annotations = { 'fairway.dev/decrypted': null };
    await at.kubectl(
      'patch',
      'configmap',
      'healed',
      '-p',
      JSON.stringify({ data: { password: other }, metadata: { annotations } }),
    );
    await healed(agent, 2);
    await at.kubectl('patch', 'secret', 'healed', '-p', JSON.stringify({ stringData: { password: other } }));
    await healed(agent, 3);
    expect([await dataOf('ConfigMap', 'healed'), await dataOf('Secret', 'healed')]).toEqual([
      { password: value },
      { password: encoded },
    ]);
    const fields = agent.events
      .filter(({ type }) => type === 'drift.healed')
      .flatMap(({ drift }) => drift?.fields ?? []);
    expect(fields.map(({ path }) => path)).toContain('/data/password');
    for (const text of [value, encoded, other, Buffer.from(other).toString('base64')])
      expect(said(agent)).not.toContain(text);
    await agent.stop();
  });

  it('says which recipients are wanted where there is no key, applies nothing of it, and goes on when there is one', async () => {
    const wanted = await pair();
    const agent = await at.agent();
    agent.desire('lost', [
      await encrypt(secret('lost', { password: value }), wanted.recipient),
      configMap('beside', { a: '1' }),
    ]);
    const report = await agent.synced('lost', 'Failed');
    expect(report.message).toBe(
      `Secret default/lost: it is encrypted with SOPS for ${wanted.recipient}, and this cluster has other age keys (1) in Secret fairway-system/fairway-sops-age`,
    );
    expect([await dataOf('Secret', 'lost'), await dataOf('ConfigMap', 'beside')]).toEqual([
      undefined,
      { a: '1' },
    ]);
    const stringData = { 'next.agekey': wanted.identity };
    await at.kubectl(
      '-n',
      'fairway-system',
      'patch',
      'secret',
      'fairway-sops-age',
      '-p',
      JSON.stringify({ stringData }),
    );
    await agent.synced('lost');
    expect(await dataOf('Secret', 'lost')).toEqual({ password: encoded });
    await agent.stop();
  });

  it('tells of a refusal without quoting the value', async () => {
    const agent = await at.agent();
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'refused', namespace: 'default' },
      spec: { type: value, ports: [{ port: 80 }] },
    };
    agent.desire('refused', [await encrypt(service, own.recipient, /^type$/)]);
    const report = await agent.synced('refused', 'Failed');
    expect(report.message).toBe(
      'Service default/refused: the API server refused it with Invalid: spec.type (FieldValueNotSupported); its words may hold secret values and stay in the cluster',
    );
    expect(said(agent)).not.toContain(value);
    await agent.stop();
  });

  it('masks what was decrypted when the hub asks for it, also where the note of it is gone', async () => {
    const agent = await at.agent();
    const widget = configMap('asked', { open: 'seen', password: value });
    agent.desire('asked', [await encrypt(widget, own.recipient, /^password$/)]);
    await agent.synced('asked');
    const { object } = createQueryHandlers({
      kube: agent.client,
      desired: agent.desired,
      namespace: 'fairway-system',
      reveal: async (text) => text,
      diagnostics: () => '',
      facts: { collect: async () => [], onChange: () => () => {} },
    });
    const key = { group: '', kind: 'ConfigMap', namespace: 'default', name: 'asked' };
    const ask = async () =>
      JSON.parse((await object({ key, apiVersion: 'v1' }, AbortSignal.timeout(10_000))) ?? '');
    const masked = { open: 'seen', password: '*** (22 characters)' };
    expect((await ask()).data).toEqual(masked);
    agent.desire('asked', [await encrypt(widget, own.recipient, /^password$/)], {
      sync: { selfHeal: 'off' },
    });
    await agent.synced('asked');
    await at.kubectl('annotate', 'configmap', 'asked', 'fairway.dev/decrypted-');
    expect((await ask()).data).toEqual(masked);
    await agent.stop();
  });
});
