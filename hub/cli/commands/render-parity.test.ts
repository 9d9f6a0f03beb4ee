/** What is told of parity in every state there is, a file for each output. Rewritten with UPDATE_GOLDEN=1. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ApiDifference, ApiParity } from '../../api/schemas/parity.ts';
import { differenceClasses } from '../../model/parity.ts';
import { createColours } from '../output/colour.ts';
import {
  type ParityDetail,
  renderParity,
  renderParityJunit,
  renderParityList,
  renderParityMarkdown,
} from './render-parity.ts';

const nowMs = Date.parse('2026-03-01T12:00:00Z');
const at = (beforeMs: number) => new Date(nowMs - beforeMs).toISOString();
const none = Object.fromEntries(
  differenceClasses.map((name) => [name, 0]),
) as ApiParity['standbys'][number]['counts'];
const standby: ApiParity['standbys'][number] = {
  ...{ standby: 'eu-2', verdict: 'Ready', score: 100, whole: true, objects: 12, counts: none },
  catchUpSeconds: null,
};
const objective: NonNullable<ApiParity['objective']> = {
  ...{ targetPercent: 99.9, windowSeconds: 2_592_000, heldPercent: 100, spent: 0, leftSeconds: 2_580 },
  state: 'held',
  burns: [{ spanSeconds: 3_600, rate: 0, alertAt: 14.4 }],
};
const ready: ApiParity = {
  ...{ group: 'shop', primary: 'eu-1', owner: 'team-shop', verdict: 'Ready', verdictSince: at(3_600_000) },
  ...{ score: 100, whole: true, wholeSince: at(3_600_000), lastWholeAt: null, standbys: [standby] },
  ...{ reasons: [], expectations: [], objective, failover: null },
};
const reason = (
  type: string,
  severity: 'info' | 'warning' | 'critical',
  of: string,
  message: string,
  action: string,
): ApiParity['reasons'][number] => ({ type, severity, standby: of, owner: 'ops', message, action, count: 1 });
const failover: NonNullable<ApiParity['failover']> = {
  ...{ id: 'f-1', kind: 'failover', from: 'eu-1', to: 'eu-2', actor: 'ann', reason: 'eu-1 is dark' },
  ...{ phase: 'Switching', message: '1 of 2 applications to go; web: not healthy at its new Target yet' },
  ...{ startedAt: at(60_000), overrideUntil: null },
};
const web = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' };
const difference = (given: Partial<ApiDifference>): ApiDifference => ({
  ...{ id: '1', standby: 'eu-2', application: 'web', originId: 'apps/Deployment/shop/web' },
  ...{ primaryKey: web, standbyKey: web, path: '/spec/replicas', class: 'drift', side: 'standby' },
  ...{
    primaryValue: '4',
    standbyValue: '1',
    message: 'it was changed',
    expectation: '',
    brokenExpectations: [],
  },
  ...{ owner: 'kubectl', action: 'put it in Git', severity: 'warning', since: at(60_000) },
  ...{ primarySource: null, standbySource: null },
  ...given,
});
const source = (layer: string, line: number): NonNullable<ApiDifference['primarySource']> => ({
  ...{ layer, file: `apps/web/${layer}/kustomization.yaml`, line },
  ...{ author: 'Ann <ann@example.com>', commit: 'a'.repeat(40) },
});
const detail = (parity: Partial<ApiParity>, differences: readonly ApiDifference[] = []): ParityDetail => ({
  parity: { ...ready, ...parity },
  differences,
});

const states: Readonly<Record<string, ParityDetail>> = {
  ready: detail({}),
  'a failover by commit': detail({ failover }),
  'a failover that waits to be merged': detail({
    failover: { ...failover, phase: 'Proposed', message: 'waits for fairway/failover-shop-1 to be merged' },
  }),
  'a failover back by override, about to expire': detail({
    failover: {
      ...{ ...failover, kind: 'back', from: 'eu-2', to: 'eu-1', phase: 'TrafficReady' },
      ...{ message: 'eu-1 is ready; eu-2 has not taken its new Targets yet', overrideUntil: at(-300_000) },
    },
  }),
  'a drill': detail({
    failover: { ...failover, kind: 'drill', overrideUntil: at(-1_500_000) },
    verdict: 'Degraded',
    whole: false,
    lastWholeAt: at(60_000),
    standbys: [{ ...standby, verdict: 'Degraded', whole: false, score: 95, counts: { ...none, overlay: 1 } }],
    reasons: [reason('overlay', 'warning', 'eu-2', 'web: Git wants /spec/replicas to differ', 'declare it')],
  }),
  'a drill that is taken back': detail({
    failover: { ...failover, kind: 'drill', phase: 'Restoring', message: 'drilled; eu-2 waits for web' },
  }),
  unknown: detail({
    ...{ verdict: 'Unknown', score: 0, whole: false, lastWholeAt: at(600_000) },
    standbys: [{ ...standby, verdict: 'Unknown', score: 0, whole: false }],
    reasons: [reason('agent-away', 'warning', 'eu-2', 'nothing is heard of eu-2', 'look at its agent')],
  }),
  'an expectation that is stale, one that is over, one about to be': detail({
    reasons: [
      reason('stale', 'info', '', 'expectation fewer covers nothing any more', 'take it out'),
      reason('expired', 'info', '', 'expectation tier is over', 'take it out'),
      reason('expiring', 'info', '', 'expectation image is over tomorrow', 'make both the same'),
    ],
  }),
  'an objective that is missed': detail({
    objective: { ...objective, state: 'missed', heldPercent: 99.1, spent: 9, leftSeconds: 0 },
    reasons: [
      reason('objective', 'warning', '', 'parity was held 99.1 % of 30 d', 'find out what breaks it'),
    ],
  }),
  'a group that cannot be compared': detail({
    ...{ verdict: 'NotReady', score: 0, whole: false, standbys: [], objective: null },
    reasons: [reason('problem', 'critical', '', 'there is no Cluster eu-2', 'mend fleet/dr.yaml:3')],
  }),
  'a group with a problem and a standby that is ready': detail({
    ...{ verdict: 'NotReady', whole: false },
    reasons: [reason('problem', 'critical', '', 'there is no Cluster eu-3', 'mend fleet/dr.yaml:3')],
  }),
  'an application that cannot be compared': detail({
    ...{ verdict: 'Unknown', score: 0, whole: false },
    standbys: [{ ...standby, verdict: 'Unknown', score: 0, whole: false, objects: 0 }],
    reasons: [
      reason('not-compared', 'warning', 'eu-2', 'web cannot be compared: data_loss', 'look at the log'),
    ],
  }),
  'differences of each weight': detail(
    {
      ...{ verdict: 'NotReady', score: 80, whole: false, lastWholeAt: at(60_000) },
      standbys: [
        {
          ...{ ...standby, verdict: 'NotReady', score: 80, whole: false, catchUpSeconds: 12 },
          counts: { ...none, missing: 1, drift: 1, lagging: 1, declared: 1 },
        },
      ],
      reasons: [
        reason('missing', 'critical', 'eu-2', 'web: Service shop/web is missing', 'place it'),
        reason('drift', 'warning', 'eu-2', 'web: it was changed', 'put it in Git'),
        reason('lagging', 'info', 'eu-2', 'web: on its way', 'wait'),
      ],
    },
    [
      difference({
        id: '1',
        class: 'missing',
        severity: 'critical',
        path: '',
        standbyKey: null,
        message: 'missing',
      }),
      difference({ id: '2' }),
      difference({
        ...{ id: '5', class: 'overlay', side: 'both', path: '/spec/minReadySeconds' },
        ...{ primarySource: source('overlays/eu', 7), standbySource: source('overlays/eu-dr', 9) },
      }),
      difference({
        ...{ id: '6', path: '/spec/strategy', primarySource: source('base', 3) },
        standbySource: source('base', 3),
      }),
      difference({ id: '7', path: '/spec/host', standbySource: { ...source('', 0), file: 'fleet/eu.yaml' } }),
      difference({ id: '3', class: 'lagging', severity: 'info', path: '/spec/image', message: 'on its way' }),
      difference({
        id: '4',
        class: 'declared',
        severity: 'info',
        path: '/spec/paused',
        expectation: 'fewer',
      }),
    ],
  ),
};

const plain = createColours({ terminal: false, env: {} });
const shown = { colours: plain, nowMs, columns: undefined };
const outputs: Readonly<Record<string, (detail: ParityDetail) => string>> = {
  list: ({ parity }) => renderParityList([parity], { ...shown, wide: false }),
  'list-wide': ({ parity }) => renderParityList([parity], { ...shown, wide: true }),
  table: (one) => renderParity(one, { ...shown, wide: false }),
  wide: (one) => renderParity(one, { ...shown, wide: true }),
  markdown: (one) => renderParityMarkdown([one]),
  junit: (one) => renderParityJunit([one]),
};

describe('parity in every state', () => {
  it.each(Object.keys(outputs))('as %s', (output) => {
    const text = Object.entries(states)
      .map(([name, one]) => `=== ${name}\n${outputs[output]?.(one)}`)
      .join('\n');
    const file = new URL(`golden/parity-${output}.txt`, import.meta.url);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
    expect(existsSync(file), 'run with UPDATE_GOLDEN=1 to write it').toBe(true);
    expect(text).toBe(readFileSync(file, 'utf8'));
  });

  it('says in every output with room for it which cluster has its value from which layer, file and line', () => {
    const [one] = Object.values(states).filter(({ differences }) => differences.length > 0);
    for (const output of ['wide', 'markdown', 'junit']) {
      const text = one ? outputs[output]?.(one) : undefined;
      expect(text).toContain(
        'eu-1: apps/web/overlays/eu/kustomization.yaml:7 (layer overlays/eu); eu-2: apps/web/overlays/eu-dr/kustomization.yaml:9 (layer overlays/eu-dr)',
      );
      expect(text).toContain('both: apps/web/base/kustomization.yaml:3 (layer base)');
      expect(text).toMatch(/eu-2: fleet\/eu\.yaml(?![:(])/);
    }
  });

  it('says in every output how long a standby is likely to be behind', () => {
    const behind = detail({ standbys: [{ ...standby, catchUpSeconds: 75 }] });
    for (const output of ['table', 'wide', 'markdown', 'junit'])
      expect(outputs[output]?.(behind)).toContain('catches up in about 1 min 15 s');
  });

  it('fails in junit exactly where the verdict is not Ready, and names a failover in every output', () => {
    for (const one of Object.values(states)) {
      const failures = /<testsuites [^>]*failures="(\d+)"/.exec(renderParityJunit([one]))?.[1];
      expect(Number(failures) > 0).toBe(one.parity.verdict !== 'Ready');
      if (one.parity.failover)
        for (const render of Object.values(outputs)) {
          expect(render(one)).toContain(one.parity.failover.message);
          if (one.parity.failover.overrideUntil)
            expect(render(one)).toContain(one.parity.failover.overrideUntil);
        }
    }
  });

  it('leaves nothing that a cluster says as markup in markdown', () => {
    const live =
      '"![x](https://evil.example/) <b>@org/team</b> `a` | **b** ~~d~~ www.e.example _c_\\u001b[2J"';
    const reasons = [reason('drift', 'warning', 'eu-2', `web: ${live}`, '')];
    const text = renderParityMarkdown([detail({ reasons }, [difference({ standbyValue: live })])]);
    const shown =
      '"!&#91;x&#93;(https&#58;//evil.example/) &#60;b>@&#8203;org/team&#60;/b> &#96;a&#96; &#124; &#42;&#42;b&#42;&#42; &#126;&#126;d&#126;&#126; www&#46;e.example &#95;c&#95;&#92;u001b&#91;2J"';
    expect(text).toContain(`- **warning** web: ${shown} (ops)`);
    expect(text).toContain(`| 4 -> ${shown} |`);
  });
});
