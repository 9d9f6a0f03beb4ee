/**
 * Events as they happen, by Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html). A client's only state here is the
 * sequence it has reached: events are read from the store when the client has room for more, so a slow client holds no queue and delays nobody, and
 * one that comes back with Last-Event-ID misses nothing that is still kept.
 */
import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import type { EventFilter } from '../../store/repositories/event-repository.ts';
import { type Endpoint, rawEndpoint } from '../endpoint.ts';
import { invalidInput } from '../input.ts';
import type { ApiPorts } from '../ports.ts';
import { eventFilterQuery, toEvent } from '../schemas/event.ts';

/** Events read at once for one client. */
const batchMax = 100;
/** A comment this often keeps proxies from closing a quiet stream, and finds clients that are gone. */
const heartbeatMs = 15_000;
/** A stream ends after this long, so that a token that expired or was revoked does not read on for ever; clients come back by themselves. */
const streamMaxMs = 600_000;
/** What a client waits before it comes back. */
const retryMs = 2_000;

export interface EventStreamOptions {
  readonly eventStreamsMax: number;
  readonly onStream: (change: 1 | -1) => void;
}

export function createEventStream(
  ports: Pick<ApiPorts, 'store' | 'clock'>,
  options: EventStreamOptions,
): { readonly endpoint: Endpoint; close(): void } {
  const open = new Set<() => void>();
  const assertRoom = () => {
    if (open.size >= options.eventStreamsMax)
      throw new FairwayError('resource_exhausted', 'Too many clients follow the event stream.', {
        retryAfterMs: 10_000,
      });
  };
  const endpoint = rawEndpoint({
    method: 'get',
    path: '/api/v1/events/stream',
    operationId: 'streamEvents',
    summary: 'Follows events as Server-Sent Events',
    description:
      'Each message has the event type `event`, the sequence as its id and an Event as JSON. The header Last-Event-ID (or the query parameter `after`) resumes after that sequence; without it the stream starts with what happens next. A first message of type `reset` says that events after that sequence are no longer kept: load the state anew. The stream ends after ten minutes; clients come back by themselves.',
    tag: 'events',
    query: z.object({
      ...eventFilterQuery,
      after: z.coerce.number().int().min(0).optional().openapi({ description: 'Resume after this' }),
    }),
    media: { 'text/event-stream': z.string() },
    errors: ['resource_exhausted'],
    streams: true,
    async handle({ query, headers, signal }) {
      const { after, ...filter } = query;
      // Before anything is read for it.
      assertRoom();
      const resumed = parseLastEventId(headers.get('last-event-id')) ?? after;
      const body = await openStream(ports, filter, resumed, signal, {
        add: (close) => {
          assertRoom();
          open.add(close);
          options.onStream(1);
        },
        remove: (close) => {
          if (open.delete(close)) options.onStream(-1);
        },
      });
      const replyHeaders = {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // nginx holds answers back otherwise.
        'x-accel-buffering': 'no',
      };
      return new Response(body, { headers: replyHeaders });
    },
  });
  return {
    endpoint,
    close: () => {
      for (const close of [...open]) close();
    },
  };
}

function parseLastEventId(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw invalidInput([{ field: 'header.Last-Event-ID', message: 'must be a sequence' }]);
  return Number(text);
}

interface Membership {
  /** @throws resource_exhausted when there are as many as may be. */
  add(close: () => void): void;
  remove(close: () => void): void;
}

async function openStream(
  { store, clock }: Pick<ApiPorts, 'store' | 'clock'>,
  filter: EventFilter,
  resumed: number | undefined,
  signal: AbortSignal,
  members: Membership,
): Promise<ReadableStream<Uint8Array>> {
  const [last, first] = await Promise.all([store.events.lastSequence(), store.events.firstSequence()]);
  // A sequence that this log never gave comes from another life of the hub.
  const lost = resumed !== undefined && (resumed + 1 < first || resumed > last);
  let position = resumed === undefined || lost ? last : resumed;
  let ended = false;
  let wakeUp = () => {};
  const encoder = new TextEncoder();
  const end = () => {
    ended = true;
    unsubscribe();
    cancelEnd();
    signal.removeEventListener('abort', end);
    members.remove(end);
    wakeUp();
  };
  // Counted after all that is awaited, and before anything is held for it: of many that come at once only so many find room.
  members.add(end);
  let changed = true;
  const unsubscribe = store.subscribe((topic) => {
    if (topic !== 'events') return;
    changed = true;
    wakeUp();
  });
  const cancelEnd = clock.after(streamMaxMs, end);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();

  /** Resolves to what there is to say: events, or a comment when it was quiet for long. */
  const next = async (): Promise<string> => {
    while (!ended) {
      if (changed) {
        changed = false;
        const events = await store.events.after(position, filter, batchMax);
        const reached = events.at(-1)?.sequence;
        if (reached !== undefined) {
          position = reached;
          changed = true;
          return events.map((event) => renderMessage('event', event.sequence, toEvent(event))).join('');
        }
      }
      const quiet = await waitForWake(
        clock,
        heartbeatMs,
        () => changed || ended,
        (wake) => {
          wakeUp = wake;
        },
      );
      if (quiet && !ended) return ': quiet\n\n';
    }
    return '';
  };
  const greeting =
    `retry: ${retryMs}\n\n` +
    (lost ? renderMessage('reset', last, { firstSequence: first, sequence: last }) : '');
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(encoder.encode(greeting)),
      async pull(controller) {
        try {
          const text = await next();
          if (text !== '') controller.enqueue(encoder.encode(text));
          else controller.close();
        } catch (error) {
          end();
          controller.error(error);
        }
      },
      cancel: end,
    },
    { highWaterMark: 1 },
  );
}

/** True when nothing woke it for `limitMs`. */
function waitForWake(
  clock: ApiPorts['clock'],
  limitMs: number,
  isAwake: () => boolean,
  register: (wake: () => void) => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(limitMs, () => resolve(true));
    register(() => {
      cancel();
      resolve(false);
    });
    if (isAwake()) {
      cancel();
      resolve(false);
    }
  });
}

function renderMessage(type: 'event' | 'reset', sequence: number, data: unknown): string {
  return `id: ${sequence}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
