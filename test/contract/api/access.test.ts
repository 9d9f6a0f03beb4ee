import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { accessTable } from '../../../hub/api/auth/access-table.ts';
import { createAccessToken, ensureFirstToken, hashAccessToken } from '../../../hub/api/auth/access-token.ts';
import type { Scope } from '../../../hub/model/registry.ts';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { startMs } from './fixtures.ts';
import { type CallOptions, createHarness, type Harness, type HarnessOptions } from './harness.ts';

/** One good request for each endpoint that leaves an audit event. */
const examples: Readonly<Record<string, { readonly path: string } & CallOptions>> = {
  'POST /api/v1/webhooks/git': {
    path: '/api/v1/webhooks/git',
    raw: '{}',
    headers: { 'x-signature': 'good' },
  },
  'GET /api/v1/objects/live': { path: '/api/v1/objects/live?cluster=eu-1&object=apps/Deployment/shop/web' },
  'GET /api/v1/clusters/{cluster}/logs': { path: '/api/v1/clusters/eu-1/logs?namespace=shop&pod=web-1' },
  'GET /api/v1/applications/{application}/clusters/{cluster}/adoption': {
    path: '/api/v1/applications/shop/clusters/eu-1/adoption',
  },
  'GET /api/v1/clusters/{cluster}/diagnostics': { path: '/api/v1/clusters/eu-1/diagnostics' },
  'POST /api/v1/sync': { path: '/api/v1/sync', body: {} },
  'POST /api/v1/pause': {
    path: '/api/v1/pause',
    body: { cluster: 'eu-1', durationSeconds: 60, reason: 'test' },
  },
  'POST /api/v1/resume': { path: '/api/v1/resume', body: { cluster: 'eu-1', application: 'shop' } },
  'POST /api/v1/applications/{application}/rollout/actions': {
    path: '/api/v1/applications/shop/rollout/actions',
    body: { action: 'pause', reason: 'freeze' },
  },
  'POST /api/v1/parity/{group}/failover': {
    path: '/api/v1/parity/shop-eu/failover',
    body: { reason: 'eu-1 is dark', confirm: true },
  },
  'POST /api/v1/parity/{group}/failover/extend': {
    path: '/api/v1/parity/shop-eu/failover/extend',
    body: { reason: 'Git is dark still', overrideSeconds: 3_600 },
  },
  'POST /api/v1/parity/{group}/failover/revoke': {
    path: '/api/v1/parity/shop-eu/failover/revoke',
    body: { reason: 'eu-1 is back' },
  },
  'POST /api/v1/applications/{application}/rollout/all-at-once': {
    path: '/api/v1/applications/shop/rollout/all-at-once',
    body: { reason: 'the hole is being used' },
  },
  'POST /api/v1/confirmations/{confirmation}/confirm': { path: '/api/v1/confirmations/hold-1/confirm' },
  'POST /api/v1/clusters/{cluster}/revoke': {
    path: '/api/v1/clusters/eu-1/revoke',
    body: { reason: 'lost' },
  },
  'POST /api/v1/clusters/{cluster}/forget': {
    path: '/api/v1/clusters/old-1/forget',
    body: { reason: 'torn down' },
  },
  'POST /api/v1/enrolment-tokens': { path: '/api/v1/enrolment-tokens', body: { cluster: 'us-1' } },
  'DELETE /api/v1/enrolment-tokens/{token}': { path: '/api/v1/enrolment-tokens/enrol-1' },
  'POST /api/v1/access-tokens': { path: '/api/v1/access-tokens', body: { name: 'ci', scope: 'read' } },
  'DELETE /api/v1/access-tokens/{token}': { path: '/api/v1/access-tokens/extra' },
  'POST /api/v1/agent-manifests': { path: '/api/v1/agent-manifests', body: { cluster: 'us-1' } },
  'POST /api/v1/backup': { path: '/api/v1/backup' },
};

async function createReadyHarness(): Promise<Harness> {
  const folder = await mkdtemp(join(tmpdir(), 'fairway-api-'));
  const options: HarnessOptions = {
    ports: {
      backup: async () => {
        const path = join(folder, 'copy.sqlite');
        await writeFile(path, 'a copy');
        return path;
      },
    },
  };
  const harness = createHarness(options);
  harness.answers = (question) => {
    const content = (text: string) => new TextEncoder().encode(text);
    const web = '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"}}';
    if (question.kind === 'object') return { kind: 'object', found: true, content: content(web) };
    if (question.kind === 'adoption') return { kind: 'adoption', findings: [], truncated: false };
    if (question.kind === 'diagnostics') return { kind: 'diagnostics', content: content('{}') };
    return { kind: 'logs', content: content('a line\n'), truncated: false };
  };
  const extra = createAccessToken(
    { name: 'extra', scope: 'read', ttlMs: undefined },
    startMs,
    createSeededRandom(9),
  );
  harness.fake.state.accessTokens.push({ ...extra.row, id: 'extra' });
  harness.fake.state.pauses.push({
    cluster: 'eu-1',
    application: 'shop',
    reason: 'test',
    actor: 'ops',
    createdAtMs: startMs,
    untilMs: startMs + 60_000,
  });
  return harness;
}

const lower: Readonly<Record<Scope, Scope | undefined>> = {
  admin: 'emergency',
  emergency: 'operate',
  operate: 'read',
  read: undefined,
};

describe('every endpoint of the router', () => {
  const routes = createHarness().api.routes.map(
    ({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`,
  );

  it('has a row in the access table, and every row an endpoint', () => {
    expect([...new Set(routes)].sort()).toEqual(Object.keys(accessTable).sort());
  });

  it('has an example here when it is audited', () => {
    const audited = Object.keys(accessTable).filter((key) => accessTable[key]?.audit);
    expect(Object.keys(examples).sort()).toEqual(audited.sort());
  });

  it('is audited when it changes something', () => {
    const unaudited = Object.keys(accessTable).filter(
      (key) => !key.startsWith('GET ') && !accessTable[key]?.audit,
    );
    expect(unaudited).toEqual([]);
  });

  for (const [key, row] of Object.entries(accessTable)) {
    const [method = '', pattern = ''] = key.split(' ');
    const path = pattern.replaceAll(/\{\w+\}/g, 'eu-1');
    if (row.scope === 'public') continue;
    const scope = row.scope === 'metrics' ? 'read' : row.scope;

    it(`${key} asks for a token`, async () => {
      const { call } = createHarness();
      expect((await call(method, path)).status).toBe(401);
      expect((await call(method, path, { token: `fwa_${'x'.repeat(43)}` })).status).toBe(401);
      expect((await call(method, path, { token: 'nonsense' })).status).toBe(401);
    });

    const less = lower[scope];
    if (less !== undefined)
      it(`${key} asks for scope ${scope}`, async () => {
        const { call, tokens, fake } = createHarness();
        const answer = await call(method, path, { token: tokens[less] });
        expect(answer.status).toBe(403);
        expect(answer.body).toMatchObject({ code: 'permission_denied' });
        expect(fake.state.events.map(({ type, actor }) => `${type} ${actor}`)).toEqual([
          `audit.access.denied ${less}er`,
        ]);
      });
  }

  for (const [key, { path, ...options }] of Object.entries(examples))
    it(`${key} leaves its audit event`, async () => {
      const harness = await createReadyHarness();
      const row = accessTable[key]!;
      const token = row.scope === 'public' || row.scope === 'metrics' ? undefined : harness.tokens[row.scope];
      const answer = await harness.call(key.split(' ')[0]!, path, { ...options, token });
      expect(answer.status, answer.text).toBeLessThan(300);
      const actor = row.scope === 'public' ? 'webhook' : `${row.scope}er`;
      const audited = harness.fake.state.events.map((event) => `${event.type} ${event.actor}`);
      expect(audited).toContain(`${row.audit} ${actor}`);
    });
});

describe('tokens', () => {
  it('refuses one that has expired, and audits whose it was', async () => {
    const { call, tokens, clock, fake } = createHarness();
    await clock.advance(3_600_000);
    expect((await call('GET', '/api/v1/hub', { token: tokens.admin })).status).toBe(401);
    expect(fake.state.events.map(({ type, actor }) => `${type} ${actor}`)).toEqual([
      'audit.token.refused adminer',
    ]);
  });

  it('refuses one that was revoked, at once', async () => {
    const { call, tokens, fake } = createHarness();
    const { id } = fake.state.accessTokens.find(({ name }) => name === 'reader')!;
    const path = `/api/v1/access-tokens/${id}`;
    expect((await call('DELETE', path, { token: tokens.admin })).body).toEqual({ revoked: true });
    expect((await call('DELETE', path, { token: tokens.admin })).body).toEqual({ revoked: false });
    expect((await call('GET', '/api/v1/hub', { token: tokens.read })).status).toBe(401);
  });

  it('works with a token that was just made, which the store holds only hashed', async () => {
    const { call, tokens, fake } = createHarness();
    const made = await call('POST', '/api/v1/access-tokens', {
      token: tokens.admin,
      body: { name: 'ci', scope: 'operate' },
    });
    expect(made.status).toBe(201);
    const token = String(made.body['token']);
    expect((await call('GET', '/api/v1/hub', { token })).body).toMatchObject({
      caller: { name: 'ci', scope: 'operate' },
    });
    expect(JSON.stringify(fake.state)).not.toContain(token);
    expect(fake.state.accessTokens.at(-1)?.secretHash).toBe(hashAccessToken(token));
  });

  it('bounds how many refusals become events', async () => {
    const { call, fake } = createHarness();
    for (let index = 0; index < 80; index += 1)
      await call('GET', '/api/v1/hub', { token: `fwa_${'y'.repeat(43)}` });
    expect(fake.state.events).toHaveLength(60);
  });

  it('makes a first admin token once, and again when none is left', async () => {
    const { fake, clock } = createHarness();
    const kept: { readonly token: string; readonly rows: number }[] = [];
    const ports = {
      store: fake.store,
      clock,
      random: createSeededRandom(3),
      keep: async (token: string) => void kept.push({ token, rows: fake.state.accessTokens.length }),
    };
    expect(await ensureFirstToken(ports)).toBeUndefined();
    fake.state.accessTokens = [];
    const token = await ensureFirstToken(ports);
    expect(token).toMatch(/^fwa_/);
    // Kept before it counts: a process killed in between locks nobody out.
    expect(kept).toEqual([{ token, rows: 0 }]);
    expect(await ensureFirstToken(ports)).toBeUndefined();
    expect(fake.state.accessTokens[0]).toMatchObject({ scope: 'admin', expiresAtMs: undefined });
  });
});
