import { isJsonObject, type Json, type JsonObject, type KubeObject } from '../../shared/manifest/object.ts';
import { parseQuantity } from '../../shared/text/quantity.ts';
import { itemsOf, memberOf, type NamedFacts } from './fact-fields.ts';
import { addRooms, atLeastNothing, largerRoom, noRoom, type Room, timesRoom } from './node-room.ts';
import type { Counted } from './object-tally.ts';
import { type Sized, sizesOf } from './room-sizes.ts';

/** Pods' room is told apart, volumes' by what they are of. */
const notExtended: ReadonlySet<string> = new Set(['cpu', 'memory', 'pods', 'storage']);

/** As the scheduler counts: thousandths and bytes, rounded up (resource.Quantity MilliValue, Value). */
const whole = (amount: number) => Math.ceil(amount - 1e-6);

function amountOf(resources: Json | undefined, pods = 0): Room {
  const all = isJsonObject(resources) ? resources : {};
  const quantity = (name: string) => parseQuantity(String(all[name] ?? '0')) ?? 0;
  const others = Object.keys(all).filter((name) => !notExtended.has(name) && quantity(name) > 0);
  return {
    ...{ cpuMillis: whole(quantity('cpu') * 1_000), memoryBytes: whole(quantity('memory')), pods },
    others: Object.fromEntries(others.map((name) => [name, whole(quantity(name))])),
  };
}

/**
 * What the scheduler keeps for a pod: its containers and sidecars together, or an init container with the sidecars before it where that is more (KEP-753,
 * https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers), what the pod as a whole asks for in the place of that (KEP-2837,
 * https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#pod-level-resource-specification), and its overhead.
 */
function requestOf(pod: KubeObject): Room {
  const asked = (container: Json) => amountOf(memberOf(container, 'resources', 'requests'));
  let sidecars = noRoom;
  let starting = noRoom;
  for (const container of itemsOf(memberOf(pod['spec'], 'initContainers'))) {
    const sum = addRooms(asked(container), sidecars);
    if (memberOf(container, 'restartPolicy') === 'Always') sidecars = sum;
    else starting = largerRoom(starting, sum);
  }
  const running = itemsOf(memberOf(pod['spec'], 'containers')).map(asked).reduce(addRooms, sidecars);
  const most = largerRoom(running, starting);
  const together = memberOf(pod['spec'], 'resources', 'requests');
  const wholePod = amountOf(together);
  const instead = {
    ...(memberOf(together, 'cpu') !== undefined && { cpuMillis: wholePod.cpuMillis }),
    ...(memberOf(together, 'memory') !== undefined && { memoryBytes: wholePod.memoryBytes }),
    others: { ...most.others, ...wholePod.others },
  };
  return { ...addRooms({ ...most, ...instead }, amountOf(memberOf(pod['spec'], 'overhead'))), pods: 1 };
}

/** https://kubernetes.io/docs/reference/labels-annotations-taints/#node-role-kubernetes-io-control-plane-taint, and its name until 1.24 */
const controlPlane: ReadonlySet<string> = new Set([
  'node-role.kubernetes.io/control-plane',
  'node-role.kubernetes.io/master',
]);

/** Ready, open to pods, and not kept for the control plane. */
function takesPods(node: KubeObject): boolean {
  const isReady = itemsOf(memberOf(node['status'], 'conditions')).some(
    (one) => memberOf(one, 'type') === 'Ready' && memberOf(one, 'status') === 'True',
  );
  const kept = itemsOf(memberOf(node['spec'], 'taints')).some(
    (one) => controlPlane.has(String(memberOf(one, 'key'))) && memberOf(one, 'effect') !== 'PreferNoSchedule',
  );
  return isReady && !kept && memberOf(node['spec'], 'unschedulable') !== true;
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
    ...(isJsonObject(selector) && Object.keys(selector).length > 0 && { selector }),
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

/** What is told of a sum. */
const sumOf = ({ others, ...room }: Room): JsonObject => ({
  ...room,
  ...(Object.keys(others).length > 0 && { others: { ...others } }),
});

/** It stays where it is when the applications go to another cluster: see trimPod. */
const nodeOf = (pod: KubeObject): string | undefined =>
  typeof pod['node'] === 'string' ? pod['node'] : undefined;

/** What the pods ask for that would run in another cluster after a failover. */
export function requestFacts(pods: readonly Counted[]): NamedFacts {
  const moving = pods
    .filter(([pod]) => nodeOf(pod) === undefined)
    .map(([pod, count]) => ({
      ...{ namespace: pod.metadata.namespace ?? '', count },
      ...{ room: requestOf(pod), traits: traitsOfPod(pod) },
    }));
  const requestedIn = new Map<string, Room>();
  for (const { namespace, room, count } of moving)
    requestedIn.set(namespace, addRooms(requestedIn.get(namespace) ?? noRoom, timesRoom(room, count)));
  return [
    ['requested', sumOf([...requestedIn.values()].reduce(addRooms, noRoom))],
    ['requestedIn', Object.fromEntries([...requestedIn].map(([name, room]) => [name, sumOf(room)]))],
    ['podSizes', sizesOf(moving, 'up')],
  ];
}

/**
 * What nodes that take pods have to give, what others take of it, and what is left by sizes, so that it can be told whether pods fit.
 * @param pods undefined: what others take is not known, and left out.
 */
export function nodeFacts(nodes: readonly KubeObject[], pods: readonly Counted[] | undefined): NamedFacts {
  const taking = nodes.filter(takesPods);
  const own = ownLabels(taking);
  const taken = new Map<string, Room>();
  for (const [pod, count] of pods ?? []) {
    const node = nodeOf(pod);
    if (node === undefined) continue;
    taken.set(node, addRooms(taken.get(node) ?? noRoom, timesRoom(requestOf(pod), count)));
  }
  const takenOf = ({ metadata }: KubeObject) => taken.get(metadata.name) ?? noRoom;
  const givenBy = (node: KubeObject): Room => {
    const given = memberOf(node['status'], 'allocatable');
    return amountOf(given, parseQuantity(String(memberOf(given, 'pods') ?? '0')) ?? 0);
  };
  const sized = taking.map(
    (node): Sized => ({
      room: atLeastNothing(addRooms(givenBy(node), timesRoom(takenOf(node), -1))),
      ...{ traits: traitsOfNode(node, own), count: 1 },
    }),
  );
  return [
    ['allocatable', { nodes: taking.length, ...sumOf(taking.map(givenBy).reduce(addRooms, noRoom)) }],
    ...(pods ? ([['taken', sumOf(taking.map(takenOf).reduce(addRooms, noRoom))]] satisfies NamedFacts) : []),
    ['nodeSizes', sizesOf(sized, 'down')],
  ];
}
