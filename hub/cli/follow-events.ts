/** Follows the hub's event stream (Server-Sent Events) and comes back to where it was when it breaks. */

import { sleep, systemClock } from '../../shared/clock/clock.ts';
import { systemRandom } from '../../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { planBackoffMs } from '../../shared/loop/backoff.ts';
import type { ApiEvent } from '../api/schemas/event.ts';
import type { Client, Query } from './client.ts';
import type { CliIo } from './io.ts';

export interface StreamMessage {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Failures in a row after which following ends. */
const failuresMax = 8;

/** Calls back for each event until the signal aborts. @throws what the hub refuses; unavailable when it stays away. */
export async function followEvents(
  client: Client,
  filter: Query,
  io: Pick<CliIo, 'signal' | 'stderr'>,
  onEvent: (event: ApiEvent) => void,
): Promise<void> {
  let position: string | undefined;
  let failures = 0;
  while (!io.signal.aborted) {
    try {
      const headers: Record<string, string> = position === undefined ? {} : { 'last-event-id': position };
      const response = await client.open('GET', '/api/v1/events/stream', { query: filter, headers });
      failures = 0;
      for await (const message of readMessages(response)) {
        if (message.id !== '') position = message.id;
        if (message.event === 'reset') io.stderr('fairway: some events are no longer kept and were missed\n');
        if (message.event === 'event') onEvent(JSON.parse(message.data) as ApiEvent);
      }
    } catch (caught) {
      if (io.signal.aborted) return;
      const error = toFairwayError(caught);
      const broken = error.code === 'internal' || error.retry;
      failures += 1;
      if (!broken || failures > failuresMax) throw broken ? gaveUp(error) : error;
    }
    await sleep(
      systemClock,
      planBackoffMs(failures, systemRandom, { baseMs: 200, maxMs: 10_000 }),
      io.signal,
    );
  }
}

function gaveUp(error: FairwayError): FairwayError {
  return error.code === 'internal'
    ? new FairwayError('unavailable', 'The event stream breaks again and again.', { cause: error })
    : error;
}

/** The messages of an event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html). Comments are left out. */
export async function* readMessages(response: Response): AsyncGenerator<StreamMessage> {
  if (response.body === null) return;
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const message = parseMessage(block);
      if (message !== undefined) yield message;
    }
  }
}

function parseMessage(block: string): StreamMessage | undefined {
  const fields: Record<string, string> = {};
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, '');
    fields[name] = name in fields ? `${fields[name]}\n${value}` : value;
  }
  if (fields['data'] === undefined) return undefined;
  return { id: fields['id'] ?? '', event: fields['event'] ?? 'message', data: fields['data'] };
}
