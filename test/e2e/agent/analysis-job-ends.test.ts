/** Jobs of analyses on a cluster with a controller manager, a scheduler and a simulated node: they end as Kubernetes itself says. */
import { afterAll, describe, expect, it } from 'vitest';
import { type RunStatus, runJob } from '../../../agent/loops/questions/run-job.ts';
import type { JobSpec } from '../../../hub/rollout/job-runs.ts';
import { jobOf } from '../../../hub/rollout/job-runs.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Bed, startBed } from './agent-bed.ts';
import { configMap } from './hook-bed.ts';

const bed = await startBed('agent-analysis-ends', { controllers: true, nodes: 1 });
const at = bed as Bed;

/** The very Job that the hub would ask for. */
const hubJob = (name: string, pod: Record<string, unknown>, timeoutMs = 600_000) => {
  const spec = { template: { spec: { containers: [{ name: 'smoke', image: 'smoke:1' }], ...pod } } };
  const analysis = {
    ...{ name, intervalMs: 1, count: 1, failureLimit: 0, inconclusiveLimit: 0 },
    provider: { type: 'job', clusters: 'one', timeoutMs, spec },
  } as unknown as JobSpec;
  return jobOf(
    { application: 'web', releaseId: 'rel-1' },
    { name: 'canary' },
    analysis,
    { attempt: 1, startedAtMs: 0 },
    'eu-1',
  );
};

describe.skipIf(!bed)('a Job of an analysis', () => {
  afterAll(() => at.stop());

  it('ends well or badly as its controller says, and is put away', { timeout: 120_000 }, async () => {
    const agent = await at.agent();
    agent.desire('web', [configMap('web', { v: '1' })]);
    await agent.synced('web');
    const ask = (job: string, begin: boolean, remove = false) =>
      runJob(
        { application: 'web', job, begin, remove },
        { kube: agent.client, desired: agent.desired, namespace: 'fairway-system' },
        AbortSignal.timeout(30_000),
      );
    const ended = async (job: string): Promise<RunStatus> => {
      let said = await ask(job, true);
      await waitFor('the Job to end', async () => {
        said = await ask(job, false);
        return said.state !== 'running';
      });
      return said;
    };
    const good = hubJob('smoke', {});
    expect(await ended(good)).toMatchObject({ state: 'succeeded' });
    await ask(good, false, true);
    await waitFor('the Job to go', async () => (await ask(good, false)).state === 'gone');
    expect(await at.kubectl('get', 'pods', '-l', 'job-name', '-o', 'name')).toBe('');
    // No node is like that: its time is over before it begins.
    const bad = await ended(hubJob('never', { nodeSelector: { no: 'node' } }, 1_000));
    expect(bad).toMatchObject({ state: 'failed', message: expect.stringContaining('DeadlineExceeded') });
    await agent.stop();
  });
});
