/** Loads what a failover looks at: the fleet as it was resolved last, and how far both clusters have come. */
import type { ParityView } from '../../api/ports.ts';
import type { Failover } from '../../model/failover.ts';
import type { Fleet } from '../../model/fleet.ts';
import { describeProblem } from '../../model/problem.ts';
import type { FailoverFacts, FailoverPlacement } from '../../parity/advance-failover.ts';
import { readinessOf } from '../../parity/plan-failover.ts';
import { isSigned } from '../../parity/sign-override.ts';
import { isSwitched } from '../../parity/switch-roles.ts';
import { observedCluster } from '../../rollout/observed-cluster.ts';
import type { Store } from '../../store/store.ts';
import { fleetOf } from '../fleet-rows.ts';
import { isSelected } from '../parity/parity-inputs.ts';
import { loadRollout, whyNotAssigned } from './failover-rollouts.ts';

/** What parity says of a group, and when it looked. */
export type ParityNow = Pick<ParityView, 'state' | 'lookedAtMs'>;

/** Those that are open. An override that this hub has not signed does not count, nor does the failover that bears it. */
export async function loadFailovers(store: Store, key: Uint8Array): Promise<readonly Failover[]> {
  const open = await store.failovers.open();
  return open.filter((one) => one.override === undefined || isSigned(one, key));
}

export async function loadFailoverFacts(
  store: Store,
  failover: Failover,
  parity: ParityNow | undefined,
  nowMs: number,
): Promise<FailoverFacts> {
  const { from, to, group, id } = failover;
  const fleet = fleetOf(await store.fleet.load());
  const registered = await store.registry.clusters();
  const connected = (name: string) => registered.some((one) => one.name === name && one.connected);
  const { clusters, parityGroups } = fleet;
  return {
    nowMs,
    inForce: isSwitched(fleet, failover, 'force'),
    inGit: isSwitched(fleet, failover, 'git'),
    overridden: [...clusters.values()].some(({ override }) => override?.failover === id),
    declared: parityGroups.has(group) && clusters.has(from) && clusters.has(to),
    standby: await loadPlacements(store, fleet, group, to),
    primary: await loadPlacements(store, fleet, group, from),
    standbyConnected: connected(to),
    primaryConnected: connected(from),
    stands: parity && { ...readinessOf(parity.state, to), lookedAtMs: parity.lookedAtMs },
  };
}

/** Of the group's applications in one cluster, sorted: those that belong there, and those that are there. */
export async function loadPlacements(
  store: Store,
  fleet: Fleet,
  group: string,
  cluster: string,
): Promise<readonly FailoverPlacement[]> {
  const declared = fleet.parityGroups.get(group);
  if (declared === undefined) return [];
  const resolutions = new Map((await store.fleet.resolutions()).map((one) => [one.application, one]));
  const assignments = new Map(
    (await store.releases.assignments({ cluster })).map((one) => [one.application, one]),
  );
  const reports = new Map(
    (await store.observations.applications({ cluster })).map((one) => [one.application, one]),
  );
  const names = new Set([...fleet.applications.keys(), ...assignments.keys()]);
  const placements: FailoverPlacement[] = [];
  for (const application of [...names].sort()) {
    if (!isSelected(declared, application, fleet.applications.get(application))) continue;
    const resolution = resolutions.get(application);
    const assignment = assignments.get(application);
    const wanted = resolution?.targets[cluster];
    if (wanted === undefined && assignment === undefined) continue;
    const rollout = assignment?.targetDigest === wanted ? undefined : await loadRollout(store, application);
    const seen = observedCluster(assignment, reports.get(application), true);
    const { report } = seen;
    const { appliedAtMs, healthyAtMs, refused } = assignment?.acknowledgements ?? {};
    const broken = resolution?.problems.find((one) => one.cluster === cluster || one.cluster === '');
    const failed = report?.sync === 'Failed' || report?.health === 'Failed' ? report.message : '';
    placements.push({
      ...{ application, wanted, appliedAtMs, healthyAtMs },
      assigned: assignment?.targetDigest,
      notAssigned: rollout && whyNotAssigned(rollout, wanted),
      healthy: report === undefined || report.health === 'Current',
      problem: broken ? describeProblem(broken.problem) : (refused ?? failed),
    });
  }
  return placements;
}
