import { z } from '@hono/zod-openapi';
import type { ExplainedStep, Explanation, FieldExplanation } from '../../explain/explanation.ts';
import { orNull, timeSchema } from './common.ts';

const lineCommitSchema = z
  .object({
    sha: z.string(),
    author: z.string(),
    email: z.string(),
    time: timeSchema,
    subject: z.string(),
    file: z.string().openapi({ description: 'In that commit: another one where it was renamed since' }),
    line: z.int(),
    orBefore: z
      .boolean()
      .openapi({ description: 'In that commit or before it: no more of the history is known' }),
  })
  .openapi('LineCommit');

const placeSchema = z
  .object({
    source: z.enum(['repository', 'remote', 'chart', 'cluster', 'application', 'none']),
    file: z.string().openapi({ description: 'Empty where nobody wrote it' }),
    line: z.int().openapi({ description: '0 where unknown' }),
    field: z
      .string()
      .openapi({ description: 'Where the line alone does not say it', example: 'spec.variables.REGION' }),
    holds: z
      .enum(['value', 'part', 'cause'])
      .openapi({ description: 'What of the value the line holds; `cause`: only what was done' }),
    commit: orNull(lineCommitSchema).openapi({ description: 'Null where it is not known' }),
    uncommitted: z.boolean(),
  })
  .openapi('ExplainedPlace');

const actionShape = {
  kind: z.string().openapi({ example: 'patch' }),
  action: z.string().openapi({ description: "In kustomize's own words", example: 'patches[0]' }),
  layer: z.string().openapi({ description: 'Folder of the kustomization', example: 'overlays/eu' }),
};

const stepSchema = z
  .object({
    ...actionShape,
    change: z.enum(['read', 'added', 'changed', 'removed']),
    before: z.string().nullable().openapi({ description: 'JSON text, cut where it is long' }),
    after: z.string().nullable(),
    at: placeSchema,
    configuredAt: z
      .union([placeSchema, z.null()])
      .openapi({ description: 'The entry of the kustomization; null where `at` says the same' }),
    through: z.union([placeSchema, z.null()]).openapi({
      description: "The line of a chart's template that put the value in; null where there is none",
    }),
    from: z
      .object({ object: z.string(), field: z.string() })
      .nullable()
      .openapi({ description: 'What the value was taken from' }),
  })
  .openapi('ExplainedStep');

const fieldSchema = z
  .object({
    path: z.string().openapi({ example: 'spec.replicas' }),
    state: z.enum(['set', 'removed']),
    value: z.string().nullable(),
    masked: z.boolean().openapi({ description: 'A value of a Secret: it is not told' }),
    steps: z.array(stepSchema).openapi({ description: 'From the base up' }),
  })
  .openapi('FieldExplanation');

const lineSchema = z
  .object({
    text: z.string().openapi({ example: '  replicas: 5' }),
    path: z.string(),
    origin: z.object({ ...actionShape, at: placeSchema }).nullable(),
    changes: z.int().openapi({ description: 'Steps that touched the field after the object was first read' }),
  })
  .openapi('ExplainedLine');

export const explanationSchema = z
  .object({
    application: z.string(),
    cluster: z.string(),
    revision: z.object({
      name: z.string().openapi({ description: 'As it was asked for; empty: the one that was resolved last' }),
      commit: z.string().nullable(),
      repository: z.string().openapi({ description: 'Name of the Repository; empty: the fleet repository' }),
    }),
    object: z.object({
      apiVersion: z.string(),
      kind: z.string(),
      namespace: z.string(),
      name: z.string(),
      originName: z.string().openapi({ description: 'As first read' }),
    }),
    way: z.array(z.string()).openapi({ description: 'Folders from the top to where the object comes from' }),
    field: z.string().openapi({ description: 'Spelled in full; empty: the whole object' }),
    state: z.enum(['set', 'removed', 'unset']).openapi({
      description:
        'unset: nothing in Git sets it; the API server, by a default, or a controller decides its value',
    }),
    secret: z.boolean(),
    lines: z
      .array(lineSchema)
      .openapi({ description: 'The YAML of the object, or of a field that holds others' }),
    fields: z.array(fieldSchema).openapi({
      description:
        'The field and those within that were changed after they were first read, or removed. Of a whole object: those removed',
    }),
    omitted: z.int().openapi({ description: 'Lines and fields beyond the bounds' }),
  })
  .openapi('Explanation');
export type ApiExplanation = z.infer<typeof explanationSchema>;

const toStep = (step: ExplainedStep) => ({ ...step });
const toField = (field: FieldExplanation) => ({ ...field, steps: field.steps.map(toStep) });

export function toExplanation(explanation: Explanation): ApiExplanation {
  return {
    ...explanation,
    way: [...explanation.way],
    lines: explanation.lines.map((line) => ({ ...line })),
    fields: explanation.fields.map(toField),
  };
}
