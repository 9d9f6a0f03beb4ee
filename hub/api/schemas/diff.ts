import { z } from '@hono/zod-openapi';
import type { ChangeVariant, ClusterList, DiffReport, FieldReport } from '../../preview/report.ts';
import { keySchema } from './common.ts';

const sideSchema = z
  .object({
    name: z.string(),
    commit: z
      .string()
      .nullable()
      .openapi({ description: 'Of the root repository; null for what is assigned' }),
  })
  .openapi('DiffSide');

const clustersSchema = z
  .object({ count: z.int(), names: z.array(z.string()).openapi({ description: 'Sorted; the first ones' }) })
  .openapi('ClusterList');

const fieldSchema = z
  .object({
    path: z.string().openapi({ example: '/spec/template/spec/containers/[name=web]/image' }),
    change: z.enum(['added', 'removed', 'changed', 'reordered']),
    masked: z.boolean().openapi({ description: 'A value of a Secret: only that it changed is told' }),
    before: z.string().nullable().openapi({ description: 'JSON text, cut where it is long' }),
    after: z.string().nullable(),
    lines: z.array(z.string()).openapi({
      description:
        'Of a text of several lines: each with `+`, `-` or a space before it, `@` where lines are left out',
    }),
  })
  .openapi('FieldDiff');

const fieldsShape = {
  clusters: clustersSchema,
  fields: z.array(fieldSchema),
  fieldsOmitted: z.int(),
};

const variantSchema = z
  .object({
    action: z.enum(['added', 'removed', 'changed']),
    key: keySchema,
    keyBefore: keySchema.nullable().openapi({ description: 'The name it had, where that was another' }),
    ...fieldsShape,
  })
  .openapi('ChangeVariant');

const applicationSchema = z
  .object({
    name: z.string(),
    clusters: clustersSchema,
    placed: clustersSchema,
    withdrawn: clustersSchema,
    settings: z.array(z.object(fieldsShape).openapi('SettingsVariant')),
    objects: z.array(z.object({ variants: z.array(variantSchema) }).openapi('ObjectDiff')),
  })
  .openapi('ApplicationDiff');

const problemSchema = z
  .object({
    side: z.enum(['from', 'to', 'both']),
    application: z.string(),
    clusters: clustersSchema,
    problem: z.object({
      code: z.string().openapi({ example: 'invalid_manifest' }),
      file: z.string(),
      line: z.int(),
      field: z.string(),
      message: z.string(),
    }),
  })
  .openapi('DiffProblem');

export const diffSchema = z
  .object({
    from: sideSchema,
    to: sideSchema,
    differs: z
      .boolean()
      .openapi({ description: 'Something differs, or `to` has a problem that `from` has not' }),
    summary: z.object({
      applications: z.int(),
      clusters: z.int(),
      added: z.int(),
      removed: z.int(),
      changed: z.int(),
    }),
    applications: z.array(applicationSchema),
    problems: z.array(problemSchema),
    omitted: z.int().openapi({ description: 'Changes and problems beyond the bounds' }),
  })
  .openapi('Diff');
export type ApiDiff = z.infer<typeof diffSchema>;

const toClusters = ({ count, names }: ClusterList) => ({ count, names: [...names] });
const toField = (field: FieldReport) => ({ ...field, lines: [...field.lines] });
const toFields = (part: Pick<ChangeVariant, 'clusters' | 'fields' | 'fieldsOmitted'>) => ({
  clusters: toClusters(part.clusters),
  fields: part.fields.map(toField),
  fieldsOmitted: part.fieldsOmitted,
});

export function toDiff(report: DiffReport): ApiDiff {
  return {
    ...report,
    applications: report.applications.map(({ name, clusters, placed, withdrawn, settings, objects }) => ({
      name,
      clusters: toClusters(clusters),
      placed: toClusters(placed),
      withdrawn: toClusters(withdrawn),
      settings: settings.map(toFields),
      objects: objects.map(({ variants }) => ({
        variants: variants.map((variant) => ({ ...variant, ...toFields(variant) })),
      })),
    })),
    problems: report.problems.map((one) => ({ ...one, clusters: toClusters(one.clusters) })),
  };
}
