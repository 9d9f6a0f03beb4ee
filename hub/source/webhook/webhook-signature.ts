import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { FairwayError } from '../../../shared/error/error.ts';

/** `gitea` is Forgejo as well. */
export type WebhookProvider = 'github' | 'gitlab' | 'gitea' | 'generic';

export interface WebhookSecret {
  readonly provider: WebhookProvider;
  readonly secret: string;
}

export interface SignedRequest {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  readonly secrets: readonly WebhookSecret[];
  readonly nowMs: number;
}

export interface Authenticated {
  readonly provider: WebhookProvider;
  /** The provider's own id of the delivery. */
  readonly delivery: string | undefined;
}

/** How far the time of a signed request may be from the hub's, both ways. */
const webhookToleranceMs = 5 * 60 * 1000;

/** Takes the same time whether or not they are equal, whatever their lengths. */
function equalInConstantTime(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

type Headers = SignedRequest['headers'];

/** A scheme: whether a request claims it, and what each secret would have to have said. */
interface Scheme {
  readonly provider: WebhookProvider;
  claims(headers: Headers): boolean;
  /** Values that the request presents; one must equal the expected. */
  presented(headers: Headers): readonly string[];
  expected(secret: string, headers: Headers, body: Uint8Array): string;
  /** Unix seconds that the signature covers; undefined: it covers none. */
  timestamp(headers: Headers): string | undefined;
  delivery(headers: Headers): string | undefined;
}

const some = (value: string | undefined): readonly string[] => (value ? [value] : []);
const hmac = (key: string | Buffer, ...parts: readonly (string | Uint8Array)[]) => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac;
};

/** Key of the Standard Webhooks specification: `whsec_` and base64; any other text counts as it is. */
const standardKey = (secret: string) =>
  secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret;

/** In the order of looking: Forgejo and Gitea send GitHub's headers as well. */
const schemes: readonly Scheme[] = [
  {
    // `<timestamp>.<delivery>.<body>`, HMAC-SHA256 in hex: the time and the id are covered, so that neither can be exchanged in a replay.
    provider: 'generic',
    claims: (headers) => headers['x-fairway-signature-256'] !== undefined,
    presented: (headers) => some(headers['x-fairway-signature-256']),
    expected: (secret, headers, body) => {
      const covered = `${headers['x-fairway-timestamp'] ?? ''}.${headers['x-fairway-delivery'] ?? ''}.`;
      return `sha256=${hmac(secret, covered, body).digest('hex')}`;
    },
    timestamp: (headers) => headers['x-fairway-timestamp'] ?? '',
    delivery: (headers) => headers['x-fairway-delivery'],
  },
  {
    // https://forgejo.org/docs/latest/user/webhooks, https://docs.gitea.com/usage/repository/webhooks: HMAC-SHA256 of the body in hex.
    provider: 'gitea',
    claims: (headers) => headers['x-forgejo-event'] !== undefined || headers['x-gitea-event'] !== undefined,
    presented: (headers) => some(headers['x-forgejo-signature'] ?? headers['x-gitea-signature']),
    expected: (secret, _headers, body) => hmac(secret, body).digest('hex'),
    timestamp: () => undefined,
    delivery: (headers) => headers['x-forgejo-delivery'] ?? headers['x-gitea-delivery'],
  },
  {
    // GitLab's signing token follows https://www.standardwebhooks.com: base64 HMAC-SHA256 of `<id>.<timestamp>.<body>`, several behind `v1,`.
    provider: 'gitlab',
    claims: (headers) =>
      headers['x-gitlab-event'] !== undefined && headers['webhook-signature'] !== undefined,
    presented: (headers) => (headers['webhook-signature'] ?? '').split(' ').slice(0, 8),
    expected: (secret, headers, body) => {
      const covered = `${headers['webhook-id'] ?? ''}.${headers['webhook-timestamp'] ?? ''}.`;
      return `v1,${hmac(standardKey(secret), covered, body).digest('base64')}`;
    },
    timestamp: (headers) => headers['webhook-timestamp'] ?? '',
    delivery: (headers) => headers['webhook-id'],
  },
  {
    // https://docs.gitlab.com/user/project/integrations/webhooks/: the secret token itself.
    provider: 'gitlab',
    claims: (headers) => headers['x-gitlab-event'] !== undefined,
    presented: (headers) => some(headers['x-gitlab-token']),
    expected: (secret) => secret,
    timestamp: () => undefined,
    delivery: (headers) => headers['x-gitlab-event-uuid'] ?? headers['idempotency-key'],
  },
  {
    // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries; the older SHA-1 header is not looked at.
    provider: 'github',
    claims: (headers) => headers['x-github-event'] !== undefined,
    presented: (headers) => some(headers['x-hub-signature-256']),
    expected: (secret, _headers, body) => `sha256=${hmac(secret, body).digest('hex')}`,
    timestamp: () => undefined,
    delivery: (headers) => headers['x-github-delivery'],
  },
];

const refuse = (message: string) => new FairwayError('unauthenticated', message, { subject: 'webhook' });

function checkTime(timestamp: string, nowMs: number): void {
  const timeMs = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) * 1000 : Number.NaN;
  if (!(Math.abs(nowMs - timeMs) <= webhookToleranceMs))
    throw refuse(
      `the time of the webhook is missing or more than ${webhookToleranceMs / 60_000} minutes off`,
    );
}

/**
 * Which provider sent the request, when one of its secrets fits. All secrets are tried, each in constant time.
 * @throws unauthenticated, with a message that does not tell how near it was.
 */
export function authenticate(request: SignedRequest): Authenticated {
  const { headers, body, secrets, nowMs } = request;
  const scheme = schemes.find((each) => each.claims(headers));
  if (!scheme) throw refuse('not a webhook of GitHub, GitLab, Gitea, Forgejo or the generic form');
  const presented = scheme.presented(headers);
  let fits = false;
  for (const { provider, secret } of secrets) {
    // An empty secret would let everybody in.
    if (provider !== scheme.provider || secret === '') continue;
    const expected = scheme.expected(secret, headers, body);
    for (const value of presented) fits = equalInConstantTime(value, expected) || fits;
  }
  if (!fits) throw refuse(`no secret configured for ${scheme.provider} fits the webhook's signature`);
  const timestamp = scheme.timestamp(headers);
  if (timestamp !== undefined) checkTime(timestamp, nowMs);
  return { provider: scheme.provider, delivery: scheme.delivery(headers) || undefined };
}
