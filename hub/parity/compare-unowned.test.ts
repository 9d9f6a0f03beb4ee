import { describe, expect, it } from 'vitest';
import { liveFactName } from '../../shared/manifest/cluster-facts.ts';
import type { Json } from '../../shared/manifest/object.ts';
import { compareUnowned, type UnownedRequest } from './compare-unowned.ts';
import { createExpectationBook } from './expectations.ts';
import type { ClusterFacts } from './finding.ts';
import { deployment, expectationOf, pairOf } from './fixture.test-support.ts';
import { createNormaliser } from './normalise.ts';

const path = '/spec/replicas';
const { pair } = pairOf({ wanted: deployment(1) }, { wanted: deployment(1) });
const name = liveFactName(pair.application, pair.originId);
const same = (value: Json) => value;

const facts = (fields: Readonly<Record<string, Json>> | undefined): ClusterFacts => ({
  values: new Map([['unowned', fields === undefined ? {} : { [name]: fields }]]),
  ...{ gaps: new Map(), saltedFor: 'eu' },
});
const replicas = (value: Json, manager = 'horizontal-pod-autoscaler') =>
  facts({ [path]: { value, manager } });

const compare = (
  primary: ClusterFacts | undefined,
  standby: ClusterFacts | undefined,
  part: Partial<UnownedRequest> = {},
) =>
  compareUnowned({
    ...{ primary: 'one', standby: 'two', fields: [{ kind: 'Deployment', path }], pairs: [pair] },
    ...{ facts: { primary, standby }, normalisers: { primary: same, standby: same } },
    ...{ book: createExpectationBook([]), ...part },
  });

describe('compareUnowned', () => {
  it('tells live values that differ, with who has set them, and says nothing of equal ones', () => {
    expect(compare(replicas(3), replicas(3))).toEqual([]);
    expect(compare(replicas(5), replicas(3, 'kubectl'))).toMatchObject([
      {
        ...{ class: 'drift', side: 'both', path, application: 'web', severity: 'warning' },
        ...{ primaryValue: '5', standbyValue: '3', owner: 'kubectl' },
        ...{ primaryKey: { name: 'web' }, standbyKey: { name: 'web' } },
      },
    ]);
  });

  it('tells who set it on either side, where that is known', () => {
    const by = (manager: Json) => facts({ [path]: { value: String(manager), manager } });
    const told = (mine: Json, other: Json) => compare(by(mine), by(other))[0];
    expect(told('hpa', 'kubectl')?.owner).toBe('kubectl');
    expect(told('hpa', 'kubectl')?.message).toMatch(
      / between one and two: set in two by kubectl, in one by hpa$/,
    );
    expect(told('hpa', '')).toMatchObject({
      owner: 'hpa',
      message: expect.stringMatching(/: set in one by hpa$/),
    });
    expect(told({}, '')).toMatchObject({
      owner: '',
      message: expect.stringMatching(/ between one and two$/),
    });
  });

  it('takes a field that one side lacks for a difference, and an object of which nothing is said for none', () => {
    expect(compare(replicas(5), facts({}))).toMatchObject([{ path, standbyValue: undefined }]);
    expect(compare(replicas(5), facts(undefined))).toEqual([]);
  });

  it('compares nothing that the group does not list', () => {
    expect(compare(replicas(5), replicas(3), { fields: [] })).toEqual([]);
    expect(compare(replicas(5), replicas(3), { fields: [{ kind: 'StatefulSet', path }] })).toEqual([]);
  });

  it('takes values for equal that are so in words which both have in common', () => {
    const normaliser = (region: string) =>
      createNormaliser({ variables: new Map([['region', region]]), names: new Map() });
    const normalisers = { primary: normaliser('north'), standby: normaliser('south') };
    const ingress = (host: string) => replicas([{ hostname: `a.${host}.example.com` }]);
    expect(compare(ingress('north'), ingress('south'), { normalisers })).toEqual([]);
    expect(compare(ingress('north'), ingress('west'), { normalisers })).toHaveLength(1);
  });

  it('is covered by an expectation, also by a rule over both live values', () => {
    const rule = {
      type: 'rule',
      paths: [path],
      holds: 'standby.spec.replicas <= primary.spec.replicas',
    } as const;
    const book = createExpectationBook([expectationOf('smaller', rule)]);
    expect(compare(replicas(5), replicas(3), { book })).toMatchObject([
      { class: 'declared', severity: 'info' },
    ]);
    expect(compare(replicas(3), replicas(5), { book })).toMatchObject([{ class: 'drift' }]);
  });

  it('says so where an agent has not told yet, rather than that nothing differs', () => {
    expect(compare(replicas(5), undefined)).toMatchObject([{ class: 'lagging', side: 'standby', path: '' }]);
    const failed: ClusterFacts = { ...replicas(5), values: new Map() };
    expect(compare(failed, replicas(5))).toMatchObject([{ class: 'lagging', side: 'primary' }]);
  });

  it.each([
    ['denied', 'Deployment', 'give the agent of two that right'],
    ['bound', '', 'list fewer kinds'],
    ['failed', 'Deployment', 'look at the agent of two'],
  ] as const)('says so where an agent does not tell all: %s', (reason, kind, action) => {
    const gap = { kind, reason, message: '9,000 of them', sinceMs: 0 };
    const some = { ...replicas(5), gaps: new Map([['unowned' as const, [gap]]]) };
    expect(compare(replicas(5), some)).toMatchObject([
      {
        ...{ class: 'lagging', side: 'standby', action: expect.stringContaining(action) },
        message: expect.stringContaining('9,000 of them'),
      },
    ]);
    // What is known of both is compared all the same.
    expect(compare(replicas(4), some)).toHaveLength(2);
  });

  it('takes no notice of gaps in kinds that the group does not list', () => {
    const gap = { kind: 'Service', reason: 'denied' as const, message: 'no', sinceMs: 0 };
    const some = { ...replicas(5), gaps: new Map([['unowned' as const, [gap]]]) };
    expect(compare(some, replicas(5))).toEqual([]);
  });

  it('hides nothing behind what is declared, and says how many it does not tell', () => {
    const pairs = Array.from({ length: 1_200 }, (_, at) => ({ ...pair, originId: `${pair.originId}-${at}` }));
    const many = (value: number): ClusterFacts => ({
      ...replicas(0),
      values: new Map([
        [
          'unowned',
          Object.fromEntries(
            pairs.map(({ application, originId }, at) => [
              liveFactName(application, originId),
              { [path]: { value: at === 1_199 ? -value : value, manager: '' } },
            ]),
          ),
        ],
      ]),
    });
    const rule = { type: 'rule', paths: [path], holds: 'standby.spec.replicas >= 0' } as const;
    const book = createExpectationBook([expectationOf('scaled', rule)]);
    const open = compare(many(3), many(5), { pairs, book }).filter((one) => one.class !== 'declared');
    expect(open).toMatchObject([{ class: 'drift', standbyValue: '-5' }]);
    const all = compare(many(3), many(5), { pairs });
    expect(all).toHaveLength(1_000);
    expect(all.at(-1)?.message).toContain('and 201 more fields');
  });
});
