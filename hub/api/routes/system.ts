import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { scopes } from '../../model/registry.ts';
import { type Endpoint, jsonEndpoint, rawEndpoint } from '../endpoint.ts';
import { renderOpenApi } from '../openapi.ts';
import { timeSchema, toTime } from '../schemas/common.ts';

const plain = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };

const readinessSchema = z
  .object({
    ready: z.boolean(),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string() })),
  })
  .openapi('Readiness');

const hubSchema = z
  .object({
    version: z.string(),
    time: timeSchema,
    epoch: z.object({ counter: z.int(), id: z.string() }).openapi('Epoch'),
    sessions: z.int().openapi({ description: 'Agents connected to this process' }),
    lastEventSequence: z.int(),
    caller: z.object({ name: z.string(), scope: z.enum(scopes) }),
  })
  .openapi('Hub');

const jsonSchemaSchema = z.record(z.string(), z.unknown()).openapi('JsonSchema');

const probes = [
  rawEndpoint({
    method: 'get',
    path: '/healthz',
    operationId: 'getHealth',
    summary: 'Says that the process answers',
    tag: 'system',
    media: { 'text/plain': z.string() },
    async handle() {
      return new Response('ok\n', { headers: plain });
    },
  }),
  rawEndpoint({
    method: 'get',
    path: '/readyz',
    operationId: 'getReadiness',
    summary: 'Says whether the hub takes work, with each check by name',
    tag: 'system',
    media: { 'application/json': readinessSchema },
    alsoStatus: [503],
    async handle(_call, ports) {
      const checks = await ports.ready();
      const ready = checks.every(({ ok }) => ok);
      const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
      return new Response(JSON.stringify({ ready, checks }), { status: ready ? 200 : 503, headers });
    },
  }),
  rawEndpoint({
    method: 'get',
    path: '/metrics',
    operationId: 'getMetrics',
    summary: 'Prometheus metrics',
    description: 'Open where the hub is configured so (default: when it listens on loopback only).',
    tag: 'system',
    media: { 'text/plain': z.string() },
    async handle(_call, { metrics }) {
      const headers = { 'content-type': metrics.contentType, 'cache-control': 'no-store' };
      return new Response(await metrics.metrics(), { headers });
    },
  }),
];

const information = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/hub',
    operationId: 'getHub',
    summary: 'Shows the hub, and who you are to it',
    tag: 'system',
    reply: hubSchema,
    async handle({ caller }, { version, clock, store, agents }) {
      const [epoch, lastEventSequence] = await Promise.all([store.meta.epoch(), store.events.lastSequence()]);
      return {
        version,
        time: toTime(clock.now()),
        epoch: { counter: epoch.counter, id: epoch.id },
        sessions: agents.sessions().length,
        lastEventSequence,
        caller: { name: caller.name, scope: caller.scope ?? 'read' },
      };
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/schemas',
    operationId: 'listSchemas',
    summary: 'Lists the kinds of the fleet repository with their JSON Schemas',
    tag: 'system',
    reply: z.record(z.string(), jsonSchemaSchema).openapi('JsonSchemas'),
    async handle(_call, { schemas }) {
      return schemas() as Record<string, Record<string, unknown>>;
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/schemas/{kind}',
    operationId: 'getSchema',
    summary: 'The JSON Schema of one kind of the fleet repository',
    tag: 'system',
    params: z.object({ kind: z.string().min(1).max(63) }),
    reply: jsonSchemaSchema,
    errors: ['not_found'],
    async handle({ params }, { schemas }) {
      const all = schemas();
      if (!Object.hasOwn(all, params.kind))
        throw new FairwayError(
          'not_found',
          `There is no kind "${params.kind}"; there are ${Object.keys(all).join(', ')}.`,
        );
      return all[params.kind] as Record<string, unknown>;
    },
  }),
];

/** Probes, metrics, what the hub is, and the OpenAPI document of all endpoints, these ones too. */
export function createSystemEndpoints(others: readonly Endpoint[]): readonly Endpoint[] {
  const all: Endpoint[] = [];
  const document = jsonEndpoint({
    method: 'get',
    path: '/api/v1/openapi.json',
    operationId: 'getOpenApi',
    summary: 'This API as an OpenAPI 3.1 document',
    tag: 'system',
    reply: z.record(z.string(), z.unknown()).openapi('OpenApiDocument'),
    async handle() {
      return renderOpenApi(all) as unknown as Record<string, unknown>;
    },
  });
  const system = [...information, document, ...probes];
  all.push(...others, ...system);
  return system;
}
