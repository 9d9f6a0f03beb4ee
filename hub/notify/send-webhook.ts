import type { Clock } from '../../shared/clock/clock.ts';

export type FetchPort = (url: string, init: RequestInit) => Promise<Response>;

/** `retry`: later may succeed. `refused`: never will. */
export type SendResult =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly why: string }
  | {
      readonly kind: 'retry';
      readonly why: string;
      /** The receiver as a whole is in trouble, not this one message. */
      readonly receiverDown: boolean;
      readonly retryAfterMs: number | undefined;
    };

const timeoutMs = 10_000;
const retryAfterMaxMs = 3_600_000;

/** One attempt. Redirects are not followed (they could lead inside), and what comes back is not read. Never throws. */
export async function sendWebhook(
  request: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  },
  ports: { readonly fetch: FetchPort; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<SendResult> {
  const timeout = new AbortController();
  const cancel = ports.clock.after(timeoutMs, () => timeout.abort());
  try {
    const response = await ports.fetch(request.url, {
      method: 'POST',
      headers: request.headers,
      body: request.body,
      redirect: 'manual',
      signal: AbortSignal.any([ports.signal, timeout.signal]),
    });
    void response.body?.cancel().catch(() => undefined);
    return classify(response);
  } catch (caught) {
    const why = timeout.signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(caught);
    return { kind: 'retry', why, receiverDown: true, retryAfterMs: undefined };
  } finally {
    cancel();
  }
}

/** fetch says only that it failed; the system's error code, which holds no secret, says how. */
function reasonOf(caught: unknown): string {
  const cause = caught instanceof Error ? caught.cause : undefined;
  const code = (cause as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? `cannot be reached (${code})` : 'cannot be reached';
}

function classify(response: Response): SendResult {
  const { status } = response;
  if (response.ok) return { kind: 'delivered' };
  const why = `answered ${status}`;
  // Standard Webhooks: 410 means that the receiver wants no more.
  if (status === 410) return { kind: 'refused', why };
  const receiverDown = status >= 500 || status === 429 || status === 408;
  return { kind: 'retry', why, receiverDown, retryAfterMs: parseRetryAfter(response.headers) };
}

function parseRetryAfter(headers: Headers): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, retryAfterMaxMs) : undefined;
}
