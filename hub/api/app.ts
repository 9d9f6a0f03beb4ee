/**
 * The HTTP API: what people, the CLI and the dashboard ask of the hub. Endpoints are data (endpoint.ts, routes/); this file gives each one what
 * all have in common, in this order: request id, authentication, authorisation (auth/access-table.ts), input by schema, a time limit, the answer
 * with its ETag or problem details (RFC 9457), security headers, metrics and one line in the access log. It decides nothing about the fleet: it reads
 * views and the store, and writes what an operator asked for, with an audit event.
 */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { createEvent } from '../model/event.ts';
import { type AccessRow, accessTable } from './auth/access-table.ts';
import { anonymous, authenticate, authorize } from './auth/authenticate.ts';
import { createDenialAudit, type DenialAudit } from './auth/denial-audit.ts';
import type { Call, Caller, Endpoint } from './endpoint.ts';
import { createEndpoints } from './endpoints.ts';
import { parseBody, parseInput, parseQuery, readBody } from './input.ts';
import { type ApiMetrics, createApiMetrics } from './metrics.ts';
import type { ApiPorts } from './ports.ts';
import { problemResponse } from './problem.ts';
import { renderReply, securityHeaders } from './reply.ts';
import { requestIdOf } from './request-id.ts';
import { withTimeLimit } from './time-limit.ts';

export interface ApiOptions {
  /** `/metrics` answers without a token. Default false; main.ts sets it where the API listens on loopback only, or where the operator says so. */
  readonly metricsPublic?: boolean;
  /** An answer that takes longer is a 504. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Largest body of an action. Default 64 KiB; webhooks have their own bound. */
  readonly bodyBytesMax?: number;
  /** Clients that may follow the event stream at once. Default 100. */
  readonly eventStreamsMax?: number;
}

export interface Api {
  fetch(request: Request, ...rest: unknown[]): Promise<Response>;
  /** What the router really has, for the test that holds each route to the access table. */
  readonly routes: readonly { readonly method: string; readonly path: string }[];
  /** Ends event streams, so that the server can close. */
  close(): void;
}

interface Context_ {
  readonly ports: ApiPorts;
  readonly options: Required<ApiOptions>;
  readonly metrics: ApiMetrics;
  readonly denials: DenialAudit;
}

const emptyObject = z.object({});

/** `GET /api/v1/clusters/{cluster}` */
function endpointKey(endpoint: Pick<Endpoint, 'method' | 'path'>): string {
  return `${endpoint.method.toUpperCase()} ${endpoint.path}`;
}

export function createApi(ports: ApiPorts, options: ApiOptions = {}): Api {
  const context: Context_ = {
    ports,
    options: {
      metricsPublic: options.metricsPublic ?? false,
      requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
      bodyBytesMax: options.bodyBytesMax ?? 64 * 1024,
      eventStreamsMax: options.eventStreamsMax ?? 100,
    },
    metrics: createApiMetrics(ports),
    denials: createDenialAudit(ports),
  };
  const { endpoints, close } = createEndpoints(ports, {
    eventStreamsMax: context.options.eventStreamsMax,
    onStream: context.metrics.streams,
  });
  const app = new OpenAPIHono();
  for (const endpoint of endpoints) {
    const row = accessTable[endpointKey(endpoint)];
    if (row === undefined) throw new Error(`no row in the access table for ${endpointKey(endpoint)}`);
    app.on(endpoint.method.toUpperCase(), routerPath(endpoint.path), (c) =>
      respond(context, endpoint, row, c),
    );
  }
  app.notFound((c) => Promise.resolve(respondUnknown(context, endpoints, c)));
  return {
    fetch: async (request, ...rest) => app.fetch(request, rest[0] as object | undefined),
    routes: app.routes.map(({ method, path }) => ({ method, path })),
    close,
  };
}

function routerPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

async function respond(context: Context_, endpoint: Endpoint, row: AccessRow, c: Context): Promise<Response> {
  const { ports, options } = context;
  const startedMs = ports.clock.monotonic();
  const url = new URL(c.req.url);
  const requestId = requestIdOf(c.req.raw.headers, ports.random);
  let caller = anonymous;
  let response: Response;
  try {
    caller = await admit(row, c.req.raw.headers, context);
    const timeoutMs = endpoint.streams ? undefined : (endpoint.timeoutMs ?? options.requestTimeoutMs);
    response = await withTimeLimit(ports.clock, timeoutMs, c.req.raw.signal, async (signal) => {
      const call = await createCall(context, endpoint, row, c, { caller, requestId, url, signal });
      const result = await endpoint.handle(call, ports);
      return result instanceof Response ? result : renderReply(endpoint, result, url, c.req.raw.headers);
    });
  } catch (caught) {
    response = await respondError(context, caught, caller, {
      method: c.req.method,
      path: url.pathname,
      requestId,
    });
  }
  return finish(context, response, { c, url, requestId, caller, startedMs, route: endpoint.path });
}

async function admit(row: AccessRow, headers: Headers, { ports, options }: Context_): Promise<Caller> {
  if (row.scope === 'public' || (row.scope === 'metrics' && options.metricsPublic)) return anonymous;
  const caller = await authenticate(headers, ports);
  authorizeCaller(caller, row);
  return caller;
}

function authorizeCaller(caller: Caller, row: AccessRow): void {
  if (row.scope === 'public') return;
  try {
    authorize(caller, row.scope === 'metrics' ? 'read' : row.scope);
  } catch (caught) {
    const error = toFairwayError(caught);
    throw new FairwayError(error.code, error.message, {
      details: { ...error.details, name: caller.name },
    });
  }
}

async function createCall(
  { ports, options }: Context_,
  endpoint: Endpoint,
  row: AccessRow,
  c: Context,
  known: {
    readonly caller: Caller;
    readonly requestId: string;
    readonly url: URL;
    readonly signal: AbortSignal;
  },
): Promise<Call<unknown, unknown, unknown>> {
  const { caller, requestId, url, signal } = known;
  const bytesMax = endpoint.bodyBytesMax ?? options.bodyBytesMax;
  const params = parseInput('path', endpoint.params ?? emptyObject, c.req.param());
  const query = parseQuery(endpoint, url.searchParams, emptyObject);
  const body = endpoint.body && (await parseBody(endpoint.body, c.req.raw, bytesMax, signal));
  return {
    params,
    query,
    body,
    caller,
    requestId,
    headers: c.req.raw.headers,
    signal,
    bytes: () => readBody(c.req.raw, bytesMax, signal),
    audit(parts) {
      if (row.audit === undefined) throw new Error(`${endpointKey(endpoint)} has no audit event`);
      const data = { ...parts.data, requestId };
      return createEvent({
        ...parts,
        type: row.audit,
        actor: caller.name,
        timeMs: ports.clock.now(),
        data,
      });
    },
  };
}

async function respondError(
  context: Context_,
  caught: unknown,
  caller: Caller,
  request: { readonly method: string; readonly path: string; readonly requestId: string },
): Promise<Response> {
  const { ports } = context;
  const error = toFairwayError(caught);
  const denied = error.code === 'unauthenticated' || error.code === 'permission_denied';
  if (denied) context.metrics.refused(error.code);
  if (error.code === 'internal' || error.code === 'data_loss')
    ports.log.error('request failed', {
      requestId: request.requestId,
      code: error.code,
      error: error.message,
      cause: error.cause,
      stack: error.cause instanceof Error ? error.cause.stack : undefined,
    });
  // A request without any token is a probe or a person who has not logged in yet: nothing to audit.
  const presented = error.code === 'permission_denied' || error.details?.['presented'] === true;
  if (denied && presented) {
    try {
      await context.denials.record(error, caller, request);
    } catch (cause) {
      ports.log.error('cannot keep an audit event', { requestId: request.requestId, cause });
    }
  }
  const status = error.details?.['httpStatus'];
  return problemResponse(error, { ...request, status: typeof status === 'number' ? status : undefined });
}

function respondUnknown(context: Context_, endpoints: readonly Endpoint[], c: Context): Response {
  const startedMs = context.ports.clock.monotonic();
  const url = new URL(c.req.url);
  const requestId = requestIdOf(c.req.raw.headers, context.ports.random);
  const allowed = endpoints.filter(({ path }) => matchesPath(path, url.pathname));
  const allow = [...new Set(allowed.map(({ method }) => method.toUpperCase()))].join(', ');
  const error =
    allow === ''
      ? new FairwayError('not_found', 'There is nothing at this path; see /api/v1/openapi.json.')
      : new FairwayError('invalid_argument', `This path takes ${allow}.`);
  const response = problemResponse(error, {
    path: url.pathname,
    requestId,
    status: allow === '' ? undefined : 405,
  });
  if (allow !== '') response.headers.set('allow', allow);
  return finish(context, response, { c, url, requestId, caller: anonymous, startedMs, route: 'unknown' });
}

function matchesPath(pattern: string, path: string): boolean {
  const parts = pattern.split('/');
  const given = path.split('/');
  return (
    parts.length === given.length &&
    parts.every((part, index) => part.startsWith('{') || part === given[index])
  );
}

function finish(
  { ports, metrics }: Context_,
  response: Response,
  request: {
    readonly c: Context;
    readonly url: URL;
    readonly requestId: string;
    readonly caller: Caller;
    readonly startedMs: number;
    readonly route: string;
  },
): Response {
  const durationMs = ports.clock.monotonic() - request.startedMs;
  for (const [name, value] of Object.entries(securityHeaders)) response.headers.set(name, value);
  // RFC 6797: over plain HTTP it would be ignored.
  if (request.url.protocol === 'https:')
    response.headers.set('strict-transport-security', 'max-age=31536000');
  response.headers.set('x-request-id', request.requestId);
  metrics.observe({
    method: request.c.req.method,
    route: request.route,
    status: response.status,
    seconds: durationMs / 1000,
  });
  ports.log.info('request', {
    method: request.c.req.method,
    path: request.url.pathname,
    status: response.status,
    durationMs: Math.round(durationMs * 10) / 10,
    caller: request.caller.name,
    requestId: request.requestId,
  });
  return response;
}
