import { describe, expect, it } from 'vitest';
import type { JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import {
  findForeign,
  foreignSinceOwn,
  hashForeignPaths,
  newForeign,
  planForeign,
  planRemoval,
} from './foreign.ts';

const ours = { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:name': {} } } } };

function object(manager: string, fieldsV1: object, subresource?: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'p',
      resourceVersion: '7',
      labels: { a: '1', b: '2' },
      managedFields: [
        { manager: 'fairway', operation: 'Apply', time: '2026-01-01T00:00:01Z', fieldsV1: ours },
        {
          manager,
          operation: 'Update',
          time: '2026-01-01T00:00:02Z',
          fieldsV1: fieldsV1 as JsonObject,
          ...(subresource && { subresource }),
        },
      ],
    },
    spec: { containers: [{ name: 'web' }, { name: 'side', image: 'x' }], tags: ['t'] },
  };
}

const sidecar = {
  'f:metadata': { 'f:labels': { '.': {}, 'f:b': {} } },
  'f:spec': { 'f:containers': { 'k:{"name":"side"}': { '.': {}, 'f:name': {}, 'f:image': {} } } },
};

describe('findForeign', () => {
  it('takes an added list item whole and of a map only the members', () => {
    const found = findForeign(ours, object('kubectl-edit', sidecar));
    expect(found.map(({ path, pointer }) => [path, pointer])).toEqual([
      ['/metadata/labels/b', '/metadata/labels/b'],
      ['/spec/containers/[name=side]', '/spec/containers/1'],
    ]);
  });

  it("passes over Kubernetes' own controllers and subresources", () => {
    expect(findForeign(ours, object('kube-controller-manager', sidecar))).toEqual([]);
    expect(findForeign(ours, object('kubectl', sidecar, 'status'))).toEqual([]);
  });

  it('takes nothing of controllers of Kubernetes, or of the API server where managedFields began anew', () => {
    for (const manager of ['kube-controller-manager', 'before-first-apply'])
      expect(findForeign(ours, object(manager, sidecar))).toEqual([]);
  });

  it('tells news by what was there when we applied, or by time', () => {
    const live = object('kubectl-edit', sidecar);
    const found = findForeign(ours, live);
    expect(newForeign(found, hashForeignPaths(found))).toEqual([]);
    expect(newForeign(found, hashForeignPaths(found.slice(0, 1)))).toEqual(found.slice(1));
    expect(foreignSinceOwn(found, live)).toEqual(found);
  });
});

describe('planRemoval', () => {
  it('tests the resourceVersion first and removes later positions first', () => {
    const live = object('kubectl-edit', {});
    const field = (pointer: string) => ({ path: pointer, pointer, manager: 'kubectl-edit' });
    expect(planRemoval([field('/spec/tags/2'), field('/spec/tags/10')], live)).toEqual([
      { op: 'test', path: '/metadata/resourceVersion', value: '7' },
      { op: 'remove', path: '/spec/tags/10' },
      { op: 'remove', path: '/spec/tags/2' },
    ]);
  });
});

describe('planForeign', () => {
  it('leaves a restart that somebody asked for', () => {
    const path = '/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt';
    expect(planForeign('auto', { manager: 'kubectl-rollout', path })).toBe('leave');
    expect(planForeign('auto', { manager: 'kubectl-rollout', path: '/spec/paused' })).toBe('undo');
    expect(planForeign('undo', { manager: 'kubectl-rollout', path })).toBe('undo');
  });

  it("undoes people's managers and reports others by default", () => {
    expect(planForeign('auto', { manager: 'kubectl-edit', path: '/data/a' })).toBe('undo');
    expect(planForeign('auto', { manager: 'istio', path: '/data/a' })).toBe('report');
    expect(planForeign('leave', { manager: 'kubectl', path: '/data/a' })).toBe('leave');
  });
});
