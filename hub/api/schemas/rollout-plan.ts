import { z } from '@hono/zod-openapi';
import type { AnalysisSpec } from '../../model/strategy.ts';
import type { AheadStrategy } from '../../rollout/report/plan-ahead.ts';
import type { PlannedApplication, PlannedWave, RolloutPlan } from '../ports.ts';
import { orNull, timeSchema, toTime } from './common.ts';
import {
  applicationDiffSchema,
  diffProblemSchema,
  sideSchema,
  toApplicationDiff,
  toDiffProblem,
} from './diff.ts';

const amount = (description: string) => z.int().openapi({ description });

const analysisSchema = z
  .object({
    name: z.string(),
    provider: z.string().openapi({ example: 'prometheus' }),
    intervalSeconds: z.number(),
    count: amount('Successes that are wanted'),
    failureLimit: z.int(),
    inconclusiveLimit: z.int(),
  })
  .openapi('PlannedAnalysis');

const waveSchema = z
  .object({
    name: z.string(),
    clusters: z.array(z.string()).openapi({ description: 'In the order in which they go' }),
    leaving: z.array(z.string()).openapi({ description: 'The application is taken out of them' }),
    away: z.array(z.string()).openapi({ description: 'Their agent is not there: left out until it is back' }),
    paused: z.array(z.string()).openapi({ description: 'Left out until they are resumed' }),
    bounds: z.object({
      concurrent: amount('In flight at once'),
      unavailable: amount('Not healthy at once'),
      failures: amount('That may fail'),
      offline: amount('That may be away when the wave ends'),
    }),
    minHealthySeconds: z.number(),
    soakSeconds: z.number(),
    approval: z
      .object({
        when: z.enum(['before', 'after']),
        approvers: z.array(z.string()).openapi({ description: 'Empty: whoever may act on rollouts' }),
      })
      .nullable(),
    analysis: z.array(analysisSchema),
    changes: orNull(applicationDiffSchema).openapi({ description: 'What changes in its clusters' }),
  })
  .openapi('PlannedWave');

const strategySchema = z
  .object({
    name: z.string().openapi({ description: 'Empty: one of the Application itself' }),
    onFailure: z.enum(['pause', 'rollback', 'continue']),
    rollbackSpeed: z.enum(['waves', 'at-once']),
    revert: z
      .enum(['none', 'branch', 'commit'])
      .openapi({ description: 'What becomes of Git after a rollback' }),
    regions: z.enum(['apart', 'any']),
    pairs: z.enum(['apart', 'together', 'any']),
    healthTimeoutSeconds: z.number(),
    failures: z.int().nullable().openapi({ description: "Over all waves; null: the waves' own alone count" }),
    emptyWaves: z.array(z.string()).openapi({
      description:
        'Waves that ask for clusters by labels and get none of those that change: left out, with their gates',
    }),
    windows: z.array(z.object({ cron: z.string(), durationSeconds: z.number(), timeZone: z.string() })),
    freezes: z.array(z.object({ from: timeSchema, until: timeSchema, reason: z.string() })),
    open: z.boolean().openapi({ description: 'Assignments may be made now' }),
    closedBecause: z.string(),
    opensAt: timeSchema.nullable().openapi({ description: 'Null: it is open, or never opens' }),
    closesAt: timeSchema.nullable(),
  })
  .openapi('PlannedStrategy');

const leftOutSchema = z
  .object({
    reason: z.enum(['same', 'held', 'problem', 'removal', 'under-way']),
    message: z.string(),
    clusters: z.array(z.string()),
  })
  .openapi('LeftOutClusters');

const applicationSchema = z
  .object({
    application: z.string(),
    outcome: z.enum(['begins', 'waits', 'amends', 'nothing']).openapi({
      description:
        'begins: a rollout; waits: one, once another environment has proven it; amends: clusters join the one that there is, or leave with it; nothing: no Target changes',
    }),
    strategy: orNull(strategySchema),
    supersedes: z
      .object({
        id: z.string(),
        revisionId: z.string(),
        phase: z.string(),
        takesBack: z.boolean().openapi({ description: 'All that it reached is wanted as it was before' }),
        reached: z.int(),
        clusters: z.int(),
      })
      .nullable(),
    after: z.object({ application: z.string(), soakSeconds: z.number() }).nullable(),
    waves: z.array(waveSchema),
    leftOut: z.array(leftOutSchema),
  })
  .openapi('PlannedApplication');

export const rolloutPlanSchema = z
  .object({
    revision: sideSchema,
    plannedAt: timeSchema,
    applications: z.array(applicationSchema),
    problems: z.array(diffProblemSchema),
    omitted: z.int().openapi({ description: 'Changes and problems beyond the bounds' }),
  })
  .openapi('RolloutPlan');

export type ApiRolloutPlan = z.infer<typeof rolloutPlanSchema>;
export type ApiPlannedApplication = z.infer<typeof applicationSchema>;
export type ApiPlannedWave = z.infer<typeof waveSchema>;

function toAnalysis({ name, provider, intervalMs, count, failureLimit, inconclusiveLimit }: AnalysisSpec) {
  const bounds = { count, failureLimit, inconclusiveLimit };
  return { name, provider: provider.type, intervalSeconds: intervalMs / 1_000, ...bounds };
}

function toWave(wave: PlannedWave): ApiPlannedWave {
  const { name, clusters, leaving, away, paused, bounds, minHealthyMs, soakMs, approval, analysis, changes } =
    wave;
  return {
    ...{ name, clusters: [...clusters], bounds },
    ...{ leaving: [...leaving], away: [...away], paused: [...paused] },
    minHealthySeconds: minHealthyMs / 1_000,
    soakSeconds: soakMs / 1_000,
    approval: approval ? { when: approval.when, approvers: [...approval.approvers] } : null,
    analysis: analysis.map(toAnalysis),
    changes: changes ? toApplicationDiff(changes) : null,
  };
}

function toStrategy(strategy: AheadStrategy): z.infer<typeof strategySchema> {
  const { openness, healthTimeoutMs, windows, freezes, failures, emptyWaves, ...rest } = strategy;
  return {
    ...rest,
    emptyWaves: [...emptyWaves],
    healthTimeoutSeconds: healthTimeoutMs / 1_000,
    failures: failures ?? null,
    windows: windows.map(({ cron, durationMs, timeZone }) => ({
      ...{ cron, timeZone },
      durationSeconds: durationMs / 1_000,
    })),
    freezes: freezes.map(({ fromMs, untilMs, reason }) => ({
      ...{ from: toTime(fromMs), until: toTime(untilMs), reason },
    })),
    open: openness.open,
    closedBecause: openness.open ? '' : openness.reason,
    opensAt: toTime(openness.open ? undefined : openness.opensAtMs),
    closesAt: toTime(openness.open ? openness.untilMs : undefined),
  };
}

function toApplication(planned: PlannedApplication): ApiPlannedApplication {
  const { application, outcome, strategy, supersedes, after, waves, leftOut } = planned;
  return {
    ...{ application, outcome },
    strategy: strategy ? toStrategy(strategy) : null,
    supersedes: supersedes ?? null,
    after: after ? { application: after.application, soakSeconds: after.soakMs / 1_000 } : null,
    waves: waves.map(toWave),
    leftOut: leftOut.map((one) => ({ ...one, clusters: [...one.clusters] })),
  };
}

export function toRolloutPlan({ plannedAtMs, applications, problems, ...rest }: RolloutPlan): ApiRolloutPlan {
  return {
    ...rest,
    plannedAt: toTime(plannedAtMs),
    applications: applications.map(toApplication),
    problems: problems.map(toDiffProblem),
  };
}
