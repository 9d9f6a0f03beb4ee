/** Facts of a cluster, collected from a real API server. */
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { identityToRecipient } from 'age-encryption';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { encryptManifest } from '../../../agent/secrets/encrypt.test-support.ts';
import type { FactSection } from '../../../shared/manifest/cluster-facts.ts';
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts';
import { createFactsBed, meta, partOf, replicas, salt, secret, signal } from './facts-bed.ts';

const plane = await startControlPlane({ name: 'facts' });
const bed = await createFactsBed(plane as ControlPlane);
const { kubectl, apply, collect, collectorOf, sealed } = bed;
const day = 86_400_000;

async function certificate(days: number): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ name: 'CN=shop', keys, signingAlgorithm: algorithm },
    notAfter: new Date(Math.floor(Date.now() / 1_000) * 1_000 + days * day),
  });
  return made.toString('pem');
}

const version = (name: string, storage: boolean) => ({
  ...{ name, storage, served: true },
  schema: { openAPIV3Schema: { type: 'object' } },
});
const shops = {
  ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
  metadata: { name: 'shops.example.com' },
  spec: {
    ...{
      group: 'example.com',
      scope: 'Namespaced',
      names: { kind: 'Shop', plural: 'shops', singular: 'shop' },
    },
    versions: [version('v1', true), version('v1beta1', false)],
  },
};

describe.skipIf(!plane)('facts of a cluster', { timeout: 60_000 }, () => {
  afterAll(() => plane?.stop());

  it('tells version, APIs, classes, quotas, limits, pod security, certificates, and no value of a Secret', async () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'baseline', team: 'shop' };
    kubectl(['create', 'namespace', 'elsewhere']);
    apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } },
      {
        ...{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', provisioner: 'example.com/disk' },
        metadata: { name: 'fast', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      },
      { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 9 },
      { apiVersion: 'v1', kind: 'ResourceQuota', metadata: meta('all'), spec: { hard: { pods: '9' } } },
      {
        ...{ apiVersion: 'v1', kind: 'LimitRange', metadata: meta('each') },
        spec: { limits: [{ type: 'Container', max: { cpu: '2' } }] },
      },
      {
        ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'edge' } },
        spec: { controller: 'example.com/edge' },
      },
      {
        ...{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'boxed' } },
        handler: 'runsc',
      },
      {
        ...{ apiVersion: 'v1', kind: 'Service', metadata: meta('by-hand') },
        spec: { ports: [{ port: 80 }], selector: { app: 'x' } },
      },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta('by-hand'), data: { a: 'one' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'other', namespace: 'elsewhere' }, data: {} },
      {
        ...{ apiVersion: 'v1', kind: 'ConfigMap', data: { a: 'one' } },
        metadata: meta('applied', { labels: { 'applyset.kubernetes.io/part-of': 'applyset-x-v1' } }),
      },
      secret('key', 'hush-hush-value'),
      {
        ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: meta('tls') },
        stringData: { 'tls.crt': await certificate(20), 'tls.key': 'none' },
      },
    );
    const facts = await collect();
    const values = (section: FactSection) => facts.get(section)?.values;
    expect([...facts.values()].filter(({ failure }) => failure !== '')).toEqual([]);
    expect(values('version')?.['kubernetes']).toMatch(/^v1\.\d+/);
    expect(values('apis')?.['apps/v1']).toContain('Deployment');
    expect(values('storageClasses')).toMatchObject({
      fast: { provisioner: 'example.com/disk', default: true },
    });
    expect(values('priorityClasses')).toMatchObject({ high: { value: 9 } });
    expect(values('ingressClasses')).toEqual({ edge: { spec: { controller: 'example.com/edge' } } });
    expect(values('runtimeClasses')).toEqual({ boxed: { handler: 'runsc' } });
    expect(values('limits')).toMatchObject({ 'shop/each': { limits: [{ max: { cpu: '2' } }] } });
    expect(values('unmanaged')).toEqual({ 'Service shop/by-hand': true });
    expect(values('quotas')).toEqual({ 'shop/all': { hard: { pods: '9' } } });
    expect(values('podSecurity')).toEqual({ shop: { 'pod-security.kubernetes.io/enforce': 'baseline' } });
    expect(Object.keys(values('configMaps') ?? {})).toEqual(['shop/by-hand']);
    expect(Object.keys(values('secrets') ?? {})).toEqual(['shop/key', 'shop/tls']);
    const end = Date.parse(String(values('certificates')?.['Secret shop/tls']));
    expect(Math.abs(end - Date.now() - 20 * day)).toBeLessThan(day);
    const all = JSON.stringify([...facts]);
    for (const text of ['hush-hush-value', Buffer.from('hush-hush-value').toString('base64')])
      expect(all).not.toContain(text);
  });

  it('sends again only what has changed', async () => {
    const before = await collect();
    const known = Object.fromEntries([...before].map(([section, { digest }]) => [section, digest]));
    apply(secret('key', 'another'));
    const after = await collect(bed.token, known);
    const sent = [...after.values()].filter(({ values }) => values !== undefined);
    expect(sent.map(({ section }) => section)).toEqual(['secrets']);
    expect(sent[0]?.values?.['shop/tls']).toBe(before.get('secrets')?.values?.['shop/tls']);
    expect(sent[0]?.values?.['shop/key']).not.toBe(before.get('secrets')?.values?.['shop/key']);
  });

  it('adds up what nodes give and pods ask for', async () => {
    const quantity = { cpu: '1500m', memory: '2Gi', pods: '20' };
    // Controllers would make it.
    for (const namespace of ['shop', 'elsewhere'])
      kubectl(['-n', namespace, 'create', 'serviceaccount', 'default']);
    apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
    const ready = { type: 'Ready', status: 'True', reason: 'x', message: 'x' };
    kubectl([
      'patch',
      'node',
      'n1',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({
        status: { allocatable: quantity, capacity: quantity, conditions: [ready] },
      }),
    ]);
    apply({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'shop' } },
      spec: {
        containers: [{ name: 'a', image: 'a', resources: { requests: { cpu: '250m', memory: '64Mi' } } }],
      },
    });
    // Of another namespace: it stays on its node.
    apply({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'elsewhere' } },
      spec: {
        nodeName: 'n1',
        containers: [{ name: 'a', image: 'a', resources: { requests: { cpu: '0.1' } } }],
      },
    });
    // What is done asks for nothing: the API server does not even send it.
    apply({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'done', namespace: 'shop' } },
      spec: { containers: [{ name: 'a', image: 'a', resources: { requests: { cpu: '1' } } }] },
    });
    const over = JSON.stringify({ status: { phase: 'Succeeded' } });
    kubectl(['-n', 'shop', 'patch', 'pod', 'done', '--subresource=status', '--type=merge', '-p', over]);
    expect((await collect()).get('capacity')?.values).toEqual({
      allocatable: { nodes: 1, cpuMillis: 1_500, memoryBytes: 2 ** 31, pods: 20 },
      requested: { cpuMillis: 250, memoryBytes: 2 ** 26, pods: 1 },
      requestedIn: { shop: { cpuMillis: 250, memoryBytes: 2 ** 26, pods: 1 } },
      taken: { cpuMillis: 100, memoryBytes: 0, pods: 1 },
      nodeSizes: [[1_400, 2 ** 31, 19, 1]],
      podSizes: [[250, 2 ** 26, 1, 1]],
    });
  });

  it('tells when backups, snapshots and replications were made last, of kinds that the cluster has', async () => {
    bed.installBackups();
    const at = '2026-01-02T03:04:05Z';
    const inVelero = (name: string, more: object = {}) => ({ name, namespace: 'elsewhere', ...more });
    apply(
      {
        ...{
          apiVersion: 'velero.io/v1',
          kind: 'Backup',
          status: { phase: 'Completed', completionTimestamp: at },
        },
        metadata: inVelero('n-1', { labels: { 'velero.io/schedule-name': 'nightly' } }),
      },
      { apiVersion: 'velero.io/v1', kind: 'Schedule', metadata: inVelero('nightly') },
      { apiVersion: 'velero.io/v1', kind: 'Schedule', metadata: inVelero('weekly') },
      {
        ...{ apiVersion: 'snapshot.storage.k8s.io/v1', kind: 'VolumeSnapshot', metadata: meta('s') },
        ...{ spec: { source: { persistentVolumeClaimName: 'disk' } } },
        status: { readyToUse: true, creationTime: at },
      },
      {
        ...{ apiVersion: 'volsync.backube/v1', kind: 'ReplicationSource', metadata: meta('r') },
        status: { lastSyncTime: at },
      },
    );
    const told = '2026-01-02T03:04:05.000Z';
    await vi.waitFor(
      async () =>
        expect((await collect()).get('backups')?.values).toEqual({
          ...{ 'Backup nightly': told, 'Backup weekly': '' },
          ...{ 'VolumeSnapshot shop/disk': told, 'ReplicationSource shop/r': told },
        }),
      { timeout: 20_000, interval: 500 },
    );
  });

  it('tells what is opened of encrypted values by fingerprints, and equal ones alike', async () => {
    const recipient = await identityToRecipient(bed.identity);
    const told = async (password: string, name = 'sealed') => {
      const manifest = { apiVersion: 'v1', kind: 'Secret', metadata: meta(name), stringData: { password } };
      sealed.text = JSON.stringify(await encryptManifest(manifest, [recipient]));
      return (await collect()).get('sealed');
    };
    const [first, again, other] = [await told('1234'), await told('1234'), await told('1235')];
    expect(first?.values).toEqual({
      sealed: { '/stringData/password': expect.stringMatching(/^#[0-9a-f]{16}$/) },
    });
    expect(again?.values).toEqual(first?.values);
    expect(other?.values).not.toEqual(first?.values);
    expect(JSON.stringify([first, other])).not.toMatch(/1234|1235|ENC/);
    sealed.text = '{}';
  });

  it('tells live values of fields that nobody applies, with who has set them', async () => {
    apply({
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: meta('web', { labels: partOf }) },
      spec: {
        ...{ replicas: 2, selector: { matchLabels: { app: 'web' } } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'a', image: 'a' }] } },
      },
    });
    kubectl(['-n', 'shop', 'scale', 'deployment', 'web', '--replicas=5']);
    expect((await collect()).get('unowned')?.values).toEqual({
      'web\napps/Deployment/shop/web': { '/spec/replicas': { value: 5, manager: 'kubectl' } },
    });
  });

  it('tells of changes within seconds where it is asked to, and reads only what has changed', async () => {
    const { kube, facts: collector } = collectorOf(bed.token);
    let changes = 0;
    collector.onChange(() => {
      changes += 1;
    });
    const ask = async (known: Readonly<Record<string, string>>) =>
      new Map(
        (await collector.collect({ salt, known, watch: true, unowned: [replicas] }, signal)).map((one) => [
          one.section,
          one,
        ]),
      );
    let last = await ask({});
    const digests = () => Object.fromEntries([...last].map(([section, { digest }]) => [section, digest]));
    /** Changes something, waits for the word of it, and says which sections are sent and what that took. */
    const after = async (change: () => void, expected: FactSection) => {
      const [seen, before] = [changes, kube.requestCounts()];
      change();
      const known = digests();
      await vi.waitFor(
        async () => {
          expect(changes).toBeGreaterThan(seen);
          last = new Map([...last, ...(await ask(known))]);
          expect(last.get(expected)?.values).toBeDefined();
        },
        { timeout: 20_000, interval: 100 },
      );
      const sent = [...last.values()]
        .filter(({ values }) => values !== undefined)
        .map(({ section }) => section);
      const counts = kube.requestCounts();
      const reads = ['get', 'list'].map((verb) => (counts[verb] ?? 0) - (before[verb] ?? 0));
      return { sent, reads };
    };
    expect(collector.watches).toBeGreaterThan(9);
    expect([...last.values()].filter(({ failure }) => failure !== '')).toEqual([]);
    expect(
      await after(
        () => kubectl(['patch', 'storageclass', 'fast', '-p', '{"allowVolumeExpansion":true}']),
        'storageClasses',
      ),
    ).toEqual({ sent: ['storageClasses'], reads: [0, 0] });
    expect(
      await after(
        () => kubectl(['label', 'namespace', 'shop', 'pod-security.kubernetes.io/warn=restricted']),
        'podSecurity',
      ),
    ).toEqual({ sent: ['podSecurity'], reads: [0, 0] });
    expect(await after(() => apply(secret('key', 'a third')), 'secrets')).toEqual({
      ...{ sent: ['secrets'], reads: [1, 0] },
    });
    expect(
      await after(() => kubectl(['-n', 'shop', 'scale', 'deployment', 'web', '--replicas=6']), 'unowned'),
    ).toEqual({ sent: ['unowned'], reads: [0, 0] });
    const runs = (digit: string, restartCount: number) =>
      kubectl([
        ...['-n', 'shop', 'patch', 'pod', 'p', '--subresource=status', '--type=merge', '-p'],
        JSON.stringify({
          status: {
            phase: 'Running',
            containerStatuses: [
              { name: 'a', image: 'a', imageID: `x/a@sha256:${digit.repeat(64)}`, ready: true, restartCount },
            ],
          },
        }),
      ]);
    expect(await after(() => runs('a', 0), 'images')).toEqual({ sent: ['images'], reads: [0, 0] });
    expect(last.get('images')?.values).toEqual({ a: [`sha256:${'a'.repeat(64)}`] });
    expect(await after(() => runs('b', 1), 'images')).toEqual({ sent: ['images'], reads: [0, 0] });
    const synced = JSON.stringify({ status: { lastSyncTime: '2026-02-02T03:04:05Z' } });
    const sync = () =>
      kubectl(['-n', 'shop', 'patch', 'replicationsource', 'r', '--type=merge', '-p', synced]);
    expect(await after(sync, 'backups')).toEqual({ sent: ['backups'], reads: [0, 0] });
    const nightly = JSON.stringify({ status: { completionTimestamp: '2026-02-02T03:04:05Z' } });
    const backUp = () =>
      kubectl(['-n', 'elsewhere', 'patch', 'backups.velero.io', 'n-1', '--type=merge', '-p', nightly]);
    expect(await after(backUp, 'backups')).toEqual({ sent: ['backups'], reads: [0, 0] });
    // A restart is no news.
    runs('b', 2);
    // What is done goes out of the watch as if it were deleted.
    const done = JSON.stringify({ status: { phase: 'Succeeded' } });
    const finish = () =>
      kubectl(['-n', 'shop', 'patch', 'pod', 'p', '--subresource=status', '--type=merge', '-p', done]);
    expect(await after(finish, 'images')).toEqual({ sent: ['capacity', 'images'], reads: [0, 0] });
    expect(last.get('capacity')?.values).toMatchObject({ requested: { pods: 0 } });
    const definition = await after(() => apply(shops), 'crds');
    expect(definition.sent).not.toContain('images');
    expect(definition).toMatchObject({ reads: [0, 0] });
    expect(last.get('crds')?.values).toMatchObject({
      'shops.example.com': { served: ['v1', 'v1beta1'], storage: 'v1', stored: ['v1'] },
    });
    // A node's heartbeat, and what another namespace holds, is no news.
    const [seen, before] = [changes, kube.requestCounts()];
    const beat = {
      type: 'Ready',
      status: 'True',
      reason: 'x',
      message: 'y',
      lastHeartbeatTime: '2026-01-01T00:00:00Z',
    };
    const status = JSON.stringify({ status: { conditions: [beat] } });
    kubectl(['patch', 'node', 'n1', '--subresource=status', '--type=merge', '-p', status]);
    expect(
      (await after(() => kubectl(['create', 'priorityclass', 'low', '--value=1']), 'priorityClasses')).sent,
    ).toEqual(['priorityClasses']);
    expect(changes).toBe(seen + 1);
    expect(kube.requestCounts()['list']).toBe(before['list']);
    collector.stop();
    expect(collector.watches).toBe(0);
    kube.close();
  });
});
