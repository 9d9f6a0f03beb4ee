import { z } from '@hono/zod-openapi';
import type { AssignmentState } from '../../store/repositories/release-repository.ts';
import { keySchema, pageOf, timeSchema, toTime } from './common.ts';

const assignmentSchema = z
  .object({
    cluster: z.string(),
    application: z.string(),
    targetDigest: z.string(),
    releaseId: z.string(),
    revisionId: z.string(),
    reason: z.enum(['release', 'rollback', 'failover', 'override']),
    generation: z.int(),
    assignedAt: timeSchema,
    removed: z.boolean().openapi({ description: 'Takes the application out of the cluster' }),
    acknowledgements: z
      .object({
        receivedAt: timeSchema.nullable(),
        appliedAt: timeSchema.nullable(),
        healthyAt: timeSchema.nullable(),
        refused: z.string().nullable(),
      })
      .openapi('Acknowledgements'),
  })
  .openapi('Assignment');
export const assignmentPageSchema = pageOf('AssignmentPage', assignmentSchema);

export function toAssignment(state: AssignmentState): z.infer<typeof assignmentSchema> {
  const { acknowledgements, assignedAtMs, ...rest } = state;
  return {
    ...rest,
    assignedAt: toTime(assignedAtMs),
    acknowledgements: {
      receivedAt: toTime(acknowledgements.receivedAtMs),
      appliedAt: toTime(acknowledgements.appliedAtMs),
      healthyAt: toTime(acknowledgements.healthyAtMs),
      refused: acknowledgements.refused ?? null,
    },
  };
}

export const manifestsSchema = z
  .object({
    cluster: z.string(),
    application: z.string(),
    revisionId: z.string().openapi({ description: 'With `revision`: the commit of the root repository' }),
    targetDigest: z.string().openapi({ description: 'Empty with `revision`: it is no Target yet' }),
    items: z.array(
      z
        .object({
          key: keySchema,
          digest: z.string(),
          wave: z.int(),
          hook: z.string().nullable(),
          manifest: z
            .record(z.string(), z.unknown())
            .openapi({ description: 'The object; values of Secrets are masked' }),
        })
        .openapi('DesiredManifest'),
    ),
    next: z.string().nullable(),
  })
  .openapi('DesiredManifests');
