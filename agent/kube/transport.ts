import * as http from 'node:http';
import * as https from 'node:https';
import { type Clock, sleep } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { planBackoffMs } from '../../shared/loop/backoff.ts';
import type { KubeConnection } from './connection.ts';
import { createTokenReader } from './credentials.ts';
import { createDeadlines } from './deadlines.ts';
import { createGate, type Gate, type Pass } from './gate.ts';
import { createHttpPool, type HttpExchange, type HttpHeaders } from './http-pool.ts';
import { onAbort } from './on-abort.ts';
import { toKubeError } from './status-error.ts';

export interface TransportRequest {
  /** For counting and for knowing what may be retried. */
  readonly verb: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, without the server's prefix. */
  readonly path: string;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  readonly accept?: string | undefined;
  readonly headers?: Readonly<Record<string, string | string[]>> | undefined;
  /** Sending it twice does no harm. */
  readonly idempotent: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Answers of at most this size are kept; longer ones are cut (`truncated`) or, by default, an error. */
  readonly maxBytes?: number | undefined;
  readonly cut?: boolean | undefined;
}

export interface TransportResponse {
  readonly status: number;
  /** @param name lower case. */
  header(name: string): string | undefined;
  readonly body: Buffer;
  readonly truncated: boolean;
}

/** HTTP/1.1 to one API server: kept-alive connections, bounded parallelism, bounded retries. */
export interface Transport {
  send(request: TransportRequest): Promise<TransportResponse>;
  /** A long answer on a connection of its own; the caller destroys it. Rejects unless the status is 200. */
  open(request: TransportRequest): Promise<http.IncomingMessage>;
  counts(): Readonly<Record<string, number>>;
  /** How far the API server has made us yield. */
  gate(): ReturnType<Gate['state']>;
  close(): void;
}

const attemptsMax = 5;
const requestTimeoutMs = 60_000;
const bodyBytesMax = 64 * 1024 * 1024;
const refusalBytesMax = 64 * 1024;
const parallelismMax = 16;
/** A failure below HTTP is about the way to the API server, whatever was asked of it: `details.unreachable`. */
function toReachError(caught: unknown, path: string): FairwayError {
  const error = toFairwayError(caught, path);
  if (caught instanceof FairwayError || error.code === 'cancelled') return error;
  const { code, syscall } = caught as NodeJS.ErrnoException;
  const options = { cause: caught, subject: path, details: { unreachable: true } };
  if (error.code === 'deadline_exceeded')
    return new FairwayError('deadline_exceeded', 'the API server did not answer in time', options);
  // A credential file that cannot be read is another matter.
  if (typeof code !== 'string' || syscall === 'open') return error;
  return new FairwayError('unavailable', `the API server cannot be reached (${code})`, options);
}

/** What a refused watch was answered, as far as it is of use. */
async function readRefusal(response: http.IncomingMessage): Promise<TransportResponse> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > refusalBytesMax) break;
  }
  const header = (name: string) => {
    const value = response.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  return { status: response.statusCode ?? 0, header, body: Buffer.concat(chunks), truncated: false };
}

function headersOf(request: TransportRequest, token: string | undefined): HttpHeaders {
  const headers: [string, string][] = [
    ['Accept', request.accept ?? 'application/json'],
    ['User-Agent', 'fairway-agent'],
  ];
  if (token) headers.push(['Authorization', `Bearer ${token}`]);
  if (request.body !== undefined) headers.push(['Content-Type', request.contentType ?? 'application/json']);
  for (const [name, value] of Object.entries(request.headers ?? {}))
    for (const one of typeof value === 'string' ? [value] : value) headers.push([name, one]);
  return headers;
}

/** A redirection (304 apart, which says that nothing has changed) comes from something in between, a login page perhaps: nothing was done. */
function isAnswer(status: number): boolean {
  return (status >= 200 && status < 300) || status === 304;
}

/** `headersOf`, of which most requests have the same: the same lists again for the same headers, as far as there are none of the request's own. */
function createHeaders(): typeof headersOf {
  const known = new Map<string, HttpHeaders>();
  let knownToken: string | undefined;
  return (request, token) => {
    if (request.headers) return headersOf(request, token);
    if (token !== knownToken) known.clear();
    knownToken = token;
    const kind = `${request.accept} ${request.body === undefined ? '' : (request.contentType ?? 'json')}`;
    const headers = known.get(kind) ?? headersOf(request, token);
    known.set(kind, headers);
    return headers;
  };
}

export function createTransport(
  connection: KubeConnection,
  ports: {
    readonly clock: Clock;
    readonly random: Random;
    /** Asked before each try of a request that changes something; throws where it may not. Default: it may. */
    readonly assertMayWrite?: (() => void) | undefined;
  },
): Transport {
  const { clock, random } = ports;
  const base = new URL(connection.server);
  const prefix = base.pathname.replace(/\/+$/, '');
  const secure = base.protocol === 'https:';
  const tls: https.AgentOptions = secure
    ? {
        ...(connection.ca && { ca: connection.ca }),
        ...(connection.cert && { cert: connection.cert }),
        ...(connection.key && { key: connection.key }),
        ...(connection.serverName && { servername: connection.serverName }),
        rejectUnauthorized: !connection.insecureSkipTlsVerify,
      }
    : {};
  const host = base.hostname.replace(/^\[|\]$/g, '');
  const port = Number(base.port === '' ? (secure ? 443 : 80) : base.port);
  const { ca, cert, key, serverName, insecureSkipTlsVerify: insecureSkipVerify = false } = connection;
  const address = { host, port, tls: secure ? { ca, cert, key, serverName, insecureSkipVerify } : undefined };
  const pool = createHttpPool(address, clock);
  // Long answers hold their connection; TCP keepalive notices a peer that is gone.
  const longAgent = secure
    ? new https.Agent({ keepAlive: true, keepAliveMsecs: 15_000, maxFreeSockets: 0, ...tls })
    : new http.Agent({ keepAlive: true, keepAliveMsecs: 15_000, maxFreeSockets: 0 });
  const tokens = createTokenReader(connection, clock);
  const deadlines = createDeadlines(clock, requestTimeoutMs);
  const gate = createGate(parallelismMax, clock);
  const headers = createHeaders();
  const counts: Record<string, number> = {};

  const count = ({ verb }: TransportRequest) => {
    counts[verb] = (counts[verb] ?? 0) + 1;
  };
  const dialLong = async (request: TransportRequest): Promise<http.IncomingMessage> => {
    const token = await tokens.token(false);
    count(request);
    const options: https.RequestOptions = {
      ...{ agent: longAgent, host, port, path: prefix + request.path, method: request.method },
      ...(request.signal && { signal: request.signal }),
      // Given as a list, they are all there is: Node adds no Host then.
      headers: [['Host', base.host], ...headers(request, token)].flat(),
    };
    return new Promise((resolve, reject) => {
      const outgoing = (secure ? https : http).request(options, resolve);
      outgoing.on('error', reject);
      outgoing.end();
    });
  };
  const exchange = (request: TransportRequest, token: string | undefined): HttpExchange => {
    count(request);
    return pool.exchange({
      method: request.method,
      path: prefix + request.path,
      headers: headers(request, token),
      body: request.body,
      maxBytes: request.maxBytes ?? bodyBytesMax,
      cut: request.cut,
    });
  };

  const failure = (response: TransportResponse, request: TransportRequest): FairwayError =>
    toKubeError(
      response.status,
      response.body.toString('utf8'),
      response.header('retry-after'),
      request.path.split('?')[0] ?? request.path,
    );

  const mayWrite = (pass: Pass) => {
    try {
      ports.assertMayWrite?.();
    } catch (caught) {
      pass.release();
      throw caught;
    }
  };

  const attempt = async (request: TransportRequest, refresh: boolean): Promise<TransportResponse> => {
    const pass = await gate.acquire(request.signal);
    if (request.method !== 'GET') mayWrite(pass);
    let underway: HttpExchange | undefined;
    let ended: unknown;
    const end = (reason: unknown) => {
      ended ??= reason;
      underway?.abort(reason instanceof Error ? reason : new DOMException('aborted', 'AbortError'));
    };
    const { signal } = request;
    const cancel = deadlines.begin(() => end(new DOMException('timed out', 'TimeoutError')));
    // A signal that aborted between the leave and here says so to nobody.
    if (signal?.aborted) end(signal.reason);
    const callOff = signal && onAbort(signal, () => end(signal.reason));
    try {
      const found = tokens.token(refresh);
      const token = found instanceof Promise ? await found : found;
      if (ended !== undefined) throw ended;
      underway = exchange(request, token);
      const answer = await underway.response;
      const { status, truncated } = answer;
      const header = (name: string) => answer.header(name);
      const response = { status, truncated, header, body: answer.body() };
      if (response.status === 429) pass.refused(failure(response, request).retryAfterMs ?? 0);
      else pass.served();
      return response;
    } catch (caught) {
      signal?.throwIfAborted();
      throw toReachError(ended ?? caught, request.path);
    } finally {
      cancel();
      callOff?.();
      pass.release();
    }
  };

  /** How long to wait before trying again; undefined: no use. */
  const planRetryMs = (error: FairwayError, tried: number, idempotent: boolean): number | undefined => {
    if (tried >= attemptsMax) return undefined;
    const backoffMs = planBackoffMs(tried, random, { baseMs: 100, maxMs: 10_000 });
    // API Priority and Fairness refuses before anything was done, so any verb may try again.
    if (error.code === 'resource_exhausted' && error.retry) return (error.retryAfterMs ?? 0) + backoffMs;
    if (!idempotent || error.code !== 'unavailable') return undefined;
    const httpStatus = Number(error.details?.['httpStatus']);
    // 500 is the API server's word on this request, not a state that passes by itself within seconds; nor is a redirection.
    if (httpStatus === 500 || httpStatus < 400) return undefined;
    return Math.max(error.retryAfterMs ?? 0, backoffMs);
  };

  const send = async (request: TransportRequest): Promise<TransportResponse> => {
    let refresh = false;
    for (let tried = 0; ; tried += 1) {
      let error: FairwayError;
      try {
        const response = await attempt(request, refresh);
        if (isAnswer(response.status)) return response;
        error = failure(response, request);
      } catch (caught) {
        error = toFairwayError(caught, request.path);
      }
      if (error.code === 'unauthenticated' && !refresh && tried === 0) {
        refresh = true;
        continue;
      }
      const waitMs = planRetryMs(error, tried, request.idempotent);
      if (waitMs === undefined) throw error;
      await sleep(clock, waitMs, request.signal);
      if (request.signal?.aborted) throw toFairwayError(request.signal.reason, request.path);
    }
  };

  return {
    send,
    async open(request) {
      try {
        const response = await dialLong(request);
        if (response.statusCode === 200) return response;
        const error = failure(await readRefusal(response), request);
        if (response.statusCode === 429) gate.refused(error.retryAfterMs ?? 0);
        throw error;
      } catch (caught) {
        throw toReachError(caught, request.path);
      }
    },
    counts: () => ({ ...counts }),
    gate: () => gate.state(),
    close() {
      pool.close();
      longAgent.destroy();
    },
  };
}
