import { z } from '@hono/zod-openapi';
import type {
  ApplicationReport,
  ChangeVariant,
  ClusterList,
  DiffReport,
  FieldReport,
  ProblemReport,
} from '../../preview/report.ts';
import { keySchema, orNull } from './common.ts';

export const sideSchema = z
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
    keyBefore: orNull(keySchema).openapi({ description: 'The name it had, where that was another' }),
    ...fieldsShape,
  })
  .openapi('ChangeVariant');

export const applicationDiffSchema = z
  .object({
    name: z.string(),
    clusters: clustersSchema,
    placed: clustersSchema,
    withdrawn: clustersSchema,
    settings: z.array(z.object(fieldsShape).openapi('SettingsVariant')),
    objects: z.array(z.object({ variants: z.array(variantSchema) }).openapi('ObjectDiff')),
  })
  .openapi('ApplicationDiff');

export const diffProblemSchema = z
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
    applications: z.array(applicationDiffSchema),
    problems: z.array(diffProblemSchema),
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
    applications: report.applications.map(toApplicationDiff),
    problems: report.problems.map(toDiffProblem),
  };
}

export function toApplicationDiff(report: ApplicationReport): z.infer<typeof applicationDiffSchema> {
  const { name, clusters, placed, withdrawn, settings, objects } = report;
  return {
    name,
    clusters: toClusters(clusters),
    placed: toClusters(placed),
    withdrawn: toClusters(withdrawn),
    settings: settings.map(toFields),
    objects: objects.map(({ variants }) => ({
      variants: variants.map((variant) => ({ ...variant, ...toFields(variant) })),
    })),
  };
}

export function toDiffProblem(report: ProblemReport): z.infer<typeof diffProblemSchema> {
  return { ...report, clusters: toClusters(report.clusters) };
}
