/** Longer questions to an agent: what it knows of itself, and what an application would do to objects that are there. */
import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Store } from '../../store/store.ts';
import { jsonEndpoint, rawEndpoint } from '../endpoint.ts';
import { adoptionSchema, toFinding } from '../schemas/adoption.ts';
import { applicationNameSchema, nameSchema } from '../schemas/common.ts';

const diagnosticsTimeoutMs = 20_000;
/** Each object takes up to three requests of the agent. */
const adoptionTimeoutMs = 60_000;
const questionBytesMax = 3 * 1024 * 1024;

/** The newest release's target of a cluster, whether its turn has come or not; else what is assigned. */
async function findTarget(store: Store, application: string, cluster: string) {
  const { items } = await store.releases.releases(application, { limit: 1 });
  const [release] = items;
  const released = release?.targets[cluster];
  const [assignment] =
    released === undefined ? await store.releases.assignments({ application, cluster }) : [];
  const digest = released ?? assignment?.targetDigest;
  const target = digest === undefined ? undefined : await store.content.target(digest);
  if (target === undefined || target.removed)
    throw new FairwayError(
      'not_found',
      `Application "${application}" is not placed in cluster "${cluster}".`,
    );
  const objects = await store.content.objects(target.set.entries.map(({ objectDigest }) => objectDigest));
  const blobs = [...objects].map(([objectDigest, { content }]) => ({ digest: objectDigest, content }));
  const bytes = blobs.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  if (bytes > questionBytesMax)
    throw new FairwayError(
      'resource_exhausted',
      `The objects of "${application}" are too large to ask about at once (${bytes} bytes).`,
      { retry: false },
    );
  return { target, blobs, revisionId: release?.revisionId ?? assignment?.revisionId ?? '' };
}

export const agentQueryEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/applications/{application}/clusters/{cluster}/adoption',
    operationId: 'getAdoption',
    summary: 'Asks an agent what an application would take over, from whom, and what would change',
    description:
      'By dry runs of the API server: nothing is written. Of the newest release for that cluster, whether its turn has come or not. Values of secrets are left out.',
    tag: 'applications',
    params: z.object({ application: applicationNameSchema, cluster: nameSchema }),
    reply: adoptionSchema,
    errors: ['not_found', 'unavailable', 'deadline_exceeded'],
    timeoutMs: adoptionTimeoutMs + 5_000,
    async handle({ params, audit, signal }, { store, agents }) {
      const { application, cluster } = params;
      const { target, blobs, revisionId } = await findTarget(store, application, cluster);
      const message = `Asked what ${application} would take over in ${cluster}.`;
      await store.events.append([audit({ message, cluster, application })]);
      const question = { kind: 'adoption', application, target, blobs } as const;
      const answer = await agents.query(cluster, question, { timeoutMs: adoptionTimeoutMs, signal });
      if (answer.kind !== 'adoption') throw new FairwayError('internal', 'the agent answered something else');
      const { findings, truncated } = answer;
      return { application, cluster, revisionId, findings: findings.map(toFinding), truncated };
    },
  }),
  rawEndpoint({
    method: 'get',
    path: '/api/v1/clusters/{cluster}/diagnostics',
    operationId: 'getDiagnostics',
    summary:
      'Asks an agent what it knows of itself: states, counts, errors and the end of its log, without secrets',
    tag: 'agents',
    params: z.object({ cluster: nameSchema }),
    media: { 'application/json': z.record(z.string(), z.unknown()) },
    errors: ['unavailable', 'deadline_exceeded'],
    async handle({ params, audit, signal }, { store, agents }) {
      const { cluster } = params;
      await store.events.append([
        audit({ message: `Asked the agent of ${cluster} for diagnostics.`, cluster }),
      ]);
      const answer = await agents.query(
        cluster,
        { kind: 'diagnostics' },
        { timeoutMs: diagnosticsTimeoutMs, signal },
      );
      if (answer.kind !== 'diagnostics')
        throw new FairwayError('internal', 'the agent answered something else');
      const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
      return new Response(Buffer.from(answer.content), { headers });
    },
  }),
];
