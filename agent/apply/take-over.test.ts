import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { isUnfinished, ownersOf, planTakeOver } from './take-over.ts';

const entry = (manager: string, operation: string, fieldsV1: object, more: object = {}) => ({
  manager,
  operation,
  apiVersion: 'v1',
  time: '2026-11-21T12:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...more,
});
const live = (managedFields: readonly object[], metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', ...metadata, managedFields: managedFields as unknown as Json },
});
const own = (time = '2026-11-21T12:00:05Z', fields: object = { 'f:data': { 'f:a': {} } }) =>
  entry('fairway', 'Apply', fields, { time });

describe('planTakeOver', () => {
  it("joins what the tools' entries own into ours, and leaves all others", () => {
    const kubectl = entry('kubectl-client-side-apply', 'Update', {
      'f:data': { '.': {}, 'f:a': {}, 'f:stale': {} },
    });
    const helm = entry('helm', 'Update', { 'f:metadata': { 'f:annotations': { 'f:x': {} } } });
    const others = [
      entry('kubectl-edit', 'Update', { 'f:data': { 'f:b': {} } }),
      entry('some-operator', 'Apply', { 'f:data': { 'f:c': {} } }),
      entry('helm', 'Update', { 'f:status': {} }, { subresource: 'status' }),
      entry('kubectl', 'Update', { 'f:data': { 'f:d': {} } }),
      entry('helm', 'Update', { 'f:data': { 'f:e': {} } }, { apiVersion: 'v0' }),
    ];
    const fieldsV1 = {
      'f:data': { '.': {}, 'f:a': {}, 'f:stale': {} },
      'f:metadata': { 'f:annotations': { 'f:x': {} } },
    };
    expect(planTakeOver(live([kubectl, ...others, own(), helm]))).toEqual([
      ...others,
      { ...own(), fieldsV1 },
    ]);
  });

  it('has nothing to do where no tool owns anything, or before our first apply', () => {
    expect(planTakeOver(live([own(), entry('kubectl-edit', 'Update', {})]))).toBeUndefined();
    expect(planTakeOver(live([entry('helm', 'Update', { 'f:data': {} })]))).toBeUndefined();
    expect(planTakeOver({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } })).toBeUndefined();
  });
});

describe('isUnfinished', () => {
  it('tells a take-over that was begun from a tool that applied later, which is drift', () => {
    const helm = (time: string) => entry('helm', 'Update', {}, { time });
    expect(isUnfinished(live([helm('2026-11-21T12:00:00Z'), own()]))).toBe(true);
    expect(isUnfinished(live([helm('2026-11-21T12:00:09Z'), own()]))).toBe(false);
    expect(isUnfinished(live([helm('2026-11-21T12:00:00Z')]))).toBe(false);
    expect(isUnfinished(live([own(), entry('kubectl-edit', 'Update', {})]))).toBe(false);
  });
});

describe('ownersOf', () => {
  it('names tools by their marks, else by their managers, each once', () => {
    const metadata = {
      labels: { 'kustomize.toolkit.fluxcd.io/name': 'shop', 'applyset.kubernetes.io/part-of': 'applyset-1' },
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"password":"hunter2"}}' },
    };
    const entries = [
      own(),
      entry('kubectl-client-side-apply', 'Update', {}),
      entry('kustomize-controller', 'Apply', {}),
      entry('helm', 'Update', {}),
      entry('some-operator', 'Apply', {}),
      entry('kube-controller-manager', 'Update', {}, { subresource: 'status' }),
    ];
    const owners = ownersOf(live(entries, metadata));
    expect(owners).toEqual([
      { tool: 'flux', name: 'shop' },
      { tool: 'applyset', name: 'applyset-1' },
      { tool: 'kubectl', name: 'kubectl apply' },
      { tool: 'helm', name: 'helm' },
      { tool: 'manager', name: 'some-operator' },
    ]);
    expect(JSON.stringify(owners)).not.toContain('hunter2');
  });
});
