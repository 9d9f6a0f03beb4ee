/** A plan of rollouts, as the hub would tell it. */
import type { PlannedWave, RolloutPlan, RolloutPlanPort } from '../../../hub/api/ports.ts';
import type { ApplicationReport, ClusterList } from '../../../hub/preview/report.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { startMs } from './fixtures.ts';

const listOf = (...names: readonly string[]): ClusterList => ({ count: names.length, names });

const changesIn = (...names: readonly string[]): ApplicationReport => ({
  ...{ name: 'shop', clusters: listOf(...names), placed: listOf(), withdrawn: listOf(), settings: [] },
  objects: [
    {
      variants: [
        {
          action: 'changed',
          key: { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' },
          keyBefore: null,
          clusters: listOf(...names),
          fields: [
            {
              path: '/spec/template/spec/containers/[name=web]/image',
              ...{ change: 'changed', masked: false, before: '"web:1"', after: '"web:2"', lines: [] },
            },
          ],
          fieldsOmitted: 0,
        },
      ],
    },
  ],
});

const wave = (name: string, clusters: readonly string[], part: Partial<PlannedWave>): PlannedWave => ({
  ...{
    name,
    clusters,
    leaving: [],
    away: [],
    paused: [],
    minHealthyMs: 0,
    soakMs: 0,
    approval: undefined,
    analysis: [],
  },
  bounds: { concurrent: clusters.length, unavailable: clusters.length, failures: 0, offline: 1 },
  changes: changesIn(...clusters),
  ...part,
});

const rolloutPlan: RolloutPlan = {
  revision: { name: 'feature/image', commit: '3f2c1a0b5d' },
  plannedAtMs: startMs,
  applications: [
    {
      ...{ application: 'mail', outcome: 'nothing', strategy: undefined, supersedes: undefined },
      ...{ after: undefined, waves: [] },
      leftOut: [
        {
          ...{ reason: 'held', clusters: ['eu-1'] },
          message: 'their Target was rolled back, and is held until it differs or somebody retries',
        },
      ],
    },
    {
      ...{
        application: 'shop',
        outcome: 'waits',
        after: { application: 'shop-staging', soakMs: 86_400_000 },
      },
      strategy: {
        ...{ name: 'by-region', onFailure: 'rollback', rollbackSpeed: 'waves', regions: 'apart' },
        ...{ pairs: 'apart', revert: 'branch', healthTimeoutMs: 600_000, failures: 2, emptyWaves: ['labs'] },
        windows: [{ cron: '0 9 * * 1-5', durationMs: 28_800_000, timeZone: 'Europe/Berlin' }],
        freezes: [{ fromMs: startMs + 86_400_000, untilMs: startMs + 172_800_000, reason: 'inventory' }],
        openness: { open: false, reason: 'outside its windows', opensAtMs: startMs + 3_600_000 },
      },
      supersedes: {
        ...{ id: 'release-1', revisionId: '0aa1b2c3d4', phase: 'Progressing', takesBack: false },
        ...{ reached: 1, clusters: 3 },
      },
      waves: [
        wave('canary', ['eu-1'], {
          ...{
            minHealthyMs: 60_000,
            soakMs: 600_000,
            approval: { when: 'after', approvers: ['ann', 'bob'] },
          },
          analysis: [
            {
              ...{ name: 'errors', intervalMs: 30_000, count: 3, failureLimit: 0, inconclusiveLimit: 3 },
              provider: { type: 'http', url: 'https://checks.example/shop', status: 200 },
            },
          ],
        }),
        wave('regions/eu', ['eu-2', 'eu-3', 'eu-4', 'eu-5'], {
          bounds: { concurrent: 1, unavailable: 2, failures: 1, offline: 4 },
          ...{ away: ['eu-4'], paused: ['eu-5'], approval: { when: 'before', approvers: [] } },
        }),
      ],
      leftOut: [{ reason: 'same', message: 'they have this Target already', clusters: ['us-1', 'us-2'] }],
    },
  ],
  problems: [
    {
      ...{ side: 'to', application: 'mail', clusters: listOf('us-1') },
      problem: {
        ...{ code: 'invalid_manifest', file: 'apps/mail/kustomization.yaml', line: 3, field: 'resources' },
        message: 'there is no file mail.yaml',
      },
    },
  ],
  omitted: 2,
};

export const rolloutPlanner: RolloutPlanPort = {
  async plan({ revision, application }) {
    if (revision !== rolloutPlan.revision.name)
      throw new FairwayError('not_found', `there is no revision ${revision}`);
    const told = rolloutPlan.applications.filter(
      (one) => application === undefined || one.application === application,
    );
    return { ...rolloutPlan, applications: told };
  },
};
