import { createHmac } from 'node:crypto';

/**
 * The headers of Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA-256 over `id.timestamp.body`, in base64 after `v1,`. A secret that starts
 * with `whsec_` is base64 after it; any other counts as it is written.
 * @param timestampSeconds Unix seconds of this attempt: receivers refuse old ones.
 */
export function signWebhook(
  id: string,
  timestampSeconds: number,
  body: string,
  secret: string,
): Readonly<Record<string, string>> {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  const signature = createHmac('sha256', key).update(`${id}.${timestampSeconds}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': `v1,${signature}`,
  };
}
