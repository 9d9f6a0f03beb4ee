/** What a rollback leaves alone, end to end on a real API server: hub and agent are processes of their own, the Jobs end when the test says so. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiRollout } from '../../hub/api/schemas/rollout.ts';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';

const skipped = 'needs Go or KUBEBUILDER_ASSETS';

const job = (name: string, image: string, annotations: string) => `apiVersion: batch/v1
kind: Job
metadata: { name: ${name}, namespace: default, annotations: { ${annotations} } }
spec: { template: { spec: { restartPolicy: Never, containers: [{ name: main, image: "${image}" }] } } }
`;
const common = (version: string) => [
  job('migrate', `migrate:${version}`, 'fairway.dev/hook: pre-sync'),
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web, namespace: default }\ndata: { value: "${version}" }\n`,
];
const claim = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data, namespace: default }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
`;
const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.rollback.example }
spec:
  group: rollback.example
  scope: Namespaced
  names: { kind: Widget, plural: widgets }
  versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }]
`;
const first = common('1').join('---\n');
/** It brings what is guarded, and a Job that is no hook: its failure is the application's. */
const second = [...common('2'), claim, definition, job('check', 'check:2', '')].join('---\n');

let bed: FleetBed | undefined;
beforeAll(async () => {
  bed = await createFleetBed({
    clusters: ['near'],
    files: {
      'fleet/near.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: near }\nspec: {}\n',
      'fleet/web.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: web }\nspec:\n  source: { path: apps/web }\n  placement: { clusters: [near] }\n  rollout: { inline: { onFailure: rollback, waves: [{ name: all }] } }\n',
      'apps/web/all.yaml': first,
    },
  });
  if (!bed) return;
  await bed.startHub();
  await bed.startAgent('near');
}, 240_000);
afterAll(() => bed?.close());

const kubectl = (...args: readonly string[]) => bed?.kubectl('near', ...args).stdout.trim() ?? '';
const uidOf = (what: string) => kubectl('get', what, '--ignore-not-found', '-o', 'jsonpath={.metadata.uid}');
const jobs = (base: string) =>
  kubectl('get', 'jobs', '-o', 'name')
    .split('\n')
    .map((line) => line.replace('job.batch/', ''))
    .filter((name) => name.startsWith(base));

/** What the Job controller writes, in the order that the API server's validation asks for. */
function endJob(name: string, how: 'Complete' | 'Failed'): void {
  const now = new Date().toISOString();
  const condition = (type: string, reason: string) => ({
    ...{ type, status: 'True', reason, message: '', lastProbeTime: now, lastTransitionTime: now },
  });
  const status =
    how === 'Complete'
      ? {
          ...{ succeeded: 1, completionTime: now },
          conditions: [condition('SuccessCriteriaMet', ''), condition('Complete', '')],
        }
      : {
          failed: 1,
          conditions: ['FailureTarget', 'Failed'].map((type) => condition(type, 'BackoffLimitExceeded')),
        };
  const patch = JSON.stringify({ status: { startTime: now, ...status } });
  kubectl('patch', 'job', name, '--subresource=status', '--type=merge', '-p', patch);
}

const rollout = () => bed?.api().get<ApiRollout>('/api/v1/applications/web/rollout');
const reached = async (phase: string) =>
  bed?.wait(`the rollout to be ${phase}`, async () => {
    const now = await rollout()?.catch(() => undefined);
    return now?.phase === phase ? now : undefined;
  });
const run = async (base: string, known: readonly string[]) =>
  (await bed?.wait(`a run of ${base}`, () => jobs(base).find((name) => !known.includes(name)))) ?? '';
const objects = async () => {
  const { items } = (await bed
    ?.api()
    .get<{ items: readonly { key: { kind: string; name: string }; sync: string; reason: string }[] }>(
      '/api/v1/objects?application=web&cluster=near',
    )) ?? { items: [] };
  return Object.fromEntries(
    items.map((one) => [`${one.key.kind}/${one.key.name}`, `${one.sync} ${one.reason}`.trim()]),
  );
};

describe('a release that is rolled back', () => {
  it('leaves what is guarded as Retained, runs no finished hook again, and takes it up again with a retry', async (context) => {
    if (!bed) return context.skip(skipped);
    const known: string[] = [await run('migrate-', [])];
    endJob(known[0] ?? '', 'Complete');
    await reached('Complete');

    await bed.merge({ 'apps/web/all.yaml': second }, 'web: 2');
    known.push(await run('migrate-', known));
    endJob(known[1] ?? '', 'Complete');
    await run('check', []);
    const [held, defined] = [uidOf('pvc/data'), uidOf('crd/widgets.rollback.example')];
    expect([held, defined]).not.toContain('');
    endJob('check', 'Failed');
    const back = await reached('RolledBack');
    expect(back?.message).toContain('Job default/check');
    expect(back?.held?.clusters).toEqual(['near']);

    expect(kubectl('get', 'configmap', 'web', '-o', 'jsonpath={.data.value}')).toBe('1');
    await bed.wait('the Job of the second version to go', () => jobs('check').length === 0 || undefined);
    expect([uidOf('pvc/data'), uidOf('crd/widgets.rollback.example')]).toEqual([held, defined]);
    expect(await objects()).toMatchObject({
      'ConfigMap/web': 'Synced',
      'PersistentVolumeClaim/data': 'Retained Retained',
      'CustomResourceDefinition/widgets.rollback.example': 'Retained Retained',
      // It has succeeded in the release before.
      'Job/migrate': 'Synced HookNotRun',
    });
    expect(jobs('migrate-').filter((name) => !known.includes(name))).toEqual([]);
    // What is kept is no part of how the application is: a claim that no pod mounts is never bound.
    const [placement] = await bed.api().placements();
    expect(placement).toMatchObject({ sync: 'Synced', health: 'Current', drifted: false });
    expect(placement?.message).toContain('the newest is not assigned: fairway rollout status web');

    await bed
      .api()
      .post('/api/v1/applications/web/rollout/actions', { action: 'retry', reason: 'the check is mended' });
    await run('check', []);
    endJob('check', 'Complete');
    // Claims are bound by a controller, and there is none here.
    kubectl(
      'patch',
      'pvc',
      'data',
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"phase":"Bound"}}',
    );
    await reached('Complete');
    expect(await objects()).toMatchObject({
      'PersistentVolumeClaim/data': 'Synced',
      'CustomResourceDefinition/widgets.rollback.example': 'Synced',
      'Job/migrate': 'Synced HookSucceeded',
    });
    // The run of the second version is of this very release.
    expect(jobs('migrate-').filter((name) => !known.includes(name))).toEqual([]);
    expect([uidOf('pvc/data'), uidOf('crd/widgets.rollback.example')]).toEqual([held, defined]);
  }, 120_000);
});
