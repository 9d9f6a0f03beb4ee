import type { FactValues } from '../../shared/manifest/cluster-facts.ts';
import { isJsonObject, type Json, type JsonObject } from '../../shared/manifest/object.ts';
import type { FactsRequest, Finding } from './finding.ts';
import { countUnplaced, nodesMax, parseSizes, sizesMax, type Unplaced } from './fit-pods.ts';

/** What is added up, and what it is called. */
const resources = [
  ['cpuMillis', 'of CPU, in thousandths'],
  ['memoryBytes', 'bytes of memory'],
  ['pods', 'pods'],
] as const;

/** Undefined: the agent does not say. */
function numberAt(values: FactValues | JsonObject, name: string, field: string): number | undefined {
  const entry = values[name];
  if (!isJsonObject(entry)) return undefined;
  const others = isJsonObject(entry['others']) ? entry['others'] : {};
  const number = Number(entry[field] ?? (Object.hasOwn(others, field) ? others[field] : 0) ?? 0);
  return Number.isFinite(number) ? number : undefined;
}

/** Of some namespaces. Undefined: the agent does not say. */
function sumIn(
  values: FactValues,
  counts: (namespace: string) => boolean,
  field: string,
): number | undefined {
  const rooms = values['requestedIn'];
  if (!isJsonObject(rooms)) return undefined;
  return Object.keys(rooms)
    .filter(counts)
    .reduce((sum, name) => sum + (numberAt(rooms, name, field) ?? 0), 0);
}

/** Devices, huge pages and disk of the node's own. */
function othersOf(entry: Json | undefined): readonly string[] {
  const others = isJsonObject(entry) ? entry['others'] : undefined;
  return isJsonObject(others) ? Object.keys(others) : [];
}

/** After failover the standby runs what the group's applications ask for in the primary now, instead of what they ask for there, beside all else that it runs. What is not known of either says nothing. */
export function capacityFindings(
  left: FactValues,
  right: FactValues,
  request: FactsRequest,
): readonly Finding[] {
  const { primary, standby, namespaces } = request;
  const isMoving = (name: string) => !namespaces || namespaces.primary.has(name);
  const isStaying = (name: string) => namespaces !== undefined && !namespaces.standby.has(name);
  // Of what is not on any node nothing is told, and nothing is there.
  const others = othersOf(left['requested']).map((name) => [name, `of ${name}`] as const);
  const lacking = [...resources, ...others].flatMap(([field, words]): readonly Finding[] => {
    const needed = sumIn(left, isMoving, field) ?? numberAt(left, 'requested', field);
    const given = numberAt(right, 'allocatable', field);
    if (needed === undefined || needed === 0 || given === undefined) return [];
    const taken = (numberAt(right, 'taken', field) ?? 0) + (sumIn(right, isStaying, field) ?? 0);
    if (needed <= given - taken) return [];
    const beside = taken > 0 ? `, of which others take ${taken}` : '';
    return [
      {
        ...{ section: 'capacity', name: field, side: 'standby', severity: 'critical' },
        message: `what runs of the group in ${primary} asks for ${needed} ${words}, ${standby} has ${given}${beside}`,
        action: `add nodes to ${standby}`,
        values: { primary: needed, standby: given - taken },
      },
    ];
  });
  return lacking.length > 0 ? lacking : fitFindings(left, right, request);
}

function fewer(one: Unplaced | undefined, other: Unplaced | undefined): Unplaced | undefined {
  return one && other && other.pods < one.pods ? other : one;
}

/** The sums would do. A heuristic: a warning. */
function fitFindings(
  left: FactValues,
  right: FactValues,
  { primary, standby, normalisers }: FactsRequest,
): readonly Finding[] {
  const [asking, given] = [left['podSizes'], right['nodeSizes']];
  const [pods, nodes] = [parseSizes(asking), parseSizes(given)];
  if (asking === undefined || given === undefined || !pods || !nodes) return [];
  const common = { section: 'capacity', name: 'fit', side: 'standby', severity: 'warning' } as const;
  const inCommon = () =>
    countUnplaced(
      parseSizes(normalisers.standby(given)) ?? nodes,
      parseSizes(normalisers.primary(asking)) ?? pods,
    );
  const asTheyAre = countUnplaced(nodes, pods);
  // What selects nodes by the primary's own word will select them by the standby's.
  const unplaced = fewer(asTheyAre, asTheyAre?.pods ? inCommon() : undefined);
  if (unplaced === undefined)
    return [
      {
        ...{ ...common, leavesUnknown: true },
        message: `whether the pods of ${primary} fit on the nodes of ${standby} is not known: there are more than ${nodesMax} nodes, or more than ${sizesMax} sorts of them or of pods`,
        action: 'look yourself, and declare /environment/capacity/fit',
      },
    ];
  if (unplaced.pods === 0) return [];
  const refused =
    unplaced.refused === 0
      ? ''
      : `; ${unplaced.refused} of them are let on none, by selectors, affinity and taints`;
  return [
    {
      ...common,
      message: `${unplaced.pods} of the pods that run in ${primary} find no node with room in ${standby}, though in sum there is enough${refused}`,
      action: `add nodes to ${standby} that take them, or ask for less`,
      values: { primary: unplaced.pods },
    },
  ];
}
