/** Clusters that a release would take to a Target which was rolled back: they take no part until it differs, or somebody retries. Pure. */

import type { Digest } from '../../shared/manifest/canonical.ts';
import { listNames } from '../../shared/text/list-names.ts';
import type { RolloutInput } from './advance-rollout.ts';
import { planWaves, type SelectorMatch } from './plan-waves.ts';
import { isAssigned, type RolloutRelease, type RolloutState, type WaveState } from './rollout-state.ts';

/** Names that a message spells out. */
const namedMax = 10;

/** `eu-1, eu-2 and 3 more`. */
export function someOf(names: readonly string[]): string {
  return listNames(names, namedMax);
}

/** All that the release changes is held: it has not begun, and has nothing to do. */
export function isHeldBack({ waves, withheld = [] }: Pick<RolloutState, 'waves' | 'withheld'>): boolean {
  return waves.length === 0 && withheld.length > 0;
}

/** Why a release that is held back does not begin. */
export function heldReason(withheld: readonly string[]): string {
  return `what it brings to ${someOf(withheld)} was rolled back before and is held: they keep what they have until it differs, or a retry releases it`;
}

/** Who of these is to get a Target that is held, and who is not. What takes the application out of a cluster is never held. */
export function partHeld(
  clusters: readonly string[],
  { targets, removes }: Pick<RolloutRelease, 'targets' | 'removes'>,
  held: readonly Digest[],
): { readonly free: readonly string[]; readonly withheld: readonly string[] } {
  const failed = new Set(held);
  const isHeld = (cluster: string) => !removes.has(cluster) && failed.has(targets[cluster] ?? '');
  const { free = [], withheld = [] } = Object.groupBy(clusters, (cluster) =>
    isHeld(cluster) ? 'withheld' : 'free',
  );
  return { free, withheld: withheld.toSorted() };
}

/** A second wave of the same spec is `name (2)`. */
function nameAnew(waves: readonly WaveState[], name: string): string {
  const taken = new Set(waves.map((wave) => wave.name));
  let made = name;
  for (let count = 2; taken.has(made); count += 1) made = `${name} (${count})`;
  return made;
}

/**
 * The state with those in it whose Target is held no more: they go by the strategy's waves, with all gates, after the waves that there are. The same state where nobody is.
 */
export function admitReleased(
  state: RolloutState,
  { release, observed, facts }: Pick<RolloutInput, 'release' | 'observed' | 'facts'>,
  matches: SelectorMatch,
): RolloutState {
  const { withheld = [], phase } = state;
  if (phase !== 'Progressing' && phase !== 'Paused' && phase !== 'Complete') return state;
  const { free, withheld: still } = partHeld(withheld, release, state.held);
  if (free.length === 0) return state;
  const planned = new Set(state.waves.flatMap(({ clusters }) => clusters));
  const due = free
    .filter((cluster) => !planned.has(cluster) && release.targets[cluster] !== undefined)
    .filter((cluster) => !isAssigned(release, cluster, observed.get(cluster)))
    .map((name) => facts.get(name) ?? { name, labels: {}, region: '', pair: '', primary: false })
    .map((one) => ({ ...one, connected: observed.get(one.name)?.connected ?? false }));
  const { withheld: _, ...rest } = state;
  const left: RolloutState = still.length > 0 ? { ...rest, withheld: still } : rest;
  if (due.length === 0) return left;
  const waves = [...state.waves];
  for (const wave of planWaves(state.strategy, due, matches))
    waves.push({ ...wave, name: nameAnew(waves, wave.name) });
  const { endedAtMs: __, ...open } = left;
  return { ...open, waves, phase: phase === 'Paused' ? 'Paused' : 'Progressing' };
}

/** All clusters that do not have the Target which they are to get, since it is held; sorted. */
export function heldClusters(
  state: RolloutState,
  { release, observed }: Pick<RolloutInput, 'release' | 'observed'>,
): readonly string[] {
  const { withheld = [], waves, held } = state;
  if (held.length === 0) return [];
  const lacking = waves
    .flatMap(({ clusters }) => clusters)
    .filter((cluster) => !isAssigned(release, cluster, observed.get(cluster)));
  const names = new Set([...withheld, ...partHeld(lacking, release, held).withheld]);
  return [...names].filter((cluster) => release.targets[cluster] !== undefined).sort();
}
