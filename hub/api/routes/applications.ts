import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { planPage } from '../paging.ts';
import {
  applicationPageSchema,
  applicationSchema,
  placementPageSchema,
  toApplication,
  toPlacement,
} from '../schemas/application.ts';
import { applicationNameSchema, nameSchema, pageQuery } from '../schemas/common.ts';

export const applicationEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/applications',
    operationId: 'listApplications',
    summary: 'Lists applications with their placements, sorted by name',
    tag: 'applications',
    query: z.object(pageQuery),
    reply: applicationPageSchema,
    async handle({ query }, { views }) {
      return planPage(await views.applications(), query, ({ name }) => name, toApplication);
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/applications/{application}',
    operationId: 'getApplication',
    summary: 'Shows one application, where it runs and what stands in its way',
    tag: 'applications',
    params: z.object({ application: applicationNameSchema }),
    reply: applicationSchema,
    errors: ['not_found'],
    async handle({ params }, { views }) {
      const view = await views.application(params.application);
      if (view === undefined)
        throw new FairwayError('not_found', `There is no application "${params.application}".`);
      return toApplication(view);
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/placements',
    operationId: 'listPlacements',
    summary: 'Lists what runs where: one entry for each application in each cluster',
    tag: 'applications',
    query: z.object({
      cluster: nameSchema.optional(),
      application: applicationNameSchema.optional(),
      ...pageQuery,
    }),
    reply: placementPageSchema,
    async handle({ query }, { views }) {
      const { cluster, application } = query;
      const all = await views.placements({ cluster, application });
      return planPage(all, query, (view) => `${view.cluster}/${view.application}`, toPlacement);
    },
  }),
];
