/** When applications that exchange objects in a cluster are assigned there: once it is the turn of each. Pure. */
import { advanceRollout, openClusters, type RolloutInput } from './advance-rollout.ts';
import { isInFlight } from './choose-clusters.ts';
import { isAssigned, type RolloutPass, type RolloutState, type WaveState } from './rollout-state.ts';

/** A rollout with all that its pass looks at. */
export interface ExchangeMember {
  readonly state: RolloutState;
  readonly input: RolloutInput;
}

/** By application, those that exchange with one another. */
export type ExchangeMembers = ReadonlyMap<string, ExchangeMember>;

/** Clusters where it has still to be assigned, and somebody whom it exchanges objects with, too. */
function waitsForOthers({ state, input }: ExchangeMember, members: ExchangeMembers): ReadonlySet<string> {
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
  return new Set(decisions.filter(({ reason }) => reason !== 'rollback').map(({ cluster }) => cluster));
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

/** It goes on, and nothing but those whom it exchanges objects with holds its wave up: nobody is in flight, and whoever could be assigned is blocked. */
function isHeldUp({ state, input }: ExchangeMember, blocked: ReadonlySet<string>): boolean {
  const wave = currentOf(state);
  if (state.phase !== 'Progressing' || wave?.startedAtMs === undefined) return false;
  const { waiting } = openClusters(state, wave, input);
  return (
    waiting.length > 0 && waiting.every((cluster) => blocked.has(cluster) && !isInFlight(state, cluster))
  );
}

function currentOf({ waves }: RolloutState): WaveState | undefined {
  return waves.find(({ endedAtMs }) => endedAtMs === undefined);
}

/** Into the wave that is under way, if the cluster is in one that has not begun. */
function pullForward(state: RolloutState, cluster: string): RolloutState {
  const current = currentOf(state);
  const from = state.waves.find(({ clusters }) => clusters.includes(cluster));
  if (current === undefined || from === undefined || from.startedAtMs !== undefined) return state;
  const waves = state.waves.map((wave) => {
    // The first of it, so that no bound lets others go before it.
    if (wave === current) return { ...wave, clusters: [cluster, ...wave.clusters] };
    return wave === from ? { ...wave, clusters: wave.clusters.filter((one) => one !== cluster) } : wave;
  });
  return { ...state, waves };
}

export interface Exchange {
  /** Clusters that the application must not be assigned to alone. */
  readonly blocked: ReadonlySet<string>;
  /** The passes that assign some of them to all who exchange there: to be kept together or not at all. Undefined: it is not everybody's turn anywhere. */
  readonly together: ReadonlyMap<string, RolloutPass> | undefined;
}

/** What one application's rollout may do where it exchanges objects with others. */
export function planExchange(application: string, members: ExchangeMembers): Exchange {
  const exchange = planTurns(application, members);
  if (exchange.blocked.size === 0 || exchange.together !== undefined) return exchange;
  return { ...exchange, together: planMeeting(members) };
}

/** Clusters that are tried in one look. */
const meetingsMax = 5;

/**
 * Where applications go over the clusters in orders that hold each other up, their turns would never meet. Once nothing else goes on in any of them, a
 * cluster whose turn it is in one is taken into the waves under way of the others, whose bounds and gates go on to count. Undefined: they are not in such a
 * state, or a bound holds them up.
 */
function planMeeting(members: ExchangeMembers): Exchange['together'] {
  const blocked = new Map([...members].map(([name, one]) => [name, waitsForOthers(one, members)]));
  const tied = [...members].filter(
    ([name, { state }]) => (blocked.get(name)?.size ?? 0) > 0 && state.phase === 'Progressing',
  );
  if (tied.length < 2 || !tied.every(([name, one]) => isHeldUp(one, blocked.get(name) ?? new Set())))
    return undefined;
  const names = new Set(tied.map(([name]) => name));
  let left = meetingsMax;
  for (const [application, { state }] of tied)
    for (const cluster of currentOf(state)?.clusters ?? []) {
      if (left === 0) return undefined;
      if (!blocked.get(application)?.has(cluster)) continue;
      const group = groupAt(cluster, application, members);
      if (group === undefined || !group.every((name) => names.has(name))) continue;
      left -= 1;
      const met = new Map(members);
      for (const name of group) {
        const one = members.get(name);
        if (one) met.set(name, { ...one, state: pullForward(one.state, cluster) });
      }
      const { together } = planTurns(application, met);
      if (together !== undefined) return together;
    }
  return undefined;
}

function planTurns(application: string, members: ExchangeMembers): Exchange {
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
  const groups = new Map<string, readonly string[]>();
  for (const cluster of alone.blocked) {
    if (!isTurn(application, cluster)) continue;
    const group = groupAt(cluster, application, members);
    if (group?.every((name) => isTurn(name, cluster))) groups.set(cluster, group);
  }
  return { ...alone, together: assignAll(groups, pass) ?? assignOne(groups, pass) };
}

type Groups = ReadonlyMap<string, readonly string[]>;
type PassWith = (name: string, open: ReadonlySet<string>) => RolloutPass | undefined;

/** Every application that has to do with one of these clusters, as if all of them were open. */
function passAll(groups: Groups, pass: PassWith): ReadonlyMap<string, RolloutPass> {
  const open = new Set(groups.keys());
  const names = new Set([...groups.values()].flat());
  const passes = [...names].map((name) => [name, pass(name, open)] as const);
  return new Map(passes.filter((one): one is [string, RolloutPass] => one[1] !== undefined));
}

/** Those clusters that everybody who exchanges there assigns. */
function metIn(groups: Groups, passes: ReadonlyMap<string, RolloutPass>): Groups {
  const assigned = new Map([...passes].map(([name, pass]) => [name, assignedBy(pass)]));
  const met = [...groups].filter(([cluster, group]) =>
    group.every((name) => assigned.get(name)?.has(cluster)),
  );
  return new Map(met);
}

/** As many clusters as the bounds of all let go together. Undefined: that comes to none. */
function assignAll(groups: Groups, pass: PassWith): Exchange['together'] {
  let open = groups;
  while (open.size > 0) {
    const passes = passAll(open, pass);
    const met = metIn(open, passes);
    if (met.size === open.size) return passes;
    // A bound may let another cluster go first, once the others that wait are out of the way.
    open = met;
  }
  return undefined;
}

/** The first that all let go. */
function assignOne(groups: Groups, pass: PassWith): Exchange['together'] {
  for (const one of groups) {
    const alone = new Map([one]);
    const passes = passAll(alone, pass);
    if (metIn(alone, passes).size > 0) return passes;
  }
  return undefined;
}
