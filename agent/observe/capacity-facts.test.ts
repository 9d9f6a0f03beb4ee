import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { nodeFacts, requestFacts } from './capacity-facts.ts';

const asks = (cpu: string, more: { readonly [name: string]: Json } = {}): Json => ({
  resources: { requests: { cpu, memory: '1Gi' } },
  ...more,
});
const pod = (spec: { readonly [name: string]: Json }, owner = 'ReplicaSet'): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', spec, status: { phase: 'Running' } },
  metadata: { name: 'p', ownerReferences: [{ kind: owner }] } as unknown as KubeObject['metadata'],
});
const node = (cpu: string, taints: readonly Json[] = [], status = 'True'): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: { taints } },
  status: { conditions: [{ type: 'Ready', status }], allocatable: { cpu, memory: '8Gi', pods: '110' } },
});
const gib = 2 ** 30;
const factOf = (name: string, nodes: readonly KubeObject[], pods: readonly KubeObject[]) =>
  [...nodeFacts(nodes), ...requestFacts(pods)].find(([found]) => found === name)?.[1];

describe('capacity facts', () => {
  it('takes the most that a pod asks for at any time, with sidecars and overhead', () => {
    const one = pod({
      initContainers: [asks('100m', { restartPolicy: 'Always' }), asks('2')],
      containers: [asks('500m')],
      overhead: { cpu: '50m' },
    });
    expect(factOf('podSizes', [], [one])).toEqual([[2_150, 2 * gib, 1, 1]]);
  });

  it('counts pods alike once, and those of DaemonSets in the sum alone', () => {
    const pods = [pod({ containers: [asks('1')] }), pod({ containers: [asks('1')] })];
    const all = [...pods, pod({ containers: [asks('250m')] }, 'DaemonSet')];
    expect(factOf('podSizes', [], all)).toEqual([[1_000, gib, 1, 2]]);
    expect(factOf('requested', [], all)).toEqual({ cpuMillis: 2_250, memoryBytes: 3 * gib, pods: 3 });
  });

  it('leaves out nodes that take no pods', () => {
    const kept = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };
    const nodes = [node('4'), node('4'), node('8', [kept]), node('8', [], 'Unknown')];
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
