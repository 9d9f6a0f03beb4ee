import { z } from '@hono/zod-openapi';
import type { Drift } from '../../../shared/manifest/health.ts';
import { isSecret } from '../../../shared/manifest/object.ts';
import type { ObjectObservation } from '../../model/observation.ts';
import { keySchema, orNull, pageOf, timeSchema, toTime } from './common.ts';

export const syncStatuses = [
  'Synced',
  'Pending',
  'Failed',
  'Drifted',
  'Contested',
  'Skipped',
  'Retained',
] as const;
export const healthStatuses = [
  'Current',
  'InProgress',
  'Failed',
  'Terminating',
  'NotFound',
  'Unknown',
] as const;

const driftSchema = z
  .object({
    kind: z.enum(['changed', 'foreign', 'deleted', 'recreated']),
    fields: z.array(
      z.object({ path: z.string(), desired: z.string().nullable(), live: z.string().nullable() }),
    ),
    managers: z
      .array(z.object({ name: z.string(), operation: z.string(), time: timeSchema.nullable() }))
      .openapi({ description: 'Field managers that wrote; the API server knows no person here' }),
    foundAt: timeSchema,
    healedAt: timeSchema.nullable(),
  })
  .openapi('Drift');

/** Values of Secrets are never given, whatever was reported. */
function toDrift(drift: Drift, secret: boolean): z.infer<typeof driftSchema> {
  return {
    kind: drift.kind,
    fields: drift.fields.map(({ path, desired, live }) => ({
      path,
      desired: secret ? null : (desired ?? null),
      live: secret ? null : (live ?? null),
    })),
    managers: drift.managers.map(({ name, operation, timeMs }) => ({
      name,
      operation,
      time: toTime(timeMs),
    })),
    foundAt: toTime(drift.foundAtMs),
    healedAt: toTime(drift.healedAtMs),
  };
}

const objectSchema = z
  .object({
    cluster: z.string(),
    application: z.string(),
    key: keySchema,
    objectDigest: z.string(),
    liveDigest: z.string(),
    sync: z.enum(syncStatuses),
    health: z.enum(healthStatuses),
    reason: z.string(),
    message: z.string(),
    drift: orNull(driftSchema),
    lastAction: z.enum(['created', 'configured', 'recreated', 'unchanged', 'deleted', 'skipped', 'failed']),
    generation: z.int(),
    time: timeSchema,
  })
  .openapi('ObservedObject');
export type ApiObject = z.infer<typeof objectSchema>;
export const objectPageSchema = pageOf('ObservedObjectPage', objectSchema);

export function toObject(observation: ObjectObservation): z.infer<typeof objectSchema> {
  const { syncStatus, healthStatus, drift, timeMs, key, ...rest } = observation;
  return {
    ...rest,
    key,
    sync: syncStatus,
    health: healthStatus,
    drift: drift === undefined ? null : toDrift(drift, isSecret(key)),
    time: toTime(timeMs),
  };
}
