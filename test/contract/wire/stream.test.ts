import { mkdtempSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, connect as openTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
  configMap,
  createMemoryStorage,
  enrolAgent,
  enrolWith,
  type Hub,
  render,
  secret,
  startAgent,
  startHub,
  until,
} from './harness.ts';
import { createParties } from './parties.ts';

const { hubOf, agentOf } = createParties();

const acknowledgementsOf = async (hub: Hub, cluster: string, application: string) =>
  (await hub.store.releases.assignments({ cluster, application }))[0]?.acknowledgements;

describe('session', () => {
  it('enrols, connects, sends what is assigned and records the acknowledgement', async () => {
    const hub = await hubOf();
    await hub.assign('eu-1', { web: [configMap('settings', 'one'), secret('key', 'c2VjcmV0')] });
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'));
    const web = await until('the assignment', () => agent.desired.applications().get('web'));
    expect(web.target.set.entries.map(({ key }) => key.name)).toEqual(['settings', 'key']);
    for (const { objectDigest } of web.target.set.entries)
      expect(JSON.parse(agent.desired.object(objectDigest)!)).toMatchObject({ apiVersion: 'v1' });
    await until('received', async () => (await acknowledgementsOf(hub, 'eu-1', 'web'))?.receivedAtMs);
    expect((await hub.store.registry.cluster('eu-1'))?.connected).toBe(true);
    expect(hub.server.sessions()).toMatchObject([
      { cluster: 'eu-1', agentVersion: '0.1.0', kubernetesVersion: 'v1.36.3' },
    ]);
    expect(agent.desired.batchOpen()).toBe(false);
    expect(await hub.eventTypes()).toContain('agent.connected');
  });

  it('sends only what differs when an agent comes back', async () => {
    const hub = await hubOf();
    await hub.assign('eu-1', { web: [configMap('a', '1')], api: [configMap('b', '1')] });
    const identity = await enrolAgent(hub, 'eu-1');
    const storage = createMemoryStorage();
    const first = await startAgent(identity, { storage });
    await until('both', () => first.desired.applications().size === 2);
    await first.connection.stop();
    await hub.assign('eu-1', { api: [configMap('b', '2')] });
    const changed: string[] = [];
    const second = await agentOf(identity, { storage });
    second.desired.subscribe((applications) => changed.push(...applications));
    await until('the change', async () => (await acknowledgementsOf(hub, 'eu-1', 'api'))?.receivedAtMs);
    expect(new Set(changed)).toEqual(new Set(['api']));
    expect(second.desired.applications().size).toBe(2);
  });

  it('fetches what is too large to be sent along, and a removal empties the cache', async () => {
    const hub = await hubOf();
    const big = Array.from({ length: 6 }, (_, i) => configMap(`big-${i}`, String(i).repeat(150_000)));
    await hub.assign('eu-1', { web: big });
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'));
    const web = await until('all of it', () => agent.desired.applications().get('web'));
    for (const { objectDigest } of web.target.set.entries)
      expect(agent.desired.object(objectDigest)).toBeDefined();
    await hub.assign('eu-1', { web: 'removed' });
    const removed = await until('the removal', () => {
      const held = agent.desired.applications().get('web');
      return held?.target.removed ? held : undefined;
    });
    expect(agent.desired.object(web.target.set.entries[0]!.objectDigest)).toBeUndefined();
    agent.connection.acknowledge({
      application: 'web',
      generation: removed.generation,
      targetDigest: removed.target.digest,
      stage: 'applied',
      message: '',
      timeMs: 1,
    });
    await agent.desired.forget('web', removed.generation);
    await until(
      'gone at the hub',
      async () => (await hub.store.releases.assignments({ cluster: 'eu-1' })).length === 0,
    );
    expect(agent.desired.applications().size).toBe(0);
  });

  it('leaves an application alone that the hub knows nothing of', async () => {
    const hub = await hubOf();
    await hub.assign('eu-1', { web: [configMap('a', '1')], api: [configMap('b', '1')] });
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'));
    await until('both', () => agent.desired.applications().size === 2);
    const generation = agent.desired.applications().get('api')!.generation;
    await hub.assign('eu-1', { api: 'removed' });
    await until('the removal', () => agent.desired.applications().get('api')?.target.removed);
    // The hub forgets the assignment while the agent still holds the application.
    await hub.store.releases.acknowledge({
      cluster: 'eu-1',
      application: 'api',
      generation: agent.desired.applications().get('api')!.generation,
      stage: 'applied',
      message: '',
      timeMs: 1,
    });
    hub.server.disconnect('eu-1', 'test');
    await until('back', () => hub.server.sessions().length === 1 && agent.connection.state().connected);
    await hub.assign('eu-1', { web: [configMap('a', '2')] });
    await until('the next', () => (agent.desired.applications().get('web')?.generation ?? 0) > generation);
    expect(agent.desired.applications().has('api')).toBe(true);
  });

  it('tells pauses with the time left, and holds', async () => {
    const hub = await hubOf();
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'));
    await until('connected', () => agent.connection.state().connected);
    const now = hub.clock.now();
    const pause = {
      cluster: 'eu-1',
      application: '',
      reason: 'maintenance',
      actor: 'ann',
      createdAtMs: now,
      untilMs: now + 60_000,
    };
    const event = {
      type: 'audit.pause',
      actor: 'ann',
      timeMs: now,
      cluster: 'eu-1',
      application: '',
      revisionId: '',
      object: '',
      message: '',
      data: {},
    } as const;
    await hub.store.releases.savePause(pause, event);
    hub.server.wake('eu-1');
    const [entry] = await until('paused', () =>
      agent.desired.pauses().length > 0 ? agent.desired.pauses() : undefined,
    );
    expect(entry).toMatchObject({ application: '', reason: 'maintenance' });
    expect(Math.abs(entry!.untilMs! - pause.untilMs)).toBeLessThan(5_000);
    await hub.store.releases.removePause('eu-1', '', { ...event, type: 'audit.resume' });
    hub.server.wake(undefined);
    await until('resumed', () => agent.desired.pauses().length === 0);
    expect(hub.server.sync('eu-1', 'web')).toBe(true);
    expect(hub.server.sync('eu-2', 'web')).toBe(false);
    await until('asked to sync', () => agent.syncs.includes('web'));
  });

  it('lets the newer session of a cluster win', async () => {
    const hub = await hubOf();
    const identity = await enrolAgent(hub, 'eu-1');
    const first = await agentOf(identity, {
      backoff: { baseMs: 60_000, maxMs: 60_000 },
      instanceId: 'first',
    });
    await until('first', () => first.connection.state().connected);
    await agentOf(identity, { instanceId: 'second' });
    await until('replaced', () => !first.connection.state().connected);
    await until('second', () => hub.server.sessions()[0]?.instanceId === 'second');
    expect(first.connection.state().lastError).toContain('newer session');
    expect((await hub.store.registry.cluster('eu-1'))?.connected).toBe(true);
  });
});

describe('report', () => {
  it('stores what the agent saw, masked for Secrets, with its events', async () => {
    const hub = await hubOf();
    await hub.assign('eu-1', { web: [secret('key', 'c2VjcmV0')] });
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'));
    const web = await until('the assignment', () => agent.desired.applications().get('web'));
    const entry = web.target.set.entries[0]!;
    const timeMs = hub.clock.now();
    const drift = {
      kind: 'changed' as const,
      fields: [{ path: '/data/value', desired: '"c2VjcmV0"', live: '"b3RoZXI="' }],
      managers: [{ name: 'kubectl-edit', operation: 'Update', timeMs: 5_000 }],
      foundAtMs: timeMs,
    };
    agent.reports.object({
      application: 'web',
      key: entry.key,
      objectDigest: entry.objectDigest,
      liveDigest: '',
      syncStatus: 'Drifted',
      healthStatus: 'Current',
      reason: '',
      message: 'drifted',
      drift,
      lastAction: 'created',
      generation: web.generation,
      timeMs,
    });
    agent.reports.event({
      id: 'instance:1',
      type: 'drift.found',
      application: 'web',
      key: entry.key,
      message: 'the Secret was changed',
      timeMs,
      drift,
    });
    const stored = await until(
      'stored',
      async () => (await hub.store.observations.objects({}, { limit: 10 })).items[0],
    );
    expect(stored).toMatchObject({
      cluster: 'eu-1',
      syncStatus: 'Drifted',
      drift: { managers: [{ name: 'kubectl-edit' }] },
    });
    expect(JSON.stringify(stored)).not.toContain('c2VjcmV0');
    // Object and event may come in batches of their own.
    const items = await until('the event', async () => {
      const page = await hub.store.events.list({ types: ['drift.found'] }, { limit: 10 });
      return page.items.length > 0 ? page.items : undefined;
    });
    expect(items).toMatchObject([
      { actor: 'agent:eu-1', application: 'web', cluster: 'eu-1', revisionId: web.revisionId },
    ]);
    expect(JSON.stringify(items)).not.toContain('c2VjcmV0');
  });
});

describe('query', () => {
  it('asks for an object and for logs', async () => {
    const hub = await hubOf();
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'));
    await until('connected', () => agent.connection.state().connected);
    const key = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' };
    const question = { type: 'object', key, apiVersion: 'apps/v1' } as const;
    const ask = (name: string) => hub.server.query('eu-1', { ...question, key: { ...key, name } });
    const answer = await until('the query stream', () => ask('web').catch(() => undefined));
    expect(answer).toEqual({ type: 'object', found: true, content: '{"kind":"Deployment"}' });
    expect(await ask('other')).toEqual({ type: 'object', found: false, content: '' });
    const logs = {
      type: 'logs',
      namespace: 'shop',
      pod: 'web-1',
      container: '',
      tailLines: 5_000,
      previous: false,
    } as const;
    expect(await hub.server.query('eu-1', logs)).toEqual({
      type: 'logs',
      content: 'last 1000 lines',
      truncated: false,
    });
    await expect(hub.server.query('eu-9', question)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('asks for diagnostics, and what a target would do to objects that are there', async () => {
    const hub = await hubOf();
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'));
    await until('connected', () => agent.connection.state().connected);
    const diagnostics = await until('the answer', () =>
      hub.server.query('eu-1', { type: 'diagnostics' }).catch(() => undefined),
    );
    expect(diagnostics).toEqual({ type: 'diagnostics', content: '{"agent":"well"}' });
    const { target, objects } = render([configMap('a', '1'), secret('b', '2')]);
    const blobs = objects.map(({ digest, content }) => ({ digest, content }));
    const answer = await hub.server.query('eu-1', { type: 'adoption', application: 'web', target, blobs });
    const finding = (kind: string, name: string) => ({
      key: { group: '', kind, namespace: 'shop', name },
      result: 'take',
      owners: [{ tool: 'helm', name: 'web' }],
      changes: [{ path: '/data/value', live: '"old"', desired: '{"apiVersion":"v1","' }],
      conflicts: [{ field: '.data.value', manager: 'conflict with "helm"' }],
      message: '',
    });
    expect(answer).toEqual({
      type: 'adoption',
      findings: [finding('ConfigMap', 'a'), finding('Secret', 'b')],
      truncated: false,
    });
  });

  it('asks for a run of a Job, and takes a state that it does not know for one that has not ended', async () => {
    const hub = await hubOf();
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'));
    await until('connected', () => agent.connection.state().connected);
    const question = { type: 'run', application: 'web', job: '{"kind":"Job"}', begin: true } as const;
    const answer = await until('the answer', () =>
      hub.server.query('eu-1', { ...question, remove: false }).catch(() => undefined),
    );
    expect(answer).toEqual({
      type: 'run',
      state: 'running',
      message: 'web {"kind":"Job"} false',
      logTail: 'done',
    });
    expect(await hub.server.query('eu-1', { ...question, begin: false, remove: true })).toMatchObject({
      ...{ state: 'succeeded', message: 'web {"kind":"Job"} true' },
    });
    const silent = {
      object: async () => undefined,
      logs: async () => ({ content: Buffer.alloc(0), truncated: false }),
      diagnostics: async () => '',
      adoption: async () => ({ findings: [], truncated: false }),
      facts: async () => [],
    };
    const strange = { run: async () => ({ state: 'exploded', message: '', logTail: '' }) };
    const later = await agentOf(await enrolAgent(hub, 'eu-2'), { queries: { ...silent, ...strange } });
    await until('connected', () => later.connection.state().connected);
    const unknown = await until('the answer', () =>
      hub.server.query('eu-2', { ...question, remove: false }).catch(() => undefined),
    );
    expect(unknown).toMatchObject({ state: 'running' });
  });

  it('gives up on a question that is not answered in time, and says what the agent says', async () => {
    const hub = await hubOf();
    const queries = {
      object: () => new Promise<undefined>(() => {}),
      logs: async () => {
        throw Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
      },
      diagnostics: async () => '',
      adoption: async () => ({ findings: [], truncated: false }),
      facts: async () => [],
      run: async () => ({ state: 'running', message: '', logTail: '' }),
    };
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'), { queries });
    await until('connected', () => agent.connection.state().connected);
    const logs = {
      type: 'logs',
      namespace: 'shop',
      pod: 'web-1',
      container: '',
      tailLines: 5,
      previous: false,
    } as const;
    const codeOf = (asked: Promise<unknown>) =>
      asked.then(
        () => '',
        (error: { code: string; message: string }) => error.message,
      );
    await until('the agent says', async () =>
      (await codeOf(hub.server.query('eu-1', logs))).includes('ECONNREFUSED'),
    );
    const key = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' };
    const question = { type: 'object', key, apiVersion: 'v1' } as const;
    await expect(hub.server.query('eu-1', question, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    const abort = new AbortController();
    const asked = hub.server.query('eu-1', question, { signal: abort.signal });
    abort.abort();
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('connection', () => {
  it('takes the next address when the first is dead, and remembers it', async () => {
    const hub = await hubOf();
    const identity = await enrolAgent(hub, 'eu-1');
    const agent = await agentOf(identity, { hubAddresses: ['127.0.0.1:1', `127.0.0.1:${hub.agentPort}`] });
    await until('connected', () => agent.connection.state().connected);
    expect(agent.connection.state().address).toBe(`127.0.0.1:${hub.agentPort}`);
  });

  it('takes the next address when one is none at all', async () => {
    const hub = await hubOf();
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'), { hubAddresses: [''] });
    await until('connected', () => agent.connection.state().connected);
    expect(agent.connection.state().address).toBe(`127.0.0.1:${hub.agentPort}`);
  });

  it('enrols and connects through an HTTP CONNECT proxy', async () => {
    const hub = await hubOf();
    const asked: string[] = [];
    const proxy = createHttpServer().on('connect', (request, near) => {
      asked.push(request.url ?? '');
      const far = openTcp(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
        near.write('HTTP/1.1 200 ok\r\n\r\n');
        near.pipe(far).pipe(near);
      });
      for (const socket of [near, far]) socket.on('error', () => far.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const env = { https_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    vi.stubEnv('https_proxy', env.https_proxy);
    const { token } = await hub.registry.createToken({ cluster: 'eu-1', actor: 'ann' });
    const agent = await agentOf(await enrolWith(hub, token, env));
    await until('connected', () => agent.connection.state().connected);
    expect(asked).toEqual([hub.enrolmentAddress, hub.enrolmentAddress, `127.0.0.1:${hub.agentPort}`]);
    vi.unstubAllEnvs();
    await agent.connection.stop();
    proxy.closeAllConnections();
    proxy.close();
  });

  it('notices a connection that is only half open', async () => {
    const hub = await hubOf();
    const identity = await enrolAgent(hub, 'eu-1');
    const relay = await startRelay(hub.agentPort);
    const agent = await agentOf(identity, {
      hubAddresses: [`127.0.0.1:${relay.port}`],
      keepalive: { keepaliveMs: 50, keepaliveTimeoutMs: 100 },
      backoff: { baseMs: 60_000, maxMs: 60_000 },
    });
    await until('connected', () => agent.connection.state().connected);
    relay.freeze();
    await until('noticed', () => !agent.connection.state().connected);
    relay.close();
  });

  it('renews its certificate within the session, keeps it first and comes back with it', async () => {
    // Backdated by five minutes, so that two thirds of its life are over at once.
    const hub = await hubOf({ certificateLifetimeMs: 140_000 });
    const identity = await enrolAgent(hub, 'eu-1');
    const agent = await agentOf(identity);
    const next = await until('renewed', () => agent.saved[0]);
    expect(next.privateKeyPem).not.toBe(identity.privateKeyPem);
    expect(next.certificateChainPem).not.toBe(identity.certificateChainPem);
    expect((await hub.store.registry.certificates('eu-1')).length).toBeGreaterThan(1);
    await until('back', () => agent.connection.state().connected);
  });

  it('comes back to a hub that was away, and keeps what it had meanwhile', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'fairway-')), 'hub.db');
    const before = await startHub({ path });
    await before.assign('eu-1', { web: [configMap('a', '1')] });
    const agent = await agentOf(await enrolAgent(before, 'eu-1'));
    await until('the assignment', () => agent.desired.applications().get('web'));
    await before.stop();
    await until('noticed', () => !agent.connection.state().connected);
    expect(agent.desired.applications().size).toBe(1);
    const after = await hubOf({ path, agentPort: before.agentPort });
    await after.assign('eu-1', { web: [configMap('a', '2')] });
    await until('the next', async () => (await acknowledgementsOf(after, 'eu-1', 'web'))?.receivedAtMs);
    expect(await after.store.meta.epoch()).toMatchObject({ counter: 1 });
  });
});

/** Forwards bytes until it is frozen: then the connection stays open and nothing passes. */
async function startRelay(target: number) {
  const sockets = new Set<Socket>();
  let frozen = false;
  const server: Server = createServer((near) => {
    const far = openTcp(target, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (data) => {
        if (!frozen) to.write(data);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    freeze() {
      frozen = true;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
