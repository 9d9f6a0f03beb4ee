import { FairwayError } from '../../shared/error/error.ts';
import type { CredentialSource } from '../model/credentials.ts';

export interface GetPorts {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Whether the hub may call a URL; asked anew for each redirect. */
  readonly egress: (url: string) => boolean;
  readonly credentials: CredentialSource;
}

export interface GetRequest {
  readonly url: string;
  /** What the operator allows and binds credentials to, where that is not the URL itself. */
  readonly boundTo?: string | undefined;
  readonly accept?: string | undefined;
  /** Instead of credentials. */
  readonly token?: string | undefined;
  readonly bytesMax: number;
  readonly timeoutMs: number;
}

export interface GetAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

const redirectsMax = 5;
const redirecting: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * GET with bounds. Credentials go to the URL that they are bound to, never on to where it redirects. Any status is an answer.
 * @throws permission_denied for a host that is not allowed; unavailable; deadline_exceeded; resource_exhausted for too large a body.
 */
export async function boundedGet(request: GetRequest, ports: GetPorts): Promise<GetAnswer> {
  const timeout = AbortSignal.timeout(request.timeoutMs);
  let url = request.url;
  let bound = request.boundTo ?? url;
  try {
    for (let redirects = 0; redirects <= redirectsMax; redirects += 1) {
      if (!ports.egress(bound)) throw refused(bound);
      const authorization =
        redirects === 0 || sameOrigin(url, request.url) ? await authorize(request, bound, ports) : undefined;
      const response = await ports.fetch(url, {
        redirect: 'manual',
        signal: timeout,
        headers: {
          ...(request.accept !== undefined && { accept: request.accept }),
          ...(authorization !== undefined && { authorization }),
        },
      });
      const location = response.headers.get('location');
      if (!redirecting.has(response.status) || location === null)
        return {
          status: response.status,
          headers: response.headers,
          body: await readBody(response, request),
        };
      await response.body?.cancel();
      url = new URL(location, url).href;
      bound = url;
    }
  } catch (caught) {
    if (caught instanceof FairwayError) throw caught;
    const host = URL.parse(url)?.host ?? 'the repository';
    if (timeout.aborted)
      throw new FairwayError(
        'deadline_exceeded',
        `${host} did not answer within ${request.timeoutMs / 1000} s`,
        { cause: caught },
      );
    throw new FairwayError('unavailable', `${host} cannot be reached`, { cause: caught });
  }
  throw new FairwayError(
    'unavailable',
    `${URL.parse(request.url)?.host} redirects more than ${redirectsMax} times`,
  );
}

function refused(url: string): FairwayError {
  const host = URL.parse(url)?.origin ?? 'the address';
  return new FairwayError(
    'permission_denied',
    `the hub may not call ${host}: list it in egress.allow of its configuration`,
  );
}

const sameOrigin = (one: string, other: string): boolean => new URL(one).origin === new URL(other).origin;

async function authorize(
  { token }: GetRequest,
  bound: string,
  { credentials }: GetPorts,
): Promise<string | undefined> {
  if (token !== undefined) return `Bearer ${token}`;
  const found = await credentials.forUrl(bound);
  return found && basic(found);
}

/** RFC 7617. */
export function basic({
  username,
  password,
}: {
  readonly username: string;
  readonly password: string;
}): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

async function readBody(response: Response, { bytesMax, url }: GetRequest): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (response.body !== null)
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      // Leaving the loop cancels the body.
      if (bytes > bytesMax)
        throw new FairwayError(
          'resource_exhausted',
          `${URL.parse(url)?.host} sends more than ${bytesMax} bytes`,
          { retry: false },
        );
      chunks.push(chunk);
    }
  return Buffer.concat(chunks);
}
