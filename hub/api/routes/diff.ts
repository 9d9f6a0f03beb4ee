import { z } from '@hono/zod-openapi';
import { jsonEndpoint } from '../endpoint.ts';
import { applicationNameSchema, nameSchema } from '../schemas/common.ts';
import { diffSchema, toDiff } from '../schemas/diff.ts';

export const revisionSchema = z
  .string()
  .min(1)
  .max(512)
  .openapi({ description: 'Branch, tag or commit of the root repository, or `running`', example: 'running' });

/** Fleets are rendered for it: longer than other answers may take. */
export const previewTimeoutMs = 120_000;

export const diffEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/diff',
    operationId: 'diffRevisions',
    summary: 'Tells what a change would do to the fleet',
    description:
      'Renders both revisions of the root repository for every cluster (`running`: takes what is assigned) and compares them object by object. A branch is fetched first. Other repositories count as they are now. Values of Secrets are never told.',
    tag: 'revisions',
    query: z.object({
      from: revisionSchema,
      to: revisionSchema,
      application: applicationNameSchema.optional(),
      cluster: nameSchema.optional(),
    }),
    reply: diffSchema,
    errors: ['not_found', 'resource_exhausted', 'unavailable', 'deadline_exceeded'],
    timeoutMs: previewTimeoutMs,
    async handle({ query, signal }, { preview }) {
      const { from, to, application, cluster } = query;
      return toDiff(await preview.diff({ from, to, application, cluster }, signal));
    },
  }),
];
