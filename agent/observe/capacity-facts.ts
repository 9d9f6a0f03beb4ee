import { canonicalJson } from '../../shared/manifest/canonical.ts';
import type { Json, JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import { parseQuantity } from '../../shared/text/quantity.ts';
import { isUnfinished, itemsOf, memberOf, type NamedFacts } from './cluster-facts.ts';
import { isObject } from './fields-v1.ts';

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

/** All pods bear them, and of a node that is ready they are about to go. */
const readyKeys: ReadonlySet<string> = new Set([
  'node.kubernetes.io/not-ready',
  'node.kubernetes.io/unreachable',
]);

/** More values of a label than this, on more nodes than this, name nodes rather than kinds of them. */
const labelValuesMax = 32;

/** Labels that say which node it is, not of what kind: with them no two nodes are alike. */
function ownLabels(nodes: readonly KubeObject[]): ReadonlySet<string> {
  const values = new Map<string, Set<string>>();
  for (const { metadata } of nodes)
    for (const [name, value] of Object.entries(metadata.labels ?? {}))
      values.set(name, (values.get(name) ?? new Set()).add(value));
  const many = [...values].filter(([, found]) => found.size > labelValuesMax).map(([name]) => name);
  return new Set(['kubernetes.io/hostname', ...many]);
}

/** By which pods choose a node. Of a label that names nodes it tells that they have it (`*`, which no label can be). */
function traitsOfNode(node: KubeObject, own: ReadonlySet<string>): JsonObject {
  const labels = Object.entries(node.metadata.labels ?? {}).map(
    ([name, value]) => [name, own.has(name) ? '*' : value] as const,
  );
  const taints = itemsOf(memberOf(node['spec'], 'taints')).filter(
    (one) => memberOf(one, 'effect') !== 'PreferNoSchedule' && !readyKeys.has(String(memberOf(one, 'key'))),
  );
  return {
    ...(labels.length > 0 && { labels: Object.fromEntries(labels) }),
    ...(taints.length > 0 && {
      taints: taints.map((one) => pickOf(one, 'key', 'value', 'effect')),
    }),
  };
}

/** How a pod chooses its node: what it needs, and what it bears. */
function traitsOfPod({ spec }: KubeObject): JsonObject {
  const affinity = itemsOf(
    memberOf(
      spec as Json,
      'affinity',
      'nodeAffinity',
      'requiredDuringSchedulingIgnoredDuringExecution',
      'nodeSelectorTerms',
    ),
  );
  const tolerations = itemsOf(memberOf(spec as Json, 'tolerations'))
    .filter((one) => !readyKeys.has(String(memberOf(one, 'key'))))
    .map((one) => pickOf(one, 'key', 'operator', 'value', 'effect'));
  const selector = memberOf(spec as Json, 'nodeSelector');
  return {
    ...(isObject(selector) && Object.keys(selector).length > 0 && { selector }),
    ...(affinity.length > 0 && { affinity }),
    ...(tolerations.length > 0 && { tolerations }),
  };
}

function pickOf(value: Json, ...names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => {
      const member = memberOf(value, name);
      return member === undefined ? [] : [[name, member]];
    }),
  );
}

interface Sized {
  readonly room: Room;
  readonly traits: JsonObject;
}

/** `[cpuMillis, memoryBytes, pods, how many are of that size, what else there is to say of them]`. */
function sizesOf(all: readonly Sized[]): readonly Json[] {
  const counts = new Map<string, readonly [Sized, number]>();
  for (const one of all) {
    const id = canonicalJson([one.room, one.traits]);
    counts.set(id, [one, (counts.get(id)?.[1] ?? 0) + 1]);
  }
  return [...counts]
    .sort(
      ([left, [{ room: a }]], [right, [{ room: b }]]) =>
        b.cpuMillis - a.cpuMillis ||
        b.memoryBytes - a.memoryBytes ||
        b.pods - a.pods ||
        (left < right ? -1 : 1),
    )
    .slice(0, sizesMax)
    .map(([, [{ room, traits }, count]]) => {
      const size = [room.cpuMillis, room.memoryBytes, room.pods, count];
      return Object.keys(traits).length > 0 ? [...size, traits] : size;
    });
}

/** What unfinished pods of managed namespaces ask for. */
export function requestFacts(pods: readonly KubeObject[]): NamedFacts {
  const unfinished = pods.filter(isUnfinished);
  const sized = unfinished
    .filter((pod) => !isOfNode(pod))
    .map((pod): Sized => ({ room: requestOf(pod), traits: traitsOfPod(pod) }));
  return [
    ['requested', { ...unfinished.map(requestOf).reduce(plus, none) }],
    ['podSizes', sizesOf(sized)],
  ];
}

/** What nodes that take pods have to give: in sum, and by sizes, so that it can be told whether pods fit. */
export function nodeFacts(nodes: readonly KubeObject[]): NamedFacts {
  const taking = nodes.filter(takesPods);
  const own = ownLabels(taking);
  const sized = taking.map((node): Sized => {
    const given = memberOf(node['status'], 'allocatable');
    const pods = parseQuantity(String(memberOf(given, 'pods') ?? '0')) ?? 0;
    return { room: amountOf(given, pods), traits: traitsOfNode(node, own) };
  });
  return [
    ['allocatable', { nodes: sized.length, ...sized.map(({ room }) => room).reduce(plus, none) }],
    ['nodeSizes', sizesOf(sized)],
  ];
}
