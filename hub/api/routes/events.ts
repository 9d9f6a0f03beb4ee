import { z } from '@hono/zod-openapi';
import { jsonEndpoint } from '../endpoint.ts';
import { pageQuery } from '../schemas/common.ts';
import { eventFilterQuery, eventPageSchema, sinceQuery, toEvent } from '../schemas/event.ts';

export const eventEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/events',
    operationId: 'listEvents',
    summary: 'Lists who did what when, newest first',
    tag: 'events',
    query: z.object({ ...eventFilterQuery, ...sinceQuery, ...pageQuery }),
    reply: eventPageSchema,
    async handle({ query }, { store }) {
      const { limit, cursor, since, ...filter } = query;
      const sinceMs = since === undefined ? undefined : Date.parse(since);
      const page = await store.events.list({ ...filter, sinceMs }, { limit, cursor });
      return { items: page.items.map(toEvent), next: page.next ?? null };
    },
  }),
];
