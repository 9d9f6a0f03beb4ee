import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { ManifestSet } from '../../shared/manifest/target.ts';
import { type CheckedPlacement, checkObjects } from './check-objects.ts';
import { configMap, contentOfFixture, secret, setOf } from './fixture.test-support.ts';

const pod = (name: string, spec: KubeObject['metadata']): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop' },
  spec: { containers: [{ name: 'a', envFrom: [spec] }] },
});
const needs = (kind: string, name: string) =>
  ({ [`${kind}Ref`]: { name } }) as unknown as KubeObject['metadata'];

const at = (application: string, cluster: string, set: ManifestSet): CheckedPlacement => ({
  application,
  cluster,
  set,
  defaultNamespace: 'default',
});

const check = (placements: readonly CheckedPlacement[]) => {
  let reads = 0;
  const findings = checkObjects({
    placements,
    contentOf: (_set, digest) => {
      reads += 1;
      return contentOfFixture(digest);
    },
    minorOf: () => 36,
    plainSecrets: 'off',
    definitions: [],
  });
  return { reads, findings: findings.map(({ message, clusters }) => [message.split(',')[0], ...clusters]) };
};

describe('checkObjects', () => {
  it('looks for what a workload needs in every application of its own cluster', () => {
    const web = setOf([pod('web', needs('configMap', 'settings'))]);
    const shared = setOf([configMap('settings', {})]);
    const placements = [at('web', 'eu', web), at('base', 'eu', shared), at('web', 'us', web)];
    expect(check(placements).findings).toEqual([['names ConfigMap settings', 'us']]);
  });

  it('knows the kinds that make a Secret in the cluster', () => {
    const sealed: KubeObject = {
      apiVersion: 'bitnami.com/v1alpha1',
      kind: 'SealedSecret',
      metadata: { name: 'login', namespace: 'shop' },
    };
    const external: KubeObject = {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name: 'other', namespace: 'shop' },
      spec: { target: { name: 'token' } },
    };
    const wants = [pod('a', needs('secret', 'login')), pod('b', needs('secret', 'token'))];
    expect(check([at('web', 'eu', setOf([...wants, sealed, external]))]).findings).toEqual([]);
    expect(check([at('web', 'eu', setOf([...wants, secret('login', {})]))]).findings).toEqual([
      ['names Secret token', 'eu'],
    ]);
  });

  it('reads an object once, however many clusters have it', () => {
    const set = setOf([pod('web', needs('configMap', 'gone')), configMap('x', {})]);
    const clusters = Array.from({ length: 100 }, (_, index) => `c-${index}`);
    const { reads, findings } = check(clusters.map((cluster) => at('web', cluster, set)));
    expect(reads).toBe(2);
    expect(findings).toEqual([['names ConfigMap gone', ...clusters]]);
  });
});
