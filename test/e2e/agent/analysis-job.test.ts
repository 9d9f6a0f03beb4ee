/** Jobs that the hub runs for an analysis, by an agent on a real API server: begun once, looked at, put away. */
import { afterAll, describe, expect, it } from 'vitest';
import { type RunQuestion, runJob } from '../../../agent/loops/questions/run-job.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Bed, startBed } from './agent-bed.ts';
import { configMap, endJob } from './hook-bed.ts';

const bed = await startBed('agent-analysis-job');
const at = bed as Bed;

const signal = new AbortController().signal;
const jobOf = (name: string, run = `run-${name}`) =>
  JSON.stringify({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, annotations: { 'fairway.dev/analysis': run } },
    spec: {
      backoffLimit: 0,
      ttlSecondsAfterFinished: 86_400,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'smoke', image: 'smoke:1' }] } },
    },
  });
const live = (name: string) => at.get('batch/v1', 'Job', 'default', name);

describe.skipIf(!bed)('a Job for an analysis', () => {
  afterAll(() => at.stop());

  it('is made once though asked for many times at once, and is told of until it has ended', async () => {
    const agent = await at.agent();
    agent.desire('web', [configMap('web', { v: '1' })]);
    await agent.synced('web');
    const ask = (question: Partial<RunQuestion> = {}) =>
      runJob(
        { application: 'web', job: jobOf('smoke-1'), begin: true, remove: false, ...question },
        { kube: agent.client, desired: agent.desired, namespace: 'fairway-system' },
        signal,
      );
    const said = await Promise.all([ask(), ask(), ask()]);
    expect(said).toEqual(said.map(() => ({ state: 'running', message: '0 active', logTail: '' })));
    const uid = (await live('smoke-1'))?.metadata['uid'];
    expect(await ask({ begin: false })).toMatchObject({ state: 'running' });
    // It is no part of the application: nothing prunes it, and nothing calls it drift.
    await agent.loops.syncNow();
    expect((await live('smoke-1'))?.metadata['uid']).toBe(uid);
    await endJob(at, 'smoke-1', 'Complete');
    expect(await ask({ begin: false })).toEqual({ state: 'succeeded', message: '', logTail: '' });
    expect(await ask({ begin: false, remove: true })).toMatchObject({ state: 'succeeded' });
    await waitFor('the Job to go', async () => (await live('smoke-1')) === undefined, 15_000);
    expect(await ask({ begin: false })).toEqual({ state: 'gone', message: '', logTail: '' });
    await agent.stop();
  });

  it('that failed says why, and stays', async () => {
    const agent = await at.agent();
    agent.desire('shop', [configMap('shop', { v: '1' })]);
    await agent.synced('shop');
    const question = { application: 'shop', job: jobOf('smoke-2'), begin: true, remove: false };
    const ports = { kube: agent.client, desired: agent.desired, namespace: 'fairway-system' };
    await runJob(question, ports, signal);
    await endJob(at, 'smoke-2', 'Failed');
    expect(await runJob({ ...question, begin: false }, ports, signal)).toEqual({
      state: 'failed',
      message: 'BackoffLimitExceeded: Job has reached the specified backoff limit',
      logTail: '',
    });
    const other = { ...question, job: jobOf('smoke-2', 'another') };
    await expect(runJob(other, ports, signal)).rejects.toMatchObject({ code: 'already_exists' });
    await expect(runJob({ ...question, application: 'nobody' }, ports, signal)).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(runJob(question, { ...ports, namespace: 'default' }, signal)).rejects.toMatchObject({
      code: 'permission_denied',
    });
    await expect(runJob({ ...question, job: '{}' }, ports, signal)).rejects.toMatchObject({
      code: 'invalid_argument',
    });
    await agent.stop();
  });
});
