/** What clusters are besides their applications, where each has its own words for the same thing. */
import { describe, expect, it } from 'vitest';
import type { FactSection, FactValues } from '../../shared/manifest/cluster-facts.ts';
import { defaultFreshness } from '../model/parity.ts';
import { compareFacts } from './compare-facts.ts';
import { createExpectationBook } from './expectations.ts';
import type { ClusterFacts, FactsRequest } from './finding.ts';
import { createNormaliser } from './normalise.ts';

type Values = Partial<Record<FactSection, FactValues>>;
const factsOf = (values: Values): ClusterFacts => ({
  values: new Map(Object.entries(values)) as ReadonlyMap<FactSection, FactValues>,
  ...{ gaps: new Map(), saltedFor: 'eu' },
});
const compare = (
  primary: ClusterFacts,
  standby: ClusterFacts,
  { normalisers }: Pick<FactsRequest, 'normalisers'>,
) =>
  compareFacts({
    ...{ primary: 'one', standby: 'two', facts: { primary, standby }, used: new Set(), normalisers },
    ...{ book: createExpectationBook([]), freshness: defaultFreshness, nowMs: 0 },
  });
const size = (cpuMillis: number, pods: number) => ({ cpuMillis, memoryBytes: 0, pods });

describe('pairEntries', () => {
  const words = (region: string) =>
    createNormaliser({ variables: new Map([['region', region]]), names: new Map() });
  const normalisers = { primary: words('north'), standby: words('south') };
  const tell = (left: Values, right: Values) =>
    compare(factsOf(left), factsOf(right), { normalisers }).map((one) => `${one.path} ${one.message}`);

  it('holds an image of the one registry against that of the other', () => {
    const images = (region: string, digest: string) => ({
      images: { [`${region}.example.com/web:1`]: [`sha256:${digest}`] },
    });
    expect(tell(images('north', 'a'), images('south', 'a'))).toEqual([]);
    expect(tell(images('north', 'a'), images('south', 'b'))).toEqual([
      '/environment/images/north.example.com~1web:1 Image north.example.com/web:1 is another in two (south.example.com/web:1 there)',
    ]);
    expect(tell(images('north', 'a'), images('west', 'b'))).toEqual([]);
  });

  it('holds a name that both have against its namesake, and what has none against its counterpart too', () => {
    const [north, south] = ['north.example.com/web:1', 'south.example.com/web:1'];
    const both = { images: { [north]: ['sha256:a'], [south]: ['sha256:b'] } };
    expect(tell(both, both)).toEqual([]);
    const found = tell({ images: { [north]: ['sha256:a'] } }, both);
    expect(found).toEqual([
      '/environment/images/south.example.com~1web:1 Image north.example.com/web:1 is another in two (south.example.com/web:1 there)',
    ]);
  });

  it('takes classes and namespaces that hold the word, in name or value, for the same', () => {
    const values = (region: string, zone = region): Values => ({
      storageClasses: { [`fast-${region}`]: { parameters: { zones: `${zone}-a` } } },
      quotas: { [`shop-${region}/q`]: { hard: { pods: '9' } } },
      podSecurity: { [`shop-${region}`]: { 'pod-security.kubernetes.io/enforce': 'baseline' } },
      unmanaged: { [`Service shop-${region}/a`]: true },
    });
    expect(tell(values('north'), values('south'))).toEqual([]);
    expect(tell(values('north'), values('south', 'west'))).toEqual([
      '/environment/storageClasses/fast-north StorageClass fast-north is another in two (fast-south there)',
    ]);
    expect(tell(values('north'), values('west'))).toHaveLength(5);
  });

  it('does not take an amount for a word', () => {
    const numbers = (value: string) =>
      createNormaliser({ variables: new Map([['zone', value]]), names: new Map() });
    const pods = (value: string) => factsOf({ quotas: { 'shop/q': { hard: { pods: value } } } });
    const found = compare(pods('1'), pods('2'), {
      normalisers: { primary: numbers('1'), standby: numbers('2') },
    });
    expect(found.map(({ path }) => path)).toEqual(['/environment/quotas/shop~1q']);
  });

  it('says that fingerprints of two places tell nothing of one another', () => {
    const secrets = (region: string) => ({ secrets: { [`shop-${region}/key`]: `#${region}` } });
    expect(tell(secrets('north'), secrets('south'))).toEqual([
      '/environment/secrets/shop-north~1key whether Secret shop-north/key is the same in two (shop-south/key there) is not known: fingerprints are of a value and its place',
    ]);
  });

  it('lets pods on nodes that they will select by the word of the standby', () => {
    const pods = { podSizes: [[1, 0, 1, 1, { selector: { region: 'north' } }]], requested: size(1, 1) };
    const nodes = (region: string) => ({
      ...{ allocatable: size(9, 9), nodeSizes: [[9, 0, 9, 1, { labels: { region } }]] },
    });
    expect(tell({ capacity: pods }, { capacity: nodes('south') })).toEqual([]);
    expect(tell({ capacity: pods }, { capacity: nodes('west') })).toHaveLength(1);
  });
});
