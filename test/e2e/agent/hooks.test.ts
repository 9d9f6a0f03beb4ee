/** Hooks on a real API server: each moment of a run is brought about by hand. */
import { afterAll, describe, expect, it } from 'vitest';
import { parseHookMark } from '../../../agent/model/hook-memory.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Bed, startBed } from './agent-bed.ts';
import { configMap, endJob, jobHook, jobsOf, waitForJob, waitsFor } from './hook-bed.ts';

const bed = await startBed('agent-hooks');
const at = bed as Bed;
afterAll(() => bed?.stop());

const dataOf = async (name: string) =>
  (await at.get('v1', 'ConfigMap', 'default', name))?.['data'] as Record<string, string> | undefined;
const finalizersOf = async (name: string) =>
  (await at.get('batch/v1', 'Job', 'default', name))?.metadata['finalizers'] as string[] | undefined;

describe.skipIf(!bed)('a hook before the sync', () => {
  it('holds the new version back until it has succeeded, once', async () => {
    const agent = await at.agent();
    const set = [jobHook('migrate', 'pre-sync'), configMap('web', { v: '1' })];
    agent.desire('web', set);
    await waitsFor(agent, 'web', 'waits for pre-sync hook Job default/migrate: ');
    const run = await waitForJob(at, 'migrate');
    expect(run).toMatch(/^migrate-[0-9a-f]{10}$/);
    expect(await finalizersOf(run)).toContain('fairway.dev/hook');
    expect(await dataOf('web')).toBeUndefined();
    expect(agent.applications.get('web')?.syncStatus).toBe('Pending');
    const job = await at.get('batch/v1', 'Job', 'default', run);
    const mark = parseHookMark(job?.metadata.annotations?.['fairway.dev/hook-run']);
    expect(mark?.limitMs).toBe(600_000);
    expect(agent.applications.get('web')?.hookUntilMs).toBe((mark?.startedAtMs ?? 0) + 600_000);
    await endJob(at, run, 'Complete');
    const done = await agent.synced('web');
    expect(done).toMatchObject({ objects: 2, objectsSynced: 2, healthStatus: 'Current' });
    expect(done.hookUntilMs).toBeUndefined();
    expect(agent.objects.get('web batch/Job/default/migrate')).toMatchObject({
      syncStatus: 'Synced',
      reason: 'HookSucceeded',
      message: expect.stringContaining(`ran as Job default/${run} in `),
    });
    expect(await finalizersOf(run)).toBeUndefined();
    expect(agent.acks.map(({ stage }) => stage)).toEqual(['applied', 'healthy']);
    expect(await agent.requestsDuring(() => agent.loops.syncNow())).toEqual({});
    // Another release of the same set has nothing to release.
    agent.desire('web', set);
    await agent.synced('web');
    expect(await jobsOf(at, 'migrate')).toEqual([run]);
    agent.desire('web', [jobHook('migrate', 'pre-sync'), configMap('web', { v: '2' })]);
    const second = await waitForJob(at, 'migrate', [run]);
    await waitFor('the first run to go', async () => !(await jobsOf(at, 'migrate')).includes(run), 15_000);
    expect(await dataOf('web')).toEqual({ v: '1' });
    await at.kubectl('patch', 'configmap', 'web', '-p', '{"data":{"v":"9"}}');
    await waitFor('the old version to be healed', async () => (await dataOf('web'))?.['v'] === '1', 15_000);
    await endJob(at, second, 'Complete');
    await agent.synced('web');
    expect(await dataOf('web')).toEqual({ v: '2' });
    await agent.stop();
  });

  it('that fails leaves the old version, healed, and is run once more by a sync or a new release only', async () => {
    const agent = await at.agent();
    agent.desire('bad', [configMap('bad', { v: '1' })]);
    await agent.synced('bad');
    const set = [
      jobHook('bad-migrate', 'pre-sync'),
      jobHook('bad-tell', 'sync-fail'),
      configMap('bad', { v: '2' }),
    ];
    agent.desire('bad', set);
    const run = await waitForJob(at, 'bad-migrate');
    expect(await jobsOf(at, 'bad-tell')).toEqual([]);
    await endJob(at, run, 'Failed');
    const failed = await agent.synced('bad', 'Failed');
    expect(failed.message).toBe(
      `pre-sync hook Job default/bad-migrate failed: Job default/${run}: BackoffLimitExceeded: Job has reached the specified backoff limit`,
    );
    const tell = await waitForJob(at, 'bad-tell');
    await endJob(at, tell, 'Complete');
    await waitFor(
      'the failure hook to be told of',
      () => agent.objects.get('bad batch/Job/default/bad-tell')?.reason === 'HookSucceeded',
    );
    expect(agent.acks.at(-1)).toMatchObject({ stage: 'failed' });
    await at.kubectl('patch', 'configmap', 'bad', '-p', '{"data":{"v":"9"}}');
    await waitFor('the old version to be healed', async () => (await dataOf('bad'))?.['v'] === '1', 15_000);
    expect(await jobsOf(at, 'bad-migrate')).toEqual([run]);
    agent.loops.syncNow('bad');
    const again = await waitForJob(at, 'bad-migrate', [run]);
    await endJob(at, again, 'Complete');
    await agent.synced('bad');
    expect(await dataOf('bad')).toEqual({ v: '2' });
    expect(await jobsOf(at, 'bad-tell')).toEqual([tell]);
    expect(agent.events.filter(({ type }) => type === 'sync.failed')).toHaveLength(1);
    const told = agent.events.filter(({ type }) => type === 'hook.failed');
    expect(told).toEqual([
      expect.objectContaining({
        application: 'bad',
        key: { group: 'batch', kind: 'Job', namespace: 'default', name: 'bad-migrate' },
        message: failed.message,
        hook: { phase: 'pre-sync', attempt: 1, reason: 'HookFailed' },
      }),
    ]);
    expect(agent.events.filter(({ type }) => type === 'sync.succeeded')).toHaveLength(2);
    await agent.stop();
  });
});

describe.skipIf(!bed)('an event of a failed hook', () => {
  it('comes again from an agent that starts, as the same one, since its end may not have reached the hub', async () => {
    const first = await at.agent();
    first.desire('again', [jobHook('again-migrate', 'pre-sync')]);
    const run = await waitForJob(at, 'again-migrate');
    await endJob(at, run, 'Failed');
    await first.synced('again', 'Failed');
    await first.stop();
    const second = await at.agent({ desired: first.desired });
    await second.synced('again', 'Failed');
    const told = (agent: typeof first) => agent.events.filter(({ type }) => type === 'hook.failed');
    expect(told(second)).toEqual(told(first));
    expect(told(first)).toHaveLength(1);
    second.loops.syncNow('again');
    await endJob(at, await waitForJob(at, 'again-migrate', [run]), 'Failed');
    await waitFor('the second attempt to be told of', () => told(second).length === 2);
    expect(told(second).map(({ hook }) => hook?.attempt)).toEqual([1, 2]);
    expect(new Set(told(second).map(({ id }) => id)).size).toBe(2);
    await second.stop();
  });
});

describe.skipIf(!bed)('hooks', () => {
  it('after the sync run when all is healthy, and healthy is said only then', async () => {
    const agent = await at.agent();
    agent.desire('after', [configMap('after', { v: '1' }), jobHook('smoke', 'post-sync')]);
    const run = await waitForJob(at, 'smoke');
    expect(await dataOf('after')).toEqual({ v: '1' });
    await waitsFor(agent, 'after', 'waits for post-sync hook Job default/smoke');
    expect(agent.acks.map(({ stage }) => stage)).toEqual(['applied']);
    expect(agent.applications.get('after')?.hookUntilMs).toBeDefined();
    await endJob(at, run, 'Complete');
    await agent.synced('after');
    expect(agent.acks.map(({ stage }) => stage)).toEqual(['applied', 'healthy']);
    expect(agent.events.filter(({ type }) => type === 'sync.succeeded')).toHaveLength(1);
    await agent.stop();
  });

  it('go by waves and kinds, and what they need goes with them', async () => {
    const agent = await at.agent();
    const wave = (value: string) => ({ 'fairway.dev/hook': 'pre-sync', 'fairway.dev/wave': value });
    const inside = (manifest: ReturnType<typeof configMap>) => ({
      ...manifest,
      metadata: { ...manifest.metadata, namespace: 'ordered' },
    });
    agent.desire('ordered', [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ordered' } },
      inside(jobHook('second', 'pre-sync', { 'fairway.dev/wave': '2' })),
      inside(jobHook('first', 'pre-sync', { 'fairway.dev/wave': '-1' })),
      inside(configMap('needed', { v: '1' }, wave('-1'))),
      inside(configMap('content', { v: '1' })),
    ]);
    const jobs = async () => (await at.kubectl('-n', 'ordered', 'get', 'jobs', '-o', 'name')).split('\n');
    await waitsFor(agent, 'ordered', 'waits for pre-sync hook Job ordered/first');
    expect(await at.get('v1', 'ConfigMap', 'ordered', 'needed')).toBeDefined();
    expect(await at.get('v1', 'ConfigMap', 'ordered', 'content')).toBeUndefined();
    expect((await jobs()).filter((name) => name.includes('second'))).toEqual([]);
    expect(agent.objects.get('ordered batch/Job/ordered/second')).toMatchObject({ syncStatus: 'Pending' });
    await agent.stop();
  });

  it('find what their pods name on a first installation; a new version of it waits for them', async () => {
    const agent = await at.agent();
    const hook = (version: string) => {
      const job = jobHook('naming', 'pre-sync', { version });
      const spec = {
        restartPolicy: 'Never',
        serviceAccountName: 'naming',
        containers: [{ name: 'main', image: 'migrate:1', envFrom: [{ configMapRef: { name: 'naming' } }] }],
      };
      return { ...job, spec: { template: { spec } } };
    };
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'naming', namespace: 'default' },
    };
    const set = (v: string) => [
      hook(v),
      account,
      configMap('naming', { v }),
      configMap('naming-other', { v }),
    ];
    agent.desire('naming', set('1'));
    const first = await waitForJob(at, 'naming');
    expect(await dataOf('naming')).toEqual({ v: '1' });
    expect(await at.get('v1', 'ServiceAccount', 'default', 'naming')).toBeDefined();
    expect(await dataOf('naming-other')).toBeUndefined();
    await endJob(at, first, 'Complete');
    await agent.synced('naming');
    agent.desire('naming', set('2'));
    const second = await waitForJob(at, 'naming', [first]);
    expect(await dataOf('naming')).toEqual({ v: '1' });
    await endJob(at, second, 'Complete');
    await agent.synced('naming');
    expect(await dataOf('naming')).toEqual({ v: '2' });
    await agent.stop();
  });

  it('are deleted as their policy says', async () => {
    const agent = await at.agent();
    agent.desire('policy', [
      jobHook('gone-after', 'pre-sync', { 'fairway.dev/hook-delete-policy': 'hook-succeeded' }),
      jobHook('argo-gone', 'pre-sync', { 'argocd.argoproj.io/hook-delete-policy': 'HookSucceeded' }),
      jobHook('helm-kept', 'pre-sync', { 'helm.sh/hook-delete-policy': 'before-hook-creation,hook-failed' }),
    ]);
    for (const base of ['gone-after', 'argo-gone', 'helm-kept'])
      await endJob(at, await waitForJob(at, base), 'Complete');
    await agent.synced('policy');
    await waitFor(
      'two to go',
      async () => (await jobsOf(at, 'gone-after')).length + (await jobsOf(at, 'argo-gone')).length === 0,
      15_000,
    );
    const [kept] = await jobsOf(at, 'helm-kept');
    expect(kept).toBeDefined();
    // A hook that left the set takes its runs with it.
    agent.desire('policy', [configMap('policy', { v: '1' })]);
    await agent.synced('policy');
    await waitFor('the last run to go', async () => (await jobsOf(at, 'helm-kept')).length === 0, 15_000);
    await agent.stop();
  });

  it('leave the cluster with their application, even while they run', async () => {
    const agent = await at.agent();
    agent.desire('leaving', [jobHook('endless', 'pre-sync'), configMap('leaving', { v: '1' })]);
    await waitForJob(at, 'endless');
    agent.desire('leaving', [], { removed: true });
    await waitFor('it to be forgotten', () => agent.desired.state.forgotten.includes('leaving'), 15_000);
    expect(await jobsOf(at, 'endless')).toEqual([]);
    await agent.stop();
  });
});
