import { describe, expect, it } from 'vitest';
import { readMessages, type StreamMessage } from '../../../hub/cli/follow-events.ts';
import { createEvent, type EventType } from '../../../hub/model/event.ts';
import { startMs } from './fixtures.ts';
import { createHarness, type Harness } from './harness.ts';

async function append({ fake }: Harness, ...types: EventType[]) {
  const events = types.map((type) => createEvent({ type, actor: 'hub', timeMs: startMs, message: type }));
  await fake.store.events.append(events);
}

async function open(harness: Harness, query = '', headers: Record<string, string> = {}) {
  const abort = new AbortController();
  const request = new Request(`http://hub.test/api/v1/events/stream${query}`, {
    headers: { authorization: `Bearer ${harness.tokens.read}`, ...headers },
    signal: abort.signal,
  });
  const response = await harness.api.fetch(request);
  const messages = readMessages(response);
  const next = async () => {
    const { value } = (await messages.next()) as { value: StreamMessage | undefined };
    return value === undefined ? undefined : `${value.id} ${value.event} ${typeOf(value)}`.trim();
  };
  return { response, next, end: () => abort.abort() };
}

function typeOf({ data }: StreamMessage): string {
  return (JSON.parse(data) as { type?: string }).type ?? '';
}

describe('the event stream', () => {
  it('starts with what happens next', async () => {
    const harness = createHarness();
    await append(harness, 'revision.seen');
    const stream = await open(harness);
    await append(harness, 'drift.found', 'drift.healed');
    expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
    expect(await stream.next()).toBe('2 event drift.found');
    expect(await stream.next()).toBe('3 event drift.healed');
    stream.end();
  });

  it('resumes after Last-Event-ID without a gap or a repeat', async () => {
    const harness = createHarness();
    await append(harness, 'revision.seen', 'drift.found', 'drift.healed');
    const stream = await open(harness, '', { 'last-event-id': '1' });
    expect(await stream.next()).toBe('2 event drift.found');
    expect(await stream.next()).toBe('3 event drift.healed');
    await append(harness, 'sync.failed');
    expect(await stream.next()).toBe('4 event sync.failed');
    stream.end();
  });

  it('says when what comes after is no longer kept, and goes on', async () => {
    const harness = createHarness();
    await append(harness, 'revision.seen', 'drift.found', 'drift.healed');
    harness.fake.state.firstSequence = 3;
    const stream = await open(harness, '', { 'last-event-id': '1' });
    expect(await stream.next()).toBe('3 reset');
    await append(harness, 'sync.failed');
    expect(await stream.next()).toBe('4 event sync.failed');
    stream.end();
  });

  it('says so, too, when the sequence comes from another log', async () => {
    const harness = createHarness();
    const stream = await open(harness, '?after=500');
    expect(await stream.next()).toBe('0 reset');
    stream.end();
  });

  it('gives only what the filter asks for', async () => {
    const harness = createHarness();
    const stream = await open(harness, '?types=drift');
    await append(harness, 'sync.failed', 'drift.found');
    expect(await stream.next()).toBe('2 event drift.found');
    stream.end();
  });

  it('takes a bounded number of clients, and one more when one has gone', async () => {
    const harness = createHarness({ api: { eventStreamsMax: 1 } });
    const first = await open(harness);
    const second = await open(harness);
    expect(second.response.status).toBe(429);
    expect(second.response.headers.get('retry-after')).toBe('10');
    first.end();
    const third = await open(harness);
    expect(third.response.status).toBe(200);
    third.end();
  });

  it('takes no more than that of clients that come at once', async () => {
    const harness = createHarness({ api: { eventStreamsMax: 2 } });
    const streams = await Promise.all([1, 2, 3, 4, 5].map(() => open(harness)));
    expect(streams.map(({ response }) => response.status).sort()).toEqual([200, 200, 429, 429, 429]);
    for (const stream of streams) if (stream.response.status === 200) stream.end();
  });

  it('holds nothing for a client that does not read', async () => {
    const harness = createHarness();
    const { store } = harness.fake;
    let reads = 0;
    const after = store.events.after.bind(store.events);
    store.events.after = (...args) => {
      reads += 1;
      return after(...args);
    };
    const stream = await open(harness);
    for (let round = 0; round < 20; round += 1) await append(harness, 'drift.found');
    await harness.clock.advance(1000);
    expect(reads).toBeLessThan(5);
    for (let sequence = 1; sequence <= 20; sequence += 1)
      expect(await stream.next()).toBe(`${sequence} event drift.found`);
    stream.end();
  });

  it('comments on a quiet stream, and ends it after ten minutes', async () => {
    const harness = createHarness();
    const { response } = await open(harness);
    const text = response.text();
    for (let round = 0; round < 45; round += 1) await harness.clock.advance(15_000);
    expect((await text).match(/^: quiet$/gm)?.length).toBeGreaterThan(10);
  });
});
