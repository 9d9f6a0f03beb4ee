import { z } from '@hono/zod-openapi';
import type { Confirmation } from '../../model/release.ts';
import { timeSchema, toTime } from './common.ts';

export const confirmationSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['application', 'cluster', 'placement', 'restored-hub', 'prune']),
    subject: z.string(),
    assignments: z
      .int()
      .openapi({ description: 'How many assignments would be removed; of a prune, how many objects' }),
    revisionId: z.string(),
    message: z.string(),
    createdAt: timeSchema,
    confirmedAt: timeSchema.nullable(),
    confirmedBy: z.string().nullable(),
  })
  .openapi('Confirmation');

export type ApiConfirmation = z.infer<typeof confirmationSchema>;

export function toConfirmation(confirmation: Confirmation): ApiConfirmation {
  const { createdAtMs, confirmedAtMs, confirmedBy, ...rest } = confirmation;
  return {
    ...rest,
    createdAt: toTime(createdAtMs),
    confirmedAt: toTime(confirmedAtMs),
    confirmedBy: confirmedBy ?? null,
  };
}
