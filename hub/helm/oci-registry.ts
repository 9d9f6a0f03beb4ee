import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { FairwayError } from '../../shared/error/error.ts';
import type { JsonObject } from '../../shared/manifest/object.ts';
import { basic, boundedGet, type GetAnswer, type GetPorts, type GetRequest } from './bounded-get.ts';
import { answered, archiveBytesMax, archiveTimeoutMs } from './http-repository.ts';
import type { PinnedChart } from './pinned-chart.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
/** https://helm.sh/docs/topics/registries/ */
const contentType = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
const manifestBytesMax = 4 * 1024 * 1024;
const tokenBytesMax = 1024 * 1024;
const timeoutMs = 30_000;

export interface OciChart {
  readonly manifest: Uint8Array;
  readonly archive: Uint8Array;
}

/**
 * The manifest with the pinned digest and the archive that it names (OCI distribution specification 1.1, "Pulling manifests" and "Pulling blobs"). Credentials are bound
 * to, and egress asked for, `https://HOST/REPOSITORY`. A registry on this machine is asked by plain HTTP, as other clients do.
 */
export async function fetchFromOci(chart: PinnedChart, ports: GetPorts): Promise<OciChart> {
  const { host, pathname } = new URL(chart.repository.replace(/^oci:/, 'https:'));
  const repository = `${pathname.replace(/^\/+|\/+$/g, '')}/${chart.name}`.replace(/^\//, '');
  const origin = `${isThisMachine(host) ? 'http' : 'https'}://${host}`;
  const session = createSession(`${origin}/${repository}`, ports);
  const manifestUrl = `${origin}/v2/${repository}/manifests/${chart.digest}`;
  const manifest = await session(manifestUrl, manifestBytesMax, manifestType);
  if (manifest.status !== 200) throw answered(manifest.status, manifestUrl);
  verify(manifest.body, chart.digest, `the manifest of ${chart.name}`);
  const digest = archiveDigestOf(manifest.body, chart);
  const blobUrl = `${origin}/v2/${repository}/blobs/${digest}`;
  const blob = await session(blobUrl, archiveBytesMax, undefined);
  if (blob.status !== 200) throw answered(blob.status, blobUrl);
  verify(blob.body, digest, `the archive of ${chart.name}`);
  return { manifest: manifest.body, archive: blob.body };
}

/** The digest of the archive that a manifest names. @throws failed_precondition for what is no chart. */
export function archiveDigestOf(manifest: Uint8Array, { name }: PinnedChart): string {
  let layers: unknown;
  try {
    layers = (JSON.parse(new TextDecoder().decode(manifest)) as JsonObject)['layers'];
  } catch (cause) {
    throw new FairwayError('failed_precondition', `the manifest of ${name} is no JSON`, { cause });
  }
  const found = (Array.isArray(layers) ? layers : []).find(
    (layer: JsonObject | null) => layer?.['mediaType'] === contentType,
  );
  const digest = (found as JsonObject | undefined)?.['digest'];
  if (typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
  throw new FairwayError('failed_precondition', `the manifest of ${name} is none of a Helm chart`);
}

/** @throws failed_precondition when the content has another digest. */
export function verify(content: Uint8Array, digest: string, what: string): void {
  const found = digestOf(content);
  if (found === digest) return;
  throw new FairwayError(
    'failed_precondition',
    `${what} is not what is pinned: expected ${digest}, found ${found}`,
  );
}

/** As OCI writes digests: `sha256:` and 64 hex digits. */
export function digestOf(content: Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function isThisMachine(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

type Session = (url: string, bytesMax: number, accept: string | undefined) => Promise<GetAnswer>;

/** Asks with the credentials at hand first; a registry that wants a token says where to get one, once for all requests. */
function createSession(boundTo: string, ports: GetPorts): Session {
  let token: string | undefined;
  return async (url, bytesMax, accept) => {
    const request: GetRequest = { url, boundTo, accept, bytesMax, timeoutMs: archiveTimeoutMs };
    const first = await boundedGet({ ...request, token }, ports);
    if (first.status !== 401 || token !== undefined) return first;
    const challenge = first.headers.get('www-authenticate') ?? '';
    if (!/^bearer /i.test(challenge)) return first;
    token = await fetchToken(challenge, boundTo, ports);
    return boundedGet({ ...request, token }, ports);
  };
}

/** https://distribution.github.io/distribution/spec/auth/token/. The realm is on another host as often as not; it must be allowed like any other. */
async function fetchToken(challenge: string, boundTo: string, ports: GetPorts): Promise<string> {
  const told = new Map(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key.toLowerCase(), value]),
  );
  const realm = URL.parse(told.get('realm') ?? '');
  if (realm === null || !/^https?:$/.test(realm.protocol))
    throw new FairwayError(
      'failed_precondition',
      'the registry asks for a token and does not say where to get one',
    );
  for (const key of ['service', 'scope']) {
    const value = told.get(key);
    if (value !== undefined) realm.searchParams.set(key, value);
  }
  const found = await ports.credentials.forUrl(boundTo);
  const authorized: GetPorts = {
    ...ports,
    credentials: { forUrl: async () => undefined },
    fetch: (url, init) =>
      // Only the realm itself, to which the registry sends its clients, is shown the credentials of the registry.
      ports.fetch(url, {
        ...init,
        headers: {
          ...(init.headers as Record<string, string>),
          ...(found && new URL(url).origin === realm.origin && { authorization: basic(found) }),
        },
      }),
  };
  const answer = await boundedGet({ url: realm.href, bytesMax: tokenBytesMax, timeoutMs }, authorized);
  if (answer.status !== 200) throw answered(answer.status, realm.href);
  const body = JSON.parse(new TextDecoder().decode(answer.body)) as JsonObject;
  const token = body['token'] ?? body['access_token'];
  if (typeof token === 'string' && /^[\w.~+/=-]+$/.test(token)) return token;
  throw new FairwayError('failed_precondition', `${realm.host} answers without a token`);
}
