import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../shared/manifest/object.ts';
import { planResume, planStop, runsPods, stopRank } from './plan-stop.ts';

const object = (apiVersion: string, kind: string, rest: object = {}, annotations = {}) =>
  ({ apiVersion, kind, metadata: { name: 'web', namespace: 'n', annotations }, ...rest }) as KubeObject;
const deployment = (replicas: number | undefined, status = {}, annotations = {}) =>
  object(
    'apps/v1',
    'Deployment',
    { spec: { ...(replicas !== undefined && { replicas }) }, status },
    annotations,
  );
const note = (before: object) => ({ 'fairway.dev/fenced': JSON.stringify(before) });

describe('planStop', () => {
  it('scales to none, and writes down how many there were', () => {
    expect(planStop(deployment(3, { replicas: 3 }))).toEqual({
      patch: { spec: { replicas: 0 }, metadata: { annotations: note({ replicas: 3 }) } },
      ...{ runs: [], waits: '3 pods have not ended yet', graceMs: 30_000 },
    });
    expect(planStop(deployment(undefined))?.patch).toMatchObject({
      metadata: { annotations: note({ replicas: null }) },
    });
  });

  it('leaves alone what stands still, and keeps the first note where somebody has scaled it up', () => {
    expect(planStop(deployment(0))).toMatchObject({ patch: undefined, waits: '' });
    expect(planStop(deployment(2, {}, note({ replicas: 3 })))?.patch).toEqual({ spec: { replicas: 0 } });
  });

  it('suspends CronJobs with the runs under way, and Jobs that are not over', () => {
    const cron = object('batch/v1', 'CronJob', { spec: {}, status: { active: [{ name: 'web-1' }] } });
    expect(planStop(cron)).toMatchObject({
      patch: { spec: { suspend: true }, metadata: { annotations: note({ suspend: null }) } },
      ...{ runs: ['web-1'], waits: '1 runs have not ended yet' },
    });
    const job = object('batch/v1', 'Job', { spec: {}, status: { active: 2 } });
    expect(planStop(job)).toMatchObject({
      patch: { spec: { suspend: true } },
      waits: '2 pods have not ended yet',
    });
    const over = { conditions: [{ type: 'Complete', status: 'True' }] };
    expect(planStop(object('batch/v1', 'Job', { spec: {}, status: over }))?.patch).toBeUndefined();
  });

  it('takes the nodes from a DaemonSet, and pauses what KEDA scales, first', () => {
    const all = planStop(object('apps/v1', 'DaemonSet', { spec: {}, status: { currentNumberScheduled: 4 } }));
    expect(all?.patch).toMatchObject({
      spec: { template: { spec: { nodeSelector: { 'fairway.dev/fenced': 'true' } } } },
    });
    expect(all?.waits).toBe('4 pods have not ended yet');
    expect(planStop(object('keda.sh/v1alpha1', 'ScaledObject'))?.patch).toEqual({
      metadata: {
        annotations: { 'autoscaling.keda.sh/paused-replicas': '0', ...note({ keda: null }) },
      },
    });
    expect(stopRank('keda.sh', 'ScaledObject')).toBeLessThan(stopRank('apps', 'Deployment'));
  });

  it('says of a bare Pod that it cannot, and of what runs nothing nothing', () => {
    expect(planStop(object('v1', 'Pod'))).toMatchObject({
      waits: expect.stringContaining('cannot be stopped'),
    });
    expect(planStop(object('v1', 'Pod', { status: { phase: 'Succeeded' } }))?.waits).toBe('');
    expect(planStop(object('v1', 'ConfigMap'))).toBeUndefined();
    expect(runsPods('', 'ConfigMap')).toBe(false);
  });

  it('waits as long as the pods may take', () => {
    const template = { spec: { terminationGracePeriodSeconds: 120 } };
    expect(planStop(object('apps/v1', 'StatefulSet', { spec: { template } }))?.graceMs).toBe(120_000);
    const jobTemplate = { spec: { template } };
    expect(planStop(object('batch/v1', 'CronJob', { spec: { jobTemplate } }))?.graceMs).toBe(120_000);
  });
});

describe('planResume', () => {
  const stopped = deployment(0, {}, note({ replicas: 3 }));

  it('puts back what was there under the same Target', () => {
    expect(planResume(stopped, deployment(5), true)).toEqual({
      spec: { replicas: 3 },
      metadata: { annotations: { 'fairway.dev/fenced': null } },
    });
  });

  it('takes what a new Target states, and else what was there', () => {
    expect(planResume(stopped, deployment(0), false)).toMatchObject({ spec: { replicas: 0 } });
    expect(planResume(stopped, deployment(undefined), false)).toMatchObject({ spec: { replicas: 3 } });
  });

  it('puts back a run that no Target names, under the same one', () => {
    const run = object('batch/v1', 'Job', { spec: { suspend: true } }, note({ suspend: null }));
    expect(planResume(run, undefined, true)).toMatchObject({ spec: { suspend: null } });
  });

  it('leaves what is in the Target no more as it is, but for the note', () => {
    expect(planResume(stopped, undefined, false)).toEqual({
      metadata: { annotations: { 'fairway.dev/fenced': null } },
    });
  });

  it('touches nothing that the fence has not stopped', () => {
    expect(planResume(deployment(0), deployment(3), true)).toBeUndefined();
    expect(planResume(object('v1', 'ConfigMap', {}, note({})), undefined, true)).toBeUndefined();
  });

  it('gives a field back to its default where there was none, or the note cannot be read', () => {
    const daemon = object('apps/v1', 'DaemonSet', {}, note({ nodeSelector: null }));
    expect(planResume(daemon, daemon, false)).toMatchObject({
      spec: { template: { spec: { nodeSelector: { 'fairway.dev/fenced': null } } } },
    });
    const broken = deployment(0, {}, { 'fairway.dev/fenced': '{' });
    expect(planResume(broken, deployment(2), true)).toMatchObject({ spec: { replicas: null } });
  });
});
