import { FairwayError } from '../../../shared/error/error.ts';
import { nearest } from '../../../shared/text/nearest.ts';
import { defaultFreshness, type ParityDifference, type ParityGroup } from '../../model/parity.ts';
import { fleetOf } from '../fleet-rows.ts';
import { createGroupWatch, type GroupPorts } from './parity-group.ts';

export interface ClusterComparison {
  readonly differences: readonly ParityDifference[];
  readonly objects: number;
  readonly whole: boolean;
}

/** Comparisons at a time: each reads all that two clusters hold. */
const atOnceMax = 2;

/** Two clusters as they are now, with nothing declared. No agent is asked. @throws resource_exhausted while others compare, not_found for one that is not in the fleet, invalid_argument for one with itself. */
export function createComparer(ports: GroupPorts) {
  let working = 0;
  return async (wanted: Wanted, signal: AbortSignal): Promise<ClusterComparison> => {
    if (working >= atOnceMax)
      throw new FairwayError('resource_exhausted', 'The hub compares other clusters already; try again.', {
        retryAfterMs: 1_000,
      });
    working += 1;
    try {
      return await compareClusters(wanted, { ...ports, ask: refuse }, signal);
    } finally {
      working -= 1;
    }
  };
}

interface Wanted {
  readonly primary: string;
  readonly standby: string;
  readonly application: string | undefined;
}

const refuse: GroupPorts['ask'] = () =>
  Promise.reject(new FairwayError('unavailable', 'a comparison asks no agents'));

async function compareClusters(
  wanted: Wanted,
  ports: GroupPorts,
  signal: AbortSignal,
): Promise<ClusterComparison> {
  const { primary, standby, application } = wanted;
  const fleet = fleetOf(await ports.store.fleet.load());
  for (const name of [primary, standby])
    if (!fleet.clusters.has(name)) {
      const near = nearest(name, [...fleet.clusters.keys()]);
      const meant = near === undefined ? '' : ` Did you mean ${near}?`;
      throw new FairwayError('not_found', `There is no Cluster "${name}" in the fleet repository.${meant}`);
    }
  if (primary === standby)
    throw new FairwayError('invalid_argument', `${primary} is what it is: name two clusters.`);
  const group: ParityGroup = {
    ...{ name: '', primary, standbys: { clusters: [standby], region: undefined }, owner: '' },
    applications: { names: application === undefined ? [] : [application], selector: undefined },
    ...{ expectations: [], variables: {}, freshness: defaultFreshness },
    origin: { file: '', line: 0, commit: '' },
  };
  const dirt = { all: true, placements: false, objects: new Set<string>(), clusters: new Set<string>() };
  const { report, differences } = await createGroupWatch(group, fleet, ports).pass(dirt, undefined, signal);
  const [pair] = report.pairs;
  return { differences, objects: pair?.objects ?? 0, whole: differences.length === 0 };
}
