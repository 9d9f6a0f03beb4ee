/** Facts of a cluster, collected from a real API server. */
import { spawnSync } from 'node:child_process';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { afterAll, describe, expect, it } from 'vitest';
import { createKubeClient } from '../../../agent/kube/create-kube-client.ts';
import { collectFacts, type FactsPorts } from '../../../agent/loops/collect-facts.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { systemRandom } from '../../../shared/clock/random.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { FactSection } from '../../../shared/manifest/cluster-facts.ts';
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts';

const plane = await startControlPlane({ name: 'facts' });
const at = plane as ControlPlane;
const salt = new Uint8Array(32).fill(7);
const signal = new AbortController().signal;
const day = 86_400_000;

function kubectl(args: readonly string[], input?: unknown): string {
  const done = spawnSync(at.kubectl, ['--kubeconfig', at.kubeconfig, ...args], {
    ...{ encoding: 'utf8', timeout: 30_000 },
    ...(input !== undefined && { input: JSON.stringify(input) }),
  });
  if (done.status !== 0) throw new Error(done.stderr);
  return done.stdout;
}
const apply = (...items: readonly object[]) =>
  kubectl(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });

/** An application with one object in namespace shop. */
const desired = {
  applications: () =>
    new Map([
      [
        'web',
        { target: { sync: { namespace: 'default' }, set: { entries: [{ key: { namespace: 'shop' } }] } } },
      ],
    ]),
} as unknown as FactsPorts['desired'];

function portsOf(token: string): FactsPorts {
  const ports = { clock: systemClock, random: systemRandom, log: silentLogger };
  return { kube: createKubeClient({ server: at.url, token, ca: at.ca }, ports), desired };
}

async function collect(token = at.token, known: Readonly<Record<string, string>> = {}) {
  const sections = await collectFacts({ salt, known }, portsOf(token), signal);
  return new Map(sections.map((one) => [one.section, one]));
}

async function certificate(days: number): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ name: 'CN=shop', keys, signingAlgorithm: algorithm },
    notAfter: new Date(Math.floor(Date.now() / 1_000) * 1_000 + days * day),
  });
  return made.toString('pem');
}

const meta = (name: string, more: object = {}) => ({ name, namespace: 'shop', ...more });
const secret = (name: string, value: string) => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: meta(name), stringData: { value } },
});

describe.skipIf(!plane)('facts of a cluster', { timeout: 60_000 }, () => {
  afterAll(() => at.stop());

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
    const after = await collect(at.token, known);
    const sent = [...after.values()].filter(({ values }) => values !== undefined);
    expect(sent.map(({ section }) => section)).toEqual(['secrets']);
    expect(sent[0]?.values?.['shop/tls']).toBe(before.get('secrets')?.values?.['shop/tls']);
    expect(sent[0]?.values?.['shop/key']).not.toBe(before.get('secrets')?.values?.['shop/key']);
  });

  it('says what it may not read, and collects the rest', async () => {
    kubectl(['-n', 'shop', 'create', 'serviceaccount', 'narrow']);
    kubectl(['create', 'clusterrole', 'classes', '--verb=list', '--resource=storageclasses']);
    kubectl([
      'create',
      'clusterrolebinding',
      'narrow',
      '--clusterrole=classes',
      '--serviceaccount=shop:narrow',
    ]);
    const facts = await collect(kubectl(['-n', 'shop', 'create', 'token', 'narrow']).trim());
    expect(facts.get('storageClasses')?.values).toHaveProperty('fast');
    expect(facts.get('secrets')).toMatchObject({ digest: '', values: undefined });
    expect(facts.get('secrets')?.failure).toContain('permission_denied');
  });

  it('adds up what nodes give and pods ask for', async () => {
    const quantity = { cpu: '1500m', memory: '2Gi', pods: '20' };
    // Controllers would make it.
    kubectl(['-n', 'shop', 'create', 'serviceaccount', 'default']);
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
    expect((await collect()).get('capacity')?.values).toEqual({
      allocatable: { nodes: 1, cpuMillis: 1_500, memoryBytes: 2 ** 31, pods: 20 },
      requested: { cpuMillis: 250, memoryBytes: 2 ** 26, pods: 1 },
      nodeSizes: [[1_500, 2 ** 31, 20, 1]],
      podSizes: [[250, 2 ** 26, 1, 1]],
    });
  });
});
