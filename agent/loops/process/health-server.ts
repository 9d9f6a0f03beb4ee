/** The probes' and Prometheus' view of an agent, over plain HTTP of the pod. Says nothing that is secret. */
import { createServer } from 'node:http';
import type { Clock } from '../../../shared/clock/clock.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import type { AgentLoops } from '../agent-loops.ts';
import { type DiagnosticSources, describeAgent } from './diagnostics.ts';

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** What the probes look at. */
export interface ProbedAgent {
  readonly kube: Pick<KubeClient, 'requestCounts' | 'pressure'>;
  readonly loops: Pick<AgentLoops, 'state' | 'metrics'>;
  readonly connection: { state(): { readonly connected: boolean; readonly certificateNotAfterMs: number } };
  readonly diagnostics: DiagnosticSources;
}

/** `standby`: another replica leads. Undefined while the agent starts. */
export type Probed = ProbedAgent | 'standby' | undefined;

/** A metric of https://prometheus.io/docs/instrumenting/exposition_formats/: its help and type, then each value with its labels. */
function metric(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  values: Readonly<Record<string, number>> | number,
): readonly string[] {
  const rows = typeof values === 'number' ? [['', values] as const] : Object.entries(values);
  return [
    `# HELP fairway_agent_${name} ${help}`,
    `# TYPE fairway_agent_${name} ${type}`,
    ...rows.map(([labels, value]) => `fairway_agent_${name}${labels} ${value}`),
  ];
}

function labelled(label: string, values: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`{${label}="${name}"}`, value]));
}

function countBy(words: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function metricsText(agent: Probed): string {
  const leads = metric(
    'leader',
    'gauge',
    'Whether this replica works (1) or stands by (0).',
    agent === 'standby' ? 0 : 1,
  );
  if (agent === undefined || agent === 'standby') return `${leads.join('\n')}\n`;
  const { applications, watches, observed, refused, unreachable } = agent.loops.state();
  const { connected, certificateNotAfterMs } = agent.connection.state();
  const { window, waiting } = agent.kube.pressure();
  const health = labelled('health', countBy(applications.map((application) => application.health)));
  const lines = [
    leads,
    metric('connected', 'gauge', 'Whether there is a session with the hub.', connected ? 1 : 0),
    metric(
      'certificate_expires_seconds',
      'gauge',
      'When the certificate ends, Unix time.',
      Math.round(certificateNotAfterMs / 1_000),
    ),
    metric('api_reachable', 'gauge', 'Whether the API server answers.', unreachable === undefined ? 1 : 0),
    metric('api_window', 'gauge', 'Requests that may be under way at once.', window),
    metric('api_waiting', 'gauge', 'Requests that wait for their turn.', waiting),
    metric(
      'objects_refused',
      'gauge',
      'Objects that the API server refused and that wait to be tried again.',
      refused,
    ),
    metric('applications', 'gauge', 'Applications of this cluster.', applications.length),
    metric('applications_by_health', 'gauge', 'Applications by health.', health),
    metric('watches', 'gauge', 'Watches that are open.', watches),
    metric('objects_observed', 'gauge', 'Objects that the watches show.', observed),
    metric('resident_bytes', 'gauge', 'Memory of the process.', process.memoryUsage.rss()),
    metric(
      'events_total',
      'counter',
      'What the loops have done, by event.',
      labelled('event', { ...agent.loops.metrics }),
    ),
    metric(
      'api_requests_total',
      'counter',
      'Requests to the API server, by verb.',
      labelled('verb', agent.kube.requestCounts()),
    ),
  ];
  return `${lines.flat().join('\n')}\n`;
}

/** What a path is answered with; undefined: nothing is there. */
function answerOf(
  path: string | undefined,
  agent: Probed,
  clock: Clock,
): readonly [number, string, string] | undefined {
  const plain = 'text/plain; charset=utf-8';
  if (path === '/healthz') return [200, plain, 'ok\n'];
  if (path === '/readyz')
    return agent === undefined
      ? [503, plain, 'starting\n']
      : [200, plain, agent === 'standby' ? 'standby\n' : 'ok\n'];
  if (path === '/metrics' && agent) return [200, 'text/plain; version=0.0.4', metricsText(agent)];
  if (path === '/status') {
    const now =
      agent === undefined || agent === 'standby'
        ? { state: agent ?? 'starting' }
        : { state: 'running', ...describeAgent(agent.diagnostics, clock.now()) };
    return [200, 'application/json', `${JSON.stringify(now, undefined, 2)}\n`];
  }
  return undefined;
}

/**
 * `/healthz`: the process answers. `/readyz`: it has an identity and its loops run; not whether the hub is there, since an agent without its hub does
 * its work; a replica that stands by is ready too. `/metrics`: Prometheus text. `/status`: JSON of how it is. @param address `host:port`, port 0 for any. @throws failed_precondition
 */
export function serveHealth(address: string, agent: () => Probed, clock: Clock): Promise<HealthServer> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const server = createServer((request, response) => {
    const answer = answerOf(request.url?.split('?', 1)[0], agent(), clock);
    const [code, type, text] = answer ?? [404, 'text/plain; charset=utf-8', 'not found\n'];
    response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
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
