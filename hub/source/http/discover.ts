import type { Clock } from '../../../shared/clock/clock.ts';
import type { FairwayError } from '../../../shared/error/error.ts';
import type { CredentialSource } from '../../model/credentials.ts';
import { sourceError } from '../source-error.ts';
import { describeUrl } from '../source-url.ts';
import { dropBody, type GitResponse, sendGitRequest } from './git-http.ts';
import { packetText, readPackets } from './pkt-line.ts';

/** How one operation may talk to one repository. */
export interface RemoteContext {
  /** As configured, without credentials. */
  readonly url: URL;
  readonly subject: string;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For a ref advertisement. */
  readonly requestTimeoutMs: number;
  /** For a whole pack. */
  readonly packTimeoutMs: number;
  readonly advertisementBytesMax: number;
  readonly packBytesMax: number;
  /** Whether the hub may speak to that URL; undefined: only to the configured host. */
  readonly egress: ((url: string) => boolean) | undefined;
}

export interface AdvertisedRef {
  readonly name: string;
  readonly oid: string;
  /** The object behind an annotated tag. */
  readonly peeled: string | undefined;
}

/** What is known of a server: where it answers after redirects, and which protocol it speaks. */
export interface Remote {
  readonly base: URL;
  readonly version: 0 | 2;
  /** A v2 server that names object formats wants ours named. */
  readonly namesFormat: boolean;
}

export interface Discovery {
  readonly remote: Remote;
  /** All refs; only from servers of the first protocol, which cannot be asked for some. */
  readonly refs: readonly AdvertisedRef[] | undefined;
  /** Words of the first protocol's first line; empty for version 2. */
  readonly capabilities: readonly string[];
}

/** Reading and writing. */
export type GitService = 'git-upload-pack' | 'git-receive-pack';

const redirectsMax = 5;

/** The error that a status says; undefined for 200. Never looks at the body's text. */
export function statusError(
  response: GitResponse,
  context: RemoteContext,
  withCredentials: boolean,
): FairwayError | undefined {
  const { status } = response;
  const options = { subject: context.subject, details: { status }, retryAfterMs: response.retryAfterMs };
  if (status === 200) return undefined;
  if (status === 401)
    return sourceError(
      'unauthenticated',
      'AuthenticationFailed',
      withCredentials
        ? 'the server refused the credential'
        : "the server asks for a credential and none is bound to this URL in the hub's configuration",
      options,
    );
  if (status === 403)
    return sourceError('permission_denied', 'PermissionDenied', 'the server refuses access', options);
  if (status === 404 || status === 410)
    return sourceError(
      'not_found',
      'RepositoryNotFound',
      'there is no repository at this URL, or none that the credential may see',
      options,
    );
  if (status === 429)
    return sourceError(
      'resource_exhausted',
      'RateLimited',
      'the server limits the rate of requests',
      options,
    );
  if (status >= 300 && status < 400)
    return sourceError(
      'unavailable',
      'RedirectRefused',
      'the server redirects where it should answer',
      options,
    );
  return sourceError('unavailable', 'RemoteError', `the server answered with status ${status}`, options);
}

/** A redirect goes where it may: never from https to http, never to another host unless egress allows. */
function redirected(from: URL, location: string | undefined, context: RemoteContext): URL {
  const refuse = (message: string) =>
    sourceError('permission_denied', 'RedirectRefused', message, { subject: context.subject });
  if (location === undefined || !URL.canParse(location, from.href))
    throw refuse('the server redirects to nowhere');
  const to = new URL(location, from.href);
  const where = describeUrl(to.href);
  if (to.protocol !== 'https:' && to.protocol !== from.protocol)
    throw refuse(`redirected from https to ${where}`);
  if (to.username !== '' || to.password !== '')
    throw refuse(`redirected to a URL with a credential: ${where}`);
  if (!to.pathname.endsWith('/info/refs')) throw refuse(`redirected to what is no Git repository: ${where}`);
  const allowed = to.host === context.url.host || context.egress?.(baseOf(to).href) === true;
  if (!allowed) throw refuse(`redirected to another host, which is not allowed: ${where}`);
  return to;
}

/** `info/refs` of a repository, keeping the base's own path. */
function infoRefs(base: URL, service: GitService): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, '')}/info/refs`;
  url.search = `?service=${service}`;
  return url;
}

function baseOf(answered: URL): URL {
  const base = new URL(answered);
  base.pathname = base.pathname.slice(0, -'/info/refs'.length);
  base.search = '';
  return base;
}

async function readCapabilities(
  response: GitResponse,
  context: RemoteContext,
): Promise<Omit<Discovery, 'remote'> & { version: 0 | 2; namesFormat: boolean }> {
  const { subject } = context;
  const lines: string[] = [];
  for await (const data of readPackets(response.body, subject))
    if (Buffer.isBuffer(data)) lines.push(packetText(data));
  if (lines[0]?.startsWith('# service=')) lines.shift();
  const unsupportedFormat = sourceError(
    'unsupported',
    'Unsupported',
    'the repository has SHA-256 object names; only SHA-1 is supported',
    { subject },
  );
  if (lines[0] === 'version 2') {
    const format = lines.find((line) => line.startsWith('object-format='));
    if (format !== undefined && format !== 'object-format=sha1') throw unsupportedFormat;
    return { version: 2, namesFormat: format !== undefined, refs: undefined, capabilities: [] };
  }
  const refs = new Map<string, AdvertisedRef>();
  for (const [index, line] of lines.entries()) {
    const [text = '', capabilities = ''] = line.split('\0');
    if (index === 0 && capabilities.includes('object-format=sha256')) throw unsupportedFormat;
    const match = /^([0-9a-f]{40}) (.+)$/.exec(text);
    if (!match?.[1] || !match[2]) continue;
    const [, oid, name] = match;
    const tag = name.endsWith('^{}') ? refs.get(name.slice(0, -3)) : undefined;
    if (tag) refs.set(tag.name, { ...tag, peeled: oid });
    // An empty repository advertises only its capabilities.
    else if (name !== 'capabilities^{}') refs.set(name, { name, oid, peeled: undefined });
  }
  const capabilities = (lines[0]?.split('\0')[1] ?? '').split(' ').filter((word) => word !== '');
  return { version: 0, namesFormat: false, refs: [...refs.values()], capabilities };
}

/**
 * Asks a server what it speaks (one request, plus redirects). As Git does by default, a redirect of this first request moves the
 * repository for the operations after it. A credential goes only where the configuration binds one to the URL that is asked.
 */
export async function discover(
  context: RemoteContext,
  service: GitService = 'git-upload-pack',
): Promise<Discovery> {
  let url = infoRefs(context.url, service);
  for (let hops = 0; hops <= redirectsMax; hops += 1) {
    const credentials = await context.credentials.forUrl(baseOf(url).href);
    const response = await sendGitRequest({
      url,
      method: 'GET',
      headers: {
        // Pushing has no version 2.
        ...(service === 'git-upload-pack' && { 'git-protocol': 'version=2' }),
        accept: `application/x-${service}-advertisement`,
      },
      credentials,
      timeoutMs: context.requestTimeoutMs,
      bytesMax: context.advertisementBytesMax,
      signal: context.signal,
      clock: context.clock,
      subject: context.subject,
    });
    if (response.status >= 301 && response.status <= 308 && response.status !== 304) {
      await dropBody(response.body);
      url = redirected(url, response.location, context);
      continue;
    }
    const error = statusError(response, context, credentials !== undefined);
    if (error || response.contentType !== `application/x-${service}-advertisement`) {
      await dropBody(response.body);
      throw (
        error ??
        sourceError(
          'not_found',
          'RepositoryNotFound',
          'something answers at this URL, but no Git repository',
          { subject: context.subject },
        )
      );
    }
    const { refs, capabilities, ...spoken } = await readCapabilities(response, context);
    return { remote: { base: baseOf(url), ...spoken }, refs, capabilities };
  }
  throw sourceError('unavailable', 'RedirectRefused', `more than ${redirectsMax} redirects`, {
    subject: context.subject,
  });
}
