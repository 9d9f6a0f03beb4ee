import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Clock } from '../../../shared/clock/clock.ts';
import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import type { Credentials } from '../../model/credentials.ts';
import { sourceError } from '../source-error.ts';

/** One request. Bounds: the whole exchange within `timeoutMs`, no more than `bytesMax` of body. */
export interface GitRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly credentials: Credentials | undefined;
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The repository, without credentials. */
  readonly subject: string;
}

export interface GitResponse {
  readonly status: number;
  readonly contentType: string;
  readonly location: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** Must be read or dropped to its end by the caller. Errors are FairwayErrors. */
  readonly body: AsyncIterable<Buffer>;
}

/** Node's and OpenSSL's codes for a certificate that was not accepted (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const certificateCodes = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'HOSTNAME_MISMATCH',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

function transportError(caught: unknown, subject: string): FairwayError {
  if (caught instanceof FairwayError) return caught;
  const code = (caught as NodeJS.ErrnoException | undefined)?.code ?? 'unknown';
  if (certificateCodes.has(code))
    return sourceError(
      'unavailable',
      'CertificateRefused',
      `the server's certificate was not accepted (${code})`,
      {
        subject,
        cause: caught,
      },
    );
  return sourceError('unavailable', 'Unreachable', `cannot be reached (${code})`, { subject, cause: caught });
}

function retryAfterMs(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) && seconds >= 0
    ? Math.min(seconds, 3600) * 1000
    : undefined;
}

/** Ends a request for a reason of our own, which then is the error that the caller sees. */
interface Guard {
  readonly reason: () => FairwayError | undefined;
  release(): void;
}

function guard(request: GitRequest, message: ClientRequest): Guard {
  let reason: FairwayError | undefined;
  const end = (error: FairwayError) => {
    reason ??= error;
    message.destroy(reason);
  };
  const onAbort = () => {
    const error = toFairwayError(request.signal.reason, request.subject);
    const timedOut = error.code === 'deadline_exceeded';
    end(
      timedOut
        ? sourceError('deadline_exceeded', 'TimedOut', 'timed out', { subject: request.subject })
        : sourceError('cancelled', 'Cancelled', 'cancelled', { subject: request.subject }),
    );
  };
  const cancelTimer = request.clock.after(request.timeoutMs, () =>
    end(
      sourceError('deadline_exceeded', 'TimedOut', `no complete answer within ${request.timeoutMs} ms`, {
        subject: request.subject,
      }),
    ),
  );
  request.signal.addEventListener('abort', onAbort, { once: true });
  if (request.signal.aborted) onAbort();
  return {
    reason: () => reason,
    release() {
      cancelTimer();
      request.signal.removeEventListener('abort', onAbort);
    },
  };
}

async function* boundedBody(
  message: IncomingMessage,
  request: GitRequest,
  held: Guard,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > request.bytesMax)
        throw sourceError('resource_exhausted', 'TooLarge', `the answer is over ${request.bytesMax} bytes`, {
          subject: request.subject,
          retry: false,
        });
      yield chunk;
    }
  } catch (caught) {
    throw held.reason() ?? transportError(caught, request.subject);
  } finally {
    held.release();
    message.destroy();
  }
}

function start(request: GitRequest): ClientRequest {
  const headers: Record<string, string> = {
    'user-agent': 'git/fairway',
    'accept-encoding': 'identity',
    ...request.headers,
  };
  if (request.body) headers['content-length'] = String(request.body.length);
  if (request.credentials) {
    const { username, password } = request.credentials;
    headers['authorization'] = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }
  // Not imported: with `node:http` as a module comes all of undici, some 10 MB that repositories on disk do not need.
  const { request: send } = process.getBuiltinModule(
    request.url.protocol === 'https:' ? 'node:https' : 'node:http',
  );
  return send(request.url, { method: request.method, headers });
}

function exchange(request: GitRequest, attempt: number): Promise<GitResponse> {
  return new Promise((resolve, reject) => {
    const message = start(request);
    const held = guard(request, message);
    message.on('error', (caught: NodeJS.ErrnoException) => {
      held.release();
      // A kept-alive connection may be closed by the server just as it is used again: once more on a new one (Node's documentation of request.reusedSocket).
      if (!held.reason() && message.reusedSocket && caught.code === 'ECONNRESET' && attempt === 0)
        resolve(exchange(request, attempt + 1));
      else reject(held.reason() ?? transportError(caught, request.subject));
    });
    message.on('response', (answer) => {
      // Whoever reads the body sees the error; one that comes before must not end the process.
      answer.on('error', () => undefined);
      resolve({
        status: answer.statusCode ?? 0,
        contentType: (answer.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '',
        location: answer.headers.location,
        retryAfterMs: retryAfterMs(answer.headers['retry-after']),
        body: boundedBody(answer, request, held),
      });
    });
    message.end(request.body);
  });
}

/**
 * Sends one request of Git's smart HTTP protocol (https://git-scm.com/docs/http-protocol). Follows no redirect: who calls decides where a
 * credential may go. @throws deadline_exceeded, cancelled, unavailable (Unreachable, CertificateRefused); the body too, and resource_exhausted (TooLarge).
 */
export function sendGitRequest(request: GitRequest): Promise<GitResponse> {
  return exchange(request, 0);
}

/** Reads a body to its end and drops it, so that its connection is free. */
export async function dropBody(body: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of body) if (chunk.length < 0) return;
}
