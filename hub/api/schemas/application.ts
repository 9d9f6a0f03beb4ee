import { z } from '@hono/zod-openapi';
import type { ApplicationView, PlacementView } from '../../model/view.ts';
import { conditionSchema, pageOf, timeSchema, toCondition, toTime } from './common.ts';

const placementSchema = z
  .object({
    cluster: z.string(),
    application: z.string(),
    region: z.string(),
    revisionId: z.string(),
    targetDigest: z.string(),
    generation: z.int(),
    assignedAt: timeSchema,
    upToDate: z.boolean().openapi({ description: 'The newest resolved revision asks for this same Target' }),
    stage: z.enum(['Assigned', 'Received', 'Applied', 'Healthy', 'Refused']),
    sync: z.enum(['Synced', 'Pending', 'Failed', 'Drifted', 'Contested', 'Skipped', 'Retained', 'Unknown']),
    health: z.enum(['Current', 'InProgress', 'Failed', 'Terminating', 'NotFound', 'Unknown']),
    message: z.string().openapi({ description: 'One sentence: what it waits on, what failed; may be empty' }),
    objects: z.int(),
    objectsSynced: z.int(),
    drifted: z.boolean(),
    paused: z.boolean(),
    connected: z.boolean(),
    removing: z.boolean(),
  })
  .openapi('Placement');
export type ApiPlacement = z.infer<typeof placementSchema>;
export const placementPageSchema = pageOf('PlacementPage', placementSchema);

export function toPlacement(view: PlacementView): ApiPlacement {
  const { assignedAtMs, ...rest } = view;
  return { ...rest, assignedAt: toTime(assignedAtMs) };
}

export const problemEntrySchema = z
  .object({
    cluster: z.string().openapi({ description: 'Empty: concerns all clusters' }),
    file: z.string(),
    line: z.int().openapi({ description: '1-based; 0 where unknown' }),
    field: z.string(),
    message: z.string(),
  })
  .openapi('ManifestProblem');

const applicationShape = {
  name: z.string(),
  path: z.string(),
  repository: z.string().openapi({ description: 'Empty: the fleet repository itself' }),
  revisionId: z.string(),
  clusters: z.int(),
  clustersHealthy: z.int(),
  clustersUpToDate: z.int(),
  clustersDrifted: z.int(),
  conditions: z.array(conditionSchema),
  problems: z.array(problemEntrySchema),
};

export const applicationSchema = z
  .object({ ...applicationShape, placements: z.array(placementSchema) })
  .openapi('Application');
export type ApiApplication = z.infer<typeof applicationSchema>;

/** In a list: with a thousand clusters each, placements would outweigh all else. */
const listedApplicationSchema = z
  .object({
    ...applicationShape,
    placements: z
      .array(placementSchema)
      .optional()
      .openapi({ description: 'With `placements=true` only; /api/v1/placements lists them in pages' }),
  })
  .openapi('ListedApplication');
export type ApiListedApplication = z.infer<typeof listedApplicationSchema>;
export const applicationPageSchema = pageOf('ApplicationPage', listedApplicationSchema);

export function toListedApplication(view: ApplicationView): ApiListedApplication {
  const { placements: _, ...rest } = toApplication({ ...view, placements: [] });
  return rest;
}

export function toApplication(view: ApplicationView): ApiApplication {
  const { conditions, problems, placements, ...rest } = view;
  return {
    ...rest,
    conditions: conditions.map(toCondition),
    problems: problems.map((problem) => ({ ...problem })),
    placements: placements.map(toPlacement),
  };
}
