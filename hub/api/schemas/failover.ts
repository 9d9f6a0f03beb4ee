import { z } from '@hono/zod-openapi';
import { type Failover, type FailoverPlanned, failoverPhases } from '../../model/failover.ts';
import type { FailoverPlan } from '../ports.ts';
import { nameSchema, orNull, pageOf, reasonSchema, timeSchema, toTime } from './common.ts';
import { diffSchema, toDiff } from './diff.ts';
import { parityReasonSchema, verdictSchema } from './parity.ts';

export const kindSchema = z.enum(['failover', 'back', 'drill']);
const modeSchema = z.enum(['commit', 'branch', 'override']);
const roleSchema = z.enum(['primary', 'standby', 'none']);
const fencedSchema = z.enum(['yes', 'no', 'unknown']).openapi({
  description:
    'Whether the old primary serves nothing any more. yes: nothing of the group is assigned to it, or its agent has fenced it or has promised to by now; no: its agent is connected; unknown: its agent is away, and that is all that is known',
});

export const failoverAskedQuery = z.object({
  kind: kindSchema.default('failover'),
  to: nameSchema.optional(),
});

/** A week: an override lasts no longer. */
const overrideSecondsMax = 604_800;

export const failoverStartSchema = z
  .strictObject({
    kind: kindSchema.default('failover'),
    to: nameSchema.optional().openapi({ description: 'Default: the only standby; the primary of before' }),
    reason: reasonSchema,
    confirm: z
      .boolean()
      .default(false)
      .openapi({ description: 'What the plan says has to be confirmed is confirmed' }),
    overrideSeconds: z.int().min(60).max(overrideSecondsMax).optional().openapi({
      description: "By the hub's own word for so long, until it is in Git; of a drill: how long it may take",
    }),
    commit: z.enum(['commit', 'branch']).optional().openapi({ description: "Default: the group's own" }),
  })
  .openapi('FailoverStart');

export const failoverExtendSchema = z
  .strictObject({
    reason: reasonSchema,
    overrideSeconds: z.int().min(60).max(overrideSecondsMax).openapi({ description: 'From now on' }),
  })
  .openapi('FailoverExtend');

const countsSchema = diffSchema.shape.summary;
const readinessSchema = z.object({ verdict: verdictSchema, score: z.number().int().nullable() });

export const failoverSchema = z
  .object({
    id: z.string(),
    group: z.string(),
    kind: kindSchema,
    mode: modeSchema,
    from: z.string(),
    to: z.string(),
    reason: z.string(),
    actor: z.string(),
    phase: z.enum(failoverPhases),
    message: z.string(),
    startedAt: timeSchema,
    readyAt: timeSchema
      .nullable()
      .openapi({ description: 'All applications were healthy in the new primary' }),
    rtoSeconds: z.number().nullable().openapi({ description: 'From the start to ready, measured' }),
    endedAt: timeSchema.nullable(),
    fenced: fencedSchema,
    confirmed: z.array(z.string()),
    strategy: z.string(),
    commit: z.string().nullable().openapi({ description: 'Of the switch, in the fleet repository' }),
    ref: z.string().nullable(),
    commitError: z.string().openapi({ description: 'Why the last attempt at the commit failed' }),
    overrideUntil: timeSchema.nullable(),
    overrideState: z
      .enum(['none', 'active', 'committed', 'expired', 'revoked', 'drilled', 'superseded'])
      .openapi({ description: "Of the hub's own word on the roles" }),
    planned: z
      .object({
        ...readinessSchema.shape,
        changes: orNull(countsSchema).openapi({ description: 'Of a drill alone; null: see problem' }),
        problem: z.string().openapi({ description: 'Why the changes could not be told; empty: they could' }),
      })
      .nullable()
      .openapi({ description: 'How the standby stood when it began, and what a drill was to change' }),
    after: readinessSchema
      .nullable()
      .openapi({ description: 'Of a drill that is over: how the standby stood once it was one again' }),
    applications: z.array(
      z.object({ application: z.string(), readyAt: timeSchema.nullable(), waitsOn: z.string() }),
    ),
  })
  .openapi('Failover');
export type ApiFailover = z.infer<typeof failoverSchema>;
export const failoverPageSchema = pageOf('FailoverPage', failoverSchema);

export const failoverPlanSchema = z
  .object({
    group: z.string(),
    kind: kindSchema,
    mode: modeSchema,
    strategy: z.string(),
    from: z.string(),
    to: z.string(),
    fenced: fencedSchema,
    fencedReason: z.string().openapi({ description: 'How that is known, in one sentence' }),
    roles: z.array(z.object({ cluster: z.string(), from: roleSchema, to: roleSchema })),
    files: z.array(z.string()).openapi({ description: 'Of the fleet repository, that would be edited' }),
    readiness: z.object({
      ...readinessSchema.shape,
      reasons: z.array(parityReasonSchema),
    }),
    confirm: z.array(z.string()).openapi({ description: 'Each of these has to be confirmed' }),
    estimateSeconds: z
      .number()
      .nullable()
      .openapi({ description: 'The median of those measured; null: none' }),
    changes: diffSchema,
  })
  .openapi('FailoverPlan');
export type ApiFailoverPlan = z.infer<typeof failoverPlanSchema>;

const seconds = (ms: number | undefined) => (ms === undefined ? null : ms / 1_000);

function toPlanned({ verdict, score, changes, problem }: FailoverPlanned) {
  return { verdict, score: score ?? null, changes: changes ?? null, problem };
}

export function toFailover(failover: Failover): ApiFailover {
  const { id, group, kind, mode, from, to, reason, actor, phase, message, fenced, strategy } = failover;
  const { commit, override, planned, after } = failover;
  return {
    ...{ id, group, kind, mode, from, to, reason, actor, phase, message, fenced, strategy },
    startedAt: toTime(failover.startedAtMs),
    readyAt: toTime(failover.readyAtMs),
    rtoSeconds: seconds(failover.rtoMs),
    endedAt: toTime(failover.endedAtMs),
    confirmed: [...failover.confirmed],
    commit: commit?.written?.commit ?? null,
    ref: commit?.written?.ref ?? null,
    commitError: commit?.error ?? '',
    overrideUntil: toTime(override?.untilMs),
    overrideState: override === undefined ? 'none' : (override.ended ?? 'active'),
    planned: planned === undefined ? null : toPlanned(planned),
    after: after === undefined ? null : { verdict: after.verdict, score: after.score ?? null },
    applications: failover.applications.map(({ application, readyAtMs, waitsOn }) => ({
      ...{ application, waitsOn },
      readyAt: toTime(readyAtMs),
    })),
  };
}

export function toFailoverPlan(plan: FailoverPlan): ApiFailoverPlan {
  const { readiness, estimateMs, changes, roles, files, confirm, ...rest } = plan;
  return {
    ...rest,
    roles: roles.map((role) => ({ ...role })),
    files: [...files],
    confirm: [...confirm],
    readiness: {
      verdict: readiness.verdict,
      score: readiness.score ?? null,
      reasons: readiness.reasons.map((reason) => ({ ...reason })),
    },
    estimateSeconds: seconds(estimateMs),
    changes: toDiff(changes),
  };
}
