import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { tellUnowned, trimUnowned } from './unowned-values.ts';

const labels = { 'applyset.kubernetes.io/part-of': 'applyset-x-v1' };
const object = (kind: string, rest: object, more: object = { labels }): KubeObject =>
  ({ apiVersion: 'v1', kind, metadata: { name: 'web', namespace: 'shop', ...more }, ...rest }) as KubeObject;
const fields = [
  { kind: 'Deployment', path: '/spec/replicas' },
  { kind: 'Deployment', path: '/metadata/annotations/example.com~1note' },
  { kind: 'Secret', path: '/data/a' },
];
const fingerprint = (path: string, text: string) => `# ${path} ${text.length}`;
const told = (one: KubeObject, secret = false) => {
  const trimmed = trimUnowned(one, fields);
  return trimmed && tellUnowned(trimmed, fingerprint, secret);
};

describe('unowned values', () => {
  it('are those at the listed paths of the kind, with who has set them', () => {
    const managedFields = [
      { manager: 'fairway', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:paused': {} } } },
      { manager: 'scaler', operation: 'Update', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
    ] as unknown as Json;
    const annotations = { 'example.com/note': 'x' };
    const one = object('Deployment', { spec: { replicas: 3 } }, { labels, annotations, managedFields });
    expect(told(one)).toEqual({
      '/spec/replicas': { value: 3, manager: 'scaler' },
      '/metadata/annotations/example.com~1note': { value: 'x', manager: '' },
    });
  });

  it('keep nothing else, and nothing of what nobody has applied', () => {
    const one = object('Deployment', { spec: { replicas: 3, template: { secret: 'hush' } } });
    expect(JSON.stringify(trimUnowned(one, fields))).not.toContain('hush');
    expect(told(object('Deployment', { spec: { replicas: 3 } }, {}))).toBeUndefined();
    expect(told(object('Deployment', {}))).toEqual({});
  });

  it('are fingerprints where they are secret, were decrypted here, or are long', () => {
    const value = (one: KubeObject, path: string, secret = false) =>
      (told(one, secret) as { readonly [path: string]: { readonly value: Json } })[path]?.value;
    expect(value(object('Secret', { data: { a: 'aHVzaA==' } }), '/data/a')).toBe('# /data/a 10');
    const opened = { labels, annotations: { 'fairway.dev/decrypted': '["/spec/replicas"]' } };
    const deployment = { spec: { replicas: 3 } };
    expect(value(object('Deployment', deployment, opened), '/spec/replicas')).toBe('# /spec/replicas 1');
    expect(value(object('Deployment', deployment), '/spec/replicas', true)).toBe('# /spec/replicas 1');
    const long = object('Deployment', { spec: { replicas: 'x'.repeat(600) } });
    expect(JSON.stringify(trimUnowned(long, fields))).not.toContain('xxx');
    expect(value(long, '/spec/replicas')).toMatch(/^# \/spec\/replicas/);
  });
});
