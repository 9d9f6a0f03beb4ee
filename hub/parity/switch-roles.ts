/**
 * Failover: the switch of roles on a fleet. Pure. Readiness says whether a standby may take over; from here on it does: as an edit of the fleet repository
 * (edit-fleet-file.ts), or as the hub's own word over what Git says, which is undone by leaving it out.
 */
import type { ClusterRole, Failover } from '../model/failover.ts';
import type { Application, Cluster, Fleet } from '../model/fleet.ts';
import type { ParityGroup } from '../model/parity.ts';
import { failoverStrategy, type RolloutStrategy, strategyOf } from '../model/strategy.ts';

export function overrideCounts({ override }: Failover): boolean {
  return override !== undefined && override.ended === undefined;
}

/** The group as it is once `to` is the primary: the old one stands by for it. */
export function switchGroup<G extends Pick<ParityGroup, 'primary' | 'standbys'>>(
  group: G,
  to: string,
  regionOf: (cluster: string) => string | undefined,
): G {
  const { primary: from, standbys } = group;
  if (from === to) return group;
  const byRegion = standbys.region !== undefined && regionOf(from) === standbys.region;
  const others = standbys.clusters.filter((name) => name !== to && name !== from);
  const listed = standbys.clusters.includes(to) || !byRegion;
  return {
    ...group,
    primary: to,
    standbys: { ...standbys, clusters: listed ? [...others, from].sort() : others },
  };
}

/** The fleet as Git has it. */
export function withoutOverrides(fleet: Fleet): Fleet {
  const clusters = mapValues(fleet.clusters, (cluster) => {
    if (cluster.override === undefined) return cluster;
    const { override, ...rest } = cluster;
    return { ...rest, role: override.roleInGit };
  });
  const parityGroups = mapValues(fleet.parityGroups, (group) => {
    if (group.inGit === undefined) return group;
    const { inGit, ...rest } = group;
    return { ...rest, ...inGit };
  });
  return { ...fleet, clusters, parityGroups };
}

/** What Git has, and over it the overrides that count, in the order they began. Those whose signature is wrong must have been left out. */
export function withOverrides(fleet: Fleet, failovers: readonly Failover[]): Fleet {
  return failovers.filter(overrideCounts).reduce(withOverride, withoutOverrides(fleet));
}

function withOverride(fleet: Fleet, failover: Failover): Fleet {
  const { id, roles, kind, group, to, override } = failover;
  if (override === undefined) return fleet;
  const clusters = mapValues(fleet.clusters, (cluster): Cluster => {
    const role = roles[cluster.name];
    if (role === undefined || role === cluster.role) return cluster;
    const roleInGit = cluster.override?.roleInGit ?? cluster.role;
    return { ...cluster, role, override: { failover: id, roleInGit, untilMs: override.untilMs } };
  });
  const known = fleet.parityGroups.get(group);
  if (known === undefined || kind === 'drill' || known.primary === to) return { ...fleet, clusters };
  const { primary, standbys } = known.inGit ?? known;
  const switched = switchGroup(known, to, (name) => fleet.clusters.get(name)?.region);
  const parityGroups = new Map(fleet.parityGroups).set(group, { ...switched, inGit: { primary, standbys } });
  return { ...fleet, clusters, parityGroups };
}

/** Whether every cluster has the role that the failover gives it; `git`: in Git itself, whatever the hub says. */
export function hasRoles(
  { clusters }: Pick<Fleet, 'clusters'>,
  roles: Readonly<Record<string, ClusterRole>>,
  where: 'force' | 'git',
): boolean {
  return Object.entries(roles).every(([name, role]) => {
    const cluster = clusters.get(name);
    return (where === 'git' ? (cluster?.override?.roleInGit ?? cluster?.role) : cluster?.role) === role;
  });
}

/** Whether the switch is made: the clusters' roles, and but for a drill the group's primary. */
export function isSwitched(
  { clusters, parityGroups }: Pick<Fleet, 'clusters' | 'parityGroups'>,
  { kind, group, roles, to }: Pick<Failover, 'kind' | 'group' | 'roles' | 'to'>,
  where: 'force' | 'git',
): boolean {
  const declared = parityGroups.get(group);
  const primary = where === 'git' ? (declared?.inGit ?? declared)?.primary : declared?.primary;
  return hasRoles({ clusters }, roles, where) && (kind === 'drill' || primary === to);
}

/** How the Targets of a failover go out: to its own clusters alone, whatever else is being released. */
export function strategyOfFailover(
  { strategy: name, together, roles }: Pick<Failover, 'strategy' | 'together' | 'roles'>,
  strategies: Fleet['strategies'],
): RolloutStrategy {
  const strategy = strategyOf({ strategy: name }, strategies) ?? failoverStrategy;
  const [first] = failoverStrategy.waves;
  const waves = together && first ? [{ ...first, name: 'all', selector: undefined }] : strategy.waves;
  return { ...strategy, waves, only: Object.keys(roles).sort(), reason: 'failover' };
}

/**
 * Applications of failovers that are under way get the failover's strategy, and wait for no other environment. Once both clusters were given what their roles come to, however long
 * one takes to have it, applications are released by their own again.
 */
export function withStrategies(
  fleet: Fleet,
  failovers: readonly Failover[],
  isMember: (application: Application, group: ParityGroup) => boolean,
): Fleet {
  const applications = new Map(fleet.applications);
  for (const failover of failovers) {
    const group = fleet.parityGroups.get(failover.group);
    const restoring = failover.phase === 'Restoring';
    const switched = failover.assigned || failover.phase === 'Done' || failover.phase === 'Ended';
    if (group === undefined || switched || (!restoring && !isSwitched(fleet, failover, 'force'))) continue;
    const inline = strategyOfFailover(failover, fleet.strategies);
    for (const application of fleet.applications.values())
      if (isMember(application, group))
        applications.set(application.name, { ...application, rollout: { inline } });
  }
  return { ...fleet, applications };
}

function mapValues<T>(map: ReadonlyMap<string, T>, change: (value: T) => T): ReadonlyMap<string, T> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}
