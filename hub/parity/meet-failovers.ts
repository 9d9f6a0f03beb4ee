/** What failovers that are open, and groups that share clusters, mean for one that is to begin. Roles belong to clusters, not to groups. Pure. */
import { type ClusterRole, type Failover, type FailoverKind, isFailoverOver } from '../model/failover.ts';
import type { Fleet } from '../model/fleet.ts';
import type { ParityGroup } from '../model/parity.ts';
import { overrideCounts } from './switch-roles.ts';

export type Roles = Readonly<Record<string, ClusterRole>>;

export type Meeting =
  | { readonly type: 'free' }
  /** It takes the place of the open one; `confirm`: what has to be confirmed for that, if anything. */
  | { readonly type: 'instead'; readonly confirm: readonly string[] }
  | { readonly type: 'refused'; readonly message: string };

/**
 * The open failover of the same group. A disaster waits for no drill, and for nothing that is being given back; from where a failover has come to, it goes back or on to another standby, ready
 * or not. Only the same once more is refused, so that two who start it at once do not undo each other.
 */
export function meetOpen(
  open: Failover | undefined,
  asked: { readonly kind: FailoverKind; readonly to: string; readonly primary: string },
  { clusters }: Pick<Fleet, 'clusters'>,
): Meeting {
  if (open === undefined || isFailoverOver(open)) return { type: 'free' };
  const { group, phase, message, from, to } = open;
  const refused = (how: string): Meeting => ({
    type: 'refused',
    message: `${group} is failing over already (${open.kind} to ${to}, ${phase}): ${message}${how}`,
  });
  if (asked.kind === 'drill') return refused('');
  if (open.kind === 'drill') return { type: 'instead', confirm: [] };
  if (phase === 'Restoring') {
    const counts = [...clusters.values()].some(({ override }) => override?.failover === open.id);
    return counts ? refused('; try again in a moment') : { type: 'instead', confirm: [] };
  }
  const there = (phase === 'Switching' || phase === 'TrafficReady') && to === asked.primary;
  if (there && asked.kind === 'back') return { type: 'instead', confirm: [] };
  if (there && asked.to !== from) {
    const sentence = `the failover from ${from} to ${to} is still open, and ends with this one: ${message}`;
    return { type: 'instead', confirm: [sentence] };
  }
  const back = `\`fairway failover back ${group}\``;
  return refused(there ? `; to return: ${back}` : `; \`fairway failover revoke ${group}\` ends it`);
}

/** The roles of one that takes the place of another, whose own word would else be gone with it. */
export function rolesAfter(open: Failover | undefined, roles: Roles): Roles {
  const kept = open && open.kind !== 'drill' && overrideCounts(open);
  return kept ? { ...open.roles, ...roles } : roles;
}

/** The first open failover of another group that gives a cluster another role. A drill that only waits for its report gives none any more. */
export function clashOf(
  { group, roles }: { readonly group: string; readonly roles: Roles },
  open: readonly Failover[],
): string | undefined {
  for (const other of open) {
    if (other.group === group || isFailoverOver(other) || other.restoredAtMs !== undefined) continue;
    const shared = Object.entries(roles).find(
      ([cluster, role]) => other.roles[cluster] !== undefined && other.roles[cluster] !== role,
    );
    if (shared)
      return `${shared[0]} is to be ${other.roles[shared[0]]} by the ${other.kind} of ${other.group} (${other.phase}) and ${shared[1]} by this: let that one end, or \`fairway failover revoke ${other.group}\``;
  }
  return undefined;
}

/** Other groups whose clusters get another role by this, a sentence each. @param standbysOf who stands by in a group. */
export function sharedGroups(
  { group, roles }: { readonly group: string; readonly roles: Roles },
  { parityGroups }: Pick<Fleet, 'parityGroups'>,
  standbysOf: (group: ParityGroup) => readonly string[],
): readonly string[] {
  return [...parityGroups.values()].flatMap((other): readonly string[] => {
    const { name, primary } = other;
    if (name === group) return [];
    if (roles[primary] === 'standby')
      return [`${primary} is the primary of ${name} too, which has none then until it fails over as well`];
    const second = standbysOf(other).find((cluster) => roles[cluster] === 'primary');
    return second === undefined
      ? []
      : [`${second} stands by for ${primary} in ${name} too, and has the role of a primary there as well`];
  });
}
