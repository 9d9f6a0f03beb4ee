import { describe, expect, it } from 'vitest';
import { factSections } from '../../shared/manifest/cluster-facts.ts';
import {
  defaultFreshness,
  type ParityDifference,
  type ParityGroup,
  type ParityPairReport,
  type ParityReport,
} from '../model/parity.ts';
import { assessReadiness, type PairFindings } from './assess-readiness.ts';
import { compareObject } from './compare-object.ts';
import { configMap, driftOf, expectationOf, pairOf, type SideSpec } from './fixture.test-support.ts';
import { nextState } from './next-state.ts';

const nowMs = 10_000_000;
const group: ParityGroup = {
  ...{ name: 'pair', primary: 'one', standbys: { clusters: ['two'], region: undefined }, owner: 'dr' },
  applications: { names: [], selector: undefined },
  ...{ expectations: [], variables: {}, freshness: defaultFreshness },
  origin: { file: 'fleet/dr.yaml', line: 3, commit: '' },
};
const found = (primary: SideSpec, standby: SideSpec): readonly ParityDifference[] => {
  const { pair, context } = pairOf(primary, standby);
  return compareObject(pair, context).differences;
};
const pairs = (differences: readonly ParityDifference[], part: Partial<PairFindings> = {}): PairFindings => ({
  ...{ standby: 'two', objects: 10, differences, catchUpMs: undefined },
  presence: ['one', 'two'].map((cluster) => ({ cluster, connected: true, lastSeenAtMs: nowMs })),
  ...part,
});
const assess = (pair: PairFindings, more: Partial<Parameters<typeof assessReadiness>[0]> = {}) =>
  assessReadiness({
    group,
    pairs: [pair],
    problems: [],
    before: undefined,
    nowMs,
    ...more,
  });

const calm = { wanted: configMap({ mode: 'calm' }) };
const drift = { ...calm, drift: driftOf({ '/data/mode': 'wild' }) };
const missing = found(calm, {});
const [anything] = missing;
/** Something of the clusters themselves that is not known as a whole. */
const cut = (part: Partial<ParityDifference> = {}): readonly ParityDifference[] =>
  anything ? [{ ...anything, class: 'environment', severity: 'warning', leavesUnknown: true, ...part }] : [];
const away = { cluster: 'two', connected: false, lastSeenAtMs: nowMs - 121_000 };

describe('assessReadiness', () => {
  it.each<[string, PairFindings, string, number, boolean]>([
    ['nothing differs', pairs([]), 'Ready', 100, true],
    ['a field drifted', pairs(found(calm, drift)), 'Degraded', 95, false],
    ['an object is missing', pairs(missing), 'NotReady', 90, false],
    ['an agent is away for too long', pairs([], { presence: [away] }), 'Unknown', 0, false],
    [
      'an agent is away for a moment',
      pairs([], { presence: [{ ...away, lastSeenAtMs: nowMs - 119_000 }] }),
      'Ready',
      100,
      true,
    ],
    [
      'an agent was never heard of',
      pairs([], { presence: [{ ...away, lastSeenAtMs: undefined }] }),
      'Unknown',
      0,
      false,
    ],
    [
      'something critical is known, though an agent is away',
      pairs(missing, { presence: [away] }),
      'NotReady',
      0,
      false,
    ],
    ['a bound has cut what was looked at', pairs(cut()), 'Unknown', 0, true],
    [
      'somebody has looked at what a bound has cut',
      pairs(cut({ class: 'declared', severity: 'info' })),
      'Ready',
      100,
      true,
    ],
    [
      'something critical is known beside what a bound has cut',
      pairs([...cut(), ...missing]),
      'NotReady',
      0,
      false,
    ],
    ['there is nothing to compare', pairs([], { objects: 0 }), 'Unknown', 0, false],
    [
      'the primary alone is unwell',
      pairs(found({ ...calm, more: { healthStatus: 'Failed' } }, calm)),
      'Ready',
      100,
      true,
    ],
    [
      'the standby is unwell',
      pairs(found(calm, { ...calm, more: { healthStatus: 'Failed' } })),
      'NotReady',
      90,
      false,
    ],
  ])('when %s', (_name, pair, verdict, score, whole) => {
    expect(assess(pair)).toMatchObject({ verdict, score, whole });
  });

  it('takes what lags for longer than the group allows for critical', () => {
    const [lagging] = found(calm, { ...calm, applied: null });
    if (!lagging) throw new Error('nothing lags');
    const since = (ms: number, seenMs: number) =>
      assess(pairs([{ ...lagging, sinceMs: nowMs - ms }]), {
        before: {
          ...{ firstSeen: { [lagging.id]: nowMs - seenMs }, report: assess(pairs([])) },
          lastWholeAtMs: nowMs,
        },
      });
    expect(since(899_000, 10_000).verdict).toBe('Degraded');
    expect(since(901_000, 10_000).verdict).toBe('NotReady');
    // A release on its way is no reason yet, though parity is not whole.
    expect(since(901_000, 9_999)).toMatchObject({ verdict: 'Ready', whole: false, score: 100 });
  });

  it('takes a standby that was never whole for no release behind', () => {
    const [lagging] = found(calm, { ...calm, applied: null });
    if (!lagging) throw new Error('nothing lags');
    const behind = pairs([{ ...lagging, sinceMs: nowMs }]);
    const state = (report: ParityReport, lastWholeAtMs: number | undefined) => ({
      before: { firstSeen: {}, report, lastWholeAtMs },
    });
    const never = assess(behind);
    expect(never.verdict).toBe('Degraded');
    expect(assess(behind, state(never, undefined)).verdict).toBe('Degraded');
    // Another of the group was whole, this one never.
    expect(assess(behind, state(never, nowMs)).verdict).toBe('Degraded');
    const once = assess(pairs([]));
    const after = assess(behind, state(once, nowMs));
    expect(after.verdict).toBe('Ready');
    expect(assess(behind, state(after, nowMs)).verdict).toBe('Ready');
    // A hub that did not keep it of each standby kept it of the group.
    const { everWhole: _, ...old } = never.pairs[0] as ParityPairReport;
    expect(assess(behind, state({ ...never, pairs: [old] }, nowMs)).verdict).toBe('Ready');
    expect(assess(behind, state({ ...never, pairs: [old] }, undefined)).verdict).toBe('Degraded');
  });

  it('ages what lags though thousands of declared differences were there before it', () => {
    const [lagging] = found(calm, { ...calm, applied: null });
    if (!lagging) throw new Error('nothing lags');
    const declared = Array.from({ length: 1_500 }, (_, at) => ({
      ...lagging,
      ...{ class: 'declared' as const, severity: 'info' as const, id: `d${at}`, originId: `d${at}` },
    }));
    const all = [...declared, { ...lagging, sinceMs: nowMs }];
    const first = nextState(undefined, assess(pairs(all)), all, nowMs).state;
    const later = assess(pairs(all, { objects: 2_000 }), { before: first, nowMs: nowMs + 60_000 });
    expect(later.verdict).toBe('Degraded');
  });

  it('ages what lags beyond what is remembered', () => {
    const [lagging] = found(calm, { ...calm, applied: null });
    if (!lagging) throw new Error('nothing lags');
    const all = Array.from({ length: 1_500 }, (_, at) => ({
      ...lagging,
      ...{ id: `l${at}`, originId: `l${at}`, sinceMs: nowMs },
    }));
    const first = nextState(undefined, assess(pairs(all)), all, nowMs).state;
    const last = pairs(all.slice(1_400), { objects: 2_000 });
    expect(assess(last, { before: first, nowMs: nowMs + 60_000 }).verdict).toBe('Degraded');
  });

  it('is Unknown while an application cannot be compared', () => {
    const report = assess(pairs([], { failures: new Map([['web', 'data_loss']]) }));
    expect(report).toMatchObject({ verdict: 'Unknown', whole: false });
    expect(report.reasons[0]?.message).toBe('web cannot be compared: data_loss');
  });

  it('keeps what clusters are besides until they have said it again', () => {
    const [one] = found(calm, drift);
    if (!one) throw new Error('nothing differs');
    const version = { ...one, class: 'environment' as const, application: '', message: 'another release' };
    const before = nextState(undefined, assess(pairs([version])), [version], nowMs).state;
    const after = assess(pairs([], { factsUnknown: ['two'] }), { before });
    expect(after.verdict).toBe('Degraded');
    expect(after.reasons.map(({ message }) => message)).toEqual([
      'another release',
      'what two is besides its applications is not known yet',
    ]);
    const again = nextState(before, after, [], nowMs).state;
    expect(assess(pairs([], { factsUnknown: ['two'] }), { before: again }).reasons).toHaveLength(2);
    expect(assess(pairs([]), { before: again })).toMatchObject({ verdict: 'Ready', reasons: [] });
  });

  it('tells anew who has not been heard of yet, and nobody who has', () => {
    const state = (report: ReturnType<typeof assess>) => nextState(undefined, report, [], nowMs).state;
    const both = state(assess(pairs([], { factsUnknown: ['one', 'two'] })));
    expect(assess(pairs([], { factsUnknown: ['two'] }), { before: both }).reasons).toMatchObject([
      { type: 'not-told', message: 'what two is besides its applications is not known yet' },
    ]);
  });

  it('is never Ready with an agent of an older release: Unknown where that tells nothing, Degraded where it tells less', () => {
    const nothing = assess(pairs([], { untold: new Map([['two', factSections]]) }));
    expect(nothing).toMatchObject({ verdict: 'Unknown', whole: false, score: 0 });
    expect(nothing.reasons).toMatchObject([
      {
        message:
          'the agent of two is older than this hub, and has no word for what it is besides its applications',
        action: 'renew the agent of two',
      },
    ]);
    const less = assess(
      pairs([], {
        untold: new Map([
          ['one', []],
          ['two', ['backups', 'unowned']],
        ]),
      }),
    );
    expect(less).toMatchObject({ verdict: 'Degraded', whole: true, score: 100 });
    expect(less.reasons).toMatchObject([
      { type: 'agent-old', message: expect.stringContaining('no word for backups, unowned') },
    ]);
  });

  it('says of each expectation that covers nothing, or is over, without a change of the verdict', () => {
    const kind = { type: 'scaledToZero' } as const;
    const expectations = [
      expectationOf('used', kind, { expiresAtMs: nowMs + 7 * 86_400_000 }),
      expectationOf('stale', kind),
      expectationOf('over', kind, { expiresAtMs: nowMs }),
      expectationOf('idle', kind, { expiresAtMs: nowMs + 1 }),
      expectationOf('rule', { type: 'rule', paths: ['/data/mode'], holds: 'primary == standby' }),
    ];
    const { pair, context } = pairOf(calm, drift, expectations.slice(4));
    const { differences } = compareObject(pair, context);
    const declared = differences.map((one) => ({ ...one, severity: 'info' as const, expectation: 'used' }));
    const report = assess(pairs(declared), { group: { ...group, expectations } });
    expect(report).toMatchObject({
      ...{ verdict: 'Ready', staleExpectations: ['stale', 'idle'], expiredExpectations: ['over'] },
    });
    const told = report.reasons.filter(({ type }) => type !== 'drift');
    expect(told.map(({ type, owner }) => `${type} ${owner}`)).toEqual([
      'expiring owner of used',
      'stale owner of stale',
      'expired owner of over',
      'stale owner of idle',
    ]);
  });

  it('calls no expectation stale while something was not looked at', () => {
    const spare = expectationOf('spare', { type: 'fields', paths: ['/data/mode'] });
    const given = { group: { ...group, expectations: [spare] } };
    const told = (part: Partial<PairFindings>) => {
      const { reasons, staleExpectations } = assess(pairs([], part), given);
      return [staleExpectations, reasons.filter(({ type }) => type === 'stale').length];
    };
    expect(told({})).toEqual([['spare'], 1]);
    const unseen: readonly Partial<PairFindings>[] = [
      { factsUnknown: ['two'] },
      { failures: new Map([['web', 'data_loss']]) },
      { presence: [away] },
      { gaps: ['unowned'] },
      { untold: new Map([['two', ['unowned']]]) },
      { asking: true },
      { objects: 0 },
    ];
    for (const part of unseen) expect(told(part), JSON.stringify(part)).toEqual([[], 0]);
    const other = { ...pairs([]), standby: 'three' };
    const both = (first: Partial<PairFindings>) =>
      assess(pairs([], first), { ...given, pairs: [pairs([], first), other] }).staleExpectations;
    expect([both({}), both({ factsUnknown: ['two'] })]).toEqual([['spare'], []]);
  });

  it('counts what differs between the clusters like an object each', () => {
    const environment = (name: string) =>
      cut({ leavesUnknown: false, application: '', originId: `/environment/quotas/${name}` });
    expect(assess(pairs([...environment('a'), ...environment('b')]))).toMatchObject({
      ...{ verdict: 'Degraded', score: 90, whole: true },
    });
    expect(assess(pairs([...environment('a'), ...environment('b')], { objects: 1 })).score).toBe(0);
  });

  it('is not ready with clusters that are not there, and says where they are named', () => {
    const report = assessReadiness({
      ...{
        group,
        pairs: [],
        problems: ['there is no Cluster two'],
        before: undefined,
        nowMs,
      },
    });
    expect(report).toMatchObject({ verdict: 'NotReady', whole: false, score: 0 });
    expect(report.reasons[0]).toMatchObject({ owner: 'dr', action: 'mend fleet/dr.yaml:3' });
  });

  it('gives a group the score and verdict of its worst standby', () => {
    const report = assessReadiness({
      ...{ group, problems: [], before: undefined, nowMs },
      pairs: [pairs([]), pairs(missing, { standby: 'three' })],
    });
    expect(report).toMatchObject({ verdict: 'NotReady', score: 90, whole: false });
  });

  it('tells the gravest reason first, and differences alike once', () => {
    const many = Array.from({ length: 400 }, (_, at) =>
      missing.map((one) => ({ ...one, id: `${at}`, application: `a${at % 300}` })),
    ).flat();
    const { reasons } = assess(pairs([...found(calm, drift), ...many], { objects: 500 }));
    expect(reasons).toHaveLength(200);
    expect(reasons[0]).toMatchObject({ severity: 'critical', count: 2 });
    expect(reasons.at(-1)?.message).toContain('more reasons');
  });
});

describe('nextState', () => {
  const whole = assess(pairs([]));
  const broken = assess(pairs(missing));

  it('keeps since when, and tells of the first sight of a group', () => {
    const first = nextState(undefined, whole, [], 100);
    expect(first.moment?.message).toBe('Ready: no difference');
    expect(first.state).toMatchObject({ verdictSinceMs: 100, wholeSinceMs: 100, lastWholeAtMs: 100 });
    const again = nextState(first.state, whole, [], 200);
    expect(again.moment).toBeUndefined();
    expect(again.state).toEqual(first.state);
  });

  it('remembers when parity was whole last, and when each difference was first seen', () => {
    const first = nextState(undefined, whole, [], 100).state;
    const second = nextState(first, broken, missing, 200);
    expect(second.moment?.message).toBe('Ready -> NotReady: 1 missing');
    expect(second.state).toMatchObject({ lastWholeAtMs: 200, wholeSinceMs: 200 });
    const third = nextState(second.state, broken, missing, 300).state;
    expect(third).toMatchObject({ lastWholeAtMs: 200, firstSeen: { [missing[0]?.id ?? '']: 200 } });
    expect(nextState(third, whole, [], 400).state).toMatchObject({ wholeSinceMs: 400, firstSeen: {} });
  });
});
