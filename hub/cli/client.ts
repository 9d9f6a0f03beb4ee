/** The API as the command line speaks it: JSON in and out, errors as FairwayErrors with the hub's own code and words. */
import { type ErrorCode, errorTable, FairwayError, toFairwayError } from '../../shared/error/error.ts';
import type { CliIo } from './io.ts';
import type { Connection } from './settings.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Client {
  readonly server: string;
  get<T>(path: string, query?: Query): Promise<T>;
  /** Every item of a list, page after page, at most `itemsMax`. */
  list<T>(path: string, query?: Query, itemsMax?: number): Promise<readonly T[]>;
  post<T>(path: string, body?: unknown): Promise<T>;
  delete<T>(path: string): Promise<T>;
  /** The whole answer, unread. @throws when it is an error. */
  open(
    method: string,
    path: string,
    options?: { readonly query?: Query; readonly body?: unknown; readonly headers?: Record<string, string> },
  ): Promise<Response>;
}

const listMax = 10_000;

export function createClient(connection: Connection, io: Pick<CliIo, 'fetch' | 'signal'>): Client {
  const { server, token } = connection;
  const open: Client['open'] = async (method, path, { query = {}, body, headers = {} } = {}) => {
    const url = new URL(server + path);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    let response: Response;
    try {
      response = await io.fetch(url, {
        method,
        signal: io.signal,
        // A token must not follow a redirect to somewhere else.
        redirect: 'error',
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (caught) {
      throw unreachable(caught, server, io.signal);
    }
    if (!response.ok) throw await readProblem(response);
    return response;
  };
  const json = async <T>(response: Promise<Response>): Promise<T> => (await (await response).json()) as T;
  return {
    server,
    open,
    get: (path, query = {}) => json(open('GET', path, { query })),
    post: (path, body) => json(open('POST', path, { body: body ?? {} })),
    delete: (path) => json(open('DELETE', path)),
    async list<T>(path: string, query: Query = {}, itemsMax = listMax) {
      const items: T[] = [];
      let cursor: string | undefined;
      do {
        const limit = Math.min(500, itemsMax - items.length);
        const page: { items: T[]; next?: string | null } = await json(
          open('GET', path, { query: { ...query, limit, cursor } }),
        );
        items.push(...page.items);
        cursor = page.next ?? undefined;
      } while (cursor !== undefined && items.length < itemsMax);
      return items;
    },
  };
}

function unreachable(caught: unknown, server: string, signal: AbortSignal): FairwayError {
  if (signal.aborted) return new FairwayError('cancelled', 'interrupted', { cause: caught });
  // fetch wraps the system's error, which alone says why.
  const inner = caught instanceof Error && caught.cause !== undefined ? caught.cause : caught;
  const { message } = toFairwayError(inner);
  const why = message === 'internal error' ? (inner as Error).message : message;
  return new FairwayError('unavailable', `The hub at ${server} does not answer: ${why}.`, { cause: caught });
}

async function readProblem(response: Response): Promise<FairwayError> {
  const problem = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const code = problem['code'];
  const detail = problem['detail'];
  if (typeof code !== 'string' || !(code in errorTable) || typeof detail !== 'string')
    return new FairwayError('unavailable', `The server answered ${response.status}, but not as a hub does.`);
  const { errors, requestId } = problem;
  return new FairwayError(code as ErrorCode, detail, { details: { errors, requestId } });
}
