/** Which cluster goes in which wave. Pure, and the same for the same input: waves are planned once a release and kept with it. */
import type { LabelSelector } from '../model/label-selector.ts';
import { amountOf, defaultWave, type RolloutStrategy, type WaveSpec } from '../model/strategy.ts';

/** What is known of a cluster besides what it runs. */
export interface ClusterFacts {
  readonly name: string;
  /** Its own, and `fairway.dev/region` and such. */
  readonly labels: Readonly<Record<string, string>>;
  readonly region: string;
  /** The DR group that it is a side of; empty: none. */
  readonly pair: string;
  /** Standbys go before primaries where a pair is split. */
  readonly primary: boolean;
  /** Where a wave takes only some, those whose agent is there come first. Default true. */
  readonly connected?: boolean;
  /** The application is taken out of it, which proves nothing of what others get: where a wave takes only some, the others come first. Default false. */
  readonly leaves?: boolean;
}

export interface PlannedWave {
  /** `name`, `name/value` of a grouped one, with ` (2)` behind where a pair had to be split. */
  readonly name: string;
  /** Position of its spec in the strategy; the length of the list for the clusters that no wave took. */
  readonly spec: number;
  /** Sorted by region, then name. */
  readonly clusters: readonly string[];
}

export type SelectorMatch = (selector: LabelSelector, labels: Readonly<Record<string, string>>) => boolean;

/** It has the name, or is what a pair was split off into. */
export function isPart(wave: string, name: string): boolean {
  return wave === name || wave.startsWith(`${name} (`);
}

/** The spec of a planned wave; that of the clusters that no wave took is the default one. */
export function specOf(strategy: RolloutStrategy, wave: { readonly spec: number }): WaveSpec {
  return strategy.waves[wave.spec] ?? { ...defaultWave, name: 'rest' };
}

function byRegion(a: ClusterFacts, b: ClusterFacts): number {
  if (a.region !== b.region) return a.region < b.region ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

/** Takes from each region in turn, so that a first part of the fleet is a picture of the whole. */
function spread(clusters: readonly ClusterFacts[], count: number): readonly ClusterFacts[] {
  const regions = [...Map.groupBy(clusters, ({ region }) => region).values()];
  const taken: ClusterFacts[] = [];
  for (let round = 0; taken.length < Math.min(count, clusters.length); round += 1)
    for (const region of regions) {
      const next = region[round];
      if (next !== undefined && taken.length < count) taken.push(next);
    }
  return taken;
}

interface Draft {
  readonly name: string;
  readonly spec: number;
  readonly clusters: readonly ClusterFacts[];
}

function draftWave(
  spec: WaveSpec,
  index: number,
  left: readonly ClusterFacts[],
  total: number,
  matches: SelectorMatch,
): readonly Draft[] {
  const { selector, take, groupBy, name } = spec;
  const eligible = selector === undefined ? left : left.filter(({ labels }) => matches(selector, labels));
  const bound = take === undefined ? eligible.length : amountOf(take, total, 'up');
  const there = [...eligible].sort((a, b) => Number(b.connected ?? true) - Number(a.connected ?? true));
  const { come = [], leave = [] } = Object.groupBy(there, ({ leaves }) => (leaves ? 'leave' : 'come'));
  const taken = [...spread(come, bound), ...spread(leave, Math.max(0, bound - come.length))];
  const clusters = bound >= eligible.length ? eligible : taken;
  if (groupBy === '') return [{ name, spec: index, clusters }];
  const groups = Map.groupBy(clusters, ({ labels }) => labels[groupBy] ?? '');
  return [...groups.keys()].sort().map((value) => ({
    name: `${name}/${value === '' ? 'none' : value}`,
    spec: index,
    clusters: groups.get(value) ?? [],
  }));
}

/** The other sides of pairs come to the wave of the first. */
function gatherPairs(drafts: readonly Draft[]): readonly Draft[] {
  const home = new Map<string, number>();
  for (const [index, { clusters }] of drafts.entries())
    for (const { pair } of clusters) if (pair !== '' && !home.has(pair)) home.set(pair, index);
  const moved = drafts.map(({ clusters }, index) =>
    clusters.filter(({ pair }) => pair === '' || home.get(pair) === index),
  );
  for (const [index, { clusters }] of drafts.entries())
    for (const facts of clusters) {
      const to = facts.pair === '' ? index : (home.get(facts.pair) ?? index);
      if (to !== index) moved[to]?.push(facts);
    }
  return drafts.map((draft, index) => ({ ...draft, clusters: moved[index] ?? [] }));
}

/** A wave that holds several sides of a pair becomes as many waves, one after the other; standbys go first. */
function splitPairs(draft: Draft): readonly Draft[] {
  const parts: ClusterFacts[][] = [[]];
  const counts = new Map<string, number>();
  const sides = [...draft.clusters].sort((a, b) => Number(a.primary) - Number(b.primary) || byRegion(a, b));
  for (const facts of sides) {
    const part = facts.pair === '' ? 0 : (counts.get(facts.pair) ?? 0);
    if (facts.pair !== '') counts.set(facts.pair, part + 1);
    parts[part] ??= [];
    parts[part]?.push(facts);
  }
  return parts.map((clusters, index) => ({
    ...draft,
    name: index === 0 ? draft.name : `${draft.name} (${index + 1})`,
    clusters,
  }));
}

/**
 * Waves in order; each cluster is in exactly one: the first that takes it. Those that no wave takes make a last one, so that nobody is left out.
 * Waves without clusters are left out.
 */
export function planWaves(
  strategy: RolloutStrategy,
  clusters: readonly ClusterFacts[],
  matches: SelectorMatch,
): readonly PlannedWave[] {
  const total = clusters.length;
  let left: readonly ClusterFacts[] = [...clusters].sort(byRegion);
  const drafts: Draft[] = [];
  for (const [index, spec] of strategy.waves.entries()) {
    const made = draftWave(spec, index, left, total, matches);
    const taken = new Set(made.flatMap((draft) => draft.clusters));
    left = left.filter((facts) => !taken.has(facts));
    drafts.push(...made);
  }
  if (left.length > 0) drafts.push({ name: 'rest', spec: strategy.waves.length, clusters: left });
  const gathered = strategy.pairs === 'together' ? gatherPairs(drafts) : drafts;
  const apart = strategy.pairs === 'apart' ? gathered.flatMap(splitPairs) : gathered;
  return apart
    .filter((draft) => draft.clusters.length > 0)
    .map(({ name, spec, clusters: members }) => ({
      name,
      spec,
      clusters: [...members].sort(byRegion).map((facts) => facts.name),
    }));
}

/**
 * The wave that a cluster belongs in now that its labels have changed: the first planned one whose selector and group it matches. Undefined: none says
 * anything of labels, and it stays.
 */
export function waveFor(
  strategy: RolloutStrategy,
  waves: readonly PlannedWave[],
  { labels }: ClusterFacts,
  matches: SelectorMatch,
): number | undefined {
  const found = waves.findIndex((wave) => {
    const spec = specOf(strategy, wave);
    if (spec.selector === undefined && spec.groupBy === '') return false;
    if (spec.selector !== undefined && !matches(spec.selector, labels)) return false;
    if (spec.groupBy === '') return true;
    return wave.name === `${spec.name}/${labels[spec.groupBy] || 'none'}`;
  });
  return found < 0 ? undefined : found;
}
