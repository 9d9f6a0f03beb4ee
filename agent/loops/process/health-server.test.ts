import { afterEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { type HealthServer, type Probed, type ProbedAgent, serveHealth } from './health-server.ts';

const metrics = { syncs: 3, driftFound: 0, driftHealed: 0, driftMissedByWatch: 0, suspicions: 0, pruned: 0 };
const state = { loop: [], applications: [], watches: 2, observed: 5, refused: 1, unreachable: 'away' };
const clock = createFakeClock();
const kube = {
  server: 'https://10.0.0.1',
  requestCounts: () => ({ get: 4 }),
  pressure: () => ({ window: 16, underway: 0, waiting: 3 }),
  staleGroups: () => new Set(['metrics.k8s.io']),
};
const loops = { state: () => state, metrics };
const connection = { state: () => ({ connected: true, certificateNotAfterMs: 1_767_225_600_000 }) };
const none = {
  applications: () => new Map(),
  pauses: () => [],
  deletionsHeld: () => false,
  batchOpen: () => false,
};
const agent: ProbedAgent = {
  ...{ kube, loops, connection },
  diagnostics: {
    ...{ kube, loops, connection, desired: none },
    cluster: 'eu-1',
    namespace: 'fairway-agent',
    instanceId: 'i',
    versions: { agent: '0.1.0', kubernetes: 'v1.36.3' },
    startedAtMs: clock.now() - 5_000,
    leader: true,
    logLines: () => [],
  },
};
let server: HealthServer | undefined;
afterEach(() => server?.close());

async function ask(path: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`http://127.0.0.1:${server?.port}${path}`);
  return { status: response.status, text: await response.text() };
}

describe('serveHealth', () => {
  it('is alive at once, and ready when the agent runs', async () => {
    let running: Probed;
    server = await serveHealth('127.0.0.1:0', () => running, clock);
    expect((await ask('/healthz')).status).toBe(200);
    expect((await ask('/readyz')).status).toBe(503);
    expect((await ask('/metrics')).status).toBe(404);
    running = 'standby';
    expect(await ask('/readyz')).toEqual({ status: 200, text: 'standby\n' });
    expect((await ask('/metrics')).text).toMatch(/^fairway_agent_leader 0$/m);
    expect(JSON.parse((await ask('/status')).text)).toEqual({ state: 'standby' });
    running = agent;
    expect((await ask('/readyz?verbose')).status).toBe(200);
    expect((await ask('/else')).status).toBe(404);
  });

  it('tells in metrics what an operator is woken by', async () => {
    server = await serveHealth('127.0.0.1:0', () => agent, clock);
    const { text } = await ask('/metrics');
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'fairway_agent_connected 1',
        'fairway_agent_api_reachable 0',
        'fairway_agent_objects_refused 1',
        'fairway_agent_watches 2',
        'fairway_agent_events_total{event="syncs"} 3',
        'fairway_agent_api_requests_total{verb="get"} 4',
        'fairway_agent_leader 1',
        'fairway_agent_api_waiting 3',
        'fairway_agent_certificate_expires_seconds 1767225600',
      ]),
    );
    // Every value has its help and its type, once.
    const names = new Set([...text.matchAll(/^(fairway_\w+)/gm)].map(([, name]) => name));
    for (const name of names)
      for (const word of ['HELP', 'TYPE']) expect(text.split(`# ${word} ${name} `).length).toBe(2);
  });

  it('tells how it is', async () => {
    server = await serveHealth('127.0.0.1:0', () => agent, clock);
    expect(JSON.parse((await ask('/status')).text)).toMatchObject({
      state: 'running',
      cluster: 'eu-1',
      leader: true,
      uptimeSeconds: 5,
      unreachable: 'away',
      api: { requests: { get: 4 }, waiting: 3, staleGroups: ['metrics.k8s.io'] },
      hub: { connected: true },
    });
  });

  it('says when it cannot listen', async () => {
    server = await serveHealth('127.0.0.1:0', () => agent, clock);
    await expect(serveHealth(`127.0.0.1:${server.port}`, () => agent, clock)).rejects.toMatchObject({
      code: 'failed_precondition',
    });
  });
});
