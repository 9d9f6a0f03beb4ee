/**
 * What agents are told of fencing: the rules of the groups whose primary they are, and what of a failover is withheld from them. Sessions ask before each look; a fleet without
 * ParityGroups costs nothing.
 */
import { toFairwayError } from '../../../shared/error/error.ts';
import type { Logger } from '../../../shared/log/log.ts';
import type { FenceOrder, FenceRule } from '../../../shared/manifest/fencing.ts';
import type { Failover } from '../../model/failover.ts';
import { emptyFleet, type Fleet } from '../../model/fleet.ts';
import type { Assignment } from '../../model/release.ts';
import { type FencingVerdict, judgeFencing } from '../../parity/judge-fencing.ts';
import { hasRoles } from '../../parity/switch-roles.ts';
import type { Store, StoreTopic } from '../../store/store.ts';
import { fleetOf } from '../fleet-rows.ts';
import { isSelected, membersOf } from '../parity/parity-inputs.ts';
import { loadFailovers, loadPlacements } from './failover-inputs.ts';

export interface FencingOptions {
  readonly store: Store;
  readonly digestKey: Uint8Array;
  /** Something that the agent of this cluster is told may have changed. */
  readonly onChanged: (cluster: string) => void;
  readonly log: Logger;
}

/** An agent that asks what it may have. */
export interface FencingQuestion {
  readonly cluster: string;
  /** When its session was written down as open. */
  readonly openedAtMs: number;
  readonly assignments: readonly Pick<Assignment, 'application' | 'removed'>[];
}

export interface Fencing {
  orderFor(question: FencingQuestion): Promise<FenceOrder>;
  /** A change of the store. */
  changed(topic: StoreTopic, key: string): void;
}

const nothing: FenceOrder = { rules: [], withheld: [] };

export function createFencing({ store, digestKey, onChanged, log }: FencingOptions): Fencing {
  let fleet: Promise<Fleet> | undefined;
  /** Who has been told of rules. */
  let ruled: ReadonlySet<string> = new Set();
  const fleetNow = () => {
    fleet ??= loadFleet(store);
    return fleet.catch((caught: unknown) => {
      fleet = undefined;
      throw caught;
    });
  };

  let opening: Promise<readonly Failover[]> | undefined;
  /** A release wakes many sessions at once: who asks before the running code gives way is answered by one read. */
  const openNow = () => {
    if (opening) return opening;
    const begun = loadFailovers(store, digestKey);
    opening = begun;
    queueMicrotask(() => {
      opening = undefined;
    });
    return begun;
  };

  const onFleet = async () => {
    const groups = [...(await fleetNow()).parityGroups.values()];
    const next = new Set(groups.filter(({ failover }) => failover?.fencing).map(({ primary }) => primary));
    const both = new Set([...ruled, ...next]);
    ruled = next;
    for (const cluster of both) onChanged(cluster);
    await onFailovers(undefined);
  };
  /** What is withheld hangs on what was resolved, too. */
  const onFailovers = async (group: string | undefined) => {
    for (const one of await loadFailovers(store, digestKey))
      if (group === undefined || one.group === group) onChanged(one.from);
    const known = group === undefined ? undefined : (await fleetNow()).parityGroups.get(group);
    if (known === undefined) return;
    for (const cluster of [known.primary, ...membersOf(known, await fleetNow()).standbys]) onChanged(cluster);
  };
  const look = (work: Promise<void>) => {
    work.catch((caught: unknown) =>
      log.error('agents are not told of fencing', { error: toFairwayError(caught) }),
    );
  };

  return {
    async orderFor(question) {
      const now = await fleetNow();
      if (now.parityGroups.size === 0) return nothing;
      const open = await openNow();
      const withheld = await loadWithheld(store, now, open, question);
      return { rules: rulesFor(now, question), withheld };
    },
    changed(topic, key) {
      if (topic === 'fleet') {
        fleet = undefined;
        look(onFleet());
      }
      if (topic === 'failovers') look(onFailovers(key));
    },
  };
}

/** Without groups nothing else of the fleet is of interest: sessions wait for this. */
async function loadFleet(store: Store): Promise<Fleet> {
  return (await store.fleet.hasKind('ParityGroup')) ? fleetOf(await store.fleet.load()) : emptyFleet;
}

/** Pure. */
export function rulesFor(
  { parityGroups, applications }: Fleet,
  { cluster, assignments }: Pick<FencingQuestion, 'cluster' | 'assignments'>,
): readonly FenceRule[] {
  return [...parityGroups.values()].flatMap((group): readonly FenceRule[] => {
    const { fencing } = group.failover ?? {};
    if (fencing === undefined || group.primary !== cluster) return [];
    const members = assignments
      .filter(
        ({ application, removed }) =>
          !removed && isSelected(group, application, applications.get(application)),
      )
      .map(({ application }) => application)
      .sort();
    return members.length === 0
      ? []
      : [{ group: group.name, afterMs: fencing.afterMs, applications: members }];
  });
}

/**
 * Of failovers away from a cluster whose agent has come back since they began: applications whose new Target it could not have yet. An agent that was there all the
 * time goes on as it was until its turn comes, as the rollout says.
 */
async function loadWithheld(
  store: Store,
  fleet: Fleet,
  open: readonly Failover[],
  { cluster, openedAtMs }: FencingQuestion,
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const { from, kind, phase, startedAtMs, roles, group } of open) {
    if (from !== cluster || kind === 'drill' || phase === 'Restoring' || openedAtMs < startedAtMs) continue;
    const inForce = hasRoles(fleet, roles, 'force');
    for (const { application, wanted, assigned } of await loadPlacements(store, fleet, group, cluster))
      if (!inForce || wanted !== assigned) found.add(application);
  }
  return [...found].sort();
}

/** How the primary of a group stands. */
export async function loadFencing(
  store: Store,
  fleet: Fleet,
  group: string,
  cluster: string,
  nowMs: number,
): Promise<FencingVerdict> {
  const placements = await loadPlacements(store, fleet, group, cluster);
  const registered = await store.registry.cluster(cluster);
  const assigned = placements.filter((one) => one.assigned !== undefined);
  const isStandby =
    fleet.clusters.get(cluster)?.role === 'standby' &&
    placements.every((one) => one.wanted === one.assigned && one.appliedAtMs !== undefined);
  return judgeFencing({
    ...{ cluster, isStandby, nowMs, contact: registered?.fence },
    applications: assigned.map(({ application }) => application),
    connected: registered?.connected ?? false,
  });
}
