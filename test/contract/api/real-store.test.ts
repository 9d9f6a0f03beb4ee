/** The API on the real store: what the fake of the other tests may have got wrong. */
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureFirstToken } from '../../../hub/api/auth/access-token.ts';
import { readMessages } from '../../../hub/cli/follow-events.ts';
import { createEvent } from '../../../hub/model/event.ts';
import { createNotifier } from '../../../hub/notify/notifier.ts';
import { openStore } from '../../../hub/store/open-store.ts';
import type { Store } from '../../../hub/store/store.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { createSeededRandom, systemRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { startMs } from './fixtures.ts';
import { createHarness, type Harness } from './harness.ts';

let store: Store;
let folder: string;
let harness: Harness;
let admin: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairway-api-store-'));
  const path = join(folder, 'fairway.db');
  const dataKey = systemRandom.bytes(32);
  store = await openStore({ path, dataKey, clock: systemClock, random: systemRandom, log: silentLogger });
  const backup = async () => {
    const copy = join(folder, 'copy.db');
    await store.backup(copy);
    return copy;
  };
  harness = createHarness({ ports: { store, backup } });
  const token = await ensureFirstToken({ store, clock: harness.clock, random: createSeededRandom(5), keep });
  admin = token ?? '';
});

afterEach(() => store.close());

const keep = async () => {};

describe('the API on the real store', () => {
  it('knows the first token, and tokens made with it, until they are revoked', async () => {
    const { call } = harness;
    const made = await call('POST', '/api/v1/access-tokens', {
      token: admin,
      body: { name: 'ci', scope: 'read' },
    });
    const token = String(made.body['token']);
    expect((await call('GET', '/api/v1/hub', { token })).status).toBe(200);
    const listed = await call('GET', '/api/v1/access-tokens', { token: admin });
    expect(listed.items.map(({ name }) => name).sort()).toEqual(['ci', 'first']);
    await call('DELETE', `/api/v1/access-tokens/${made.body['id']}`, { token: admin });
    expect((await call('GET', '/api/v1/hub', { token })).status).toBe(401);
    expect(
      await ensureFirstToken({ store, clock: harness.clock, random: createSeededRandom(6), keep }),
    ).toBeUndefined();
  });

  it('lets people look while the store cannot be written', async () => {
    const full = new FairwayError('resource_exhausted', 'the disk of the store is full');
    const access = { ...store.access, touchToken: () => Promise.reject(full) };
    const { call } = createHarness({ ports: { store: { ...store, access } } });
    expect((await call('GET', '/api/v1/clusters', { token: admin })).status).toBe(200);
  });

  it('pages through every list', async () => {
    const lists = [
      'revisions',
      'sources',
      'assignments',
      'objects',
      'events',
      'pauses',
      'confirmations',
      'enrolment-tokens',
    ];
    for (const list of lists) {
      const answer = await harness.call('GET', `/api/v1/${list}`, { token: admin });
      expect(answer.status, list).toBe(200);
      expect(answer.items, list).toBeInstanceOf(Array);
    }
    for (const place of ['objects', 'events', 'revisions']) {
      const answer = await harness.call('GET', `/api/v1/${place}?cursor=nonsense`, { token: admin });
      expect(answer.status, place).toBe(400);
    }
  });

  it('resumes nothing that Git pauses: the hub would pause it again at once', async () => {
    const pause = { cluster: 'eu-1', application: '', reason: 'paused in fleet/eu-1.yaml', actor: 'git' };
    await store.releases.savePause(
      { ...pause, createdAtMs: 0, untilMs: undefined },
      createEvent({ type: 'audit.pause', actor: 'git', timeMs: 0, message: '' }),
    );
    const refused = await harness.call('POST', '/api/v1/resume', { token: admin, body: { cluster: 'eu-1' } });
    expect([refused.status, refused.body['detail']]).toEqual([
      412,
      'eu-1 is paused in fleet/eu-1.yaml: resume it there.',
    ]);
    expect(await store.releases.pauses()).toHaveLength(1);
  });

  it('pauses, with who and why in the log, and resumes', async () => {
    const body = { cluster: 'eu-1', durationSeconds: 60, reason: 'a migration' };
    await harness.call('POST', '/api/v1/pause', { token: admin, body });
    expect((await harness.call('GET', '/api/v1/pauses', { token: admin })).items[0]).toMatchObject({
      actor: 'first',
    });
    const resume = { token: admin, body: { cluster: 'eu-1' } };
    expect((await harness.call('POST', '/api/v1/resume', resume)).body).toEqual({ resumed: true });
    expect((await harness.call('POST', '/api/v1/resume', resume)).body).toEqual({ resumed: false });
    const events = await harness.call('GET', '/api/v1/events?types=audit.pause,audit.resume', {
      token: admin,
    });
    expect(events.items.map(({ type, actor }) => `${type} ${actor}`)).toEqual([
      'audit.resume first',
      'audit.pause first',
    ]);
  });

  it('streams events and resumes', async () => {
    const append = (message: string) =>
      store.events.append([createEvent({ type: 'drift.found', actor: 'hub', timeMs: startMs, message })]);
    await append('one');
    await append('two');
    const abort = new AbortController();
    const headers = { authorization: `Bearer ${admin}`, 'last-event-id': '2' };
    const url = 'http://hub.test/api/v1/events/stream?types=drift';
    const response = await harness.api.fetch(new Request(url, { headers, signal: abort.signal }));
    const messages = readMessages(response);
    const next = async () => JSON.parse((await messages.next()).value!.data) as { message: string };
    expect((await next()).message).toBe('two');
    await append('three');
    expect((await next()).message).toBe('three');
    abort.abort();
  });

  it('sends a copy of the store and keeps none of its own', async () => {
    const { text } = await harness.call('POST', '/api/v1/backup', { token: admin });
    expect(text.startsWith('SQLite format 3')).toBe(true);
    await expect.poll(() => readFile(join(folder, 'copy.db')).catch(() => 'gone')).toBe('gone');
  });

  it('has an outbox that the notifier empties', async () => {
    const clock = createFakeClock(startMs);
    const bodies: string[] = [];
    const notifier = createNotifier({
      store,
      routes: [{ url: 'https://hooks.example/', secret: async () => 'secret', types: ['drift'] }],
      fetch: async (_url, { body }) => {
        bodies.push(String(body));
        return new Response(null, { status: 200 });
      },
      allowed: () => true,
      source: 'https://hub.example',
      clock,
      random: createSeededRandom(1),
      log: silentLogger,
    });
    await notifier.start();
    await store.events.append([
      createEvent({ type: 'drift.found', actor: 'hub', timeMs: startMs, message: 'wanted' }),
      createEvent({ type: 'sync.failed', actor: 'hub', timeMs: startMs, message: 'not wanted' }),
    ]);
    await notifier.step();
    await notifier.idle();
    expect(bodies.map((body) => (JSON.parse(body) as { type: string }).type)).toEqual([
      'dev.fairway.drift.found.v1',
    ]);
    expect(await store.events.outbox(startMs + 86_400_000, 10)).toEqual([]);
  });
});
