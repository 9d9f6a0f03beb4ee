import { afterEach, describe, expect, it } from 'vitest';
import { type HealthServer, type ProbedAgent, serveHealth } from './health-server.ts';

const metrics = { syncs: 3, driftFound: 0, driftHealed: 0, driftMissedByWatch: 0, suspicions: 0, pruned: 0 };
const state = { loop: [], applications: [], watches: 2, observed: 5, refused: 1, unreachable: 'away' };
const agent: ProbedAgent = {
  kube: { requestCounts: () => ({ get: 4 }) },
  loops: { state: () => state, metrics },
  connection: { state: () => ({ connected: true }) },
};
let server: HealthServer | undefined;
afterEach(() => server?.close());

async function ask(path: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`http://127.0.0.1:${server?.port}${path}`);
  return { status: response.status, text: await response.text() };
}

describe('serveHealth', () => {
  it('is alive at once, and ready when the agent runs', async () => {
    let running: ProbedAgent | undefined;
    server = await serveHealth('127.0.0.1:0', () => running);
    expect((await ask('/healthz')).status).toBe(200);
    expect((await ask('/readyz')).status).toBe(503);
    expect((await ask('/metrics')).status).toBe(404);
    running = agent;
    expect((await ask('/readyz?verbose')).status).toBe(200);
    expect((await ask('/else')).status).toBe(404);
  });

  it('tells in metrics what an operator is woken by', async () => {
    server = await serveHealth('127.0.0.1:0', () => agent);
    const { text } = await ask('/metrics');
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'fairway_agent_connected 1',
        'fairway_agent_api_reachable 0',
        'fairway_agent_objects_refused 1',
        'fairway_agent_watches 2',
        'fairway_agent_events_total{event="syncs"} 3',
        'fairway_agent_api_requests_total{verb="get"} 4',
      ]),
    );
  });

  it('says when it cannot listen', async () => {
    server = await serveHealth('127.0.0.1:0', () => agent);
    await expect(serveHealth(`127.0.0.1:${server.port}`, () => agent)).rejects.toMatchObject({
      code: 'failed_precondition',
    });
  });
});
