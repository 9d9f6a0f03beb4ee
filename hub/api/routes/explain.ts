import { z } from '@hono/zod-openapi';
import { jsonEndpoint } from '../endpoint.ts';
import { applicationNameSchema, filterSchema, nameSchema } from '../schemas/common.ts';
import { explanationSchema, toExplanation } from '../schemas/explain.ts';

/** A folder is rendered anew for it, and history walked: longer than other answers may take. */
const timeoutMs = 60_000;

export const explainEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/applications/{application}/clusters/{cluster}/explain',
    operationId: 'explainObject',
    summary: 'Tells why a rendered object, or a field of it, is as it is',
    description:
      'Renders the object from Git as the hub renders it for that cluster, and tells for each field what gave it its value: the resource it was read from, the patches, generators and transformers that changed it, each with file and line, and the commit that last wrote that line. Values of Secrets are never told, neither where they were copied to.',
    tag: 'applications',
    params: z.object({ application: applicationNameSchema, cluster: nameSchema }),
    query: z.object({
      kind: filterSchema.openapi({
        description: 'In upper or lower case; the plural and short names are known',
        example: 'Deployment',
      }),
      name: filterSchema.openapi({
        description: 'As rendered, or as first read, before prefixes, suffixes and hashes',
        example: 'web',
      }),
      namespace: filterSchema.optional(),
      group: z.string().max(253).optional().openapi({ description: 'API group; the core group is empty' }),
      apiVersion: filterSchema.optional().openapi({ example: 'apps/v1' }),
      field: z.string().max(2048).default('').openapi({
        description: 'Empty: the whole object',
        example: 'spec.template.spec.containers[name=web].image',
      }),
      rev: filterSchema.optional().openapi({
        description:
          'Branch, tag or commit of the root repository. Default: the revision that was resolved last',
      }),
    }),
    reply: explanationSchema,
    errors: [
      'not_found',
      'invalid_manifest',
      'failed_precondition',
      'resource_exhausted',
      'unavailable',
      'deadline_exceeded',
    ],
    timeoutMs,
    async handle({ params, query, signal }, { explainer }) {
      const { field, rev, ...object } = query;
      return toExplanation(await explainer.explain({ ...params, object, field, revision: rev }, signal));
    },
  }),
];
