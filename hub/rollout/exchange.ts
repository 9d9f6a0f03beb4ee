/** When applications that exchange objects in a cluster are assigned there: once it is the turn of each. Pure. */
import { advanceRollout, type RolloutInput } from './advance-rollout.ts';
import { isAssigned, type RolloutPass, type RolloutState } from './rollout-state.ts';

/** A rollout with all that its pass looks at. */
export interface ExchangeMember {
  readonly state: RolloutState;
  readonly input: RolloutInput;
}

/** By application, those that exchange with one another. */
export type ExchangeMembers = ReadonlyMap<string, ExchangeMember>;

/** Clusters where it has still to be assigned, and somebody whom it exchanges objects with, too. */
export function waitsForOthers(
  { state, input }: ExchangeMember,
  members: ExchangeMembers,
): ReadonlySet<string> {
  const waiting = Object.entries(state.handOvers ?? {}).filter(([cluster, others]) => {
    if (isAssigned(input.release, cluster, input.observed.get(cluster))) return false;
    return others.some(({ application }) => {
      const other = members.get(application)?.input;
      return other === undefined || !isAssigned(other.release, cluster, other.observed.get(cluster));
    });
  });
  return new Set(waiting.map(([cluster]) => cluster));
}

function without(all: ReadonlySet<string>, some: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...all].filter((one) => !some.has(one)));
}

function assignedBy(pass: RolloutPass | undefined): ReadonlySet<string> {
  const decisions = pass?.decisions ?? [];
  return new Set(decisions.filter(({ reason }) => reason === 'release').map(({ cluster }) => cluster));
}

/** Applications that are to be assigned together in a cluster; undefined where one of them is not known or not at work. */
function groupAt(
  cluster: string,
  application: string,
  members: ExchangeMembers,
): readonly string[] | undefined {
  const group = [application];
  for (const name of group) {
    const member = members.get(name);
    if (member === undefined) return undefined;
    for (const other of member.state.handOvers?.[cluster] ?? [])
      if (!group.includes(other.application)) group.push(other.application);
  }
  return group;
}

export interface Exchange {
  /** Clusters that the application must not be assigned to alone. */
  readonly blocked: ReadonlySet<string>;
  /** The passes that assign some of them to all who exchange there: to be kept together or not at all. Undefined: it is not everybody's turn anywhere. */
  readonly together: ReadonlyMap<string, RolloutPass> | undefined;
}

/** What one application's rollout may do where it exchanges objects with others. */
export function planExchange(application: string, members: ExchangeMembers): Exchange {
  const waiting = new Map([...members].map(([name, one]) => [name, waitsForOthers(one, members)]));
  const none: ReadonlySet<string> = new Set();
  const blockedFor = (name: string) => waiting.get(name) ?? none;
  const pass = (name: string, open: ReadonlySet<string>): RolloutPass | undefined => {
    const member = members.get(name);
    if (member === undefined) return undefined;
    return advanceRollout(member.state, { ...member.input, blocked: without(blockedFor(name), open) });
  };
  const alone: Exchange = { blocked: blockedFor(application), together: undefined };
  if (alone.blocked.size === 0) return alone;
  // Each as if it waited for nobody: where it would go now it is its turn.
  const turns = new Map<string, ReadonlySet<string>>();
  const isTurn = (name: string, cluster: string): boolean => {
    const known = turns.get(name);
    const made = known ?? assignedBy(pass(name, blockedFor(name)));
    if (known === undefined) turns.set(name, made);
    return made.has(cluster);
  };
  for (const cluster of alone.blocked) {
    if (!isTurn(application, cluster)) continue;
    const group = groupAt(cluster, application, members);
    if (group === undefined || !group.every((name) => isTurn(name, cluster))) continue;
    const open = new Set([cluster]);
    const passes = new Map(group.map((name) => [name, pass(name, open)]));
    // A bound may let another cluster go first, once the others that wait are out of the way.
    const made = [...passes].filter(
      (one): one is [string, RolloutPass] => one[1] !== undefined && assignedBy(one[1]).has(cluster),
    );
    if (made.length === group.length) return { blocked: alone.blocked, together: new Map(made) };
  }
  return alone;
}
