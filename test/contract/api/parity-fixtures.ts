/** A parity group that is not ready, as the hub would tell it. */
import type { ParityPort, ParityView } from '../../../hub/api/ports.ts';
import {
  type DifferenceClass,
  defaultFreshness,
  differenceClasses,
  type ParityDifference,
} from '../../../hub/model/parity.ts';
import { assessObjective } from '../../../hub/parity/assess-objective.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { startMs } from './fixtures.ts';

const none = Object.fromEntries(differenceClasses.map((name) => [name, 0])) as Record<
  DifferenceClass,
  number
>;
const counts = { ...none, declared: 1, overlay: 1, drift: 1 };

const web = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' };
const source = (region: string) => ({
  ...{ layer: `overlays/${region}`, file: `apps/shop/overlays/${region}/kustomization.yaml`, line: 7 },
  ...{ author: 'Ada Park <ada@example.com>', commit: 'a'.repeat(40) },
});
const common = {
  ...{ standby: 'eu-2', application: 'shop', originId: 'apps/Deployment/shop/web', apiVersion: 'apps/v1' },
  ...{ primaryKey: web, standbyKey: web, primarySource: undefined, standbySource: undefined },
  sinceMs: startMs - 60_000,
};

export const parityDifferences: readonly ParityDifference[] = [
  {
    ...common,
    ...{ id: '01', path: '/spec/replicas', class: 'declared', side: 'both', severity: 'info', action: '' },
    ...{ primaryValue: '4', standbyValue: '1', expectation: 'fewer', owner: 'team-shop' },
    message: 'the standby runs at a quarter',
  },
  {
    ...common,
    ...{ id: '02', path: '/spec/template/spec/containers/[name=web]/image', class: 'overlay', side: 'both' },
    ...{ primaryValue: '"web:2"', standbyValue: '"web:1"', expectation: '', severity: 'warning' },
    ...{ owner: 'Ada Park <ada@example.com>', primarySource: source('eu'), standbySource: source('eu-dr') },
    message: 'Git wants the image to differ between eu-1 and eu-2',
    action: 'make both say the same, or declare it in spec.expectations',
  },
  {
    ...common,
    ...{ id: '03', path: '/metadata/labels/tier', class: 'drift', side: 'standby', severity: 'warning' },
    ...{ primaryValue: '"front"', standbyValue: '"a|b <c>"', expectation: '', owner: 'kubectl-edit' },
    message: '/metadata/labels/tier was changed in eu-2 by kubectl-edit (Update)',
    action: 'put what is wanted in Git',
  },
];

const view: ParityView = {
  group: {
    ...{ name: 'shop-eu', primary: 'eu-1', standbys: { clusters: ['eu-2'], region: undefined } },
    applications: { names: ['shop'], selector: undefined },
    expectations: [
      {
        ...{ name: 'fewer', owner: 'team-shop', reason: 'the standby runs at a quarter' },
        expiresAtMs: startMs + 86_400_000,
        scope: { applications: [], kinds: [], namespaces: [], names: [] },
        kind: {
          type: 'rule',
          paths: ['/spec/replicas'],
          holds: 'standby.spec.replicas <= primary.spec.replicas',
        },
      },
    ],
    ...{ variables: {}, freshness: defaultFreshness, owner: 'team-shop' },
    origin: { file: 'fleet/dr.yaml', line: 1, commit: '' },
  },
  state: {
    group: 'shop-eu',
    report: {
      ...{ group: 'shop-eu', primary: 'eu-1', owner: 'team-shop', verdict: 'Degraded', score: 95 },
      whole: false,
      pairs: [
        {
          ...{ standby: 'eu-2', verdict: 'Degraded', score: 95, whole: false, objects: 12, counts },
          catchUpMs: undefined,
        },
      ],
      reasons: [
        {
          ...{ type: 'drift', standby: 'eu-2', severity: 'warning', owner: 'kubectl-edit', count: 1 },
          message: 'shop: /metadata/labels/tier was changed in eu-2 by kubectl-edit (Update)',
          action: 'put what is wanted in Git',
        },
      ],
      ...{ staleExpectations: [], expiredExpectations: [] },
    },
    ...{ verdictSinceMs: startMs - 60_000, wholeSinceMs: startMs - 60_000 },
    ...{ lastWholeAtMs: startMs - 60_000, firstSeen: {} },
  },
  objective: assessObjective(
    [
      { atMs: startMs - 20 * 86_400_000, whole: true },
      { atMs: startMs - 60_000, whole: false },
    ],
    startMs,
  ),
};

export const parityPort: ParityPort = {
  groups: () => [view],
  group: (name) => (name === 'shop-eu' ? view : undefined),
  differences: () => parityDifferences,
  timeline: async () => ({
    items: [
      {
        ...{ group: 'shop-eu', sequence: 2, atMs: startMs - 60_000, verdict: 'Degraded', whole: false },
        ...{ score: 95, counts, message: 'Ready -> Degraded: 1 declared, 1 overlay, 1 drift' },
      },
    ],
    next: undefined,
  }),
  async compare(primary, standby) {
    if (standby === 'nowhere') throw new FairwayError('not_found', 'There is no Cluster "nowhere".');
    return { differences: parityDifferences.slice(1), objects: 12, whole: primary === standby };
  },
};
