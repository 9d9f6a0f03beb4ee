import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Store } from '../../store/store.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { pageQuery } from '../schemas/common.ts';
import {
  type Reading,
  revisionPageSchema,
  revisionSchema,
  sourceListSchema,
  toRevision,
  toSource,
} from '../schemas/revision.ts';

async function loadReading(store: Store): Promise<Reading> {
  const [fleet, resolutions, latest, sources] = await Promise.all([
    store.fleet.load(),
    store.fleet.resolutions(),
    store.sources.latestRevision(),
    store.sources.list(),
  ]);
  const heads = new Map(sources.map(({ key, head }) => [key, head]));
  return { revisionId: fleet.revisionId, problems: fleet.problems, resolutions, latestId: latest?.id, heads };
}

export const revisionEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/revisions',
    operationId: 'listRevisions',
    summary: 'Lists revisions, newest first, with who made them and what failed',
    tag: 'revisions',
    query: z.object(pageQuery),
    reply: revisionPageSchema,
    async handle({ query }, { store }) {
      const [page, reading] = await Promise.all([store.sources.revisions(query), loadReading(store)]);
      return {
        items: page.items.map((revision) => toRevision(revision, reading)),
        next: page.next ?? null,
      };
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/revisions/{revision}',
    operationId: 'getRevision',
    summary: 'Shows one revision',
    tag: 'revisions',
    params: z.object({ revision: z.string().min(1).max(128) }),
    reply: revisionSchema,
    errors: ['not_found'],
    async handle({ params }, { store }) {
      const revision = await store.sources.revision(params.revision);
      if (revision === undefined)
        throw new FairwayError('not_found', `There is no revision "${params.revision}".`);
      return toRevision(revision, await loadReading(store));
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/sources',
    operationId: 'listSources',
    summary: 'Lists the repositories followed and how they stand',
    tag: 'revisions',
    reply: sourceListSchema,
    async handle(_call, { store }) {
      return { items: (await store.sources.list()).map(toSource) };
    },
  }),
];
