import { z } from '@hono/zod-openapi';
import type { NextDecision } from '../../rollout/next-decision.ts';
import type { RevertState } from '../../rollout/plan-revert.ts';
import type { PromotionReport } from '../../rollout/report/describe-promotion.ts';
import type { ClusterReport, RolloutReport } from '../../rollout/report/describe-rollout.ts';
import { orNull, timeSchema, toTime } from './common.ts';
import { countsShape } from './rollout-history.ts';

/** When something is decided at the latest, though nobody says or does anything more. */
const nextSchema = z
  .object({
    at: timeSchema,
    what: z.enum([
      'counts',
      'times-out',
      'stops',
      'away',
      'soak-ends',
      'analysis',
      'window-opens',
      'window-closes',
      'goes-on',
      'goes-back',
    ]),
  })
  .openapi('RolloutNextDecision')
  .nullable();

function toNext(next: NextDecision | undefined): z.infer<typeof nextSchema> {
  return next === undefined ? null : { at: toTime(next.atMs), what: next.what };
}

const clusterSchema = z.object({
  cluster: z.string(),
  step: z.enum(['Waiting', 'Offline', 'Assigned', 'Applied', 'Healthy', 'Failed', 'Excluded', 'RolledBack']),
  waitsOn: z.string().openapi({ description: 'What it waits on, or why it failed; empty: nothing' }),
  assignedAt: timeSchema.nullable(),
  appliedAt: timeSchema.nullable(),
  healthyAt: timeSchema.nullable().openapi({ description: 'Since when, without a break' }),
  next: nextSchema,
});

const waveSchema = z.object({
  name: z.string(),
  state: z.enum(['Waiting', 'Running', 'Soaking', 'Done']),
  gate: z
    .enum(['before', 'approval', 'window', 'clusters', 'unavailable', 'away', 'soak', 'analysis', 'none'])
    .openapi({
      description:
        'What it waits for: an earlier wave, somebody who approves, a window, clusters that are not healthy, as many unhealthy ones as maxUnavailable bears, agents that are away, the end of its soak, an answer; none: nothing',
    }),
  waitsOn: z.string().openapi({ description: 'The same in words; empty: nothing' }),
  startedAt: timeSchema.nullable(),
  settledAt: timeSchema.nullable().openapi({ description: 'Nobody was waited for any more: the soak began' }),
  endedAt: timeSchema.nullable(),
  counts: z.object({ ...countsShape }),
  next: nextSchema,
  clusters: z.array(clusterSchema),
});

const promotionSchema = z
  .object({
    after: z
      .string()
      .openapi({ description: 'The Application in which a revision must have been healthy first' }),
    soakSeconds: z.number(),
    healthySince: timeSchema
      .nullable()
      .openapi({ description: 'With what it runs now; null: it is not healthy' }),
    waiting: z
      .array(
        z.object({
          releaseId: z.string(),
          revisionId: z.string(),
          commit: z.string().openapi({ description: "Of the application's own source" }),
          createdAt: timeSchema,
          waitsOn: z.string(),
        }),
      )
      .openapi({ description: 'Releases that have not begun, newest first' }),
  })
  .openapi('RolloutPromotion');

const heldSchema = z.object({ clusters: z.array(z.string()), message: z.string() }).openapi('RolloutHeld', {
  description: 'Clusters that are to get what was rolled back, and keep what they have',
});

const revertSchema = z
  .object({
    state: z.enum(['pending', 'written', 'nothing', 'failed']),
    ref: z.string().openapi({ description: 'Where it was pushed to; empty: nothing was' }),
    commit: z.string(),
    message: z.string().openapi({ description: 'Why it failed, or is tried again' }),
  })
  .openapi('RolloutRevert');

export const rolloutSchema = z
  .object({
    application: z.string(),
    releaseId: z.string(),
    revisionId: z.string(),
    strategy: z.string().openapi({ description: 'Empty: one of the Application itself' }),
    phase: z.enum(['Waiting', 'Progressing', 'Paused', 'RollingBack', 'Complete', 'RolledBack', 'Aborted']),
    message: z.string().openapi({ description: 'Where it stands and what it waits for, in one line' }),
    startedAt: timeSchema,
    endedAt: timeSchema.nullable(),
    waves: z.array(waveSchema),
    next: nextSchema,
    promotion: orNull(promotionSchema),
    revert: orNull(revertSchema),
    held: orNull(heldSchema),
  })
  .openapi('Rollout');

export type ApiRollout = z.infer<typeof rolloutSchema>;

function toCluster({ cluster, step, waitsOn, next, ...times }: ClusterReport): z.infer<typeof clusterSchema> {
  return {
    ...{ cluster, step, waitsOn, next: toNext(next) },
    assignedAt: toTime(times.assignedAtMs),
    appliedAt: toTime(times.appliedAtMs),
    healthyAt: toTime(times.healthyAtMs),
  };
}

export function toRollout({
  startedAtMs,
  endedAtMs,
  next,
  waves,
  promotion,
  revert,
  held,
  ...rest
}: RolloutReport): ApiRollout {
  return {
    ...rest,
    promotion: promotion ? toPromotion(promotion) : null,
    revert: revert ? toRevert(revert) : null,
    held: held ? { clusters: [...held.clusters], message: held.message } : null,
    startedAt: toTime(startedAtMs),
    endedAt: toTime(endedAtMs),
    next: toNext(next),
    waves: waves.map((wave) => {
      const {
        startedAtMs: began,
        settledAtMs: settled,
        endedAtMs: ended,
        clusters,
        next: then,
        gate = 'none',
        ...about
      } = wave;
      const times = { startedAt: toTime(began), settledAt: toTime(settled), endedAt: toTime(ended) };
      return { ...about, gate, ...times, clusters: clusters.map(toCluster), next: toNext(then) };
    }),
  };
}

function toRevert({ state, ref, commit, message }: RevertState) {
  return { state, ref, commit, message };
}

function toPromotion({ after, soakMs, healthySinceMs, waiting }: PromotionReport) {
  return {
    after,
    soakSeconds: Math.round(soakMs / 1_000),
    healthySince: toTime(healthySinceMs),
    waiting: waiting.map(({ createdAtMs, ...one }) => ({ ...one, createdAt: toTime(createdAtMs) })),
  };
}

/** What an operator asks of a rollout. */
export const rolloutActionSchema = z
  .strictObject({
    action: z.enum([
      'approve',
      'reject',
      'promote',
      'pause',
      'resume',
      'abort',
      'rollback',
      'retry',
      'exclude',
    ]),
    reason: z.string().min(1).max(1_000),
    wave: z
      .string()
      .max(400)
      .default('')
      .openapi({ description: 'For approve, reject and promote; empty: the one that is under way' }),
    cluster: z
      .string()
      .max(253)
      .default('')
      .openapi({ description: 'For exclude, and for retry of one cluster' }),
    rollout: z.string().min(1).max(100).optional().openapi({
      description:
        'The `releaseId` of the rollout that it is said of: refused where another has taken its place. Default whichever there is',
    }),
  })
  .openapi('RolloutAction');
