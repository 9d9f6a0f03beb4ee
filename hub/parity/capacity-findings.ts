import type { FactValues } from '../../shared/manifest/cluster-facts.ts';
import { isObject } from './field-path.ts';
import type { FactsRequest, Finding } from './finding.ts';
import { countUnplaced, parseSizes } from './fit-pods.ts';

/** What is added up, and what it is called. */
const resources = [
  ['cpuMillis', 'of CPU, in thousandths'],
  ['memoryBytes', 'bytes of memory'],
  ['pods', 'pods'],
] as const;

function numberAt(values: FactValues, name: string, field: string): number {
  const entry = values[name];
  return isObject(entry) ? Number(entry[field] ?? 0) : 0;
}

/** After failover the standby runs what its primary asks for now, instead of what it asks for itself. */
export function capacityFindings(
  left: FactValues,
  right: FactValues,
  { primary, standby }: FactsRequest,
): readonly Finding[] {
  const lacking = resources.flatMap(([field, words]): readonly Finding[] => {
    const [needed, given] = [numberAt(left, 'requested', field), numberAt(right, 'allocatable', field)];
    if (needed <= given) return [];
    return [
      {
        ...{ section: 'capacity', name: field, side: 'standby', severity: 'critical' },
        message: `what runs in ${primary} asks for ${needed} ${words}, ${standby} has ${given}`,
        action: `add nodes to ${standby}`,
        values: { primary: needed, standby: given },
      },
    ];
  });
  return lacking.length > 0 ? lacking : fitFindings(left, right, primary, standby);
}

/** The sums would do. A heuristic: a warning. */
function fitFindings(
  left: FactValues,
  right: FactValues,
  primary: string,
  standby: string,
): readonly Finding[] {
  const [pods, nodes] = [parseSizes(left['podSizes']), parseSizes(right['nodeSizes'])];
  const unplaced = pods && nodes && countUnplaced(nodes, pods);
  if (unplaced === undefined || unplaced.pods === 0) return [];
  const refused =
    unplaced.refused === 0
      ? ''
      : `; ${unplaced.refused} of them are let on none, by selectors, affinity and taints`;
  return [
    {
      ...{ section: 'capacity', name: 'fit', side: 'standby', severity: 'warning' },
      message: `${unplaced.pods} of the pods that run in ${primary} find no node with room in ${standby}, though in sum there is enough${refused}`,
      action: `add nodes to ${standby} that take them, or ask for less`,
      values: { primary: unplaced.pods },
    },
  ];
}
