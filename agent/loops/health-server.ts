/** The probes' and Prometheus' view of an agent, over plain HTTP of the pod. Says nothing that is secret. */
import { createServer } from 'node:http';
import { FairwayError } from '../../shared/error/error.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { AgentLoops } from './agent-loops.ts';

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** What the probes look at; undefined while the agent starts. */
export interface ProbedAgent {
  readonly kube: Pick<KubeClient, 'requestCounts'>;
  readonly loops: Pick<AgentLoops, 'state' | 'metrics'>;
  readonly connection: { state(): { readonly connected: boolean } };
}

function metricsText(agent: ProbedAgent): string {
  const { applications, watches, observed, refused, unreachable } = agent.loops.state();
  const lines = [
    `fairway_agent_connected ${agent.connection.state().connected ? 1 : 0}`,
    `fairway_agent_api_reachable ${unreachable === undefined ? 1 : 0}`,
    `fairway_agent_objects_refused ${refused}`,
    `fairway_agent_applications ${applications.length}`,
    `fairway_agent_watches ${watches}`,
    `fairway_agent_objects_observed ${observed}`,
    `fairway_agent_resident_bytes ${process.memoryUsage.rss()}`,
    ...Object.entries(agent.loops.metrics).map(
      ([name, value]) => `fairway_agent_events_total{event="${name}"} ${value}`,
    ),
    ...Object.entries(agent.kube.requestCounts()).map(
      ([verb, value]) => `fairway_agent_api_requests_total{verb="${verb}"} ${value}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * `/healthz`: the process answers. `/readyz`: it has an identity and its loops run; not whether the hub is there, since an agent without its hub does
 * its work. `/metrics`: Prometheus text. @param address `host:port`, port 0 for any. @throws failed_precondition
 */
export function serveHealth(address: string, agent: () => ProbedAgent | undefined): Promise<HealthServer> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const server = createServer((request, response) => {
    const running = agent();
    const path = request.url?.split('?', 1)[0];
    if (path === '/healthz') response.end('ok\n');
    else if (path === '/readyz') response.writeHead(running ? 200 : 503).end(running ? 'ok\n' : 'starting\n');
    else if (path === '/metrics' && running)
      response.setHeader('content-type', 'text/plain; version=0.0.4').end(metricsText(running));
    else response.writeHead(404).end();
  });
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new FairwayError('failed_precondition', `cannot listen on ${address}`, { cause })),
    );
    server.listen(Number(address.slice(colon + 1)), host || undefined, () => {
      const bound = server.address();
      resolve({
        port: bound !== null && typeof bound === 'object' ? bound.port : 0,
        close: () => new Promise((done) => server.close(() => done())),
      });
    });
  });
}
