import { digestText } from '../../shared/manifest/canonical.ts';
import type { Endpoint } from './endpoint.ts';
import { renderLink } from './paging.ts';

/** Answers are data: nothing in a browser may run, frame or sniff them. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** JSON with its status; a GET has an ETag and answers 304 to a client that holds the same. */
export function renderReply(endpoint: Endpoint, body: unknown, url: URL, request: Headers): Response {
  const text = JSON.stringify(body);
  const headers = new Headers({ 'content-type': 'application/json', 'cache-control': 'private, no-cache' });
  const link = renderLink(url, body);
  if (link !== undefined) headers.set('link', link);
  if (endpoint.method !== 'get') {
    headers.set('cache-control', 'no-store');
    return new Response(text, { status: endpoint.status ?? 200, headers });
  }
  const etag = `"${digestText(text).slice(0, 32)}"`;
  headers.set('etag', etag);
  if (matchesEtag(request.get('if-none-match'), etag)) {
    headers.delete('content-type');
    return new Response(null, { status: 304, headers });
  }
  return new Response(text, { status: endpoint.status ?? 200, headers });
}

/** If-None-Match compares weakly: RFC 9110, section 13.1.2. */
function matchesEtag(header: string | null, etag: string): boolean {
  if (header === null) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
}
