/** Autoscalers on a real control plane: whatever an agent does, nobody's replicas fall. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-scalers', { controllers: true, nodes: 1 });
const at = bed as Bed;
afterAll(() => bed?.stop());

function web(replicas: number, image = 'web:1'): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            { name: 'web', image, resources: { requests: { cpu: '100m' }, limits: { memory: '1Gi' } } },
            { name: 'side', image: 'side:1', resources: { requests: { cpu: '10m' } } },
          ],
        },
      },
    },
  };
}
function autoscaler(minReplicas: number): Manifest {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas,
      maxReplicas: 9,
    },
  };
}
function definition(group: string, kind: string, plural: string, version: string): Manifest {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    // Groups of k8s.io ask for it.
    metadata: {
      name: `${plural}.${group}`,
      annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' },
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular: kind.toLowerCase(), kind },
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  };
}
const kedaDefinition = definition('keda.sh', 'ScaledObject', 'scaledobjects', 'v1alpha1');
const verticalDefinition = definition(
  'autoscaling.k8s.io',
  'VerticalPodAutoscaler',
  'verticalpodautoscalers',
  'v1',
);

const replicasOf = (object: JsonObject | undefined) =>
  (object?.['spec'] as JsonObject | undefined)?.['replicas'] as number;

let count = 0;
/** An application of a namespace of its own, with every number of replicas that its Deployment ever has. */
async function start(...manifests: readonly Manifest[]) {
  count += 1;
  const ns = `scaled-${count}`;
  const space: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns } };
  const agent = await at.agent();
  const desire = async (...next: readonly Manifest[]) => {
    agent.desire(ns, [space, ...next], { sync: { namespace: ns } });
    await agent.synced(ns);
  };
  const seen: number[] = [];
  const abort = new AbortController();
  const resource = await at.resource('apps/v1', 'Deployment');
  const follow = at.admin
    .watch(
      { resource, namespace: ns, resourceVersion: '0' },
      ({ type, object }) => void (type !== 'BOOKMARK' && seen.push(replicasOf(object))),
      abort.signal,
    )
    .catch(() => undefined);
  await desire(...manifests);
  const live = async () => replicasOf(await at.get('apps/v1', 'Deployment', ns, 'web'));
  return {
    ...{ agent, ns, desire, live },
    /** Distinct neighbours. */
    history: () => seen.filter((replicas, position) => replicas !== seen[position - 1]),
    async stop() {
      abort.abort();
      await follow;
      await agent.stop();
    },
  };
}

const apply = async (ns: string, manifest: Manifest, fieldManager = 'somebody') => {
  const { apiVersion, kind, metadata } = manifest;
  const ref = {
    resource: await at.resource(apiVersion, kind),
    namespace: ns,
    name: String(metadata['name']),
  };
  const body = { ...manifest, metadata: { ...metadata, namespace: ns } } as unknown as JsonObject;
  return at.admin.apply(ref, body, { fieldManager });
};
const found = (agent: Agent) => agent.events.filter(({ type }) => type === 'drift.found');
const owners = async (ns: string) => {
  const live = await at.get('apps/v1', 'Deployment', ns, 'web');
  const entries = live!.metadata['managedFields'] as unknown as readonly {
    manager: string;
    fieldsV1: Record<string, Json>;
  }[];
  return entries
    .filter(
      ({ fieldsV1 }) =>
        JSON.stringify(fieldsV1).includes('"f:replicas"') && !JSON.stringify(fieldsV1).includes('f:status'),
    )
    .map(({ manager }) => manager);
};

describe.skipIf(!bed)('autoscalers of a real control plane', () => {
  it('leaves replicas to one that is in the cluster only, from the moment it is there', async () => {
    const one = await start(web(3));
    await apply(one.ns, autoscaler(5));
    await waitFor('the autoscaler to act', async () => (await one.live()) === 5, 40_000);
    await waitFor('the field to be handed over', async () => !(await owners(one.ns)).includes('fairway'));
    await one.desire(web(2, 'web:2'));
    one.agent.loops.checkNow();
    await one.agent.loops.idle();
    expect(await one.live()).toBe(5);
    expect(one.history()).toEqual([3, 5]);
    expect(found(one.agent)).toEqual([]);
    await one.stop();
  }, 60_000);

  it('hands replicas over to one that comes with the set', async () => {
    const one = await start(web(3));
    await one.desire(web(3), autoscaler(2));
    expect(await owners(one.ns)).toEqual(['fairway-handover']);
    expect(await one.live()).toBe(3);
    // As the autoscaler does it.
    await at.kubectl('-n', one.ns, 'scale', 'deployment', 'web', '--replicas=7');
    await one.desire(web(4, 'web:2'), autoscaler(2));
    expect(await one.live()).toBe(7);
    expect(one.history()).toEqual([3, 7]);
    expect(found(one.agent)).toEqual([]);
    await one.stop();
  });

  it('begins with the replicas of the manifest, and does so again when somebody deletes it', async () => {
    const one = await start(web(3), autoscaler(2));
    expect(await one.live()).toBe(3);
    await at.kubectl('-n', one.ns, 'delete', 'deployment', 'web');
    await waitFor('it to be back', () => one.agent.events.some(({ type }) => type === 'drift.healed'));
    expect(await one.live()).toBe(3);
    expect(one.history()).toEqual([3]);
    expect(await owners(one.ns)).toEqual(['fairway-handover']);
    await one.stop();
  });

  it('keeps replicas: 0, which switches an autoscaler off', async () => {
    const one = await start(web(0), autoscaler(2));
    await at.kubectl('-n', one.ns, 'scale', 'deployment', 'web', '--replicas=4');
    await waitFor('it to be 0 again', async () => (await one.live()) === 0);
    await one.stop();
  });

  it('leaves replicas to KEDA, and resources to a vertical autoscaler', async () => {
    const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    const keda: Manifest = {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata: { name: 'web' },
      spec: { scaleTargetRef: { name: 'web' } },
    };
    const policies = [{ containerName: 'side', mode: 'Off' }];
    const vertical: Manifest = {
      apiVersion: 'autoscaling.k8s.io/v1',
      kind: 'VerticalPodAutoscaler',
      metadata: { name: 'web' },
      spec: { targetRef: target, resourcePolicy: { containerPolicies: policies } },
    };
    const one = await start(web(3));
    await one.desire(kedaDefinition, verticalDefinition, web(3), keda, vertical);
    const resources = async () => {
      const live = await at.get('apps/v1', 'Deployment', one.ns, 'web');
      const { template } = live!['spec'] as unknown as {
        template: { spec: { containers: { name: string; image: string; resources: object }[] } };
      };
      return template.spec.containers.map((container) => container.resources);
    };
    const given = [{ requests: { cpu: '100m' }, limits: { memory: '1Gi' } }, { requests: { cpu: '10m' } }];
    expect(await resources()).toEqual(given);
    await at.kubectl('-n', one.ns, 'scale', 'deployment', 'web', '--replicas=6');
    await at.kubectl(
      '-n',
      one.ns,
      'set',
      'resources',
      'deployment',
      'web',
      '-c',
      'web',
      '--requests=cpu=250m',
    );
    await one.desire(kedaDefinition, verticalDefinition, web(1, 'web:2'), keda, vertical);
    expect((await resources())[0]).toEqual({ requests: { cpu: '250m' }, limits: { memory: '1Gi' } });
    expect(await one.live()).toBe(6);
    expect(found(one.agent)).toEqual([]);
    await at.kubectl(
      '-n',
      one.ns,
      'set',
      'resources',
      'deployment',
      'web',
      '-c',
      'side',
      '--requests=cpu=99m',
    );
    await waitFor(
      'the container that it leaves alone to be healed',
      async () => JSON.stringify((await resources())[1]) === JSON.stringify(given[1]),
    );
    await one.stop();
  });
});

describe.skipIf(!bed)('fields left to others', () => {
  it('are named by a path in the way of jq, item by item', async () => {
    count += 1;
    const ns = `left-${count}`;
    const space: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns } };
    const agent = await at.agent();
    const desire = async (image: string, jqPaths: readonly string[]) => {
      const ignore = [{ group: 'apps', kind: 'Deployment', paths: [], managers: [], jqPaths }];
      agent.desire(ns, [space, web(1, image)], { sync: { namespace: ns, ignore } });
      await agent.synced(ns);
    };
    const images = async () => {
      const live = await at.get('apps/v1', 'Deployment', ns, 'web');
      const { template } = live!['spec'] as unknown as {
        template: { spec: { containers: { image: string }[] } };
      };
      return template.spec.containers.map(({ image }) => image);
    };
    await desire('web:1', []);
    const path = '.spec.template.spec.containers[] | select(.name == "web").image';
    await desire('web:1', [path]);
    expect(await images()).toEqual(['web:1', 'side:1']);
    await at.kubectl('-n', ns, 'set', 'image', 'deployment/web', 'web=web:9', 'side=side:9');
    await waitFor('the other image to be healed', async () => (await images())[1] === 'side:1');
    expect(await images()).toEqual(['web:9', 'side:1']);
    await desire('web:2', [path]);
    expect(await images()).toEqual(['web:9', 'side:1']);
    await desire('web:2', []);
    expect(await images()).toEqual(['web:2', 'side:1']);
    await agent.stop();
  });

  it('may be fields that nobody set yet', async () => {
    count += 1;
    const ns = `left-${count}`;
    const space: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns } };
    const map: Manifest = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'map' },
      data: { a: '1' },
    };
    const ignore = [{ group: '', kind: 'ConfigMap', paths: ['/data/b'], managers: [] }];
    const agent = await at.agent();
    agent.desire(ns, [space, map], { sync: { namespace: ns, ignore } });
    await agent.synced(ns);
    const { suspicions } = agent.loops.metrics;
    await at.kubectl('-n', ns, 'patch', 'configmap', 'map', '-p', '{"data":{"b":"2"}}');
    await waitFor('the write to be looked at', () => agent.loops.metrics.suspicions > suspicions);
    await agent.loops.idle();
    expect((await at.get('v1', 'ConfigMap', ns, 'map'))?.['data']).toEqual({ a: '1', b: '2' });
    expect(found(agent)).toEqual([]);
    await agent.stop();
  });
});
