/**
 * An endpoint as data: what it takes, what it gives, and one function. Everything that endpoints have in common (authentication, scopes,
 * audit, validation, ETags, limits, errors) is done once, in app.ts, from these definitions and the table in auth/access-table.ts.
 */
import type { z } from '@hono/zod-openapi';
import type { ErrorCode } from '../../shared/error/error.ts';
import type { NewEvent } from '../model/event.ts';
import type { Scope } from '../model/registry.ts';
import type { ApiPorts } from './ports.ts';

export type Method = 'get' | 'post' | 'delete';

/** Who asks. The webhook and the public endpoints have a caller without a scope. */
export interface Caller {
  /** The token's name; `anonymous`. */
  readonly name: string;
  readonly tokenId: string;
  readonly scope: Scope | undefined;
}

export interface Call<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly caller: Caller;
  readonly requestId: string;
  readonly headers: Headers;
  /** Aborts when the client goes away or the request has taken too long. */
  readonly signal: AbortSignal;
  /** The raw body within the endpoint's bound, for endpoints without a body schema. */
  bytes(): Promise<Uint8Array>;
  /** The endpoint's audit event: type by the access table, actor and time filled in. */
  audit(parts: AuditParts): NewEvent;
}

export type AuditParts = Pick<NewEvent, 'message'> &
  Partial<Pick<NewEvent, 'cluster' | 'application' | 'object' | 'data'>>;

type Shape = z.ZodObject;

interface EndpointBase<P extends Shape, Q extends Shape, B extends z.ZodType> {
  readonly method: Method;
  /** OpenAPI's form: `/api/v1/clusters/{cluster}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly params?: P;
  /** Anything that it does not name is refused. */
  readonly query?: Q;
  readonly body?: B;
  /** Codes that this endpoint may answer with beyond those every one has. */
  readonly errors?: readonly ErrorCode[];
  readonly bodyBytesMax?: number;
  /** Default 200. */
  readonly status?: 200 | 201 | 202;
  /** Of an endpoint whose answers take longer than others. Default: the API's. */
  readonly timeoutMs?: number;
}

/** Answers with JSON that fits `reply`. */
export interface JsonEndpoint<
  P extends Shape = Shape,
  Q extends Shape = Shape,
  B extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> extends EndpointBase<P, Q, B> {
  readonly reply: R;
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>, ports: ApiPorts): Promise<z.input<R>>;
}

/** Answers with something else: a stream, text, a status that depends. */
export interface RawEndpoint<
  P extends Shape = Shape,
  Q extends Shape = Shape,
  B extends z.ZodType = z.ZodType,
> extends EndpointBase<P, Q, B> {
  readonly media: Readonly<Record<string, z.ZodType>>;
  /** Further statuses with the same media. */
  readonly alsoStatus?: readonly number[];
  /** No request timeout: the answer is a stream. */
  readonly streams?: boolean;
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>, ports: ApiPorts): Promise<Response>;
}

/** An endpoint of any shape, as app.ts keeps it: the shapes were checked where it was defined. */
export type Endpoint = Omit<JsonEndpoint, 'handle' | 'reply'> & {
  readonly reply: z.ZodType | undefined;
  readonly media: Readonly<Record<string, z.ZodType>>;
  readonly alsoStatus: readonly number[];
  readonly streams: boolean;
  handle(call: Call<unknown, unknown, unknown>, ports: ApiPorts): Promise<unknown>;
};

/** An endpoint that answers JSON by its schema; the types of its input follow from those of its parameters. */
export function jsonEndpoint<P extends Shape, Q extends Shape, B extends z.ZodType, R extends z.ZodType>(
  endpoint: JsonEndpoint<P, Q, B, R>,
): Endpoint {
  return { ...endpoint, media: {}, alsoStatus: [], streams: false } as Endpoint;
}

/** An endpoint that answers something else than JSON, or a stream. */
export function rawEndpoint<P extends Shape, Q extends Shape, B extends z.ZodType>(
  endpoint: RawEndpoint<P, Q, B>,
): Endpoint {
  return {
    ...endpoint,
    reply: undefined,
    alsoStatus: endpoint.alsoStatus ?? [],
    streams: endpoint.streams ?? false,
  } as Endpoint;
}
