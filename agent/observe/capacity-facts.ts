import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { parseQuantity } from '../../shared/text/quantity.ts';
import { isUnfinished, itemsOf, memberOf, type NamedFacts } from './cluster-facts.ts';

/** Thousandths of a CPU, bytes, and how many pods. */
interface Room {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly pods: number;
}

/** Sizes told of nodes and of pods, the largest first; more are left out. */
const sizesMax = 500;

const none: Room = { cpuMillis: 0, memoryBytes: 0, pods: 0 };

function amountOf(resources: Json | undefined, pods = 0): Room {
  const quantity = (name: string) => parseQuantity(String(memberOf(resources, name) ?? '0')) ?? 0;
  return { cpuMillis: Math.round(quantity('cpu') * 1_000), memoryBytes: quantity('memory'), pods };
}

function combine(a: Room, b: Room, by: (x: number, y: number) => number): Room {
  return {
    cpuMillis: by(a.cpuMillis, b.cpuMillis),
    memoryBytes: by(a.memoryBytes, b.memoryBytes),
    pods: by(a.pods, b.pods),
  };
}

const plus = (a: Room, b: Room) => combine(a, b, (x, y) => x + y);

/**
 * What the scheduler keeps for a pod: its containers and sidecars together, or an init container with the sidecars before it where that is more, and its overhead
 * (KEP-753, https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers).
 */
function requestOf(pod: KubeObject): Room {
  const asked = (container: Json) => amountOf(memberOf(container, 'resources', 'requests'));
  let sidecars = none;
  let starting = none;
  for (const container of itemsOf(memberOf(pod['spec'], 'initContainers'))) {
    const sum = plus(asked(container), sidecars);
    if (memberOf(container, 'restartPolicy') === 'Always') sidecars = sum;
    else starting = combine(starting, sum, Math.max);
  }
  const running = itemsOf(memberOf(pod['spec'], 'containers')).map(asked).reduce(plus, sidecars);
  const most = combine(running, starting, Math.max);
  return { ...plus(most, amountOf(memberOf(pod['spec'], 'overhead'))), pods: 1 };
}

/** https://kubernetes.io/docs/reference/labels-annotations-taints/#node-role-kubernetes-io-control-plane-taint */
const controlPlane = 'node-role.kubernetes.io/control-plane';

/** Ready, open to pods, and not kept for the control plane. */
function takesPods(node: KubeObject): boolean {
  const isReady = itemsOf(memberOf(node['status'], 'conditions')).some(
    (one) => memberOf(one, 'type') === 'Ready' && memberOf(one, 'status') === 'True',
  );
  const kept = itemsOf(memberOf(node['spec'], 'taints')).some(
    (one) => memberOf(one, 'key') === controlPlane && memberOf(one, 'effect') !== 'PreferNoSchedule',
  );
  return isReady && !kept && memberOf(node['spec'], 'unschedulable') !== true;
}

/** A DaemonSet's pods come with the nodes. */
function isOfNode({ metadata }: KubeObject): boolean {
  return itemsOf(metadata['ownerReferences']).some((one) => memberOf(one, 'kind') === 'DaemonSet');
}

/** `[cpuMillis, memoryBytes, pods, how many are of that size]`. */
function sizesOf(rooms: readonly Room[]): readonly Json[] {
  const counts = new Map<string, readonly [Room, number]>();
  for (const room of rooms) {
    const id = `${room.cpuMillis} ${room.memoryBytes} ${room.pods}`;
    counts.set(id, [room, (counts.get(id)?.[1] ?? 0) + 1]);
  }
  return [...counts.values()]
    .sort(([a], [b]) => b.cpuMillis - a.cpuMillis || b.memoryBytes - a.memoryBytes || b.pods - a.pods)
    .slice(0, sizesMax)
    .map(([{ cpuMillis, memoryBytes, pods }, count]) => [cpuMillis, memoryBytes, pods, count]);
}

/** What nodes that take pods have to give, and what unfinished pods of managed namespaces ask for: in sum, and by sizes, so that it can be told whether they fit. */
export function capacityFacts(nodes: readonly KubeObject[], pods: readonly KubeObject[]): NamedFacts {
  const rooms = nodes.filter(takesPods).map((node) => {
    const given = memberOf(node['status'], 'allocatable');
    return amountOf(given, parseQuantity(String(memberOf(given, 'pods') ?? '0')) ?? 0);
  });
  const unfinished = pods.filter(isUnfinished);
  return [
    ['allocatable', { nodes: rooms.length, ...rooms.reduce(plus, none) }],
    ['requested', { ...unfinished.map(requestOf).reduce(plus, none) }],
    ['nodeSizes', sizesOf(rooms)],
    ['podSizes', sizesOf(unfinished.filter((pod) => !isOfNode(pod)).map(requestOf))],
  ];
}
