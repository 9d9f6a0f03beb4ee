/** Schemas that several kinds of the fleet share. */
import { z } from 'zod';
import { parseDuration } from '../../shared/text/duration.ts';

export const listMax = 1_000;

/** RFC 1123 label. */
export const dnsLabel = z
  .string()
  .regex(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/)
  .meta({
    description:
      'a name of at most 63 lower-case letters, digits and dashes that starts and ends with a letter or digit',
  });

const labelKeyPattern =
  /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelKey = z
  .string()
  .regex(labelKeyPattern)
  .meta({ description: 'a Kubernetes label key such as tier or example.com/tier' });
export const labelValue = z
  .string()
  .regex(/^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/)
  .meta({ description: 'a label value of at most 63 letters, digits, dashes, underscores and dots' });
export const labels = z.record(labelKey, labelValue);

const expression = z
  .strictObject({
    key: labelKey,
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
    values: z.array(labelValue).max(listMax).default([]),
  })
  .superRefine(({ operator, values }, context) => {
    const needs = operator === 'In' || operator === 'NotIn';
    const add = (message: string) => context.addIssue({ code: 'custom', path: ['values'], message });
    if (needs && values.length === 0) add(`${operator} needs at least one value`);
    if (!needs && values.length > 0) add(`${operator} takes no values: remove them`);
  });

export const selector = z.strictObject({
  matchLabels: labels.default({}),
  matchExpressions: z.array(expression).max(100).default([]),
});

/** `30s`, `10m`, `8h`, `1d`; at most 30 days. In milliseconds once read. */
export const durationMs = z
  .string()
  .meta({ description: 'a duration such as 30s, 10m or 8h, at most 30d' })
  .refine((text) => (parseDuration(text) ?? -1) >= 0, 'expected a number and ms, s, m, h or d, such as 10m')
  .refine((text) => (parseDuration(text) ?? 0) <= 30 * 86_400_000, 'expected at most 30d')
  .transform((text) => parseDuration(text) ?? 0);

/** Relative, without `..`; the repository's top is `.`. */
export const path = z
  .string()
  .min(1)
  .max(1_024)
  .refine(
    (text) => !text.startsWith('/') && !text.includes('\\'),
    'expected a path relative to the top of the repository, with / between its parts',
  )
  .refine((text) => !text.split('/').includes('..'), 'a path may not leave the repository: remove ".."');

/** Without `.` parts and doubled or trailing slashes; the top is the empty string. */
export function plainPath(text: string): string {
  return text
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

export const serviceAccountName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/);

/** What substitution puts in place of `${NAME}`, by name. */
export const variables = z
  .record(
    z
      .string()
      .regex(/^(?!FAIRWAY_CLUSTER_)[A-Za-z_][\w.-]{0,127}$/)
      .meta({
        description:
          'a variable name of letters, digits, _ . and - that does not begin with FAIRWAY_CLUSTER_, which the hub states itself',
      }),
    z.string().max(4_096),
  )
  .default({});
