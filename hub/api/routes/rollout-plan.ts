import { z } from '@hono/zod-openapi';
import { jsonEndpoint } from '../endpoint.ts';
import { applicationNameSchema } from '../schemas/common.ts';
import { rolloutPlanSchema, toRolloutPlan } from '../schemas/rollout-plan.ts';
import { previewTimeoutMs, revisionSchema } from './diff.ts';

export const rolloutPlanEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/rollouts/plan',
    operationId: 'planRollouts',
    summary:
      'Tells which rollouts a revision would begin: waves, clusters, gates, bounds, changes of objects',
    description:
      'Renders the revision of the root repository for every cluster, as a diff with `running` does, and plans it as if it had been merged now. Nothing is kept. Values of Secrets are never told.',
    tag: 'rollouts',
    query: z.object({
      revision: revisionSchema.openapi({ example: 'feature/new-image' }),
      application: applicationNameSchema.optional(),
    }),
    reply: rolloutPlanSchema,
    errors: ['not_found', 'resource_exhausted', 'unavailable', 'deadline_exceeded'],
    timeoutMs: previewTimeoutMs,
    async handle({ query: { revision, application }, signal }, { planner }) {
      return toRolloutPlan(await planner.plan({ revision, application }, signal));
    },
  }),
];
