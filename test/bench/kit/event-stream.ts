/** Follows the hub's events and notes when each arrived: the end of the way back. */
import type { ApiEvent } from '../../../hub/api/schemas/event.ts';
import type { HubBed } from './hub-bed.ts';

export interface ArrivedEvent {
  readonly event: ApiEvent;
  readonly arrivedMs: number;
}

export interface FollowedEvents {
  readonly arrived: readonly ArrivedEvent[];
  stop(): void;
}

/** Of one type only. Resolves once the stream is open. */
export async function followEvents({ api, token }: HubBed, type: string): Promise<FollowedEvents> {
  const abort = new AbortController();
  const response = await fetch(`${api.url}/api/v1/events/stream?types=${type}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: abort.signal,
  });
  if (!response.ok || !response.body) throw new Error(`the event stream answered ${response.status}`);
  const arrived: ArrivedEvent[] = [];
  const { body } = response;
  const read = async () => {
    let rest = '';
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const arrivedMs = Date.now();
      const messages = (rest + chunk).split('\n\n');
      rest = messages.pop() ?? '';
      for (const message of messages) {
        const data = message.split('\n').find((line) => line.startsWith('data:'));
        if (data) arrived.push({ event: JSON.parse(data.slice(5)) as ApiEvent, arrivedMs });
      }
    }
  };
  read().catch((caught: unknown) => {
    if (!abort.signal.aborted) console.error('the event stream has ended', caught);
  });
  return { arrived, stop: () => abort.abort() };
}
