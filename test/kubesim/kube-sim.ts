/**
 * A simulated Kubernetes API for the demo and for tests of scale: discovery, CRUD, server-side apply with real ownership, watches.
 *
 * `schema/` is what the real OpenAPI document and Go types say of the kinds; `merge/` is structured merge and patches; `kinds/` are
 * the registry strategies (defaults, validation, generation); `server/` is the store, the verbs and HTTP. No code is shared with the
 * agent, so that a bug in one is found by the other; `differential.test.ts` holds this one to a real API server.
 *
 * Not simulated: authorisation, admission webhooks, quotas, Pods that run, garbage collection by owner, schemas of custom kinds.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../../shared/clock/clock.ts';
import type { Json } from './schema/types.ts';
import { createCluster } from './server/cluster.ts';
import { startDeploymentController } from './server/deployment-controller.ts';
import { type AuditEntry, createHandler, type Handler, type RequestMatcher } from './server/handler.ts';

export interface KubeSimOptions {
  /** Default `sim`. */
  readonly name?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Bearer token that requests must carry; default a random one. */
  readonly token?: string;
  /** Default the system's. */
  readonly clock?: Clock;
  /** Added before each answer. Default 0. */
  readonly latencyMs?: number;
  /** How many events a watch may go back; older revisions give 410. Default 1000. */
  readonly watchCacheSize?: number;
  /** Deployments become ready, namespaces that are deleted lose their contents. Default true. */
  readonly controllers?: boolean;
  /** From a change of a Deployment to its readiness. Default 50. */
  readonly readyAfterMs?: number;
  /** From a change to an image tagged `broken` to ProgressDeadlineExceeded. Default 2000. */
  readonly progressDeadlineMs?: number;
}

/** One simulated cluster. */
export interface KubeSim {
  readonly name: string;
  /** The server's URL, with a path prefix in a fleet; without a slash at the end. */
  readonly url: string;
  readonly token: string;
  /** All objects, or those of a resource (`apps/deployments`, `/configmaps`). Read only. */
  objects(resource?: string): readonly Json[];
  /** `get('apps/deployments', 'shop/web')`; undefined when there is none. */
  get(resource: string, key: string): Json | undefined;
  /** Requests answered so far by verb (get, list, watch, create, update, patch, delete, discovery). */
  requestCounts(): Readonly<Record<string, number>>;
  /** The next request that fits fails with that HTTP status; 429 and 503 say to retry after a second. */
  failNext(matcher: RequestMatcher, status: number): void;
  /** Ends all open watches as a restarting server does, and gives their number. */
  dropWatches(): number;
  openWatches(): number;
  /** Forgets the history: watches from older revisions get 410. */
  compact(): void;
  /** The last 1000 writes, oldest first. */
  audit(): readonly AuditEntry[];
  close(): Promise<void>;
}

export interface KubeSimFleet {
  readonly url: string;
  readonly sims: readonly KubeSim[];
  close(): Promise<void>;
}

const WATCH_CACHE_DEFAULT = 1000;
const READY_AFTER_DEFAULT_MS = 50;
const PROGRESS_DEADLINE_DEFAULT_MS = 2000;

interface Made {
  readonly handler: Handler;
  readonly sim: (url: string, close: () => Promise<void>) => KubeSim;
}

function makeSim(options: KubeSimOptions): Made {
  const token = options.token ?? randomBytes(16).toString('hex');
  const cluster = createCluster({
    clock: options.clock ?? systemClock,
    historyMax: options.watchCacheSize ?? WATCH_CACHE_DEFAULT,
    controllers: options.controllers ?? true,
  });
  const handler = createHandler(cluster, { token, latencyMs: options.latencyMs ?? 0 });
  const stopControllers =
    options.controllers === false
      ? () => {}
      : startDeploymentController(cluster, {
          readyAfterMs: options.readyAfterMs ?? READY_AFTER_DEFAULT_MS,
          deadlineMs: options.progressDeadlineMs ?? PROGRESS_DEADLINE_DEFAULT_MS,
        });
  const sim: Made['sim'] = (url, close) => ({
    name: options.name ?? 'sim',
    url,
    token,
    objects: (resource) => {
      const wanted = resource === undefined ? cluster.store.resources() : [resource];
      return wanted.flatMap((one) => [...cluster.store.collection(one).values()]);
    },
    get: (resource, key) => cluster.store.get(resource, key),
    requestCounts: handler.requestCounts,
    failNext: handler.failNext,
    dropWatches: handler.dropWatches,
    openWatches: handler.openWatches,
    compact: cluster.store.compact,
    audit: handler.audit,
    async close() {
      stopControllers();
      handler.dropWatches();
      await close();
    },
  });
  return { handler, sim };
}

type Route = (path: string) => { readonly handler: Handler; readonly path: string } | undefined;

async function listen(
  route: Route,
  host: string,
  port: number,
): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((message: IncomingMessage, response: ServerResponse) => {
    const url = new URL(message.url ?? '/', 'http://localhost');
    const found = route(url.pathname);
    if (!found) {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('404 page not found\n');
      return;
    }
    void found.handler.handle(message, response, found.path, url.searchParams);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  return { server, url: `http://${host}:${(server.address() as AddressInfo).port}` };
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Starts one simulated cluster on a server of its own. Rejects when the port is taken. */
export async function createKubeSim(options: KubeSimOptions = {}): Promise<KubeSim> {
  const made = makeSim(options);
  const { server, url } = await listen(
    (path) => ({ handler: made.handler, path }),
    options.host ?? '127.0.0.1',
    options.port ?? 0,
  );
  return made.sim(url, () => stop(server));
}

export interface KubeSimFleetOptions extends Omit<KubeSimOptions, 'name'> {
  readonly count: number;
  /** The name of each; default `c-0001` and so on. */
  readonly nameOf?: (index: number) => string;
}

/** Starts many simulated clusters on one server, each under `/c/NAME`. */
export async function createKubeSimFleet(options: KubeSimFleetOptions): Promise<KubeSimFleet> {
  const nameOf = options.nameOf ?? ((index: number) => `c-${String(index + 1).padStart(4, '0')}`);
  const made = new Map<string, Made>();
  for (let i = 0; i < options.count; i++) made.set(nameOf(i), makeSim({ ...options, name: nameOf(i) }));
  const route: Route = (path) => {
    const match = /^\/c\/([^/]+)(\/.*)?$/.exec(path);
    const found = match ? made.get(decodeURIComponent(match[1] ?? '')) : undefined;
    return found ? { handler: found.handler, path: match?.[2] ?? '/' } : undefined;
  };
  const { server, url } = await listen(route, options.host ?? '127.0.0.1', options.port ?? 0);
  const sims = [...made].map(([name, one]) =>
    one.sim(`${url}/c/${encodeURIComponent(name)}`, () => Promise.resolve()),
  );
  return {
    url,
    sims,
    async close() {
      for (const sim of sims) await sim.close();
      await stop(server);
    },
  };
}
