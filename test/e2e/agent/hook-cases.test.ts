/** Hooks that take too long, fail with words, are rolled back to, are of other kinds, or meet another release; on a real API server. */
import { afterAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../../agent/kube/kube-client.ts';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';
import { configMap, endJob, jobHook, jobsOf, waitForJob, waitsFor } from './hook-bed.ts';

const bed = await startBed('agent-hook-cases');
const at = bed as Bed;
afterAll(() => bed?.stop());

const row = (agent: Agent, application: string, key: string) => agent.objects.get(`${application} ${key}`);
const patchStatus = (kind: string, name: string, status: object) =>
  at.kubectl('patch', kind, name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
const isForgotten = (agent: Agent, name: string) =>
  waitFor('it to be forgotten', () => agent.desired.state.forgotten.includes(name), 15_000);

describe.skipIf(!bed)('a hook', () => {
  it('that takes too long is stopped, and has failed', async () => {
    const clock = createFakeClock(Date.now());
    const agent = await at.agent({ clock });
    agent.desire('late', [jobHook('late-hook', 'pre-sync', { 'fairway.dev/hook-timeout': '2m' })]);
    const run = await waitForJob(at, 'late-hook');
    await waitsFor(agent, 'late', 'waits for pre-sync hook');
    await agent.loops.idle();
    await clock.advance(119_000);
    await agent.loops.idle();
    expect(await jobsOf(at, 'late-hook')).toEqual([run]);
    await clock.advance(2_000);
    const failed = await agent.synced('late', 'Failed');
    expect(failed.message).toMatch(/failed: Job default\/late-hook-\w+: it had not ended after 2 min/);
    expect(row(agent, 'late', 'batch/Job/default/late-hook')).toMatchObject({ reason: 'HookTimeout' });
    await waitFor('it to be deleted', async () => (await jobsOf(at, 'late-hook')).length === 0, 15_000);
    await agent.stop();
  });

  it('that failed tells the last lines of its containers, and keeps them to itself where it is told to', async () => {
    const wrap = (client: KubeClient): KubeClient => ({
      ...client,
      // No kubelet here: its answer is the only part that is not real.
      logs: async ({ pod, container }) => ({
        content: Buffer.from(
          `connecting\n\u001b[31mcannot connect\u001b[0m as ${pod}/${container}\ngiving up\n`,
        ),
        truncated: false,
      }),
    });
    const agent = await at.agent({ wrap });
    agent.desire('words', [jobHook('words-hook', 'pre-sync')]);
    agent.desire('quiet', [jobHook('quiet-hook', 'pre-sync', { 'fairway.dev/hook-logs': 'false' })]);
    for (const base of ['words-hook', 'quiet-hook']) {
      const run = await waitForJob(at, base);
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `${run}-pod`, namespace: 'default', labels: { 'job-name': run } },
        spec: { serviceAccountName: 'default', containers: [{ name: 'main', image: 'migrate:1' }] },
      };
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
      const accounts = { resource: await at.resource('v1', 'ServiceAccount'), namespace: 'default' };
      await at.admin.apply({ ...accounts, name: 'default' }, account, { fieldManager: 'test' });
      await at.admin.create({ resource: await at.resource('v1', 'Pod'), namespace: 'default' }, pod);
      const terminated = { exitCode: 3, reason: 'Error' };
      const status = { name: 'main', image: 'a', imageID: 'a', ready: false, restartCount: 0 };
      await patchStatus('pod', `${run}-pod`, {
        phase: 'Failed',
        containerStatuses: [{ ...status, state: { terminated } }],
      });
      await endJob(at, run, 'Failed');
    }
    const failed = await agent.synced('words', 'Failed');
    expect(failed.message).toMatch(
      /; main exited with 3: connecting \| cannot connect as words-hook-\w+-pod\/main \| giving up$/,
    );
    expect((await agent.synced('quiet', 'Failed')).message).toMatch(/specified backoff limit$/);
    await agent.stop();
  });

  it('before the sync is not run again by a rollback, one after it is', async () => {
    const agent = await at.agent();
    const version = (v: string) => [
      jobHook(`roll-${v}`, 'pre-sync', { version: v }),
      configMap('roll', { v }),
      jobHook('roll-smoke', 'post-sync', { version: v }),
    ];
    const run = async (v: string, options = {}) => {
      const before = await jobsOf(at, 'roll-smoke');
      agent.desire('roll', version(v), options);
      if (!('reason' in options)) await endJob(at, await waitForJob(at, `roll-${v}`), 'Complete');
      await endJob(at, await waitForJob(at, 'roll-smoke', before), 'Complete');
      await agent.synced('roll');
    };
    await run('one');
    await run('two');
    await run('one', { reason: 'rollback' });
    expect(await jobsOf(at, 'roll-one')).toEqual([]);
    expect(row(agent, 'roll', 'batch/Job/default/roll-one')).toMatchObject({
      syncStatus: 'Synced',
      reason: 'HookNotRun',
    });
    expect((await at.get('v1', 'ConfigMap', 'default', 'roll'))?.['data']).toEqual({ v: 'one' });
    await agent.stop();
  });

  it('at work is taken up by an agent that remembers nothing, and waited for by a newer release', async () => {
    const first = await at.agent();
    first.desire('taken', [jobHook('taken-hook', 'pre-sync'), configMap('taken', { v: '1' })]);
    const run = await waitForJob(at, 'taken-hook');
    await first.stop();
    const second = await at.agent({ desired: first.desired });
    await waitsFor(second, 'taken', 'waits for pre-sync hook');
    second.desire('taken', [
      jobHook('taken-hook', 'pre-sync', { version: '2' }),
      configMap('taken', { v: '2' }),
    ]);
    await waitsFor(second, 'taken', `Job default/${run} of an earlier release has not ended yet`);
    expect(await jobsOf(at, 'taken-hook')).toEqual([run]);
    await endJob(at, run, 'Complete');
    const next = await waitForJob(at, 'taken-hook', [run]);
    expect(await at.get('v1', 'ConfigMap', 'default', 'taken')).toBeUndefined();
    await endJob(at, next, 'Complete');
    await second.synced('taken');
    await second.stop();
  });

  it('of an earlier release that ends after all is not run again by a rollback to it', async () => {
    const agent = await at.agent();
    const version = (v: string) => [jobHook(`over-${v}`, 'pre-sync'), configMap('over', { v })];
    agent.desire('over', version('one'));
    const first = await waitForJob(at, 'over-one');
    agent.desire('over', version('two'));
    await waitsFor(agent, 'over', 'of an earlier release has not ended yet');
    await endJob(at, first, 'Complete');
    await endJob(at, await waitForJob(at, 'over-two'), 'Complete');
    await agent.synced('over');
    agent.desire('over', version('one'), { reason: 'rollback' });
    await agent.synced('over');
    expect(row(agent, 'over', 'batch/Job/default/over-one')?.reason).toBe('HookNotRun');
    expect((await at.get('v1', 'ConfigMap', 'default', 'over'))?.['data']).toEqual({ v: 'one' });
    await agent.stop();
  });

  it('at work holds back a newer version without hooks too; one that tells of a failure does not', async () => {
    const agent = await at.agent();
    agent.desire('bare', [jobHook('bare-hook', 'pre-sync'), configMap('bare', { v: '1' })]);
    const run = await waitForJob(at, 'bare-hook');
    agent.desire('bare', [configMap('bare', { v: '2' })]);
    await waitsFor(agent, 'bare', `waits for Job default/${run} of an earlier release`);
    expect(agent.applications.get('bare')?.hookUntilMs).toBeDefined();
    expect(await at.get('v1', 'ConfigMap', 'default', 'bare')).toBeUndefined();
    await endJob(at, run, 'Complete');
    await agent.synced('bare');
    agent.desire('bare', [
      jobHook('bare-bad', 'pre-sync'),
      jobHook('bare-tell', 'sync-fail'),
      configMap('bare', { v: '3' }),
    ]);
    await endJob(at, await waitForJob(at, 'bare-bad'), 'Failed');
    await waitForJob(at, 'bare-tell');
    agent.desire('bare', [configMap('bare', { v: '4' })]);
    await agent.synced('bare');
    expect((await at.get('v1', 'ConfigMap', 'default', 'bare'))?.['data']).toEqual({ v: '4' });
    await agent.stop();
  });

  it('that failed is run again by a new release of the same set, one that did not is not', async () => {
    const agent = await at.agent();
    const set = [
      jobHook('anew-good', 'pre-sync', { 'fairway.dev/wave': '-1' }),
      jobHook('anew-bad', 'pre-sync'),
      configMap('anew', { v: '1' }),
    ];
    agent.desire('anew', set);
    const good = await waitForJob(at, 'anew-good');
    await endJob(at, good, 'Complete');
    const bad = await waitForJob(at, 'anew-bad');
    await endJob(at, bad, 'Failed');
    await agent.synced('anew', 'Failed');
    agent.desire('anew', set);
    await endJob(at, await waitForJob(at, 'anew-bad', [bad]), 'Complete');
    await agent.synced('anew');
    expect(await jobsOf(at, 'anew-good')).toEqual([good]);
    await agent.stop();
  });

  it('that somebody deletes while it runs has failed; one that is deleted when it has ended has not', async () => {
    const agent = await at.agent();
    agent.desire('deleted', [jobHook('deleted-hook', 'pre-sync')]);
    await at.kubectl('delete', 'job', await waitForJob(at, 'deleted-hook'), '--wait=false');
    const failed = await agent.synced('deleted', 'Failed');
    expect(failed.message).toContain('it was deleted before it had ended');
    await waitFor('it to go', async () => (await jobsOf(at, 'deleted-hook')).length === 0, 15_000);
    // The API server's own clean-up (ttlSecondsAfterFinished), while no agent looks.
    const other = await at.agent({ namespace: 'fairway-other' });
    other.desire('cleaned', [jobHook('cleaned-hook', 'pre-sync')]);
    const run = await waitForJob(at, 'cleaned-hook');
    await other.stop();
    await endJob(at, run, 'Complete');
    await at.kubectl('delete', 'job', run, '--wait=false');
    const later = await at.agent({ namespace: 'fairway-other', desired: other.desired });
    await later.synced('cleaned');
    expect(await jobsOf(at, 'cleaned-hook')).toEqual([]);
    await Promise.all([agent.stop(), later.stop()]);
  });

  it('that cannot be begun is told without a time by which it ends, since there is none', async () => {
    const agent = await at.agent();
    const metadata = {
      name: 'unserved',
      namespace: 'default',
      annotations: { 'fairway.dev/hook': 'pre-sync' },
    };
    const run = { apiVersion: 'unserved.example.com/v1', kind: 'Run', metadata };
    agent.desire('unserved', [run, configMap('unserved', { v: '1' })]);
    await waitsFor(agent, 'unserved', 'the API server serves no Run');
    expect(agent.applications.get('unserved')?.hookUntilMs).toBeUndefined();
    await agent.stop();
  });

  it('that is refused has failed at once, and is not asked for again', async () => {
    const agent = await at.agent();
    const bad = jobHook('refused-hook', 'pre-sync');
    agent.desire('refused', [{ ...bad, spec: { template: { spec: { containers: [] } } } }]);
    const failed = await agent.synced('refused', 'Failed');
    expect(failed.message).toContain('was refused: Job.batch');
    expect(await agent.requestsDuring(() => agent.desired.tell(['refused']))).toEqual({});
    await agent.stop();
  });
});

describe.skipIf(!bed)('a hook for a failure', () => {
  it('runs when an object was refused three times, and not when that passes, or drift cannot be undone', async () => {
    const clock = createFakeClock(Date.now());
    const agent = await at.agent({ clock });
    const service = (port: number): Manifest => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'thrice', namespace: 'default' },
      spec: { ports: [{ port }] },
    });
    const tell = jobHook('thrice-tell', 'sync-fail');
    agent.desire('thrice', [service(99_999), tell]);
    await agent.synced('thrice', 'Failed');
    expect(row(agent, 'thrice', 'batch/Job/default/thrice-tell')?.syncStatus).toBe('Skipped');
    for (let tries = 0; tries < 10 && (await jobsOf(at, 'thrice-tell')).length === 0; tries += 1) {
      await clock.advance(10_000);
      await agent.loops.idle();
    }
    const [run] = await jobsOf(at, 'thrice-tell');
    await endJob(at, run ?? '', 'Complete');
    await waitFor(
      'it to be told of',
      () => row(agent, 'thrice', 'batch/Job/default/thrice-tell')?.reason === 'HookSucceeded',
      15_000,
    );
    // Its release is over: the next begins anew, and needs none.
    agent.desire('thrice', [service(80), tell]);
    const done = await agent.synced('thrice');
    expect(done).toMatchObject({ objects: 2, objectsSynced: 2 });
    agent.loops.syncNow('thrice');
    await agent.loops.idle();
    expect(await jobsOf(at, 'thrice-tell')).toEqual([run]);
    await agent.stop();
  });
});

describe.skipIf(!bed)('a hook of another kind', () => {
  it('a Pod has to end: being ready is not enough', async () => {
    const agent = await at.agent();
    const pod: Manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'pod-hook', namespace: 'default', annotations: { 'fairway.dev/hook': 'pre-sync' } },
      spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'migrate:1' }] },
    };
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: 'default' },
    };
    agent.desire('accounts', [account]);
    await agent.synced('accounts');
    agent.desire('pod', [pod, configMap('pod', { v: '1' })]);
    await waitsFor(agent, 'pod', 'waits for pre-sync hook Pod default/pod-hook');
    let name = '';
    await waitFor('the pod', async () => {
      name =
        (await at.kubectl('get', 'pods', '-o', 'name')).split('\n').find((one) => one.includes('pod-hook')) ??
        '';
      return name !== '';
    });
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() };
    await patchStatus('pod', name.slice(4), { phase: 'Running', conditions: [ready] });
    await waitFor('it to be seen running', async () => {
      await agent.loops.idle();
      return row(agent, 'pod', '/Pod/default/pod-hook')?.message.includes('Running') ?? false;
    });
    expect(await at.get('v1', 'ConfigMap', 'default', 'pod')).toBeUndefined();
    await patchStatus('pod', name.slice(4), { phase: 'Succeeded', conditions: [] });
    await agent.synced('pod');
    await agent.stop();
  });

  it('a custom one keeps its name, and is made anew for each release', async () => {
    const agent = await at.agent();
    const plural = 'migrations';
    const definition: Manifest = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.hooks.example.com` },
      spec: {
        group: 'hooks.example.com',
        scope: 'Namespaced',
        names: { kind: 'Migration', plural, singular: 'migration' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            subresources: { status: {} },
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    };
    const health = [
      {
        apiVersion: 'hooks.example.com/v1',
        kind: 'Migration',
        current: 'has(object.status) && object.status.done',
        inProgress: '!has(object.status)',
        failed: '',
      },
    ];
    const set = (version: string): Manifest[] => [
      definition,
      {
        apiVersion: 'hooks.example.com/v1',
        kind: 'Migration',
        metadata: { name: 'custom', namespace: 'default', annotations: { 'fairway.dev/hook': 'pre-sync' } },
        spec: { version },
      },
      configMap('custom', { version }),
    ];
    const uid = async () =>
      (await at.get('hooks.example.com/v1', 'Migration', 'default', 'custom'))?.metadata['uid'];
    const finish = () => patchStatus('migration', 'custom', { done: true });
    agent.desire('custom', set('1'), { health });
    await waitsFor(agent, 'custom', 'waits for pre-sync hook Migration default/custom');
    const before = await uid();
    expect(before).toBeDefined();
    await finish();
    await agent.synced('custom');
    agent.desire('custom', set('2'), { health });
    await waitFor(
      'it to be made anew',
      async () => ![undefined, before].includes((await uid()) as undefined),
    );
    expect((await at.get('v1', 'ConfigMap', 'default', 'custom'))?.['data']).toEqual({ version: '1' });
    await finish();
    await agent.synced('custom');
    agent.desire('custom', [], { removed: true });
    await isForgotten(agent, 'custom');
    expect(await uid()).toBeUndefined();
    await agent.stop();
  });
});
