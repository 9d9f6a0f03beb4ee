import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { createLogger } from '../../shared/log/log.ts';
import { createEvent, type EventType, type FleetEvent } from '../model/event.ts';
import type { EventRepository, OutboxItem } from '../store/repositories/event-repository.ts';
import { createNotifier, type NotifierRoute } from './notifier.ts';

const minute = 60_000;

/** An outbox in memory. */
function createOutbox() {
  const rows = new Map<number, { item: OutboxItem; dueAtMs: number }>();
  let types: readonly string[] = [];
  const events = {
    async setOutboxTypes(wanted: readonly string[]) {
      types = wanted;
    },
    outbox: async (nowMs: number, limit: number) =>
      [...rows.values()]
        .filter(({ dueAtMs }) => dueAtMs <= nowMs)
        .slice(0, limit)
        .map(({ item }) => item),
    async settleOutbox(sequence: number) {
      rows.delete(sequence);
    },
    async deferOutbox(sequence: number, dueAtMs: number) {
      const row = rows.get(sequence);
      if (row) rows.set(sequence, { item: { ...row.item, attempts: row.item.attempts + 1 }, dueAtMs });
    },
  } satisfies Partial<EventRepository>;
  return {
    store: { events: events as unknown as EventRepository },
    rows,
    types: () => types,
    add(event: FleetEvent) {
      rows.set(event.sequence, { item: { event, attempts: 0 }, dueAtMs: 0 });
    },
  };
}

function setUp(routes: readonly Partial<NotifierRoute>[], answer: (url: string) => Promise<Response>) {
  const clock = createFakeClock();
  const outbox = createOutbox();
  const sent: { url: string; init: RequestInit }[] = [];
  const lines: string[] = [];
  const notifier = createNotifier({
    store: outbox.store,
    routes: routes.map((route) => ({
      url: 'https://hooks.example/a',
      secret: async () => 'plain-secret',
      types: [],
      ...route,
    })),
    fetch: async (url, init) => {
      sent.push({ url, init });
      return answer(url);
    },
    allowed: (url) => !url.includes('forbidden'),
    source: 'https://hub.example',
    clock,
    random: createSeededRandom(1),
    log: createLogger({ write: (line) => lines.push(line) }),
  });
  let sequence = 0;
  const add = (type: EventType, parts: Partial<FleetEvent> = {}) => {
    sequence += 1;
    const event = createEvent({
      type,
      actor: 'agent:eu-1',
      timeMs: clock.now(),
      message: 'what happened',
      ...parts,
    });
    outbox.add({ ...event, id: `e${sequence}`, sequence });
  };
  const run = async () => {
    await notifier.step();
    await notifier.idle();
  };
  return { clock, outbox, sent, lines, notifier, add, run };
}

const ok = async () => new Response('ignored', { status: 200 });

describe('createNotifier', () => {
  it('sends a signed CloudEvent and forgets it', async () => {
    const { add, run, sent, outbox, clock } = setUp([{}], ok);
    add('drift.found', { cluster: 'eu-1', application: 'shop' });
    await run();
    expect(outbox.rows.size).toBe(0);
    const { headers, body, redirect } = sent[0]!.init as {
      headers: Record<string, string>;
      body: string;
      redirect: string;
    };
    expect(redirect).toBe('manual');
    expect(JSON.parse(body)).toMatchObject({
      specversion: '1.0',
      type: 'dev.fairway.drift.found.v1',
      source: 'https://hub.example',
      id: 'e1',
      subject: 'eu-1/shop',
    });
    const timestamp = Math.floor(clock.now() / 1000);
    const expected = createHmac('sha256', 'plain-secret').update(`e1.${timestamp}.${body}`).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${expected}`);
    expect(headers['webhook-id']).toBe('e1');
  });

  it('asks the store for all types but audit and assignments where a route names none', async () => {
    const { notifier, outbox } = setUp([{}], ok);
    await notifier.start();
    expect(outbox.types()).toContain('drift.found');
    expect(outbox.types().filter((type) => /^(audit|assignment)\./.test(type))).toEqual([]);
  });

  it('sends to each route only what it wants', async () => {
    const { add, run, sent } = setUp(
      [
        { url: 'https://one.example/', types: ['drift'] },
        { url: 'https://two.example/', types: ['sync.failed'] },
      ],
      ok,
    );
    add('drift.healed');
    add('sync.failed');
    await run();
    expect(sent.map(({ url }) => url).sort()).toEqual(['https://one.example/', 'https://two.example/']);
  });

  it('tries again after a failure, later each time, with the same id', async () => {
    let status = 503;
    const { add, run, sent, outbox, clock } = setUp([{}], async () => new Response(null, { status }));
    add('drift.found');
    await run();
    await run();
    expect(sent).toHaveLength(1);
    const due = [...outbox.rows.values()][0]!.dueAtMs;
    expect(due).toBeGreaterThan(clock.now());
    status = 200;
    await clock.advance(due - clock.now());
    await run();
    expect(sent).toHaveLength(2);
    expect(outbox.rows.size).toBe(0);
  });

  it('does not hold up others for a receiver that does not answer', async () => {
    const { add, sent, notifier, outbox } = setUp(
      [{ url: 'https://slow.example/' }, { url: 'https://fast.example/' }],
      (url) => (url.includes('slow') ? new Promise(() => {}) : ok()),
    );
    for (let index = 0; index < 5; index += 1) add('drift.found');
    await notifier.step();
    await expect.poll(() => sent.filter(({ url }) => url.includes('fast')).length).toBe(5);
    expect(sent.filter(({ url }) => url.includes('slow'))).toHaveLength(1);
    expect(outbox.rows.size).toBe(5);
  });

  it('does not send twice to a route that has it while another has not', async () => {
    let down = true;
    const { add, run, sent, clock, outbox } = setUp(
      [{ url: 'https://down.example/' }, { url: 'https://up.example/' }],
      async (url) => new Response(null, { status: down && url.includes('down') ? 500 : 200 }),
    );
    add('drift.found');
    await run();
    down = false;
    await clock.advance(2 * minute);
    await run();
    expect(sent.filter(({ url }) => url.includes('up.'))).toHaveLength(1);
    expect(sent.filter(({ url }) => url.includes('down'))).toHaveLength(2);
    expect(outbox.rows.size).toBe(0);
  });

  it('gives up after a day and says so', async () => {
    const { add, run, clock, outbox, lines, sent } = setUp(
      [{}],
      async () => new Response(null, { status: 500 }),
    );
    add('drift.found');
    for (let hour = 0; hour < 30; hour += 1) {
      await run();
      await clock.advance(60 * minute);
    }
    await run();
    expect(outbox.rows.size).toBe(0);
    expect(sent.length).toBeGreaterThan(5);
    expect(sent.length).toBeLessThan(40);
    expect(lines.filter((line) => line.includes('notification given up'))).toHaveLength(1);
  });

  it('gives up at once where the hub may not connect, and on 410', async () => {
    const { add, run, outbox, sent } = setUp(
      [{ url: 'https://forbidden.example/' }, { url: 'https://gone.example/' }],
      async () => new Response(null, { status: 410 }),
    );
    add('drift.found');
    await run();
    expect(outbox.rows.size).toBe(0);
    expect(sent.map(({ url }) => url)).toEqual(['https://gone.example/']);
  });
});
