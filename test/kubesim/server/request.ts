/** A request to the API, read from its URL and headers. */
import type { IncomingMessage } from 'node:http';
import type { Kind } from '../kinds/kind.ts';
import type { KindRegistry } from '../kinds/registry.ts';
import { isObject, type Json } from '../schema/types.ts';
import { badRequest, notAllowed } from '../status.ts';
import type { FieldValidation } from './decode.ts';

export interface ResourceRequest {
  readonly kind: Kind;
  /** Empty for cluster-wide kinds and for all namespaces. */
  readonly namespace: string;
  /** Empty for the collection. */
  readonly name: string;
  readonly subresource: '' | 'status' | 'scale';
  readonly query: URLSearchParams;
  readonly method: string;
  readonly contentType: string;
  /** PartialObjectMetadata is wanted. */
  readonly metadataOnly: boolean;
  readonly userAgent: string;
  readonly body: string;
}

/** What a path leads to; undefined: nothing is served there. */
export type Route = Pick<ResourceRequest, 'kind' | 'namespace' | 'name' | 'subresource'>;

/** Reads `/api/v1/...` and `/apis/GROUP/VERSION/...`. */
export function routeOf(kinds: KindRegistry, path: string): Route | undefined {
  const parts = path.split('/').slice(1).map(decodeURIComponent);
  const core = parts[0] === 'api';
  if (!core && parts[0] !== 'apis') return undefined;
  const group = core ? '' : (parts[1] ?? '');
  const version = parts[core ? 1 : 2] ?? '';
  const rest = parts.slice(core ? 2 : 3);
  const find = (resource: string | undefined) =>
    resource ? kinds.find(group, version, resource) : undefined;
  const [first, second = '', third, fourth = '', fifth = ''] = rest;
  if (first === 'namespaces' && second !== '' && third !== undefined && !(core && isSubresource(third))) {
    const kind = find(third);
    if (!kind?.namespaced || rest.length > 5) return undefined;
    return routed(kind, second, fourth, fifth);
  }
  const kind = find(first);
  if (!kind || rest.length > 3) return undefined;
  if (kind.namespaced && second !== '') return undefined;
  return routed(kind, '', second, third ?? '');
}

function isSubresource(part: string): part is 'status' | 'scale' {
  return part === 'status' || part === 'scale';
}

function routed(kind: Kind, namespace: string, name: string, subresource: string): Route | undefined {
  if (subresource === '') return { kind, namespace, name, subresource: '' };
  if ((subresource === 'status' && kind.status) || (subresource === 'scale' && kind.scale))
    return { kind, namespace, name, subresource };
  return undefined;
}

/** True when the Accept header asks for metadata only in a form we give. */
export function wantsMetadata(accept: string): boolean {
  return accept
    .split(',')
    .some((one) => /;\s*as=PartialObjectMetadata(List)?\b/.test(one) && /;\s*v=v1\b/.test(one));
}

const BODY_BYTES_MAX = 3 * 1024 * 1024;

/** The whole body as text. Throws a 413 for one above the API server's 3 MiB. */
export async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message) {
    bytes += (chunk as Buffer).length;
    if (bytes > BODY_BYTES_MAX) throw badRequest('the request is too large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `fieldManager`, or the user agent's first word. */
export function managerOf(request: Pick<ResourceRequest, 'query' | 'userAgent'>): string {
  const given = request.query.get('fieldManager');
  if (given) return given;
  return (request.userAgent.split('/')[0] ?? '').slice(0, 128) || 'unknown';
}

export function isDryRun(query: URLSearchParams, body?: Json): boolean {
  const inBody = isObject(body) && Array.isArray(body['dryRun']) && body['dryRun'].includes('All');
  const values = query.getAll('dryRun');
  if (values.some((value) => value !== 'All')) throw badRequest('invalid dryRun');
  return values.length > 0 || inBody;
}

export function validationOf(query: URLSearchParams): FieldValidation {
  const value = query.get('fieldValidation');
  return value === 'Strict' || value === 'Ignore' ? value : 'Warn';
}

/** A whole number of the query. Throws a 400 for other text. */
export function numberOf(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^-?\d+$/.test(value))
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  return Number(value);
}

/** The verb as RBAC and audit name it. */
export function verbOf(request: Pick<ResourceRequest, 'method' | 'name' | 'query'>): string {
  const { method, name } = request;
  if (method === 'GET') {
    if (request.query.get('watch') === 'true' || request.query.get('watch') === '1') return 'watch';
    return name ? 'get' : 'list';
  }
  if (method === 'POST' && !name) return 'create';
  if (method === 'PUT' && name) return 'update';
  if (method === 'PATCH' && name) return 'patch';
  if (method === 'DELETE' && name) return 'delete';
  throw notAllowed();
}
