/**
 * Push webhooks: who sent one, whether its signature holds, and which repository it speaks of. Pure. A webhook only wakes the loop that fetches;
 * nothing in its body is believed beyond that, so the worst that a replay can do is one cheap look at the remote.
 */
import { createHash } from 'node:crypto';
import { FairwayError } from '../../../shared/error/error.ts';
import { authenticate, type WebhookProvider, type WebhookSecret } from './webhook-signature.ts';

export interface WebhookRequest {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  /** Those of other providers are ignored; several of one provider let a secret be rotated. */
  readonly secrets: readonly WebhookSecret[];
  readonly nowMs: number;
}

export interface Webhook {
  readonly provider: WebhookProvider;
  /** For recognising a repeat; given by the provider, else made of the body's digest. At most 300 characters. */
  readonly deliveryId: string;
  /** Every address that the body gives for its repository, for sameRepository. */
  readonly urls: readonly string[];
  /** Full name of the pushed ref: `refs/heads/main`. */
  readonly ref: string | undefined;
  readonly kind: 'push' | 'ping' | 'other';
}

/**
 * GitHub sends up to 25 MB, but a push that large names thousands of commits, of which nothing is used here: it is refused, and the next poll finds
 * what it was about. The caller must stop reading a body at this bound.
 */
export const webhookBodyBytesMax = 4 * 1024 * 1024;

const urlsMax = 16;

type Data = Readonly<Record<string, unknown>>;

function isData(value: unknown): value is Data {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= 2048 ? value : undefined;

function malformed(message: string, cause?: unknown) {
  return new FairwayError('invalid_argument', message, { subject: 'webhook', cause });
}

/** JSON, or a form with the JSON in its field `payload` as GitHub can send it. */
function parseBody(body: Uint8Array, contentType: string): Data {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const json = contentType.startsWith('application/x-www-form-urlencoded')
    ? (new URLSearchParams(text).get('payload') ?? '')
    : text;
  let data: unknown;
  try {
    data = JSON.parse(json);
  } catch (cause) {
    throw malformed('the body is not JSON', cause);
  }
  if (!isData(data)) throw malformed('expected the body to be a JSON object');
  return data;
}

/** Where each provider puts the repository's addresses. */
const urlFields = {
  github: { in: ['repository'], fields: ['clone_url', 'ssh_url', 'git_url', 'html_url'] },
  gitea: { in: ['repository'], fields: ['clone_url', 'ssh_url', 'html_url'] },
  gitlab: {
    in: ['project', 'repository'],
    fields: ['git_http_url', 'http_url', 'git_ssh_url', 'ssh_url', 'web_url'],
  },
} as const;

function urlsOf(provider: WebhookProvider, data: Data): readonly string[] {
  const found = new Set<string>();
  if (provider === 'generic') {
    for (const url of [data['url'], ...(Array.isArray(data['urls']) ? data['urls'] : [])]) {
      const text = textOf(url);
      if (text) found.add(text);
    }
  } else {
    const place = urlFields[provider];
    for (const part of place.in) {
      const holder = data[part];
      if (!isData(holder)) continue;
      for (const field of place.fields) {
        const text = textOf(holder[field]);
        if (text) found.add(text);
      }
    }
  }
  return [...found].slice(0, urlsMax);
}

function kindOf(provider: WebhookProvider, headers: WebhookRequest['headers'], data: Data): Webhook['kind'] {
  if (provider === 'gitlab') {
    // System hooks of an instance have no event header of their own: the body's word counts for all.
    const word = textOf(data['object_kind']) ?? textOf(data['event_name']);
    return word === 'push' || word === 'tag_push' || word === 'repository_update' ? 'push' : 'other';
  }
  const word =
    provider === 'generic'
      ? (textOf(data['event']) ?? 'push')
      : provider === 'github'
        ? headers['x-github-event']
        : (headers['x-forgejo-event'] ?? headers['x-gitea-event']);
  return word === 'push' || word === 'ping' ? word : 'other';
}

/**
 * Verifies, then reads a push webhook of GitHub, GitLab, Gitea or Forgejo, or the generic one: `{"url": "...", "ref": "refs/heads/main"}` with the
 * headers of webhook-signature.ts.
 * @throws resource_exhausted (not to be retried) over webhookBodyBytesMax; unauthenticated when no secret fits, the time is off or no provider is recognised;
 * invalid_argument for a verified body that cannot be read.
 */
export function parseWebhook(request: WebhookRequest): Webhook {
  const { headers, body } = request;
  if (body.byteLength > webhookBodyBytesMax)
    throw new FairwayError('resource_exhausted', `the body is over ${webhookBodyBytesMax} bytes`, {
      subject: 'webhook',
      retry: false,
    });
  const { provider, delivery } = authenticate(request);
  const data = parseBody(body, (headers['content-type'] ?? '').toLowerCase());
  const kind = kindOf(provider, headers, data);
  const urls = urlsOf(provider, data);
  if (kind === 'push' && urls.length === 0) throw malformed('the push names no repository');
  const id = delivery ?? createHash('sha256').update(body).digest('hex');
  return { provider, deliveryId: `${provider}:${id.slice(0, 280)}`, urls, ref: textOf(data['ref']), kind };
}
