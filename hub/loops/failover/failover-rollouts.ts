/** What rollouts stand in a failover's way: a failover releases nothing by itself that was rolled back; who starts it is told before, and what to do after. */
import type { Fleet } from '../../model/fleet.ts';
import type { ParityGroup } from '../../model/parity.ts';
import { clusterState } from '../../rollout/cluster-states.ts';
import type { RolloutState } from '../../rollout/rollout-state.ts';
import type { Store } from '../../store/store.ts';
import { isSelected } from '../parity/parity-inputs.ts';
import { isWaved, readState } from '../rollout/rollout-inputs.ts';

interface Sides {
  readonly fleet: Fleet;
  readonly group: ParityGroup;
  readonly from: string;
  readonly to: string;
}

/** Why the rollout does not assign what is wanted in a cluster though nothing else goes on in it; empty: it goes on. */
export function whyNotAssigned(state: RolloutState, wanted: string | undefined): string {
  const { application, held, phase, stopped } = state;
  const retry = `fairway rollout retry ${application} --reason TEXT`;
  if (wanted !== undefined && held.includes(wanted))
    return `what it is to get was rolled back before and is held; \`${retry}\` lets it go`;
  const why = stopped?.reason ?? '';
  if (phase === 'Paused') return `its rollout is paused: ${why}`;
  if (phase === 'RollingBack') return `its rollout rolls back: ${why}`;
  if (phase === 'RolledBack' || phase === 'Aborted')
    return `its rollout is ${phase}: ${why}; \`${retry}\` begins it anew`;
  return '';
}

/** Undefined: it has none. */
export async function loadRollout(store: Store, application: string): Promise<RolloutState | undefined> {
  const state = readState((await store.releases.rollout(application))?.state);
  return isWaved(state) ? state : undefined;
}

/** What was rolled back of the two clusters' applications, a sentence each: which Targets the switch comes to is known only once it is rendered. */
export async function loadHeld(store: Store, { fleet, group, from, to }: Sides): Promise<readonly string[]> {
  const wanted = new Map((await store.fleet.resolutions()).map((one) => [one.application, one.targets]));
  const found: string[] = [];
  for (const application of fleet.applications.values()) {
    const { name } = application;
    const targets = wanted.get(name);
    if (targets?.[to] === undefined || !isSelected(group, name, application)) continue;
    const state = await loadRollout(store, name);
    if (state === undefined) continue;
    // A cluster that takes over gets what the other has by now, wherever roles alone make the difference.
    const isHeld = [targets[to], targets[from]].some((one) => one !== undefined && state.held.includes(one));
    if (isHeld || clusterState(state.clusters, to)?.rolledBackAtMs !== undefined)
      found.push(
        `what was released of ${name} last was rolled back and is held: where the switch comes to the same, ${to} keeps what it has until \`fairway rollout retry ${name}\`; where it does not, it gets what follows from the same commit`,
      );
  }
  return found.sort();
}
