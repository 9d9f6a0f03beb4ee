/**
 * The hub's side of the stream: two TLS listeners. Agents' has the four RPCs and answers nobody without a
 * certificate of this hub's CA; enrolment's has Enrol only. It sends what the store says is assigned and keeps what agents report; it
 * decides nothing. Every call is authenticated anew, since a connection may outlive its certificate.
 */
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { type Clock, sleep } from '../../shared/clock/clock.ts';
import { FairwayError } from '../../shared/error/error.ts';
import { planJitteredMs } from '../../shared/loop/backoff.ts';
import type { Answer, AskOptions, Question } from '../model/query.ts';
import { type AgentListener, listenForAgents } from './agent-listener.ts';
import { createAgentServer } from './agent-service.ts';
import { createEnrolmentServer } from './enrolment-service.ts';
import { createQueryHub } from './query-hub.ts';
import { RotatingServerCredentials } from './server-credentials.ts';
import type { SessionInfo } from './session-context.ts';
import { createSessions } from './sessions.ts';
import { shareReads } from './share-reads.ts';
import {
  defaultLimits,
  type ListenAddress,
  type StreamContext,
  type StreamServerOptions,
} from './stream-context.ts';

export interface StreamServer {
  start(): Promise<{ readonly agentPort: number; readonly enrolmentPort: number }>;
  /** Assignments, pauses or holds of that cluster changed; undefined: of all. */
  wake(cluster: string | undefined): void;
  /** Asks a connected agent to look at everything (empty application: all of it) again. False when it is away. */
  sync(cluster: string, application: string): boolean;
  /** @throws unavailable when the agent is away, deadline_exceeded, cancelled, or what the agent says. */
  query(cluster: string, question: Question, options?: AskOptions): Promise<Answer>;
  /** Ends every call of a cluster; its agent may come back unless its certificate is revoked. */
  disconnect(cluster: string, reason: string): void;
  sessions(): readonly SessionInfo[];
  /** Ends sessions, waits for running calls a little, closes the ports. */
  stop(): Promise<void>;
}

const drainMs = 2_000;

export function createStreamServer(options: StreamServerOptions): StreamServer {
  const { clock, random, log, store, registry } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const sessions = createSessions(clock);
  const queries = createQueryHub(clock, (cluster) => options.onFactsChanged?.(cluster));
  const context: StreamContext = {
    options,
    sessionStore: shareReads(store),
    limits,
    sessions,
    queries,
    wakeAll: () => wakeAll(),
    running: new Set(),
    startedAtMs: clock.now(),
    revocations: 0,
    agentPort: 0,
    stopping: false,
  };
  const servers: Server[] = [];
  let listener: AgentListener | undefined;
  let cancelSweep = () => {};
  const wakeAll = () => {
    for (const session of sessions.all()) session.wake();
  };

  registry.onRevoked((cluster) => {
    context.revocations += 1;
    log.warn('certificates revoked, sessions end', { cluster });
    sessions.endAll(
      cluster,
      new FairwayError('unauthenticated', 'the certificate was revoked', { retry: false }),
    );
  });

  const start = async () => {
    // No agent is connected to a hub that starts, whatever the last one left behind.
    const left = (await store.registry.clusters()).filter(({ connected }) => connected);
    // All at once: the store makes few commits of them.
    await Promise.all(
      left.map(({ name }) => store.registry.seen({ cluster: name, connected: false, nowMs: clock.now() })),
    );
    let certificate = await registry.issueServerCertificate();
    const enrolment = new RotatingServerCredentials(certificate);
    const agentServer = createAgentServer(context);
    const enrolmentServer = createEnrolmentServer(context);
    servers.push(agentServer, enrolmentServer);
    const planRenewal = () => clock.now() + (2 / 3) * (certificate.notAfterMs - clock.now());
    let renewAtMs = planRenewal();
    const sweep = async () => {
      endExpired(context);
      if (clock.now() < renewAtMs) return;
      certificate = await registry.issueServerCertificate();
      renewAtMs = planRenewal();
      listener?.rotate(certificate);
      enrolment.rotate(certificate);
    };
    const schedule = () => {
      cancelSweep = clock.after(planJitteredMs(limits.sweepMs, random), () => {
        sweep()
          .catch((caught: unknown) =>
            log.error('the server certificate cannot be renewed', { error: caught }),
          )
          .finally(() => {
            if (!context.stopping) schedule();
          });
      });
    };
    schedule();
    // TLS has been spoken by then: what grpc-js sees is a plain stream of HTTP/2.
    const injector = agentServer.createConnectionInjector(ServerCredentials.createInsecure());
    listener = await listenForAgents({
      address: options.listen.agent,
      certificate,
      caPem: registry.caPem,
      accept: (socket) => injector.injectConnection(socket),
      onRefused: (refused) =>
        void registry
          .auditRefused(refused)
          .catch((error: unknown) => log.error('cannot keep an audit event', { error })),
    });
    context.agentPort = listener.port;
    const enrolmentPort = await bind(enrolmentServer, options.listen.enrolment, enrolment);
    log.info('listening for agents', { agentPort: context.agentPort, enrolmentPort });
    return { agentPort: context.agentPort, enrolmentPort };
  };

  const stop = async () => {
    context.stopping = true;
    cancelSweep();
    listener?.stopListening();
    const open = sessions.all();
    for (const { cluster } of open)
      sessions.endAll(cluster, new FairwayError('unavailable', 'the hub is stopping'));
    await Promise.all(servers.map((server) => shutDown(server, clock)));
    listener?.close();
    // Their ends are written down before the store may be closed; what does not end is left behind.
    await Promise.race([Promise.all(context.running), sleep(clock, drainMs)]);
  };

  return {
    start,
    stop,
    wake(cluster) {
      if (cluster === undefined) wakeAll();
      else sessions.get(cluster)?.wake();
    },
    sync(cluster, application) {
      const session = sessions.get(cluster);
      session?.sync(application, Buffer.from(random.bytes(8)).toString('hex'));
      return session !== undefined;
    },
    query: (cluster, question, askOptions) => queries.ask(cluster, question, askOptions),
    disconnect: (cluster, reason) => sessions.endAll(cluster, new FairwayError('unavailable', reason)),
    sessions: () => sessions.all().map((session) => session.info()),
  };
}

function bind(server: Server, { host, port }: ListenAddress, credentials: RotatingServerCredentials) {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error)
        reject(new FairwayError('failed_precondition', `cannot listen on ${address}`, { cause: error }));
      else resolve(bound);
    });
  });
}

function shutDown(server: Server, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      cancel();
      server.forceShutdown();
      resolve();
    };
    const cancel = clock.after(drainMs, finish);
    server.tryShutdown(finish);
  });
}

/** Sessions whose certificate is over, and was not renewed in time, end. */
function endExpired({ sessions, options }: StreamContext): void {
  const now = options.clock.now();
  for (const session of sessions.all())
    if (session.info().certificateNotAfterMs <= now)
      sessions.endAll(session.cluster, new FairwayError('unauthenticated', 'the certificate has expired'));
}
