import { describe, expect, it } from 'vitest';
import type { Cluster } from '../model/fleet.ts';
import type { LabelSelector } from '../model/label-selector.ts';
import { matchesSelector, placedClusters } from './placement.ts';

const origin = { file: 'fleet/web.yaml', line: 1, commit: 'c1' };
const cluster = (name: string, region: string, labels: Record<string, string> = {}): Cluster => ({
  name,
  labels,
  region,
  role: 'none',
  variables: {},
  kubernetesVersion: '',
  paused: false,
  origin,
});
const clusters = new Map(
  [cluster('us-1', 'us', { tier: 'gold' }), cluster('eu-1', 'eu'), cluster('eu-2', 'eu')].map((one) => [
    one.name,
    one,
  ]),
);
const selector = (part: Partial<LabelSelector>): LabelSelector => ({
  matchLabels: {},
  matchExpressions: [],
  ...part,
});
const placed = (names: readonly string[], select?: LabelSelector) =>
  placedClusters({ placement: { clusters: names, selector: select }, origin }, clusters);

describe('placedClusters', () => {
  it('joins names and selector, sorted, each once', () => {
    const some = selector({ matchLabels: { 'fairway.dev/region': 'eu' } });
    expect(placed(['us-1', 'eu-1'], some).clusters).toEqual(['eu-1', 'eu-2', 'us-1']);
  });

  it('places nothing without names and selector, and all with an empty selector', () => {
    expect(placed([]).clusters).toEqual([]);
    expect(placed([], selector({})).clusters).toHaveLength(3);
  });

  it('warns of a name that is not there and places the rest', () => {
    const { clusters: names, problems } = placed(['eu-1', 'eu-9']);
    expect(names).toEqual(['eu-1']);
    expect(problems).toMatchObject([
      { cluster: 'eu-9', problem: { code: 'not_found', field: 'spec.placement.clusters[1]' } },
    ]);
  });

  it('follows Kubernetes where a key is missing', () => {
    const expression = (operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist') =>
      placed(
        [],
        selector({
          matchExpressions: [{ key: 'tier', operator, values: operator.endsWith('In') ? ['gold'] : [] }],
        }),
      ).clusters;
    expect(expression('In')).toEqual(['us-1']);
    expect(expression('NotIn')).toEqual(['eu-1', 'eu-2']);
    expect(expression('Exists')).toEqual(['us-1']);
    expect(expression('DoesNotExist')).toEqual(['eu-1', 'eu-2']);
  });

  it('does not let a cluster pass for another by a label of its own', () => {
    const forged = new Map([['x', cluster('x', 'ap', { 'fairway.dev/region': 'eu' })]]);
    const eu = selector({ matchLabels: { 'fairway.dev/region': 'eu' } });
    expect(placedClusters({ placement: { clusters: [], selector: eu }, origin }, forged).clusters).toEqual(
      [],
    );
  });

  it('needs all parts of a selector', () => {
    const both = selector({
      matchLabels: { a: '1' },
      matchExpressions: [{ key: 'b', operator: 'Exists', values: [] }],
    });
    expect(matchesSelector(both, { a: '1' })).toBe(false);
    expect(matchesSelector(both, { a: '1', b: '' })).toBe(true);
  });
});
