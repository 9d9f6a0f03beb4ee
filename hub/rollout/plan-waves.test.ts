import { describe, expect, it } from 'vitest';
import { amountOf, defaultStrategy, defaultWave, type RolloutStrategy } from '../model/strategy.ts';
import { type ClusterFacts, planWaves, type SelectorMatch, waveFor } from './plan-waves.ts';

const matches: SelectorMatch = ({ matchLabels }, labels) =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value);

function cluster(
  name: string,
  labels: Record<string, string> = {},
  pair = '',
  primary = false,
): ClusterFacts {
  const region = name.split('-')[0] ?? '';
  return { name, labels: { 'fairway.dev/region': region, ...labels }, region, pair, primary };
}

const names = (count: number, region = 'eu') =>
  Array.from({ length: count }, (_, i) => cluster(`${region}-${i}`));
const shape = (strategy: RolloutStrategy, clusters: readonly ClusterFacts[]) =>
  planWaves(strategy, clusters, matches).map((wave) => `${wave.name}: ${wave.clusters.join(' ')}`);
const selector = (matchLabels: Record<string, string>) => ({ matchLabels, matchExpressions: [] });

describe('planWaves', () => {
  it('takes one cluster, a quarter and the rest without any strategy, from every region', () => {
    expect(shape(defaultStrategy, [...names(4, 'eu'), ...names(4, 'us')])).toEqual([
      'first: eu-0',
      'quarter: eu-1 us-0',
      'rest: eu-2 eu-3 us-1 us-2 us-3',
    ]);
    expect(shape(defaultStrategy, names(1))).toEqual(['first: eu-0']);
    expect(shape(defaultStrategy, [])).toEqual([]);
  });

  it('gives each cluster to the first wave that takes it, and leaves nobody out', () => {
    const strategy = {
      ...defaultStrategy,
      waves: [{ ...defaultWave, name: 'canary', selector: selector({ tier: 'canary' }) }],
    };
    const clusters = [cluster('eu-0'), cluster('eu-1', { tier: 'canary' })];
    expect(shape(strategy, clusters)).toEqual(['canary: eu-1', 'rest: eu-0']);
  });

  it('makes a wave of each value of a label, those without it last but named', () => {
    const strategy = { ...defaultStrategy, waves: [{ ...defaultWave, name: 'by', groupBy: 'zone' }] };
    const clusters = [cluster('eu-0', { zone: 'b' }), cluster('eu-1', { zone: 'a' }), cluster('eu-2')];
    expect(shape(strategy, clusters)).toEqual(['by/none: eu-2', 'by/a: eu-1', 'by/b: eu-0']);
  });

  it('never puts the sides of a pair in one wave, unless asked; standbys go first', () => {
    const pair = [cluster('eu-0', {}, 'shop', true), cluster('us-0', {}, 'shop'), cluster('us-1')];
    const all = { ...defaultStrategy, waves: [{ ...defaultWave, name: 'all' }] };
    expect(shape(all, pair)).toEqual(['all: us-0 us-1', 'all (2): eu-0']);
    expect(shape({ ...all, pairs: 'any' }, pair)).toEqual(['all: eu-0 us-0 us-1']);
    expect(shape({ ...defaultStrategy, pairs: 'together' }, pair)).toEqual([
      'first: eu-0 us-0',
      'rest: us-1',
    ]);
  });

  it('finds the wave of a cluster whose labels have changed', () => {
    const strategy = {
      ...defaultStrategy,
      waves: [
        { ...defaultWave, name: 'canary', selector: selector({ tier: 'canary' }) },
        { ...defaultWave, name: 'by', groupBy: 'fairway.dev/region' },
      ],
    };
    const waves = planWaves(
      strategy,
      [cluster('eu-0', { tier: 'canary' }), ...names(2, 'us'), ...names(2, 'ap')],
      matches,
    );
    expect(waveFor(strategy, waves, cluster('us-9', { tier: 'canary' }), matches)).toBe(0);
    expect(waves[waveFor(strategy, waves, cluster('us-9'), matches) ?? -1]?.name).toBe('by/us');
    expect(
      waveFor(defaultStrategy, planWaves(defaultStrategy, names(3), matches), cluster('eu-1'), matches),
    ).toBeUndefined();
  });
});

describe('amountOf', () => {
  it('rounds shares as asked and never gives more than there is', () => {
    const percent = (value: number) => ({ unit: 'percent', value }) as const;
    expect(amountOf(percent(25), 10, 'up')).toBe(3);
    expect(amountOf(percent(25), 10, 'down')).toBe(2);
    expect(amountOf(percent(29), 100, 'up')).toBe(29);
    expect(amountOf({ unit: 'clusters', value: 5 }, 3, 'up')).toBe(3);
  });
});
