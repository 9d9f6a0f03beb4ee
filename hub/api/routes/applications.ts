import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import type { ApplicationView } from '../../model/view.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { planPage } from '../paging.ts';
import {
  type ApiListedApplication,
  applicationPageSchema,
  applicationSchema,
  placementPageSchema,
  toApplication,
  toListedApplication,
  toPlacement,
} from '../schemas/application.ts';
import { applicationNameSchema, nameSchema, pageQuery } from '../schemas/common.ts';

/** Some 350 bytes each. */
const placementBound = { weigh: ({ placements }: ApplicationView) => placements.length, max: 5_000 };

export const applicationEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/applications',
    operationId: 'listApplications',
    summary: 'Lists applications, sorted by name',
    description:
      'With `placements=true` each has its placements, and a page ends before it holds more than 5,000 of them, but not before its first application.',
    tag: 'applications',
    query: z.object({
      placements: z
        .enum(['true', 'false'])
        .default('false')
        .openapi({ description: 'With the placements of each' }),
      ...pageQuery,
    }),
    reply: applicationPageSchema,
    async handle({ query }, { views }) {
      const all = await views.applications();
      const nameOf = ({ name }: ApplicationView) => name;
      return query.placements === 'true'
        ? planPage<ApplicationView, ApiListedApplication>(all, query, nameOf, toApplication, placementBound)
        : planPage(all, query, nameOf, toListedApplication);
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
