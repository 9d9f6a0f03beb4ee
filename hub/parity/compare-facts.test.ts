import { describe, expect, it } from 'vitest';
import type { FactSection, FactValues } from '../../shared/manifest/cluster-facts.ts';
import { defaultFreshness } from '../model/parity.ts';
import { compareFacts } from './compare-facts.ts';
import { createExpectationBook } from './expectations.ts';
import type { ClusterFacts, FactsRequest, KnownGap } from './finding.ts';
import { expectationOf } from './fixture.test-support.ts';

const nowMs = Date.UTC(2026, 0, 10);
const day = 86_400_000;
const at = (days: number) => new Date(nowMs + days * day).toISOString();

const factsOf = (
  values: Partial<Record<FactSection, FactValues>>,
  gaps: Partial<Record<FactSection, readonly KnownGap[]>> = {},
): ClusterFacts => ({
  values: new Map(Object.entries(values)) as ReadonlyMap<FactSection, FactValues>,
  gaps: new Map(Object.entries(gaps)) as ReadonlyMap<FactSection, readonly KnownGap[]>,
  saltedFor: 'eu',
});

/** A CustomResourceDefinition by its versions, the first of which is the one that is written. */
const versions = (served: readonly string[], stored: readonly string[], storage = served[0] ?? '') => ({
  ...{ served: [...served], storage, stored: [...stored] },
});

const compare = (
  primary: ClusterFacts | undefined,
  standby: ClusterFacts | undefined,
  part: Partial<FactsRequest> = {},
) =>
  compareFacts({
    ...{
      primary: 'one',
      standby: 'two',
      facts: { primary, standby },
      used: new Set(['apps/v1', 'x.io/v1', 'x.io/v1 Needed']),
    },
    normalisers: { primary: (value) => value, standby: (value) => value },
    ...{ book: createExpectationBook([]), freshness: defaultFreshness, nowMs, ...part },
  });
const told = (
  left: Partial<Record<FactSection, FactValues>>,
  right: Partial<Record<FactSection, FactValues>>,
) => compare(factsOf(left), factsOf(right)).map((one) => `${one.severity} ${one.path} ${one.side}`);

const size = (cpuMillis: number, pods: number) => ({ cpuMillis, memoryBytes: 0, pods });

describe('compareFacts', () => {
  it('says nothing of a cluster that is not known, nor of what both have alike', () => {
    expect(compare(undefined, factsOf({}))).toEqual([]);
    expect(
      told({ storageClasses: { fast: { a: 1 } } }, { storageClasses: { fast: { a: 1 }, more: {} } }),
    ).toEqual([]);
  });

  it.each<[string, Parameters<typeof told>[0], Parameters<typeof told>[1], readonly string[]]>([
    [
      'another minor release',
      { version: { kubernetes: 'v1.36.1' } },
      { version: { kubernetes: 'v1.35.9' } },
      ['warning /environment/version/kubernetes both'],
    ],
    [
      'another patch of it',
      { version: { kubernetes: 'v1.36.1' } },
      { version: { kubernetes: 'v1.36.2' } },
      ['info /environment/version/kubernetes both'],
    ],
    [
      'an API that objects need',
      { apis: { 'apps/v1': ['Deployment'], 'y.io/v1': ['Y'] } },
      { apis: {} },
      ['critical /environment/apis/apps~1v1 standby', 'info /environment/apis/y.io~1v1 standby'],
    ],
    [
      'a kind that objects need of a version that is served but for it, and one that nobody needs',
      { apis: { 'apps/v1': ['Deployment', 'Other'], 'x.io/v1': ['Other', 'Needed', 'There'] } },
      { apis: { 'apps/v1': ['Deployment'], 'x.io/v1': ['There'] } },
      ['info /environment/apis/apps~1v1 standby', 'critical /environment/apis/x.io~1v1 standby'],
    ],
    [
      'a class that is missing',
      { storageClasses: { fast: {} } },
      { storageClasses: {} },
      ['warning /environment/storageClasses/fast both'],
    ],
    [
      'a class that is another',
      { priorityClasses: { high: { value: 9 } } },
      { priorityClasses: { high: { value: 1 } } },
      ['warning /environment/priorityClasses/high both'],
    ],
    [
      'too few nodes for what the primary runs',
      { capacity: { allocatable: size(8_000, 110), requested: size(4_000, 20) } },
      { capacity: { allocatable: size(2_000, 110), requested: size(100, 2) } },
      ['critical /environment/capacity/cpuMillis standby'],
    ],
    [
      'nodes that are too small, though in sum they would do',
      { capacity: { requested: size(3_000, 2), podSizes: [[1_500, 0, 1, 2]] } },
      { capacity: { allocatable: size(4_000, 40), nodeSizes: [[1_000, 0, 10, 4]] } },
      ['warning /environment/capacity/fit standby'],
    ],
    [
      'another digest of an image, but not one that runs nowhere',
      { images: { 'web:1': ['sha256:a'], 'job:1': ['sha256:b'] } },
      { images: { 'web:1': ['sha256:c'] } },
      ['warning /environment/images/web:1 both'],
    ],
    [
      'a Secret that nobody applies',
      { secrets: { 'shop/a': '#1', 'shop/b': '#2' } },
      { secrets: { 'shop/a': '#3' } },
      ['warning /environment/secrets/shop~1a both', 'warning /environment/secrets/shop~1b both'],
    ],
    [
      'a quota that the standby alone has, but no class',
      { quotas: {}, storageClasses: {} },
      { quotas: { 'shop/q': {} }, storageClasses: { more: {} } },
      ['warning /environment/quotas/shop~1q both'],
    ],
    [
      'certificates of the standby that end',
      { certificates: { x: at(-5) } },
      { certificates: { over: at(-1), soon: at(13), fine: at(15) } },
      ['critical /environment/certificates/over standby', 'warning /environment/certificates/soon standby'],
    ],
    [
      'backups of the primary that are old, or were never made',
      { backups: { old: at(-2), fresh: at(-0.5), never: '' } },
      { backups: {} },
      ['warning /environment/backups/old primary', 'warning /environment/backups/never primary'],
    ],
    [
      'nodes that their API server does not support',
      { version: { kubernetes: 'v1.36.1', kubelets: ['v1.30.0'] } },
      { version: { kubernetes: 'v1.36.1', kubelets: ['v1.32.9', 'v1.33.1'] } },
      ['warning /environment/version/kubelets standby'],
    ],
    [
      'a definition of what objects need whose stored version is another, but not one more version served',
      {
        crds: { 'as.x.io': versions(['v1'], ['v1']), 'bs.x.io': versions(['v1'], ['v1']) },
      },
      {
        crds: { 'as.x.io': versions(['v1beta1', 'v1'], ['v1']), 'bs.x.io': versions(['v1', 'v2'], ['v1']) },
      },
      ['warning /environment/crds/as.x.io both'],
    ],
    [
      'a version in which objects lie, for information where it is served as well',
      { crds: { 'as.x.io': versions(['v1', 'v1beta1'], ['v1', 'v1beta1']) } },
      { crds: { 'as.x.io': versions(['v1', 'v1beta1'], ['v1']) } },
      ['info /environment/crds/as.x.io both'],
    ],
    [
      'a version in which objects lie and which the standby does not serve',
      { crds: { 'as.x.io': versions(['v1'], ['v1', 'v1beta1']) } },
      { crds: { 'as.x.io': versions(['v1'], ['v1']) } },
      ['warning /environment/crds/as.x.io both'],
    ],
    [
      'a definition of what nobody of the group needs, for information',
      { crds: { 'as.y.io': versions(['v1'], ['v1']) } },
      { crds: { 'as.y.io': versions(['v2'], ['v2']) } },
      ['info /environment/crds/as.y.io both'],
    ],
    [
      'an object that nobody applies from Git and the primary alone has',
      { unmanaged: { 'Deployment shop/debug': true, 'Service shop/a': true } },
      { unmanaged: { 'Service shop/a': true, 'Service shop/b': true } },
      ['warning /environment/unmanaged/Deployment shop~1debug both'],
    ],
    [
      'another pod security level of a namespace',
      { podSecurity: { shop: { 'pod-security.kubernetes.io/enforce': 'baseline' } } },
      { podSecurity: { shop: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
      ['warning /environment/podSecurity/shop both'],
    ],
    [
      'another limit, and another class of each sort',
      {
        ...{ limits: { 'shop/l': { a: 1 } }, ingressClasses: { web: { a: 1 } } },
        runtimeClasses: { gvisor: { handler: 'runsc' } },
      },
      { limits: { 'shop/l': { a: 2 } }, ingressClasses: { web: { a: 2 } }, runtimeClasses: {} },
      [
        'warning /environment/ingressClasses/web both',
        'warning /environment/runtimeClasses/gvisor both',
        'warning /environment/limits/shop~1l both',
      ],
    ],
    [
      'an amount that is another, not one that is written in another way, and another scope',
      {
        quotas: {
          'shop/q': { hard: { 'requests.memory': '1Gi', 'requests.cpu': '500m' } },
          'shop/s': { hard: { pods: '9' }, scopes: ['Terminating'] },
          'shop/t': { hard: { pods: '9' } },
        },
      },
      {
        quotas: {
          'shop/q': { hard: { 'requests.memory': '1073741824', 'requests.cpu': '0.5' } },
          'shop/s': { hard: { pods: '9' }, scopes: ['NotTerminating'] },
          'shop/t': { hard: { pods: '10' } },
        },
      },
      ['warning /environment/quotas/shop~1s both', 'warning /environment/quotas/shop~1t both'],
    ],
    [
      'another version of a pod security level',
      {
        podSecurity: {
          shop: {
            'pod-security.kubernetes.io/enforce': 'baseline',
            'pod-security.kubernetes.io/enforce-version': 'v1.30',
          },
        },
      },
      { podSecurity: { shop: { 'pod-security.kubernetes.io/enforce': 'baseline' } } },
      ['warning /environment/podSecurity/shop both'],
    ],
    [
      'devices that the standby does not have',
      { capacity: { requested: { ...size(1, 1), others: { 'nvidia.com/gpu': 4 } } } },
      {
        capacity: {
          allocatable: { ...size(9, 9), others: { 'nvidia.com/gpu': 4 } },
          taken: { others: { 'nvidia.com/gpu': 1 } },
        },
      },
      ['critical /environment/capacity/nvidia.com~1gpu standby'],
    ],
    [
      'pods that nodes do not let in',
      {
        capacity: { requested: size(1_000, 1), podSizes: [[1_000, 0, 1, 1, { selector: { pool: 'gpu' } }]] },
      },
      {
        capacity: {
          allocatable: size(4_000, 40),
          nodeSizes: [[4_000, 0, 40, 1, { labels: { pool: 'web' } }]],
        },
      },
      ['warning /environment/capacity/fit standby'],
    ],
  ])('tells %s', (_name, left, right, expected) => expect(told(left, right)).toEqual(expected));

  it('does not compare fingerprints under two salts', () => {
    const left = factsOf({ secrets: { a: '#1' }, quotas: { q: {} } });
    const right = { ...factsOf({ secrets: { a: '#2' }, quotas: {} }), saltedFor: 'us' };
    expect(compare(left, right).map(({ path }) => path)).toEqual(['/environment/quotas/q']);
  });

  const gap = (reason: KnownGap['reason'], kind = '', sinceMs = nowMs): KnownGap => ({
    ...{ reason, kind, sinceMs, message: 'so it is' },
  });

  it('says what could not be collected, and compares the rest', () => {
    const standby = factsOf({ quotas: {} }, { secrets: [gap('denied')] });
    const [quota, secrets] = compare(factsOf({ quotas: { 'a/q': {} }, secrets: { x: '#1' } }), standby);
    expect(quota?.path).toBe('/environment/quotas/a~1q');
    expect(secrets).toMatchObject({
      ...{ severity: 'info', side: 'standby', path: '/environment/secrets' },
      action: 'give the agent of two that right, or declare /environment/secrets',
    });
    expect(secrets?.message).toContain('so it is');
    expect(secrets?.leavesUnknown).toBeUndefined();
  });

  it('leaves out of a section only the kind that an agent may not list', () => {
    const primary = factsOf({ unmanaged: { 'Deployment shop/a': true, 'Service shop/a': true } });
    const standby = factsOf({ unmanaged: {} }, { unmanaged: [gap('denied', 'Deployment')] });
    expect(compare(primary, standby).map((one) => `${one.severity} ${one.path}`)).toEqual([
      'info /environment/unmanaged/Deployment',
      'warning /environment/unmanaged/Service shop~1a',
    ]);
  });

  it.each<[string, readonly KnownGap[], readonly unknown[]]>([
    ['a bound that cuts', [gap('bound')], ['warning', true]],
    ['what has failed for a moment', [gap('failed')], ['info', undefined]],
    ['what has failed for long', [gap('failed', '', nowMs - 700_000)], ['warning', true]],
  ])('tells %s, and nothing as missing that may have been left out', (_name, gaps, expected) => {
    const primary = factsOf({ secrets: { a: '#1', b: '#2' } });
    const found = compare(primary, factsOf({ secrets: { a: '#3' } }, { secrets: gaps }));
    const told = (path: string) => found.find((one) => one.path === path);
    expect(found).toHaveLength(2);
    expect(told('/environment/secrets/a')?.message).toContain('is another');
    const { severity, leavesUnknown, message } = told('/environment/secrets') ?? {};
    expect([severity, leavesUnknown]).toEqual(expected);
    expect(message).toContain('so it is');
  });

  it('tells a gap of both clusters once, and not a right for what is too large', () => {
    const both = factsOf({ images: {} }, { images: [gap('bound', 'Pod')] });
    const [one, ...others] = compare(both, both);
    expect(others).toEqual([]);
    expect(one).toMatchObject({ side: 'both', leavesUnknown: true, path: '/environment/images/Pod' });
    expect(one?.message).toBe(
      'Pod (images) of one is compared in part: so it is; Pod (images) of two is compared in part: so it is',
    );
    expect(one?.action).not.toContain('right');
  });

  it('does not take a quota for one of the standby alone that the primary left out', () => {
    const primary = factsOf({ quotas: {} }, { quotas: [gap('bound')] });
    const paths = compare(primary, factsOf({ quotas: { 'shop/q': {} } })).map(({ path }) => path);
    expect(paths).toEqual(['/environment/quotas']);
  });

  it('does not miss APIs of a group whose server was away', () => {
    const primary = factsOf({ apis: { 'metrics.k8s.io/v1': ['Pod'], 'x.io/v1': ['X'] } });
    const standby = factsOf({ apis: {} }, { apis: [gap('failed', 'metrics.k8s.io')] });
    expect(compare(primary, standby).map(({ path }) => path)).toEqual([
      '/environment/apis/metrics.k8s.io',
      '/environment/apis/x.io~1v1',
    ]);
  });

  it('leaves nothing unknown because of an API server whose kinds no object of the group is of', () => {
    const away = (kind: string) => factsOf({ apis: {} }, { apis: [gap('failed', kind, 0)] });
    expect(compare(factsOf({ apis: {} }), away('metrics.k8s.io'))).toMatchObject([{ severity: 'info' }]);
    expect(compare(factsOf({ apis: {} }), away('x.io'))).toMatchObject([
      { severity: 'warning', leavesUnknown: true },
    ]);
  });

  it('says nothing of capacity where nodes or pods are not known, and counts what others take', () => {
    const capacity = (values: FactValues) => factsOf({ capacity: values });
    const asking = capacity({ requested: size(4_000, 10), podSizes: [[4_000, 0, 1, 1]] });
    expect(compare(asking, capacity({}))).toEqual([]);
    expect(compare(capacity({}), capacity({ allocatable: size(1, 1), nodeSizes: [] }))).toEqual([]);
    const given = { allocatable: size(5_000, 100), taken: size(1_001, 2) };
    expect(compare(asking, capacity(given))).toMatchObject([
      {
        ...{ path: '/environment/capacity/cpuMillis', severity: 'critical' },
        ...{ standbyValue: '3999', message: expect.stringContaining('of which others take 1001') },
      },
    ]);
  });

  it('holds what the group asks for against what is left beside the other applications of the standby', () => {
    const capacity = (values: FactValues) => factsOf({ capacity: values });
    // Each of the two is the standby of the other.
    const primary = capacity({
      requested: size(6_000, 2),
      requestedIn: { shop: size(4_000, 1), other: size(2_000, 1) },
    });
    const busy = capacity({
      ...{ allocatable: size(8_000, 100), taken: size(1_000, 1), requested: size(3_500, 2) },
      requestedIn: { shop: size(500, 1), bank: size(3_001, 1) },
    });
    const namespaces = { primary: new Set(['shop']), standby: new Set(['shop']) };
    expect(compare(primary, busy, { namespaces })).toMatchObject([
      {
        ...{ path: '/environment/capacity/cpuMillis', primaryValue: '4000', standbyValue: '3999' },
        message:
          'what runs of the group in one asks for 4000 of CPU, in thousandths, two has 8000, of which others take 4001',
      },
    ]);
    const both = { primary: new Set(['shop']), standby: new Set(['shop', 'bank']) };
    expect(compare(primary, busy, { namespaces: both })).toEqual([]);
    // Nothing of the group asks for anything, however full the other is.
    const none = { primary: new Set(['empty']), standby: new Set<string>() };
    expect(compare(primary, busy, { namespaces: none })).toEqual([]);
  });

  it('says that it does not know whether pods fit on more nodes than it looks at', () => {
    const requested = factsOf({ capacity: { requested: size(1, 1), podSizes: [[1, 0, 1, 1]] } });
    const nodes = { allocatable: size(9_000, 9_000), nodeSizes: [[1, 1, 1, 5_001]] };
    expect(compare(requested, factsOf({ capacity: nodes }))).toMatchObject([
      { path: '/environment/capacity/fit', severity: 'warning', leavesUnknown: true },
    ]);
  });

  it('says how many differences of a section it does not tell, the gravest first', () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`s${at}`, {}]));
    const found = compare(factsOf({ storageClasses: many }), factsOf({ storageClasses: {} }));
    expect(found).toHaveLength(200);
    expect(found.at(-1)).toMatchObject({ path: '/environment/storageClasses', severity: 'warning' });
    expect(found.at(-1)?.message).toContain('101 more');
  });

  it('hides nothing behind what is declared, however much that is', () => {
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, at) => [`a${String(at).padStart(3, '0')}`, {}]),
    );
    const paths = Object.keys(many).map((name) => `/environment/storageClasses/${name}`);
    const scope = { applications: [], kinds: ['Environment'], namespaces: [], names: [] };
    const book = createExpectationBook([
      expectationOf('first', { type: 'fields', paths: paths.slice(0, 299) }, { scope }),
      expectationOf('last', { type: 'fields', paths: paths.slice(299) }, { scope }),
    ]);
    const left = factsOf({ storageClasses: { ...many, z: {} } });
    const found = compare(left, factsOf({ storageClasses: {} }), { book });
    const open = found.filter((one) => one.class !== 'declared');
    expect(open.map(({ path }) => path)).toEqual(['/environment/storageClasses/z']);
    expect(found.length).toBeLessThanOrEqual(202);
    expect(new Set(found.map(({ expectation }) => expectation))).toEqual(new Set(['first', 'last', '']));
  });

  it('compares ids that runtimes make themselves with their like alone', () => {
    const images = (...told: readonly string[]) => factsOf({ images: { 'web:1': [...told] } });
    expect(compare(images('id:a'), images('sha256:b'))).toMatchObject([{ severity: 'info' }]);
    expect(compare(images('id:a'), images('id:b'))).toMatchObject([{ severity: 'warning' }]);
    expect(compare(images('id:a'), images('id:a'))).toEqual([]);
  });

  it('says of a certificate that was never issued, or cannot be read, what it is', () => {
    const certificates = { 'Certificate shop/a': '', 'Secret shop/b': 'it cannot be read' };
    const told = compare(factsOf({ certificates: {} }), factsOf({ certificates }));
    expect(told.map(({ message, action }) => [message, action])).toEqual([
      ['Certificate shop/a in two has never been issued', 'mend it'],
      ['Secret shop/b in two holds no certificate that can be read', 'mend it'],
    ]);
  });

  it('is covered by an expectation of kind Environment', () => {
    const kind = { type: 'fields', paths: ['/environment/storageClasses/fast'] } as const;
    const scope = { applications: [], kinds: ['Environment'], namespaces: [], names: [] };
    const book = createExpectationBook([expectationOf('disks', kind, { scope })]);
    const left = factsOf({ storageClasses: { fast: { a: 1 }, slow: { a: 1 } } });
    const right = factsOf({ storageClasses: { fast: { a: 2 }, slow: { a: 2 } } });
    expect(compare(left, right, { book }).map((one) => `${one.class} ${one.path}`)).toEqual([
      'declared /environment/storageClasses/fast',
      'environment /environment/storageClasses/slow',
    ]);
  });
});
