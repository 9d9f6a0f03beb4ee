import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { nodeFacts, requestFacts } from './capacity-facts.ts';
import { trimPod } from './fact-shapes.ts';
import { createObjectTally } from './object-tally.ts';
import { sizesMax } from './room-sizes.ts';

const asks = (cpu: string, more: { readonly [name: string]: Json } = {}): Json => ({
  resources: { requests: { cpu, memory: '1Gi' } },
  ...more,
});
const pod = (
  spec: { readonly [name: string]: Json },
  owner = 'ReplicaSet',
  metadata: { readonly [name: string]: Json } = {},
): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', spec, status: { phase: 'Running' } },
  metadata: {
    ...{ name: 'p', namespace: 'shop', ownerReferences: [{ kind: owner }] },
    ...metadata,
  } as unknown as KubeObject['metadata'],
});
const node = (cpu: string, taints: readonly Json[] = [], status = 'True'): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: { taints } },
  status: { conditions: [{ type: 'Ready', status }], allocatable: { cpu, memory: '8Gi', pods: '110' } },
});
const gib = 2 ** 30;
/** As they are watched: trimmed, and alike ones once. */
const countedOf = (pods: readonly KubeObject[]) => {
  const tally = createObjectTally(10_000);
  for (const [at, one] of pods.entries())
    tally.put(String(at), trimPod(one, one.metadata.namespace === 'shop'));
  return tally.counted();
};
const factOf = (name: string, nodes: readonly KubeObject[], pods: readonly KubeObject[]) => {
  const counted = countedOf(pods);
  return [...nodeFacts(nodes, counted), ...requestFacts(counted)].find(([found]) => found === name)?.[1];
};

describe('capacity facts', () => {
  it('takes the most that a pod asks for at any time, with sidecars and overhead', () => {
    const one = pod({
      initContainers: [asks('100m', { restartPolicy: 'Always' }), asks('2')],
      containers: [asks('500m')],
      overhead: { cpu: '50m' },
    });
    expect(factOf('podSizes', [], [one])).toEqual([[2_150, 2 * gib, 1, 1]]);
  });

  it('takes what the pod as a whole asks for in the place of what its containers do', () => {
    const one = pod({ containers: [asks('3'), asks('1')], resources: { requests: { cpu: '2500m' } } });
    expect(factOf('podSizes', [], [one])).toEqual([[2_500, 2 * gib, 1, 1]]);
  });

  it('counts containers that somebody has put in to look for nothing, and reads quantities of any form', () => {
    const requests = { cpu: '0.57', memory: '1.5e9' };
    const one = pod({
      containers: [{ resources: { requests } }, { resources: { requests: { cpu: '100u', memory: '1k' } } }],
      ephemeralContainers: [asks('8')],
    });
    expect(factOf('requested', [], [one])).toEqual({ cpuMillis: 571, memoryBytes: 1_500_001_000, pods: 1 });
  });

  it('counts pods alike once, and leaves out what is done, on its way out, or comes with a node', () => {
    const pods = [pod({ containers: [asks('1')] }), pod({ containers: [asks('1')] })];
    const done = { ...pod({ containers: [asks('1')] }), status: { phase: 'Succeeded' } };
    const going = pod({ containers: [asks('1')] }, 'ReplicaSet', {
      deletionTimestamp: '2026-01-01T00:00:00Z',
    });
    const ofNodes = ['DaemonSet', 'Node'].map((owner) => pod({ containers: [asks('250m')] }, owner));
    const all = [...pods, done, going, ...ofNodes];
    expect(factOf('podSizes', [], all)).toEqual([[1_000, gib, 1, 2]]);
    expect(factOf('requested', [], all)).toEqual({ cpuMillis: 2_000, memoryBytes: 2 * gib, pods: 2 });
    expect(factOf('requestedIn', [], all)).toEqual({
      shop: { cpuMillis: 2_000, memoryBytes: 2 * gib, pods: 2 },
    });
  });

  it('takes off each node what stays on it after a failover, and no more than there is', () => {
    const on = (nodeName: string, cpu: string, owner: string, namespace: string) =>
      pod({ nodeName, containers: [asks(cpu)] }, owner, { namespace });
    const nodes = [node('4'), { ...node('4'), metadata: { name: 'full' } }];
    const pods = [
      on('n', '1', 'DaemonSet', 'shop'),
      on('n', '500m', 'ReplicaSet', 'kube-system'),
      on('full', '9', 'ReplicaSet', 'other'),
      // These do not stay, or are not on a node that takes pods.
      on('n', '1', 'ReplicaSet', 'shop'),
      on('n', '1', 'Job', 'other'),
      on('kept', '1', 'ReplicaSet', 'other'),
    ];
    expect(factOf('taken', nodes, pods)).toEqual({ cpuMillis: 10_500, memoryBytes: 3 * gib, pods: 3 });
    expect(factOf('allocatable', nodes, pods)).toMatchObject({ nodes: 2, cpuMillis: 8_000 });
    expect(factOf('nodeSizes', nodes, pods)).toEqual([
      [2_500, 6 * gib, 108, 1],
      [0, 7 * gib, 109, 1],
    ]);
    expect(nodeFacts(nodes, undefined).map(([name]) => name)).toEqual(['allocatable', 'nodeSizes']);
  });

  it('adds up devices, huge pages and disk of the nodes as well', () => {
    const more = { 'nvidia.com/gpu': '2', 'ephemeral-storage': '1Gi', 'hugepages-2Mi': '0' };
    const asking = pod({ containers: [{ resources: { requests: { cpu: '1', ...more } } }] });
    const others = { 'nvidia.com/gpu': 2, 'ephemeral-storage': gib };
    expect(factOf('requested', [], [asking])).toMatchObject({ others });
    const big = {
      ...node('4'),
      status: { ...(node('4')['status'] as object), allocatable: { cpu: '4', ...more } },
    };
    expect(factOf('allocatable', [big, big], [])).toMatchObject({
      others: { 'nvidia.com/gpu': 4, 'ephemeral-storage': 2 * gib },
    });
  });

  it('rounds where there are too many sizes, never so that more seems to fit', () => {
    const nodes = Array.from({ length: 900 }, (_, at) => ({
      ...node(`${4_000 + at}m`),
      metadata: { name: `n${at}` },
    }));
    const sizes = factOf('nodeSizes', nodes, []) as readonly (readonly number[])[];
    expect(sizes.length).toBeLessThanOrEqual(sizesMax);
    expect(sizes.reduce((sum, [, , , count = 0]) => sum + count, 0)).toBe(900);
    expect(sizes.at(0)?.[0]).toBeLessThanOrEqual(4_899);
    const pods = Array.from({ length: 900 }, (_, at) => pod({ containers: [asks(`${1_001 + at}m`)] }));
    const asked = factOf('podSizes', [], pods) as readonly (readonly number[])[];
    expect(asked.length).toBeLessThanOrEqual(sizesMax);
    expect(asked.at(-1)?.[0]).toBeGreaterThanOrEqual(1_001);
    expect(factOf('requested', [], pods)).toMatchObject({ cpuMillis: 900 * 1_001 + (900 * 899) / 2 });
  });

  it('tells one sort too many rather than to leave any out silently', () => {
    const pods = Array.from({ length: 600 }, (_, at) =>
      pod({ containers: [asks('1')], nodeSelector: { pool: `p${at}` } }),
    );
    expect(factOf('podSizes', [], pods)).toHaveLength(sizesMax + 1);
  });

  it('leaves out nodes that take no pods', () => {
    const kept = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };
    const old = { key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' };
    const cordoned = { ...node('8'), spec: { unschedulable: true } };
    const nodes = [
      ...[node('4'), node('4'), node('8', [kept]), node('8', [old])],
      ...[node('8', [], 'Unknown'), node('8', [], 'False'), cordoned, { ...node('8'), status: {} }],
    ];
    expect(factOf('nodeSizes', nodes, [])).toEqual([[4_000, 8 * gib, 110, 2]]);
    expect(factOf('allocatable', nodes, [])).toMatchObject({ nodes: 2, cpuMillis: 8_000 });
  });

  it('tells by what pods and nodes choose each other, and nothing that all of them say', () => {
    const pool = { labels: { pool: 'gpu', 'kubernetes.io/hostname': 'n' } };
    const taints = [
      { key: 'gpu', value: 'yes', effect: 'NoSchedule', timeAdded: '2026-01-01T00:00:00Z' },
      { key: 'soft', effect: 'PreferNoSchedule' },
    ];
    const special = { ...node('4', taints), metadata: { name: 'n', ...pool } };
    expect(factOf('nodeSizes', [special], [])).toEqual([
      [
        ...[4_000, 8 * gib, 110, 1],
        {
          labels: { pool: 'gpu', 'kubernetes.io/hostname': '*' },
          taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }],
        },
      ],
    ]);
    const terms = [{ matchExpressions: [{ key: 'pool', operator: 'Exists' }] }];
    const choosy = pod({
      containers: [asks('1')],
      nodeSelector: { pool: 'gpu' },
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
      },
      tolerations: [
        { key: 'gpu', operator: 'Exists' },
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
      ],
    });
    expect(factOf('podSizes', [], [choosy])).toEqual([
      [
        ...[1_000, gib, 1, 1],
        {
          selector: { pool: 'gpu' },
          affinity: terms,
          tolerations: [{ key: 'gpu', operator: 'Exists' }],
        },
      ],
    ]);
  });

  it('counts nodes of one kind once, though each has labels of its own', () => {
    const many = Array.from({ length: 40 }, (_, at) => ({
      ...node('4'),
      metadata: { name: `n${at}`, labels: { zone: at % 2 === 0 ? 'a' : 'b', instance: `i-${at}` } },
    }));
    expect(factOf('nodeSizes', many, [])).toEqual([
      [4_000, 8 * gib, 110, 20, { labels: { zone: 'a', instance: '*' } }],
      [4_000, 8 * gib, 110, 20, { labels: { zone: 'b', instance: '*' } }],
    ]);
  });
});
