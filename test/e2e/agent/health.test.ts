/** Health against Kubernetes' own controllers: a real controller manager, scheduler and simulated nodes. */
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { judgeHealth } from '../../../shared/health/health.ts';
import type { Health } from '../../../shared/manifest/health.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-health', { controllers: true, nodes: 1 });
const at = bed as Bed;
afterAll(() => bed?.stop());
const ns = 'health';
const namespace: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns } };

const podSpec = { containers: [{ name: 'web', image: 'registry.example/web:9' }] };
const template = (app: string, spec: object = podSpec) => ({ metadata: { labels: { app } }, spec });
function workload(kind: string, name: string, spec: object, pod?: object): Manifest {
  const selector = { matchLabels: { app: name } };
  const body = { selector, template: template(name, pod), ...spec };
  return { apiVersion: 'apps/v1', kind, metadata: { name, namespace: ns }, spec: body };
}
const nowhere = { ...podSpec, nodeSelector: { nowhere: 'here' } };

async function create(...manifests: readonly Manifest[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'fairway-health-'));
  writeFileSync(
    join(folder, 'list.json'),
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }),
  );
  await at.kubectl('apply', '-f', join(folder, 'list.json'));
  await rm(folder, { recursive: true });
}

async function judged(manifest: Manifest): Promise<Health | undefined> {
  const { apiVersion, kind, metadata } = manifest;
  const live = await at.get(apiVersion, kind, String(metadata['namespace'] ?? ''), String(metadata['name']));
  return live && judgeHealth(live);
}

/** Waits for a verdict such as `InProgress Unschedulable`. */
async function becomes(manifest: Manifest, words: string): Promise<Health> {
  let last: Health | undefined;
  try {
    await waitFor(
      `${manifest.kind} ${words}`,
      async () => {
        last = await judged(manifest);
        return `${last?.status} ${last?.reason}`.startsWith(words);
      },
      18_000,
    );
  } catch (caught) {
    throw new Error(`${String(caught)}: ${JSON.stringify(last)}`);
  }
  return last!;
}

function patchStatus(kind: string, name: string, status: unknown): Promise<string> {
  const patch = JSON.stringify({ status });
  return at.kubectl('-n', ns, 'patch', kind, name, '--subresource=status', '--type=merge', '-p', patch);
}

async function podOf(app: string): Promise<string> {
  let name = '';
  await waitFor(`a pod of ${app}`, async () => {
    name = await at
      .kubectl('-n', ns, 'get', 'pods', '-l', `app=${app}`, '-o', 'jsonpath={.items[0].metadata.name}')
      .catch(() => '');
    return name !== '';
  });
  return name;
}

const job = (name: string, spec: object = {}): Manifest => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: ns },
  spec: { backoffLimit: 0, ...spec, template: { spec: { ...podSpec, restartPolicy: 'Never' } } },
});

describe.skipIf(!bed)('health with Kubernetes own controllers', () => {
  const core = (kind: string, spec: object, name = 'one'): Manifest => ({
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace: ns },
    spec,
  });
  const claim = core('PersistentVolumeClaim', {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
  });
  const ports = [{ port: 80 }];
  const scale = {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'absent' },
    maxReplicas: 3,
  };
  it.each<[string, Manifest, string]>([
    ['a Deployment', workload('Deployment', 'd-well', { replicas: 2 }), 'Current'],
    [
      'a Deployment without a node for its pods',
      workload('Deployment', 'd-lost', {}, nowhere),
      'InProgress Progressing',
    ],
    [
      'a Deployment past its own deadline',
      workload('Deployment', 'd-late', { progressDeadlineSeconds: 2, minReadySeconds: 1 }, nowhere),
      'Failed ProgressDeadlineExceeded',
    ],
    ['a Deployment that is paused', workload('Deployment', 'd-paused', { paused: true }), 'InProgress'],
    [
      'a Deployment whose pods may not be made',
      workload('Deployment', 'd-refused', {}, { ...podSpec, serviceAccountName: 'absent' }),
      'InProgress FailedCreate',
    ],
    ['a ReplicaSet', workload('ReplicaSet', 'rs', { replicas: 2 }), 'Current'],
    ['a StatefulSet', workload('StatefulSet', 's-well', { replicas: 2, serviceName: 'x' }), 'Current'],
    [
      'a StatefulSet that waits',
      workload('StatefulSet', 's-lost', { serviceName: 'x' }, nowhere),
      'InProgress Progressing',
    ],
    ['a DaemonSet', workload('DaemonSet', 'ds', {}), 'Current'],
    ['a DaemonSet for no node', workload('DaemonSet', 'ds-none', {}, nowhere), 'Current'],
    ['a Job that completes', job('j-well'), 'Current'],
    ['a Job that is suspended', job('j-asleep', { suspend: true }), 'InProgress Suspended'],
    [
      'a CronJob',
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'cron', namespace: ns },
        spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: job('x').spec as object } },
      },
      'Current',
    ],
    ['a claim that nobody provides for', claim, 'InProgress NotBound'],
    ['a Service', core('Service', { ports, selector: { app: 'x' } }, 'plain'), 'Current'],
    [
      'a Service of type LoadBalancer',
      core('Service', { ports, type: 'LoadBalancer' }, 'balanced'),
      'InProgress NoAddress',
    ],
    [
      'an Ingress',
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: 'in', namespace: ns },
        spec: { defaultBackend: { service: { name: 'plain', port: { number: 80 } } } },
      },
      'Current',
    ],
    [
      'a budget',
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'pdb', namespace: ns },
        spec: { minAvailable: 1, selector: { matchLabels: { app: 'd-lost' } } },
      },
      'Current',
    ],
    [
      'an autoscaler without its target',
      {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'hpa', namespace: ns },
        spec: scale,
      },
      'InProgress FailedGetScale',
    ],
    [
      'an API service without a server',
      {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name: 'v1.absent.example.com' },
        spec: {
          group: 'absent.example.com',
          version: 'v1',
          groupPriorityMinimum: 100,
          versionPriority: 100,
          insecureSkipTLSVerify: true,
          service: { namespace: ns, name: 'absent' },
        },
      },
      'InProgress ServiceNotFound',
    ],
    ['a quota', core('ResourceQuota', { hard: { pods: '100' } }), 'Current'],
    [
      'a ConfigMap',
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cm', namespace: ns } },
      'Current',
    ],
  ])('judges %s', async (_name, manifest, words) => {
    await create(namespace, manifest);
    await becomes(manifest, words);
    if (manifest.kind === 'APIService')
      await at.kubectl('delete', 'apiservice', String(manifest.metadata['name']));
  });

  it('judges a Job whose pod fails by the limit of its tries', async () => {
    const failing = job('j-ill', {});
    const spec = failing['spec'] as { template: { spec: object } };
    await create(namespace, {
      ...failing,
      spec: { ...spec, template: { spec: { ...spec.template.spec, nodeSelector: nowhere.nodeSelector } } },
    });
    await becomes(failing, 'InProgress Running');
    let pod = '';
    await waitFor('its pod', async () => {
      pod = await at
        .kubectl('-n', ns, 'get', 'pods', '-l', 'job-name=j-ill', '-o', 'jsonpath={.items[0].metadata.name}')
        .catch(() => '');
      return pod !== '';
    });
    await patchStatus('pod', pod, { phase: 'Failed' });
    await becomes(failing, 'Failed BackoffLimitExceeded');
  });

  it('follows a StatefulSet with a partition', async () => {
    const set = workload('StatefulSet', 's-part', {
      replicas: 3,
      serviceName: 'x',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } },
    });
    await create(namespace, set);
    await becomes(set, 'Current');
    const spec = set['spec'] as { template: { spec: object } };
    await create({
      ...set,
      spec: {
        ...spec,
        template: template('s-part', { containers: [{ name: 'web', image: 'registry.example/web:10' }] }),
      },
    });
    await waitFor(
      'the pod above the partition alone to be new',
      async () =>
        (
          await at.kubectl(
            '-n',
            ns,
            'get',
            'pods',
            '-l',
            'app=s-part',
            '-o',
            'jsonpath={.items[*].spec.containers[0].image}',
          )
        )
          .split(' ')
          .filter((image) => image.endsWith(':10')).length === 1,
    );
    await becomes(set, 'Current');
  });
});

const definition: Manifest = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'databases.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'databases', singular: 'database', kind: 'Database' },
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
const database: Manifest = {
  apiVersion: 'example.com/v1',
  kind: 'Database',
  metadata: { name: 'db' },
  spec: {},
};
const flags: Manifest = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'flags' },
  data: { open: 'no' },
};
const rule = {
  apiVersion: 'example.com/v1',
  kind: 'Database',
  inProgress: '',
  failed: 'has(status.phase) && status.phase == "Broken"',
  current: 'has(status.phase) && status.phase == "Up"',
};

describe.skipIf(!bed)('health as an agent tells it', () => {
  const inside = (manifest: Manifest): Manifest => ({
    ...manifest,
    metadata: { ...manifest.metadata, namespace: undefined },
  });
  const told = (agent: Agent, name: string, key: string) => agent.objects.get(`${name} ${key}`);
  async function tells(agent: Agent, name: string, key: string, words: string): Promise<string> {
    let last: unknown;
    try {
      await waitFor(
        `${key} ${words}`,
        () => {
          const row = told(agent, name, key);
          last = row;
          return `${row?.healthStatus} ${row?.reason}`.startsWith(words);
        },
        18_000,
      );
    } catch (caught) {
      throw new Error(`${String(caught)}: ${JSON.stringify(last)}`);
    }
    return told(agent, name, key)!.message;
  }

  it('says of a Deployment without a node, once it has taken too long, what the scheduler says, and forgets it', async () => {
    const agent = await at.agent();
    const name = 'late';
    const key = `apps/Deployment/${ns}/late`;
    const set = (pod?: object) => [namespace, inside(workload('Deployment', 'late', { replicas: 2 }, pod))];
    const sync = { namespace: ns, healthTimeoutSeconds: 3 };
    const lists = () => agent.client.requestCounts()['list'] ?? 0;
    agent.desire(name, set(nowhere), { sync });
    await tells(agent, name, key, 'InProgress Progressing');
    const before = lists();
    const message = await tells(agent, name, key, 'Failed Unschedulable');
    expect(message).toMatch(
      /^after \d[^:]*: 0 of 2 available; 2 of 2 pods Unschedulable: 0\/1 nodes are available/,
    );
    // Its pods, and the events of one of them.
    expect(lists() - before).toBeLessThanOrEqual(2);
    await waitFor(
      'the application to be Failed',
      () => agent.applications.get(name)?.healthStatus === 'Failed',
    );
    expect(agent.applications.get(name)?.message).toMatch(
      /^Deployment .+\/late: after \d[^:]*: 0 of 2 available/,
    );
    agent.desire(name, set(), { sync });
    await tells(agent, name, key, 'Current');
    await waitFor(
      'the application to be well',
      () => agent.applications.get(name)?.healthStatus === 'Current',
    );
    await agent.stop();
  });

  it('names the image that cannot be pulled', async () => {
    const agent = await at.agent();
    agent.desire('pull', [namespace, inside(workload('Deployment', 'pull', {}, nowhere))], {
      sync: { namespace: ns, healthTimeoutSeconds: 5 },
    });
    const pod = await podOf('pull');
    const waiting = {
      reason: 'ImagePullBackOff',
      message: 'Back-off pulling image "registry.example/web:9": not found',
    };
    await patchStatus('pod', pod, {
      containerStatuses: [
        {
          name: 'web',
          image: 'registry.example/web:9',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { waiting },
        },
      ],
    });
    const message = await tells(agent, 'pull', `apps/Deployment/${ns}/pull`, 'Failed ImagePullBackOff');
    expect(message).toContain(
      '1 of 1 pod ImagePullBackOff: container web: image registry.example/web:9: Back-off pulling',
    );
    await agent.stop();
  });

  it("tells the pods of a Deployment that has failed by its own deadline, before the application's", async () => {
    const agent = await at.agent();
    const late = inside(
      workload('Deployment', 'own', { progressDeadlineSeconds: 2, minReadySeconds: 1 }, nowhere),
    );
    agent.desire('own', [namespace, late], { sync: { namespace: ns } });
    const message = await tells(agent, 'own', `apps/Deployment/${ns}/own`, 'Failed Unschedulable');
    expect(message).toContain('has timed out progressing; 1 of 1 pod Unschedulable: 0/1 nodes');
    await agent.stop();
  });

  it('lets the rules of an application judge a custom kind, and a built-in one that is watched by metadata', async () => {
    const agent = await at.agent();
    const set = [namespace, definition, database, flags];
    const sync = { namespace: ns };
    const keys = [`example.com/Database/${ns}/db`, `/ConfigMap/${ns}/flags`] as const;
    agent.desire('rules', set, { sync });
    await agent.synced('rules');
    await tells(agent, 'rules', keys[0], 'Current');
    const open = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      current: 'data.open == "yes"',
      inProgress: '',
      failed: '',
    };
    agent.desire('rules', set, { sync, health: [rule, open] });
    await tells(agent, 'rules', keys[0], 'InProgress HealthRule');
    await tells(agent, 'rules', keys[1], 'InProgress HealthRule');
    await patchStatus('database', 'db', {
      phase: 'Broken',
      conditions: [{ type: 'Disk', status: 'False', message: 'the disk is full' }],
    });
    expect(await tells(agent, 'rules', keys[0], 'Failed HealthRule')).toBe('the disk is full');
    await patchStatus('database', 'db', { phase: 'Up' });
    await tells(agent, 'rules', keys[0], 'Current');
    agent.desire('rules', [namespace, definition, database, { ...flags, data: { open: 'yes' } }], {
      sync,
      health: [rule, open],
    });
    await tells(agent, 'rules', keys[1], 'Current');
    agent.desire('rules', set, { sync, health: [{ ...rule, current: 'status.nothing == 1' }] });
    expect(await tells(agent, 'rules', keys[0], 'Unknown HealthRuleError')).toContain('current: ');
    await tells(agent, 'rules', keys[1], 'Current');
    await agent.stop();
  });
});
