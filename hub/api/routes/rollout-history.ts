import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { planOrderedPage } from '../paging.ts';
import { applicationNameSchema, pageQuery } from '../schemas/common.ts';
import {
  clusterRecordPageSchema,
  rolloutRecordPageSchema,
  rolloutRecordSchema,
  timelinePageSchema,
  toClusterRecord,
  toRolloutRecord,
  toTimelineEntry,
} from '../schemas/rollout-history.ts';

const rolloutParams = z.object({ rollout: z.string().min(1).max(128) });

export const rolloutHistoryEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/applications/{application}/rollouts',
    operationId: 'listApplicationRollouts',
    summary: "Lists an application's rollouts, newest first, with how long each wave took",
    tag: 'rollouts',
    params: z.object({ application: applicationNameSchema }),
    query: z.object(pageQuery),
    reply: rolloutRecordPageSchema,
    errors: ['not_found'],
    async handle({ params: { application }, query }, { history, views }) {
      const page = await history.list(application, query);
      // What has left the fleet has its history still; what never was is a slip.
      if (page.items.length === 0 && (await views.application(application)) === undefined)
        throw new FairwayError(
          'not_found',
          `There is no application "${application}", and none was rolled out.`,
        );
      return { items: page.items.map(toRolloutRecord), next: page.next ?? null };
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/rollouts/{rollout}',
    operationId: 'getRolloutRecord',
    summary: 'Shows one rollout, under way or ended, wave by wave',
    tag: 'rollouts',
    params: rolloutParams,
    reply: rolloutRecordSchema,
    errors: ['not_found'],
    async handle({ params }, { history }) {
      return toRolloutRecord(await history.record(params.rollout));
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/rollouts/{rollout}/clusters',
    operationId: 'listRolloutClusters',
    summary: 'Lists what became of each cluster of a rollout, and how long that took',
    tag: 'rollouts',
    params: rolloutParams,
    query: z.object(pageQuery),
    reply: clusterRecordPageSchema,
    errors: ['not_found'],
    async handle({ params, query }, { history }) {
      const { items, next } = planOrderedPage(
        await history.clusters(params.rollout),
        query,
        ({ cluster }) => cluster,
      );
      return { items: items.map(toClusterRecord), next };
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/rollouts/{rollout}/timeline',
    operationId: 'getRolloutTimeline',
    summary: 'Lists what happened in a rollout, oldest first: gates, decisions, failures, actions',
    tag: 'rollouts',
    params: rolloutParams,
    query: z.object(pageQuery),
    reply: timelinePageSchema,
    errors: ['not_found'],
    async handle({ params, query }, { history }) {
      const page = await history.timeline(params.rollout, query);
      return { items: page.items.map(toTimelineEntry), next: page.next ?? null };
    },
  }),
];
