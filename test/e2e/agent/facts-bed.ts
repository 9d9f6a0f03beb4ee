/** An agent's collector of facts at a real API server, with an application that has objects in namespace shop. */
import { spawnSync } from 'node:child_process';
import { generateIdentity } from 'age-encryption';
import { createKubeClient } from '../../../agent/kube/create-kube-client.ts';
import { createFactCollector, type FactsPorts } from '../../../agent/loops/facts/collect-facts.ts';
import { applySetId } from '../../../agent/model/inventory.ts';
import { createSecretOpener } from '../../../agent/secrets/secret-opener.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { systemRandom } from '../../../shared/clock/random.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { UnownedField } from '../../../shared/manifest/cluster-facts.ts';
import type { ControlPlane } from '../../cluster/control-plane.ts';

export const salt = new Uint8Array(32).fill(7);
export const signal = new AbortController().signal;
export const replicas: UnownedField = { kind: 'Deployment', path: '/spec/replicas' };
export const partOf = { 'applyset.kubernetes.io/part-of': applySetId('web', 'fairway-system') };

export const meta = (name: string, more: object = {}) => ({ name, namespace: 'shop', ...more });
export const secret = (name: string, value: string) => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: meta(name), stringData: { value } },
});

const entries = [
  {
    key: { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' },
    originId: 'apps/Deployment/shop/web',
  },
  {
    key: { group: '', kind: 'Secret', namespace: 'shop', name: 'sealed' },
    ...{ originId: '/Secret/shop/sealed', objectDigest: 'sealed' },
  },
];

/** Kinds whose objects say when something was backed up. */
const backupKinds = [
  ['velero.io', 'Backup', 'backups'],
  ['velero.io', 'Schedule', 'schedules'],
  ['snapshot.storage.k8s.io', 'VolumeSnapshot', 'volumesnapshots'],
  ['volsync.backube', 'ReplicationSource', 'replicationsources'],
] as const;

/** @param plane undefined where there is none: then nothing of it may be used. */
export async function createFactsBed(plane: ControlPlane) {
  const sealed = { text: '' };
  const desired = {
    applications: () =>
      new Map([
        ['web', { application: 'web', target: { sync: { namespace: 'default' }, set: { entries } } }],
      ]),
    object: (digest: string) => (digest === 'sealed' ? sealed.text : '{}'),
    subscribe: () => () => {},
  } as unknown as FactsPorts['desired'];

  const identity = await generateIdentity();
  const opener = createSecretOpener({
    readKeys: async () => new Map([['key', Buffer.from(identity)]]),
    ...{ namespace: 'fairway-system', clock: systemClock, log: silentLogger },
  });

  function kubectl(args: readonly string[], input?: unknown): string {
    const done = spawnSync(plane.kubectl, ['--kubeconfig', plane.kubeconfig, ...args], {
      ...{ encoding: 'utf8', timeout: 30_000 },
      ...(input !== undefined && { input: JSON.stringify(input) }),
    });
    if (done.status !== 0) throw new Error(done.stderr);
    return done.stdout;
  }
  const apply = (...items: readonly object[]) =>
    kubectl(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });

  function collectorOf(token: string) {
    const ports = { clock: systemClock, random: systemRandom, log: silentLogger };
    const kube = createKubeClient({ server: plane.url, token, ca: plane.ca }, ports);
    const reveal = (text: string) => opener.open(text);
    const facts = createFactCollector({ ...ports, kube, desired, reveal, namespace: 'fairway-system' });
    return { kube, facts };
  }

  async function collect(token = plane.token, known: Readonly<Record<string, string>> = {}) {
    const { kube, facts } = collectorOf(token);
    const sections = await facts.collect({ salt, known, unowned: [replicas] }, signal);
    facts.stop();
    kube.close();
    return new Map(sections.map((one) => [one.section, one]));
  }

  const installBackups = () => {
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    apply(
      ...backupKinds.map(([group, kind, plural]) => ({
        ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
        metadata: {
          name: `${plural}.${group}`,
          // Names of these groups are protected: https://github.com/kubernetes/enhancements/pull/1111
          annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' },
        },
        spec: {
          ...{ group, scope: 'Namespaced', names: { kind, plural, singular: kind.toLowerCase() } },
          versions: [{ name: 'v1', served: true, storage: true, schema }],
        },
      })),
    );
    kubectl([
      ...['wait', '--for=condition=Established', '--timeout=30s', 'crd'],
      ...backupKinds.map(([group, , plural]) => `${plural}.${group}`),
    ]);
  };

  return {
    ...{ kubectl, apply, collect, collectorOf, installBackups, sealed, identity },
    get token() {
      return plane.token;
    },
  };
}
