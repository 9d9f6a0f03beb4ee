import { z } from '@hono/zod-openapi';
import type { AdoptionFinding } from '../../model/query.ts';
import { keySchema } from './common.ts';

const adoptionResults = ['create', 'own', 'take', 'refuse', 'error'] as const;

const findingSchema = z
  .object({
    key: keySchema,
    result: z.enum(adoptionResults).openapi({
      description:
        "create: it is not there. own: it is the application's already. take: it would be taken over. refuse: it would not. error: it cannot be told",
    }),
    owners: z.array(
      z
        .object({
          tool: z.string().openapi({ description: 'kubectl, helm, argocd, flux, applyset or manager' }),
          name: z.string().openapi({ description: 'A release, an application or a field manager' }),
        })
        .openapi('AdoptionOwner'),
    ),
    changes: z.array(
      z
        .object({
          path: z.string(),
          live: z.string().nullable().openapi({ description: 'JSON text; left out for secrets' }),
          desired: z.string().nullable().openapi({ description: 'JSON text; null where the field would go' }),
        })
        .openapi('AdoptionChange'),
    ),
    conflicts: z.array(
      z
        .object({
          field: z.string(),
          manager: z.string().openapi({ description: "In the API server's words" }),
        })
        .openapi('AdoptionConflict'),
    ),
    message: z.string(),
  })
  .openapi('AdoptionFinding');

export const adoptionSchema = z
  .object({
    application: z.string(),
    cluster: z.string(),
    revisionId: z.string(),
    findings: z.array(findingSchema),
    truncated: z.boolean().openapi({ description: 'Some objects found no room in the answer' }),
  })
  .openapi('AdoptionReport');

export function toFinding({
  changes,
  key,
  owners,
  conflicts,
  ...rest
}: AdoptionFinding): z.input<typeof findingSchema> {
  return {
    ...rest,
    key,
    owners: [...owners],
    conflicts: [...conflicts],
    changes: changes.map(({ path, live, desired }) => ({
      path,
      live: live ?? null,
      desired: desired ?? null,
    })),
  };
}
