import { OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import { type ErrorCode, errorTable } from '../../shared/error/error.ts';
import { accessTable } from './auth/access-table.ts';
import type { Endpoint } from './endpoint.ts';
import { problemMediaType, problemSchema } from './problem.ts';

type OpenApiDocument = ReturnType<OpenAPIHono['getOpenAPI31Document']>;

const description = `What runs where, why, since when and by whom; and the few things an operator may do.

Times are RFC 3339. Lists have pages: follow \`next\` (or the Link header) as \`cursor\`. A GET answers with an ETag and honours
If-None-Match. Errors are problem details (RFC 9457) with a stable \`type\` and \`code\`. A query parameter that an endpoint does not
know is an error. Actions may be repeated without harm.`;

/** Codes that any endpoint behind a token may answer with. */
const guarded: readonly ErrorCode[] = ['unauthenticated', 'permission_denied'];

/** OpenAPI 3.1 of these endpoints; the same text for the same code. */
export function renderOpenApi(endpoints: readonly Endpoint[]): OpenApiDocument {
  const app = new OpenAPIHono();
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    description: 'A token of this API: scope read, operate or admin; each includes those before it.',
  });
  for (const endpoint of endpoints) app.openAPIRegistry.registerPath(toRoute(endpoint));
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Fairway', version: 'v1', description, license: { name: 'Apache-2.0' } },
    servers: [{ url: '/' }],
  });
}

function toRoute(endpoint: Endpoint): RouteConfig {
  const key = `${endpoint.method.toUpperCase()} ${endpoint.path}`;
  const row = accessTable[key];
  const open = row === undefined || row.scope === 'public';
  const scope = row === undefined || row.scope === 'metrics' ? 'read' : row.scope;
  const notes = [
    endpoint.description,
    open ? 'Needs no token.' : `Needs scope \`${scope}\`.`,
    row?.audit && `Leaves the event \`${row.audit}\`.`,
  ];
  return {
    method: endpoint.method,
    path: endpoint.path,
    operationId: endpoint.operationId,
    summary: endpoint.summary,
    description: notes.filter(Boolean).join(' '),
    tags: [endpoint.tag],
    security: open ? [] : [{ token: [] }],
    request: {
      ...(endpoint.params ? { params: endpoint.params } : {}),
      ...(endpoint.query ? { query: endpoint.query } : {}),
      ...(endpoint.body
        ? { body: { content: { 'application/json': { schema: endpoint.body } }, required: true } }
        : {}),
    },
    responses: responsesOf(endpoint, open),
  };
}

function responsesOf(endpoint: Endpoint, open: boolean): RouteConfig['responses'] {
  const responses: RouteConfig['responses'] = {};
  const media = endpoint.reply
    ? { 'application/json': { schema: endpoint.reply } }
    : Object.fromEntries(Object.entries(endpoint.media).map(([type, schema]) => [type, { schema }]));
  const status = endpoint.status ?? 200;
  for (const one of [status, ...endpoint.alsoStatus])
    responses[one] = { description: one === status ? endpoint.summary : 'Not now', content: media };
  if (endpoint.reply && endpoint.method === 'get')
    responses[304] = { description: 'The client holds this answer already' };
  for (const [code, text] of errorsOf(endpoint, open))
    responses[code] = {
      description: text,
      content: { [problemMediaType]: { schema: problemSchema } },
    };
  responses['default'] = {
    description: 'Any other failure',
    content: { [problemMediaType]: { schema: problemSchema } },
  };
  return responses;
}

function errorsOf(endpoint: Endpoint, open: boolean): readonly (readonly [number, string])[] {
  const codes = new Set<ErrorCode>([
    'invalid_argument',
    ...(open ? [] : guarded),
    ...(endpoint.errors ?? []),
  ]);
  const byStatus = new Map<number, string>();
  for (const code of codes) {
    const { http } = errorTable[code];
    const before = byStatus.get(http);
    byStatus.set(http, before === undefined ? `\`${code}\`` : `${before}, \`${code}\``);
  }
  return [...byStatus].sort(([a], [b]) => a - b);
}
