import { FairwayError } from '../../shared/error/error.ts';
import { nearest } from '../../shared/text/nearest.ts';
import { defaultFreshness, type ParityDifference, type ParityGroup } from '../model/parity.ts';
import { fleetOf } from './fleet-rows.ts';
import { createGroupWatch, type GroupPorts } from './parity-group.ts';

export interface ClusterComparison {
  readonly differences: readonly ParityDifference[];
  readonly objects: number;
  readonly whole: boolean;
}

/** Two clusters as they are now, with nothing declared. @throws not_found for one that is not in the fleet, invalid_argument for one with itself. */
export async function compareClusters(
  wanted: { readonly primary: string; readonly standby: string; readonly application: string | undefined },
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
  const registered = await ports.store.registry.clusters();
  const { report, differences } = await createGroupWatch(group, fleet, ports).pass(dirt, registered, signal);
  const [pair] = report.pairs;
  return { differences, objects: pair?.objects ?? 0, whole: differences.length === 0 };
}
