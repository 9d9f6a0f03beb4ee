import { describe, expect, it } from 'vitest';
import type { JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import type { FieldsNode } from './fields-v1.ts';
import { diffProjection, matchesDesired, projectFields } from './projection.ts';

const key = new Uint8Array(32);
const fields: FieldsNode = {
  'f:spec': {
    'f:replicas': {},
    'f:containers': {
      'k:{"name":"web"}': {
        '.': {},
        'f:name': {},
        'f:image': {},
        'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
      },
    },
    'f:tags': { 'v:"a"': {} },
  },
};

function workload(spec: JsonObject, own: FieldsNode = fields): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      managedFields: [{ manager: 'fairway', operation: 'Apply', fieldsV1: own as unknown as JsonObject }],
    },
    spec,
  };
}

const port = { containerPort: 80, protocol: 'TCP' };
const applied = workload({
  replicas: 2,
  containers: [{ name: 'web', image: 'a', ports: [port] }],
  tags: ['a'],
});
const desired = workload({
  replicas: 2,
  containers: [{ name: 'web', image: 'a', ports: [{ containerPort: 80 }] }],
  tags: ['a'],
});
const record = { fields: JSON.stringify(fields), ...projectFields(fields, applied, key) };

describe('diffProjection', () => {
  it('is empty while our values stand, whatever others add or reorder', () => {
    const live = workload({
      paused: true,
      replicas: 2,
      containers: [{ name: 'side' }, { name: 'web', image: 'a', ports: [port], tty: true }],
      tags: ['b', 'a'],
    });
    expect(diffProjection(record, desired, live)).toEqual([]);
    expect(projectFields(fields, live, key).digest).toBe(record.digest);
  });

  it('names changed, removed and vanished values by list keys', () => {
    const live = workload({ replicas: 3, containers: [{ name: 'web', image: 'b' }], tags: [] });
    expect(diffProjection(record, desired, live)).toEqual([
      { path: '/spec/replicas', desired: '2', live: '3' },
      { path: '/spec/containers/[name=web]/image', desired: '"a"', live: '"b"' },
      { path: '/spec/containers/[name=web]/ports/[containerPort=80,protocol=TCP]', desired: 'true' },
      {
        path: '/spec/containers/[name=web]/ports/[containerPort=80,protocol=TCP]/containerPort',
        desired: '80',
      },
      { path: '/spec/tags/[="a"]', desired: '"a"' },
    ]);
  });

  it('sees a field that was applied in our name by somebody else', () => {
    const own = { 'f:spec': { ...fields['f:spec'], 'f:paused': {} } };
    const live = workload({ ...(applied['spec'] as JsonObject), paused: true }, own);
    expect(diffProjection(record, desired, live)).toEqual([{ path: '/spec/paused', live: 'true' }]);
  });

  it('does not take a list that turned from atomic to set for a change', () => {
    const atomic = { 'f:spec': { 'f:tags': {} } };
    const before = { fields: JSON.stringify(atomic), ...projectFields(atomic, applied, key) };
    const live = workload(applied['spec'] as JsonObject, { 'f:spec': { 'f:tags': { 'v:"a"': {} } } });
    expect(diffProjection(before, desired, live)).toEqual([]);
  });
});

const wanted = (spec: JsonObject): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec,
});

describe('matchesDesired', () => {
  it('holds when we own exactly the desired fields and each has its value', () => {
    expect(matchesDesired(wanted(desired['spec'] as JsonObject), applied)).toBe(true);
  });

  it.each<[string, JsonObject]>([
    ['a value differs', { ...(desired['spec'] as JsonObject), replicas: 3 }],
    ['a field is wanted that we do not own', { ...(desired['spec'] as JsonObject), paused: true }],
    ['we own a field that is not wanted', { replicas: 2, tags: ['a'] }],
    ['a list has another length', { ...(desired['spec'] as JsonObject), tags: ['a', 'b'] }],
  ])('fails when %s', (_name, spec) => {
    expect(matchesDesired(wanted(spec), applied)).toBe(false);
  });

  it('fails for an object that we never applied', () => {
    expect(
      matchesDesired(wanted(desired['spec'] as JsonObject), workload(applied['spec'] as JsonObject, {})),
    ).toBe(false);
  });
});

describe('projectFields', () => {
  it('keys the digest of a Secret', () => {
    const secret: KubeObject = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data: { a: 'b' },
    };
    const own = { 'f:data': { 'f:a': {} } };
    const other = new Uint8Array(32).fill(1);
    expect(projectFields(own, secret, key).digest).not.toBe(projectFields(own, secret, other).digest);
  });
});
