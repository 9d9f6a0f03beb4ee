import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { applicationNameSchema, nameSchema } from '../schemas/common.ts';

const syncReplySchema = z
  .object({
    sources: z.int().openapi({ description: 'Repositories that are looked at now' }),
    agents: z.array(z.string()).openapi({ description: 'Clusters whose agents look at everything again' }),
    away: z.array(z.string()).openapi({
      description: 'Clusters whose agents are not connected; they catch up when they are',
    }),
  })
  .openapi('SyncStarted');

export const actionEndpoints = [
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/sync',
    operationId: 'sync',
    summary: 'Looks at Git now, and asks agents to look at their clusters again',
    description: 'It starts and does not wait. Repeating it does no harm.',
    tag: 'actions',
    body: z
      .strictObject({ application: applicationNameSchema.optional(), cluster: nameSchema.optional() })
      .openapi('SyncRequest'),
    status: 202,
    reply: syncReplySchema,
    errors: ['not_found'],
    async handle({ body, audit }, { store, views, agents, sources }) {
      const { application = '', cluster = '' } = body;
      if (cluster !== '' && (await views.cluster(cluster)) === undefined)
        throw new FairwayError('not_found', `There is no cluster "${cluster}".`);
      if (application !== '' && (await views.application(application)) === undefined)
        throw new FairwayError('not_found', `There is no application "${application}".`);
      const message = `Asked for a sync of ${application || 'all applications'} in ${cluster || 'all clusters'}.`;
      await store.events.append([audit({ message, cluster, application })]);
      const placements = await views.placements({
        cluster: cluster || undefined,
        application: application || undefined,
      });
      const names = [...new Set(placements.map((placement) => placement.cluster))].sort();
      const asked = names.map((name) => [name, agents.sync(name, application)] as const);
      return {
        sources: sources.poke(),
        agents: asked.flatMap(([name, reached]) => (reached ? [name] : [])),
        away: asked.flatMap(([name, reached]) => (reached ? [] : [name])),
      };
    },
  }),
];
