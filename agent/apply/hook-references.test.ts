import { describe, expect, it } from 'vitest';
import { findReferences } from './hook-references.ts';

const spec = {
  serviceAccountName: 'migrator',
  imagePullSecrets: [{ name: 'registry' }],
  initContainers: [
    { name: 'wait', envFrom: [{ configMapRef: { name: 'settings' } }, { secretRef: { name: 'login' } }] },
  ],
  containers: [
    {
      name: 'main',
      env: [
        { name: 'A', value: 'plain' },
        { name: 'B', valueFrom: { configMapKeyRef: { name: 'settings', key: 'b' } } },
        { name: 'C', valueFrom: { secretKeyRef: { name: 'password', key: 'c' } } },
        { name: 'D', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ],
    },
  ],
  volumes: [
    { name: 'a', configMap: { name: 'scripts' } },
    { name: 'b', secret: { secretName: 'certificate' } },
    { name: 'c', persistentVolumeClaim: { claimName: 'data' } },
    { name: 'd', projected: { sources: [{ configMap: { name: 'more' } }, { secret: { name: 'most' } }] } },
    { name: 'e', emptyDir: {} },
  ],
};
const expected = [
  'ServiceAccount/migrator',
  'Secret/registry',
  'ConfigMap/settings',
  'Secret/login',
  'Secret/password',
  'ConfigMap/scripts',
  'Secret/certificate',
  'PersistentVolumeClaim/data',
  'ConfigMap/more',
  'Secret/most',
];
const names = (manifest: object) =>
  findReferences(manifest as never, 'shop').map(({ kind, name, namespace }) => {
    expect(namespace).toBe('shop');
    return `${kind}/${name}`;
  });

describe('findReferences', () => {
  it('finds what the pods of a Job or a Pod name, each once', () => {
    expect(names({ apiVersion: 'batch/v1', kind: 'Job', spec: { template: { spec } } })).toEqual(expected);
    expect(names({ apiVersion: 'v1', kind: 'Pod', spec })).toEqual(expected);
  });

  it.each([
    { apiVersion: 'v1', kind: 'ConfigMap', data: { serviceAccountName: 'a' } },
    { apiVersion: 'batch/v1', kind: 'Job' },
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      spec: { template: { spec: { containers: 'none', volumes: [null, 1] } } },
    },
  ])('finds nothing in %o', (manifest) => {
    expect(names(manifest)).toEqual([]);
  });
});
