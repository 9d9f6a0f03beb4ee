import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { planPage } from '../paging.ts';
import { clusterPageSchema, clusterSchema, toCluster } from '../schemas/cluster.ts';
import { filterSchema, nameSchema, pageQuery } from '../schemas/common.ts';

const flag = z.enum(['true', 'false']);

export const clusterEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/clusters',
    operationId: 'listClusters',
    summary: 'Lists clusters, sorted by name',
    tag: 'clusters',
    query: z.object({
      region: filterSchema.openapi({ example: 'eu' }).optional(),
      connected: flag.optional(),
      paused: flag.optional(),
      ...pageQuery,
    }),
    reply: clusterPageSchema,
    async handle({ query }, { views }) {
      const { region, connected, paused } = query;
      const all = (await views.clusters()).filter(
        (cluster) =>
          (region === undefined || cluster.region === region) &&
          (connected === undefined || String(cluster.connected) === connected) &&
          (paused === undefined || String(cluster.paused) === paused),
      );
      return planPage(all, query, ({ name }) => name, toCluster);
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/clusters/{cluster}',
    operationId: 'getCluster',
    summary: 'Shows one cluster',
    tag: 'clusters',
    params: z.object({ cluster: nameSchema }),
    reply: clusterSchema,
    errors: ['not_found'],
    async handle({ params }, { views }) {
      const view = await views.cluster(params.cluster);
      if (view === undefined) throw new FairwayError('not_found', `There is no cluster "${params.cluster}".`);
      return toCluster(view);
    },
  }),
];
