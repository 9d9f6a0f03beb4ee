import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { createLineDecoder } from './json-lines.ts';
import type { LiveObject, WatchEvent } from './kube-client.ts';
import { type KubeStatus, toKubeError } from './status-error.ts';
import type { Transport } from './transport.ts';

const lineBytesMax = 16 * 1024 * 1024;
/** The server ends a watch by itself; one that outlives its time by this much is dead. */
const overdueMs = 30_000;
/**
 * The API server sends a bookmark about every minute to a watch that has had one (https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks):
 * one that then falls silent for so long is a connection of which the other end has gone.
 */
const silenceMs = 180_000;
const silenceCheckMs = 60_000;

/** Runs one watch until the server ends it (resolves), or an error or abort (rejects). */
export async function runWatch(
  transport: Transport,
  clock: Clock,
  options: {
    readonly path: string;
    readonly accept: string;
    readonly timeoutSeconds: number;
    readonly onEvent: (event: WatchEvent) => void;
    readonly onOpen?: (() => void) | undefined;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const deadline = new AbortController();
  const cancel = clock.after(options.timeoutSeconds * 1000 + overdueMs, () =>
    deadline.abort(new DOMException('the watch is overdue', 'TimeoutError')),
  );
  const signal = AbortSignal.any([options.signal, deadline.signal]);
  const pulse = watchPulse(clock, () =>
    deadline.abort(new DOMException('the watch is silent', 'TimeoutError')),
  );
  try {
    const response = await transport.open({
      verb: 'watch',
      method: 'GET',
      path: options.path,
      accept: options.accept,
      idempotent: true,
      signal,
    });
    options.onOpen?.();
    const decoder = createLineDecoder(lineBytesMax, (line) => {
      const event = parseEvent(line, options.path);
      if (event.type === 'BOOKMARK') pulse.bookmark();
      options.onEvent(event);
    });
    try {
      for await (const chunk of response) {
        pulse.beat();
        decoder.push(chunk as Buffer);
      }
    } finally {
      response.destroy();
    }
  } catch (caught) {
    if (options.signal.aborted) throw new FairwayError('cancelled', 'cancelled', { subject: options.path });
    throw toFairwayError(deadline.signal.aborted ? deadline.signal.reason : caught, options.path);
  } finally {
    cancel();
    pulse.stop();
  }
}

/** Calls back when a stream that has had a bookmark falls silent. */
function watchPulse(clock: Clock, onSilence: () => void) {
  let beatAtMs = clock.monotonic();
  let expects = false;
  let cancel = () => {};
  const look = () => {
    cancel = clock.after(silenceCheckMs, () => {
      if (expects && clock.monotonic() - beatAtMs > silenceMs) onSilence();
      else look();
    });
  };
  look();
  return {
    beat() {
      beatAtMs = clock.monotonic();
    },
    bookmark() {
      expects = true;
    },
    stop: () => cancel(),
  };
}

/** @throws the error an ERROR event stands for; unavailable for a line that is not an event. */
function parseEvent(line: string, subject: string): WatchEvent {
  let event: { type?: string; object?: unknown };
  try {
    event = JSON.parse(line) as typeof event;
  } catch (cause) {
    throw new FairwayError('unavailable', 'the watch sent something that is not JSON', { subject, cause });
  }
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      return { type: event.type, object: event.object as LiveObject };
    default: {
      const status = event.object as KubeStatus | undefined;
      throw toKubeError(status?.code ?? 500, JSON.stringify(status ?? {}), undefined, subject);
    }
  }
}
