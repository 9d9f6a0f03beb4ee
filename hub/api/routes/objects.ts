import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { maskSecret } from '../../../shared/manifest/masking.ts';
import {
  describeKey,
  type KubeObject,
  keyText,
  type ObjectKey,
  parseKeyText,
} from '../../../shared/manifest/object.ts';
import type { Store } from '../../store/store.ts';
import { authorize } from '../auth/authenticate.ts';
import { jsonEndpoint, rawEndpoint } from '../endpoint.ts';
import { applicationNameSchema, filterSchema, nameSchema, pageQuery } from '../schemas/common.ts';
import { healthStatuses, objectPageSchema, syncStatuses, toObject } from '../schemas/object.ts';

/** Longest wait for an agent's answer. */
const queryTimeoutMs = 15_000;

const keyTextSchema = z
  .string()
  .max(1024)
  .refine((text) => parseKeyText(text) !== undefined, 'must be group/kind/namespace/name')
  .openapi({
    description: 'Group/kind/namespace/name; the group and the namespace may be empty',
    example: 'apps/Deployment/shop/web',
  });

const liveSchema = z
  .object({
    cluster: z.string(),
    object: z.string(),
    found: z.boolean(),
    manifest: z.record(z.string(), z.unknown()).nullable(),
  })
  .openapi('LiveObject');

export const objectEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/objects',
    operationId: 'listObjects',
    summary: 'Lists observed objects with health and drift',
    tag: 'objects',
    query: z.object({
      cluster: nameSchema.optional(),
      application: applicationNameSchema.optional(),
      kind: filterSchema.openapi({ example: 'Deployment' }).optional(),
      namespace: filterSchema.openapi({ example: 'shop' }).optional(),
      sync: z.enum(syncStatuses).optional(),
      health: z.enum(healthStatuses).optional(),
      object: keyTextSchema.optional(),
      hooks: z.enum(['true', 'false']).openapi({ description: 'true: hooks of releases alone' }).optional(),
      ...pageQuery,
    }),
    reply: objectPageSchema,
    async handle({ query }, { store }) {
      const { limit, cursor, sync, health, hooks, ...rest } = query;
      const filter = { ...rest, syncStatus: sync, healthStatus: health, hooks: hooks === 'true' };
      const page = await store.observations.objects(filter, { limit, cursor });
      return { items: page.items.map(toObject), next: page.next ?? null };
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/objects/live',
    operationId: 'getLiveObject',
    summary: 'Asks the agent for an object as it is in the cluster now',
    description:
      'Values of Secrets are masked, in the agent and here. An object that Fairway does not apply needs the scope operate: whatever else a cluster holds is no part of the fleet.',
    tag: 'objects',
    query: z.object({
      cluster: nameSchema,
      object: keyTextSchema,
      apiVersion: filterSchema.optional().openapi({
        description: 'Default: that of the manifest which Fairway applies; needed for other objects',
      }),
    }),
    reply: liveSchema,
    errors: ['not_found', 'unavailable', 'deadline_exceeded'],
    async handle({ query, audit, signal, caller }, { store, agents }) {
      const key = parseKeyText(query.object);
      if (key === undefined) throw new FairwayError('invalid_argument', 'object: is not a key');
      const applied = await findApiVersion(store, query.cluster, key);
      if (applied === undefined) authorize(caller, 'operate');
      const apiVersion = query.apiVersion ?? applied ?? refuseUnknown(query.cluster, key);
      const message = `Read ${describeKey(key)} in ${query.cluster}.`;
      await store.events.append([audit({ message, cluster: query.cluster, object: keyText(key) })]);
      const answer = await agents.query(
        query.cluster,
        { kind: 'object', key, apiVersion },
        { timeoutMs: queryTimeoutMs, signal },
      );
      if (answer.kind !== 'object') throw new FairwayError('internal', 'the agent answered something else');
      const manifest = answer.found
        ? maskSecret(JSON.parse(new TextDecoder().decode(answer.content)) as KubeObject)
        : null;
      return {
        cluster: query.cluster,
        object: query.object,
        found: answer.found,
        manifest: manifest as Record<string, unknown> | null,
      };
    },
  }),
  rawEndpoint({
    method: 'get',
    path: '/api/v1/clusters/{cluster}/logs',
    operationId: 'getLogs',
    summary: "Asks the agent for the end of a container's log",
    description: 'The header X-Truncated says whether the log was cut to what an answer may hold.',
    tag: 'objects',
    params: z.object({ cluster: nameSchema }),
    query: z.object({
      namespace: nameSchema.openapi({ example: 'shop' }),
      pod: nameSchema.openapi({ example: 'web-7d4b9c6f5-x2x8q' }),
      container: filterSchema.optional(),
      tail: z.coerce.number().int().min(1).max(1000).default(100),
      previous: z.enum(['true', 'false']).default('false'),
    }),
    media: { 'text/plain': z.string() },
    errors: ['not_found', 'unavailable', 'deadline_exceeded'],
    async handle({ params, query, audit, signal }, { store, agents }) {
      const { namespace, pod, tail, previous } = query;
      const container = query.container ?? '';
      const { cluster } = params;
      const message = `Read the log of pod ${namespace}/${pod} in ${cluster}.`;
      await store.events.append([
        audit({ message, cluster, object: keyText({ group: '', kind: 'Pod', namespace, name: pod }) }),
      ]);
      const answer = await agents.query(
        cluster,
        { kind: 'logs', namespace, pod, container, tailLines: tail, previous: previous === 'true' },
        { timeoutMs: queryTimeoutMs, signal },
      );
      if (answer.kind !== 'logs') throw new FairwayError('internal', 'the agent answered something else');
      const headers = {
        'content-type': 'text/plain; charset=utf-8',
        'cache-control': 'no-store',
        'x-truncated': String(answer.truncated),
      };
      return new Response(Buffer.from(answer.content), { headers });
    },
  }),
];

/** The version in which Fairway applies the object to that cluster; undefined when it applies no such object. */
async function findApiVersion(store: Store, cluster: string, key: ObjectKey): Promise<string | undefined> {
  const assignments = await store.releases.assignments({ cluster });
  const targets = await store.content.targets(assignments.map(({ targetDigest }) => targetDigest));
  const text = keyText(key);
  for (const target of targets.values())
    for (const entry of target.set.entries) if (keyText(entry.key) === text) return entry.apiVersion;
  return undefined;
}

function refuseUnknown(cluster: string, key: ObjectKey): never {
  const message = `is needed: Fairway applies no ${describeKey(key)} to ${cluster}`;
  throw new FairwayError('invalid_argument', `query.apiVersion: ${message}`, {
    details: { errors: [{ field: 'query.apiVersion', message }] },
  });
}
