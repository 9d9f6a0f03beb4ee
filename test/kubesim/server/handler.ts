/** HTTP for one cluster: who asks, what for, and the answer; with the failures and counts that tests want. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sleep } from '../../../shared/clock/clock.ts';
import { deepEqual, type Json } from '../schema/types.ts';
import {
  badRequest,
  noResource,
  notAllowed,
  StatusError,
  unauthorized,
  unsupportedMedia,
} from '../status.ts';
import type { Cluster } from './cluster.ts';
import { AGGREGATED_TYPE, discoveryDocument, wantsAggregated } from './discovery.ts';
import { answer, injectedFailure } from './operations.ts';
import { managerOf, type ResourceRequest, readBody, routeOf, verbOf, wantsMetadata } from './request.ts';
import { type OpenWatch, openWatch } from './watches.ts';

/** A write that was asked for, whatever came of it. */
export interface AuditEntry {
  readonly verb: string;
  readonly path: string;
  readonly manager: string;
  readonly userAgent: string;
  readonly dryRun: boolean;
  readonly code: number;
}

/** Which request a failure is for. Every given part must fit. */
export interface RequestMatcher {
  readonly verb?: string;
  /** Plural, such as `deployments`. */
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

interface Planned {
  readonly matcher: RequestMatcher;
  readonly code: number;
}

export interface Handler {
  /** Answers a request whose path, without any prefix, is `path`. */
  handle(
    message: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<void>;
  failNext(matcher: RequestMatcher, code: number): void;
  /** Ends all open watches, and gives their number. */
  dropWatches(): number;
  openWatches(): number;
  requestCounts(): Readonly<Record<string, number>>;
  audit(): readonly AuditEntry[];
}

const AUDIT_MAX = 1000;
const PLANNED_MAX = 1000;
const WRITES = ['create', 'update', 'patch', 'delete'];

export interface HandlerOptions {
  readonly token: string;
  /** Added before each answer, in milliseconds. */
  readonly latencyMs: number;
}

/** The front of a cluster. */
export function createHandler(cluster: Cluster, options: HandlerOptions): Handler {
  const counts: Record<string, number> = {};
  const watches = new Set<OpenWatch>();
  let audit: AuditEntry[] = [];
  const planned: Planned[] = [];

  const count = (verb: string) => {
    counts[verb] = (counts[verb] ?? 0) + 1;
  };
  const takeFailure = (request: ResourceRequest, verb: string): StatusError | undefined => {
    const index = planned.findIndex(({ matcher }) => fits(matcher, request, verb));
    const [found] = index < 0 ? [] : planned.splice(index, 1);
    return found ? injectedFailure(found.code) : undefined;
  };
  const note = (request: ResourceRequest, verb: string, path: string, code: number) => {
    if (!WRITES.includes(verb)) return;
    audit.push({
      verb,
      path,
      manager: managerOf(request),
      userAgent: request.userAgent,
      dryRun: request.query.has('dryRun'),
      code,
    });
    if (audit.length > AUDIT_MAX * 2) audit = audit.slice(-AUDIT_MAX);
  };

  const serveResource = (request: ResourceRequest, response: ServerResponse, path: string) => {
    const verb = verbOf(request);
    count(verb);
    try {
      const failure = takeFailure(request, verb);
      if (failure) throw failure;
      if (verb === 'watch') {
        let open: OpenWatch | undefined;
        open = openWatch(cluster, request, response, () => {
          if (open) watches.delete(open);
        });
        if (!response.writableEnded) watches.add(open);
        return;
      }
      const result = answer(cluster, request);
      note(request, verb, path, result.code);
      send(response, result.code, result.body, result.warnings);
    } catch (error) {
      if (error instanceof StatusError) note(request, verb, path, error.code);
      throw error;
    }
  };

  const serve: Handler['handle'] = async (message, response, path, query) => {
    if (path === '/healthz' || path === '/readyz' || path === '/livez') return sendText(response, 200, 'ok');
    if (message.headers.authorization !== `Bearer ${options.token}`) throw unauthorized();
    if (options.latencyMs > 0) await sleep(cluster.clock, options.latencyMs);
    const accept = message.headers.accept ?? '';
    const asAggregated = wantsAggregated(accept);
    const document = discoveryDocument(cluster.kinds, path, asAggregated);
    if (document) {
      if (message.method !== 'GET') throw notAllowed();
      count('discovery');
      const aggregatedPath = asAggregated && (path === '/api' || path === '/apis');
      return send(response, 200, document, [], aggregatedPath ? AGGREGATED_TYPE : undefined);
    }
    const route = routeOf(cluster.kinds, path);
    if (!route) {
      const known = path.startsWith('/api/') || isKnownGroup(cluster, path);
      if (known) throw noResource();
      return sendText(response, 404, '404 page not found\n');
    }
    const contentType = message.headers['content-type'] ?? 'application/json';
    const body = await readBody(message);
    const method = message.method ?? 'GET';
    if ((method === 'POST' || method === 'PUT') && !/^application\/(json|yaml)\b/.test(contentType))
      throw unsupportedMedia();
    const request: ResourceRequest = {
      ...route,
      query,
      method,
      contentType,
      metadataOnly: wantsMetadata(accept),
      userAgent: message.headers['user-agent'] ?? '',
      body,
    };
    serveResource(request, response, path);
  };

  return {
    async handle(message, response, path, query) {
      try {
        await serve(message, response, path, query);
      } catch (error) {
        fail(response, error);
      }
    },
    failNext(matcher, code) {
      if (planned.length >= PLANNED_MAX) throw new Error('too many failures are planned');
      planned.push({ matcher, code });
    },
    dropWatches() {
      const open = [...watches];
      for (const one of open) one.end();
      watches.clear();
      return open.length;
    },
    openWatches: () => watches.size,
    requestCounts: () => ({ ...counts }),
    audit: () => audit.slice(-AUDIT_MAX),
  };
}

function fits(matcher: RequestMatcher, request: ResourceRequest, verb: string): boolean {
  const have: RequestMatcher = {
    verb,
    resource: request.kind.resource,
    namespace: request.namespace,
    name: request.name,
  };
  return (Object.keys(matcher) as (keyof RequestMatcher)[]).every(
    (key) => matcher[key] === undefined || deepEqual(matcher[key], have[key]),
  );
}

function isKnownGroup(cluster: Cluster, path: string): boolean {
  const [, , group, version] = path.split('/');
  return cluster.kinds.all().some((kind) => kind.group === group && kind.version === version);
}

function send(
  response: ServerResponse,
  code: number,
  body: Json,
  warnings: readonly string[] = [],
  type = 'application/json',
): void {
  const text = JSON.stringify(body);
  const headers: Record<string, string | string[]> = {
    'content-type': type,
    'cache-control': 'no-cache, private',
    'content-length': String(Buffer.byteLength(text)),
  };
  if (warnings.length > 0) headers['warning'] = warnings.map((one) => `299 - ${JSON.stringify(one)}`);
  if (code === 429 || code === 503) headers['retry-after'] = '1';
  response.writeHead(code, headers);
  response.end(`${text}`);
}

function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(text);
}

/** Ends the request with the error's Status; what is no StatusError is a bug of the simulation and says so. */
function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const status = error instanceof StatusError ? error : bug(error);
  send(response, status.code, status.toStatus());
}

function bug(error: unknown): StatusError {
  if (error instanceof URIError) return badRequest('the path cannot be read');
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new StatusError(500, 'InternalError', `the simulation failed: ${text}`);
}
