import { describe, expect, it } from 'vitest';
import { judgeHealth } from '../../shared/health/health.ts';
import { describeLeaving } from './describe-leaving.ts';
import { judgeHook } from './hook-outcome.ts';
import { hookManner, hookRunKey, readHookSpec } from './hook-spec.ts';

function manifest(annotations: Record<string, string>, kind = 'Job', spec = {}) {
  return { apiVersion: 'batch/v1', kind, metadata: { name: 'a', annotations }, spec };
}
const key = (group: string, kind: string, name = 'a') => ({ group, kind, namespace: 'shop', name });

describe('readHookSpec', () => {
  it.each([
    [{}, ['before-hook-creation']],
    [{ 'fairway.dev/hook-delete-policy': 'hook-failed, hook-succeeded' }, ['hook-failed', 'hook-succeeded']],
    [
      { 'argocd.argoproj.io/hook-delete-policy': 'HookSucceeded,BeforeHookCreation' },
      ['hook-succeeded', 'before-hook-creation'],
    ],
    [{ 'helm.sh/hook-delete-policy': 'hook-failed' }, ['hook-failed']],
    [
      { 'fairway.dev/hook-delete-policy': 'hook-failed', 'helm.sh/hook-delete-policy': 'hook-succeeded' },
      ['hook-failed'],
    ],
    [{ 'fairway.dev/hook-delete-policy': 'whenever' }, ['before-hook-creation']],
  ])('of %o deletes by %o', (annotations, policies) => {
    expect(readHookSpec(manifest(annotations as Record<string, string>)).policies).toEqual(policies);
  });

  it.each([
    ['90', 90_000],
    ['90s', 90_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['999h', 86_400_000],
    ['0', 1_000],
    ['soon', 600_000],
  ])('gives %s as the limit', (text, limitMs) => {
    expect(readHookSpec(manifest({ 'fairway.dev/hook-timeout': text })).limitMs).toBe(limitMs);
  });

  it("lets a Job's own deadline come first where no limit is stated", () => {
    const deadline = { activeDeadlineSeconds: 3_600 };
    expect(readHookSpec(manifest({}, 'Job', deadline)).limitMs).toBe(3_630_000);
    expect(readHookSpec(manifest({}, 'Pod', deadline)).limitMs).toBe(600_000);
    expect(readHookSpec(manifest({ 'fairway.dev/hook-timeout': '1m' }, 'Job', deadline)).limitMs).toBe(
      60_000,
    );
  });
});

describe('the object of a run', () => {
  it.each([
    ['batch', 'Job', 'run'],
    ['', 'Pod', 'run'],
    ['argoproj.io', 'Workflow', 'run'],
    ['', 'ConfigMap', 'apply'],
    ['rbac.authorization.k8s.io', 'Role', 'apply'],
    ['apps', 'Deployment', 'apply'],
    ['example.com', 'Job', 'anew'],
    ['serving.knative.dev', 'Service', 'anew'],
  ])('%s/%s is made by way of %s', (group, kind, manner) => {
    expect(hookManner(key(group, kind))).toBe(manner);
  });

  it('has a name that fits into a label, and is another for each run', () => {
    const long = hookRunKey(key('batch', 'Job', `${'very-'.repeat(12)}long`), 'r', 'd', 1);
    expect(long.name).toMatch(/^(very-)+[a-z-]*[a-z]-[0-9a-f]{10}$/);
    expect(long.name.length).toBeLessThanOrEqual(63);
    expect(hookRunKey(key('batch', 'Job'), 'r', 'd', 2).name).not.toBe(
      hookRunKey(key('batch', 'Job'), 'r', 'd', 1).name,
    );
    expect(hookRunKey(key('', 'Secret'), 'r', 'd', 1)).toEqual(key('', 'Secret'));
  });
});

describe('judgeHook', () => {
  const judge = (apiVersion: string, kind: string, status: object, metadata = {}) =>
    judgeHook(
      { apiVersion, kind, metadata: { name: 'a', ...metadata }, status: status as never },
      judgeHealth,
    ).state;
  const ready = [{ type: 'Ready', status: 'True' }];

  it.each([
    ['v1', 'Pod', { phase: 'Running', conditions: ready }, 'running'],
    ['v1', 'Pod', { phase: 'Succeeded' }, 'succeeded'],
    ['v1', 'Pod', { phase: 'Failed' }, 'failed'],
    ['batch/v1', 'Job', { active: 1 }, 'running'],
    ['batch/v1', 'Job', { conditions: [{ type: 'Complete', status: 'True' }] }, 'succeeded'],
    ['batch/v1', 'Job', { conditions: [{ type: 'Failed', status: 'True' }] }, 'failed'],
    ['argoproj.io/v1alpha1', 'Workflow', {}, 'running'],
    ['argoproj.io/v1alpha1', 'Workflow', { phase: 'Error' }, 'failed'],
    ['tekton.dev/v1', 'TaskRun', {}, 'running'],
    ['tekton.dev/v1', 'TaskRun', { conditions: [{ type: 'Succeeded', status: 'Unknown' }] }, 'running'],
    ['tekton.dev/v1', 'PipelineRun', { conditions: [{ type: 'Succeeded', status: 'False' }] }, 'failed'],
    ['example.com/v1', 'Migration', { conditions: [{ type: 'Ready', status: 'False' }] }, 'running'],
    ['example.com/v1', 'Migration', { conditions: ready }, 'succeeded'],
  ])('%s %s with %o is %s', (apiVersion, kind, status, state) => {
    expect(judge(apiVersion, kind, status)).toBe(state);
  });

  it('counts a run that is deleted as failed, unless it had ended', () => {
    const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(judge('batch/v1', 'Job', { active: 1 }, deleted)).toBe('failed');
    expect(judge('v1', 'Pod', { phase: 'Succeeded' }, deleted)).toBe('succeeded');
  });
});

describe('describeLeaving', () => {
  it.each([
    [['foo.example/bar'], 'waits for finalizer foo.example/bar of Job shop/a since 1970-01-01T00:00:01Z'],
    [
      ['a.b/c', 'foregroundDeletion', 'd.e/f'],
      'waits for finalizers a.b/c, d.e/f of Job shop/a since 1970-01-01T00:00:01Z',
    ],
    [['foregroundDeletion'], 'waits for what Job shop/a owns to go since 1970-01-01T00:00:01Z'],
    [[], 'waits for Job shop/a to go since 1970-01-01T00:00:01Z'],
  ])('of %o says so', (finalizers, text) => {
    expect(describeLeaving({ key: key('batch', 'Job'), finalizers, sinceMs: 1_000 })).toBe(text);
  });
});
