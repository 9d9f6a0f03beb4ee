/** Over real sockets: what only they show. */
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type ServedApi, serveApi } from '../../../hub/api/server.ts';
import { createEvent } from '../../../hub/model/event.ts';
import { startMs } from './fixtures.ts';
import { createHarness, type Harness } from './harness.ts';

let served: ServedApi | undefined;

afterEach(async () => {
  await served?.close();
  served = undefined;
});

async function serve(harness: Harness): Promise<string> {
  served = await serveApi({ app: harness.api, host: '127.0.0.1', port: 0 });
  return served.url;
}

const follow = (url: string, harness: Harness, signal?: AbortSignal) =>
  fetch(`${url}/api/v1/events/stream`, {
    headers: { authorization: `Bearer ${harness.tokens.read}` },
    ...(signal ? { signal } : {}),
  });

async function openStreams(harness: Harness): Promise<number> {
  const [value] = (await harness.ports.metrics.getSingleMetric('fairway_event_streams')!.get()).values;
  return value?.value ?? 0;
}

describe('serveApi', () => {
  it('reads few webhooks at once, since nobody knows who sends them before they are whole', async () => {
    const url = await serve(createHarness());
    const { port } = new URL(url);
    const post = async () =>
      (await fetch(`${url}/api/v1/webhooks/git`, { method: 'POST', body: '{}' })).status;
    const slow = Array.from({ length: 16 }, () => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => {});
      socket.write('POST /api/v1/webhooks/git HTTP/1.1\r\nhost: hub\r\ncontent-length: 1000\r\n\r\n{');
      return socket;
    });
    await expect.poll(post, { timeout: 10_000 }).toBe(429);
    for (const socket of slow) socket.destroy();
    await expect.poll(post, { timeout: 10_000 }).not.toBe(429);
  });

  it('frees the place of a client that went away', async () => {
    const harness = createHarness({ api: { eventStreamsMax: 1 } });
    const url = await serve(harness);
    const abort = new AbortController();
    const response = await follow(url, harness, abort.signal);
    expect(response.status).toBe(200);
    expect(await openStreams(harness)).toBe(1);
    abort.abort();
    await expect.poll(() => openStreams(harness)).toBe(0);
  });

  it('gives no more than it can send to a client that does not read', async () => {
    const harness = createHarness();
    const url = await serve(harness);
    const abort = new AbortController();
    await follow(url, harness, abort.signal);
    const { events } = harness.fake.store;
    let given = 0;
    const after = events.after.bind(events);
    events.after = async (...args) => {
      const found = await after(...args);
      given += found.length;
      return found;
    };
    const message = 'x'.repeat(100_000);
    const all = 2_000;
    for (let index = 0; index < all; index += 1)
      await events.append([createEvent({ type: 'drift.found', actor: 'hub', timeMs: startMs, message })]);
    await expect.poll(() => given).toBeGreaterThan(0);
    // 200 MB wait in the log; what was read of them fits into the sockets' buffers and a batch.
    const settled = async () => {
      const before = given;
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      return before === given;
    };
    await expect.poll(settled, { timeout: 20_000 }).toBe(true);
    expect(given).toBeLessThan(all / 2);
    abort.abort();
    await expect.poll(() => openStreams(harness)).toBe(0);
  });

  it('closes while clients follow the event stream', async () => {
    const harness = createHarness();
    const url = await serve(harness);
    const response = await follow(url, harness);
    await served?.close();
    served = undefined;
    expect(await response.text()).toContain('retry:');
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  it('refuses a body that is too large without reading it all', async () => {
    const harness = createHarness();
    const url = await serve(harness);
    const response = await fetch(`${url}/api/v1/sync`, {
      method: 'POST',
      headers: { authorization: `Bearer ${harness.tokens.admin}`, 'content-type': 'application/json' },
      body: 'x'.repeat(1_000_000),
    });
    expect(response.status).toBe(413);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('says which address cannot be had', async () => {
    const harness = createHarness();
    const url = new URL(await serve(harness));
    const again = serveApi({ app: createHarness().api, host: '127.0.0.1', port: Number(url.port) });
    await expect(again).rejects.toMatchObject({ code: 'failed_precondition' });
  });
});
