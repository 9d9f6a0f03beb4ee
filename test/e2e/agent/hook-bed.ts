/** Hooks for tests on a real API server without controllers: Jobs end when the test says so, as the Job controller would write it. */
import { waitFor } from '../../cluster/control-plane.ts';
import type { Agent, Bed, Manifest } from './agent-bed.ts';

export function configMap(name: string, data: Record<string, string>, annotations = {}): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', annotations }, data };
}

export function jobHook(name: string, phase: string, annotations: Record<string, string> = {}): Manifest {
  const container = { name: 'main', image: 'migrate:1', command: ['migrate'] };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'default', annotations: { 'fairway.dev/hook': phase, ...annotations } },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } },
  };
}

/** All Jobs of a hook that are there, and those that were made and are gone: by name. */
export async function jobsOf(bed: Bed, base: string): Promise<readonly string[]> {
  const text = await bed.kubectl(
    'get',
    'jobs',
    '-o',
    'jsonpath={range .items[*]}{.metadata.name}{"\\n"}{end}',
  );
  return text.split('\n').filter((name) => name.startsWith(`${base}-`));
}

export async function waitForJob(bed: Bed, base: string, besides: readonly string[] = []): Promise<string> {
  let found: string | undefined;
  await waitFor(
    `a run of ${base}`,
    async () => {
      found = (await jobsOf(bed, base)).find((name) => !besides.includes(name));
      return found !== undefined;
    },
    15_000,
  );
  return found ?? '';
}

/** What the Job controller writes, in the order that the API server's validation asks for. */
export async function endJob(bed: Bed, name: string, how: 'Complete' | 'Failed'): Promise<void> {
  const now = new Date().toISOString();
  const condition = (type: string, reason = '') => ({
    type,
    status: 'True',
    reason,
    message: reason === '' ? '' : 'Job has reached the specified backoff limit',
    lastProbeTime: now,
    lastTransitionTime: now,
  });
  const good = how === 'Complete';
  const reason = 'BackoffLimitExceeded';
  const conditions = good
    ? [condition('SuccessCriteriaMet'), condition('Complete')]
    : [condition('FailureTarget', reason), condition('Failed', reason)];
  const counts = good ? { succeeded: 1, completionTime: now } : { failed: 1 };
  const status = { startTime: now, ...counts, conditions };
  const patch = JSON.stringify({ status });
  await bed.kubectl('patch', 'job', name, '--subresource=status', '--type=merge', '-p', patch);
}

export function waitsFor(agent: Agent, application: string, text: string): Promise<void> {
  return waitFor(
    `${application}: ${text}; last ${JSON.stringify(agent.applications.get(application))}`,
    () => agent.applications.get(application)?.message.includes(text) ?? false,
    15_000,
  );
}
