/** Pieces that the API's schemas share. Times are RFC 3339 in UTC with milliseconds; what is not there is null, never left out. */
import { z } from '@hono/zod-openapi';
import type { Condition } from '../../../shared/condition/condition.ts';

export const timeSchema = z.iso.datetime().openapi({ example: '2026-01-01T00:00:00.000Z' });

/** Unix milliseconds as RFC 3339; undefined as null. */
export function toTime(ms: number): string;
export function toTime(ms: number | undefined): string | null;
export function toTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

/** Null, or that: `nullable()` of a schema with a name is documented as a reference, which is never null. */
export function orNull<T extends z.ZodType>(schema: T) {
  return z.union([schema, z.null()]);
}

/** Names of clusters and applications: RFC 1123 subdomains, as Kubernetes names them. */
export const nameSchema = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)
  .openapi({ description: 'A name of lower-case letters, digits, "-" and "."', example: 'eu-1' });

export const applicationNameSchema = nameSchema.openapi({ example: 'shop' });

export const reasonSchema = z
  .string()
  .trim()
  .min(1)
  .max(500)
  .openapi({ description: 'Why; it goes into the audit log', example: 'node pool replaced' });

/** Anything that a filter may compare with; bounded, so that no query grows without end. */
export const filterSchema = z.string().min(1).max(512);

export const conditionSchema = z
  .object({
    type: z.enum(['Ready', 'Reconciling', 'Stalled']),
    status: z.enum(['True', 'False', 'Unknown']),
    reason: z.string(),
    message: z.string(),
    lastTransitionTime: timeSchema,
  })
  .openapi('Condition');

export function toCondition(condition: Condition): z.infer<typeof conditionSchema> {
  const { lastTransitionTimeMs, ...rest } = condition;
  return { ...rest, lastTransitionTime: toTime(lastTransitionTimeMs) };
}

export const keySchema = z
  .object({ group: z.string(), kind: z.string(), namespace: z.string(), name: z.string() })
  .openapi('ObjectKey');

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(500).default(100).openapi({ description: 'Items a page' }),
  cursor: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .openapi({ description: '`next` of the page before; opaque' }),
};

/** `{ items, next }`. The Link header of the answer holds the path of the next page, too (RFC 8288). */
export function pageOf<T extends z.ZodType>(name: string, item: T) {
  return z
    .object({
      items: z.array(item),
      next: z.string().nullable().openapi({ description: 'Cursor of the next page; null on the last' }),
    })
    .openapi(name);
}
