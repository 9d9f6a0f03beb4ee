import { describe, expect, it } from 'vitest';
import { keyText } from '../../shared/manifest/object.ts';
import { createManifestSet, type ManifestEntry } from '../../shared/manifest/target.ts';
import type { ObjectObservation } from '../model/observation.ts';
import { createNormaliser } from './normalise.ts';
import { type ApplicationSide, pairObjects, renamedObjects } from './pair-objects.ts';

const entry = (name: string, origin = name, more: Partial<ManifestEntry> = {}): ManifestEntry => ({
  ...{ objectDigest: `d-${name}`, apiVersion: 'v1', wave: 0 },
  key: { group: '', kind: 'ConfigMap', namespace: 'shop', name },
  originId: `/ConfigMap//${origin}`,
  ...more,
});
const side = (wanted: readonly ManifestEntry[], assigned = wanted, observed = assigned): ApplicationSide => ({
  wanted: createManifestSet(wanted),
  assigned: createManifestSet(assigned),
  assignedAtMs: 1,
  observed: new Map(
    observed.map((one) => [keyText(one.key), { key: one.key, cluster: 'c' } as ObjectObservation]),
  ),
});
const told = (left: ApplicationSide, right: ApplicationSide) =>
  [...pairObjects('web', left, right).values()].map(
    ({ origin, primary, standby }) =>
      `${origin.name}: ${primary?.key.name ?? '-'}${primary && !primary.wanted ? ' (old)' : ''} ${standby?.key.name ?? '-'}${standby && !standby.wanted ? ' (old)' : ''}`,
  );

describe('pairObjects', () => {
  it('matches what comes from the same manifest, whatever it is called', () => {
    expect(told(side([entry('eu-map-1a', 'map')]), side([entry('us-map-2b', 'map')]))).toEqual([
      'map: eu-map-1a us-map-2b',
    ]);
  });

  it('has what one side alone has, hooks apart', () => {
    const left = side([entry('a'), entry('b'), entry('job', 'job', { hook: 'pre-sync' })]);
    expect(told(left, side([entry('b'), entry('c')]))).toEqual(['a: a -', 'b: b b', 'c: - c']);
  });

  it('finds by its release what is there though Git wants it no more', () => {
    const old = entry('map-old', 'map');
    expect(told(side([]), side([], [old]))).toEqual(['map: - map-old (old)']);
    expect(told(side([entry('map-new', 'map')]), side([entry('map-new', 'map')], [old]))).toEqual([
      'map: map-new map-new',
      'map: - map-old (old)',
    ]);
  });

  it('tells two objects of one manifest apart by their order', () => {
    const twice = (prefix: string) => side([entry(`${prefix}-x`, 'map'), entry(`${prefix}-y`, 'map')]);
    expect(told(twice('a'), twice('b'))).toEqual(['map: a-x b-x', 'map: a-y b-y']);
  });
});

describe('createNormaliser', () => {
  const names = () =>
    renamedObjects(pairObjects('web', side([entry('m-1', 'm')]), side([entry('m-2', 'm')])).values());

  it('takes the name of a renamed object for the same thing, as a whole only', () => {
    const variables = new Map<string, string>();
    const left = createNormaliser({ variables, names: names().primary });
    const right = createNormaliser({ variables, names: names().standby });
    expect(left('m-1')).toBe(right('m-2'));
    expect(left('see m-1')).toBe('see m-1');
  });

  it('takes braces that stand there already for no word of its own', () => {
    const normalise = createNormaliser({ variables: new Map([['region', 'eu']]), names: new Map() });
    expect(normalise('db.{{region}}')).not.toBe(normalise('db.eu'));
    expect(normalise('{{{eu')).not.toBe(normalise('{{{{region}}'));
  });

  it('tells maps of one name in two namespaces apart', () => {
    const pairs = (names: readonly [string, string]) =>
      side(names.map((name, at) => entry(name, 'm', { originId: `/ConfigMap/n${at}/m` })));
    const { primary, standby } = renamedObjects(
      pairObjects('web', pairs(['m-1', 'm-2']), pairs(['m-3', 'm-4'])).values(),
    );
    expect(primary.get('m-1')).toBe(standby.get('m-3'));
    expect(primary.get('m-1')).not.toBe(standby.get('m-4'));
  });

  it('replaces values that stand by themselves, the longest first, in lists and maps too', () => {
    const variables = new Map([
      ['region', 'eu'],
      ['zone', 'eu-1'],
      ['none', ''],
    ]);
    const normalise = createNormaliser({ variables, names: new Map() });
    expect(normalise({ a: ['db.eu.example.com', 'eu-1', 'neutral', 'eu1'], b: 3 })).toEqual({
      a: ['db.{{region}}.example.com', '{{zone}}', 'neutral', 'eu1'],
      b: 3,
    });
  });

  it('takes what is special in expressions for what it is', () => {
    const normalise = createNormaliser({ variables: new Map([['host', 'a.b+c']]), names: new Map() });
    expect([normalise('a.b+c'), normalise('axb+c')]).toEqual(['{{host}}', 'axb+c']);
  });
});
