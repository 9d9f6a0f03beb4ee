/**
 * The hub's side of the stream (ARCHITECTURE section 7): two TLS listeners. Agents' has the four RPCs and answers nobody without a
 * certificate of this hub's CA; enrolment's has Enrol only. It sends what the store says is assigned and keeps what agents report; it
 * decides nothing. Every call is authenticated anew, since a connection may outlive its certificate.
 */
import {
  Server,
  type ServerDuplexStream,
  type ServerOptions,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import {
  AgentService,
  type FetchBlobsRequest,
  type FetchBlobsResponse,
  type QueryRequest,
  type QueryResponse,
  type ReportRequest,
  type ReportResponse,
  ReportResponseSchema,
  type SessionRequest,
  type SessionResponse,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import {
  EnrolmentService,
  type EnrolRequest,
  type EnrolResponse,
  EnrolResponseSchema,
} from '../../shared/gen/fairway/v1/enrolment_pb.ts';
import type { Logger } from '../../shared/log/log.ts';
import { planJitteredMs } from '../../shared/loop/backoff.ts';
import {
  hubServerName,
  keepaliveMs,
  keepaliveTimeoutMs,
  messageBytesMax,
} from '../../shared/stream/protocol.ts';
import { toMethodDefinition } from '../../shared/stream/service.ts';
import { encode, timeToWire } from '../../shared/stream/wire-base.ts';
import { createEvent } from '../model/event.ts';
import type { Answer, AskOptions, Question } from '../model/query.ts';
import type { IssuedCertificate } from '../model/registry.ts';
import type { Registry } from '../registry/registry.ts';
import type { Store } from '../store/store.ts';
import { type EndableCall, failCall, toServiceError, waitForDrain } from './call.ts';
import { serveBlobs } from './fetch-blobs.ts';
import { createQueryHub } from './query-hub.ts';
import { createRateLimiter } from './rate-limit.ts';
import { saveReport } from './report.ts';
import { RotatingServerCredentials } from './server-credentials.ts';
import { createSession, type SessionInfo } from './session.ts';
import { createSessions } from './sessions.ts';

export interface StreamLimits {
  /** Default 20,000 and 10,000. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Refused enrolments that one address may cause in a minute. Default 30. */
  readonly refusedEnrolmentsMax: number;
  /** Enrolments of all in a minute. Default 3,000. */
  readonly enrolmentsMax: number;
  /** Calls of one cluster at once. Default 16. */
  readonly callsMax: number;
  /** How often expired certificates are looked for. Default 30,000. */
  readonly sweepMs: number;
}

const defaultLimits: StreamLimits = {
  keepaliveMs,
  keepaliveTimeoutMs,
  refusedEnrolmentsMax: 30,
  enrolmentsMax: 3_000,
  callsMax: 16,
  sweepMs: 30_000,
};

/** Address to listen on; port 0: any. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface StreamServerOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly listen: { readonly agent: ListenAddress; readonly enrolment: ListenAddress };
  /** The name agents verify in the serving certificate. Default `fairway-hub`. */
  readonly serverName?: string;
  /** `host:port` of the agent listener as agents reach it, in order of preference. Empty: the enrolment answer names none. */
  readonly advertisedAddresses: readonly string[] | ((agentPort: number) => readonly string[]);
  readonly limits?: Partial<StreamLimits>;
}

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
const minuteMs = 60_000;

export function createStreamServer(options: StreamServerOptions): StreamServer {
  const { clock, random, log, store, registry } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const sessions = createSessions(clock);
  const queries = createQueryHub(clock);
  const context: Context = {
    options,
    limits,
    sessions,
    queries,
    wakeAll: () => wakeAll(),
    agentPort: 0,
    stopping: false,
  };
  const servers: Server[] = [];
  let cancelSweep = () => {};
  const wakeAll = () => {
    for (const session of sessions.all()) session.wake();
  };

  registry.onRevoked((cluster) => {
    log.warn('certificates revoked, sessions end', { cluster });
    sessions.endAll(
      cluster,
      new FairwayError('unauthenticated', 'the certificate was revoked', { retry: false }),
    );
  });

  const start = async () => {
    // No agent is connected to a hub that starts, whatever the last one left behind.
    for (const { name, connected } of await store.registry.clusters())
      if (connected) await store.registry.seen({ cluster: name, connected: false, nowMs: clock.now() });
    let certificate = await registry.issueServerCertificate();
    const agent = new RotatingServerCredentials(certificate, registry.caPem);
    const enrolment = new RotatingServerCredentials(certificate, undefined);
    const agentServer = createAgentServer(context);
    const enrolmentServer = createEnrolmentServer(context);
    servers.push(agentServer, enrolmentServer);
    const issuedAtMs = () => clock.now();
    let renewAtMs = issuedAtMs() + (2 / 3) * (certificate.notAfterMs - issuedAtMs());
    const sweep = async () => {
      endExpired(context);
      if (clock.now() < renewAtMs) return;
      certificate = await registry.issueServerCertificate();
      renewAtMs = clock.now() + (2 / 3) * (certificate.notAfterMs - clock.now());
      agent.rotate(certificate);
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
    context.agentPort = await bind(agentServer, options.listen.agent, agent);
    const enrolmentPort = await bind(enrolmentServer, options.listen.enrolment, enrolment);
    log.info('listening for agents', { agentPort: context.agentPort, enrolmentPort });
    return { agentPort: context.agentPort, enrolmentPort };
  };

  const stop = async () => {
    context.stopping = true;
    cancelSweep();
    const open = sessions.all();
    for (const { cluster } of open)
      sessions.endAll(cluster, new FairwayError('unavailable', 'the hub is stopping'));
    await Promise.all(servers.map((server) => shutDown(server, clock)));
    await Promise.all(
      open.map(({ cluster }) => store.registry.seen({ cluster, connected: false, nowMs: clock.now() })),
    );
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

interface Context {
  readonly options: StreamServerOptions;
  readonly limits: StreamLimits;
  readonly sessions: ReturnType<typeof createSessions>;
  readonly queries: ReturnType<typeof createQueryHub>;
  readonly wakeAll: () => void;
  agentPort: number;
  stopping: boolean;
}

function serverOptions(limits: StreamLimits): ServerOptions {
  return {
    'grpc.keepalive_time_ms': limits.keepaliveMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': messageBytesMax,
    'grpc.max_concurrent_streams': limits.callsMax,
    // Bookkeeping of every call that nobody reads; a good part of an idle connection's memory.
    'grpc.enable_channelz': 0,
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
function endExpired({ sessions, options }: Context): void {
  const now = options.clock.now();
  for (const session of sessions.all())
    if (session.info().certificateNotAfterMs <= now)
      sessions.endAll(session.cluster, new FairwayError('unauthenticated', 'the certificate has expired'));
}

type AuthenticatedCall = EndableCall &
  Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext' | 'getPeer'> & {
    on(event: 'cancelled' | 'close', listener: () => void): unknown;
  };

/** Who speaks, by the certificate of the connection; the call counts for its cluster until it ends. @throws unauthenticated */
async function authenticate(context: Context, call: AuthenticatedCall): Promise<IssuedCertificate> {
  const raw = call.getAuthContext().sslPeerCertificate?.raw;
  if (!raw) throw new FairwayError('unauthenticated', 'a client certificate is needed');
  const certificate = await context.options.registry.authenticate(raw, call.getPeer());
  const { sessions, limits } = context;
  if (context.stopping) throw new FairwayError('unavailable', 'the hub is stopping');
  if (sessions.callCount(certificate.cluster) >= limits.callsMax)
    throw new FairwayError('resource_exhausted', 'too many calls of this cluster');
  const untrack = sessions.track(certificate.cluster, call);
  call.on('cancelled', untrack);
  call.on('close', untrack);
  return certificate;
}

function createAgentServer(context: Context): Server {
  const server = new Server(serverOptions(context.limits));
  const { method } = AgentService;
  const guard =
    <C extends AuthenticatedCall>(serve: (call: C, certificate: IssuedCertificate) => Promise<void> | void) =>
    (call: C) => {
      authenticate(context, call)
        .then((certificate) => serve(call, certificate))
        .catch((caught: unknown) => {
          logFailure(context, caught);
          failCall(call, caught);
        });
    };
  server.addService(
    {
      session: toMethodDefinition(method.session),
      report: toMethodDefinition(method.report),
      fetchBlobs: toMethodDefinition(method.fetchBlobs),
      query: toMethodDefinition(method.query),
    },
    {
      session: guard((call: SessionCall, certificate) => serveSession(context, call, certificate)),
      report: guard((call: ReportCall, certificate) => serveReport(context, call, certificate)),
      fetchBlobs: guard((call: FetchCall, certificate) => serveFetch(context, call, certificate)),
      query: guard((call: QueryCall, certificate) => serveQuery(context, call, certificate)),
    },
  );
  return server;
}

/** What the other side did is its business; what went wrong here is ours. */
function logFailure({ options }: Context, caught: unknown): void {
  const error = toFairwayError(caught);
  if (error.code === 'internal' || error.code === 'data_loss')
    options.log.error('a call failed', { code: error.code, error: error.message, cause: error.cause });
}

type SessionCall = ServerDuplexStream<SessionRequest, SessionResponse>;
type ReportCall = ServerDuplexStream<ReportRequest, ReportResponse>;
type FetchCall = ServerWritableStream<FetchBlobsRequest, FetchBlobsResponse>;
type QueryCall = ServerDuplexStream<QueryRequest, QueryResponse>;

/** Reads one message at a time: the next when `take` has resolved. Resolves when the other side ends, rejects when `take` does. */
function readEach<I, O>(
  call: ServerDuplexStream<I, O>,
  take: (message: I) => Promise<void> | void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    call.on('data', (message: I) => {
      call.pause();
      Promise.resolve(message)
        .then(take)
        .then(() => call.resume(), reject);
    });
    call.on('end', resolve);
    call.on('close', resolve);
    call.on('cancelled', resolve);
    // Ended by us (failCall): grpc-js sends the status.
    call.on('error', () => resolve());
  });
}

async function serveSession(
  context: Context,
  call: SessionCall,
  certificate: IssuedCertificate,
): Promise<void> {
  const { options, sessions } = context;
  const { store, clock, log } = options;
  const { cluster } = certificate;
  const end = (error: unknown) => {
    logFailure(context, error);
    failCall(call, error);
  };
  const record = (type: 'agent.connected' | 'agent.disconnected', message: string) =>
    store.events.append([
      createEvent({ type, actor: `agent:${cluster}`, timeMs: clock.now(), cluster, message }),
    ]);
  const session = createSession({
    certificate,
    peer: call.getPeer(),
    store,
    registry: options.registry,
    clock,
    log,
    write: (message) => !call.cancelled && call.write(message),
    drained: () => waitForDrain(call),
    end,
    onHello: async (opened) => {
      sessions.open(opened, end);
      log.info('agent connected', { cluster, peer: call.getPeer() });
      await record('agent.connected', `the agent of ${cluster} connected`);
    },
    onRestored: context.wakeAll,
  });
  let failure: unknown;
  try {
    await readEach(call, (message) => session.receive(message));
  } catch (caught) {
    failure = caught;
  }
  if (sessions.close(session)) {
    log.info('agent disconnected', { cluster });
    await store.registry.seen({ cluster, connected: false, nowMs: clock.now() });
    await record('agent.disconnected', `the agent of ${cluster} disconnected`);
  }
  if (failure !== undefined) throw failure;
  call.end();
}

async function serveReport(
  context: Context,
  call: ReportCall,
  { cluster }: IssuedCertificate,
): Promise<void> {
  await readEach(call, async (message) => {
    await saveReport(context.options.store, cluster, message);
    const isFull = !call.write(encode(ReportResponseSchema, { sequence: message.sequence }));
    if (isFull) await waitForDrain(call);
  });
  call.end();
}

async function serveFetch(context: Context, call: FetchCall, { cluster }: IssuedCertificate): Promise<void> {
  await serveBlobs(context.options.store.content, cluster, call.request.digests, async (message) => {
    if (call.cancelled) throw new FairwayError('cancelled', 'the call has ended');
    if (!call.write(message)) await waitForDrain(call);
  });
  call.end();
}

async function serveQuery(context: Context, call: QueryCall, { cluster }: IssuedCertificate): Promise<void> {
  const line = context.queries.attach(cluster, (message) => {
    if (!call.cancelled) call.write(message);
  });
  try {
    await readEach(call, (message) => line.receive(message));
  } finally {
    line.detach();
  }
  call.end();
}

function createEnrolmentServer(context: Context): Server {
  const { options, limits } = context;
  const server = new Server({ ...serverOptions(limits), 'grpc.max_receive_message_length': 64 * 1024 });
  const all = createRateLimiter(options.clock, limits.enrolmentsMax, minuteMs);
  const refused = createRateLimiter(options.clock, limits.refusedEnrolmentsMax, minuteMs);
  const enrol = async (request: EnrolRequest, peer: string): Promise<EnrolResponse> => {
    const address = peer.slice(0, peer.lastIndexOf(':'));
    if (refused.isOver(address) || !all.take(''))
      throw new FairwayError('resource_exhausted', 'too many enrolments; try again in a minute');
    const { token, certificateSigningRequest: csr } = request;
    const agentVersion = request.agentVersion.slice(0, 64);
    try {
      const credential = await options.registry.enrol({ token, csr, agentVersion, peer });
      const { advertisedAddresses: advertised } = options;
      return encode(EnrolResponseSchema, {
        certificateChain: [...credential.certificateChain],
        cluster: credential.cluster,
        hubAddresses: [...(typeof advertised === 'function' ? advertised(context.agentPort) : advertised)],
        notAfterUnixMs: timeToWire(credential.notAfterMs),
        serverName: options.serverName ?? hubServerName,
      });
    } catch (caught) {
      refused.take(address);
      throw caught;
    }
  };
  server.addService(
    { enrol: toMethodDefinition(EnrolmentService.method.enrol) },
    {
      enrol(call: ServerUnaryCall<EnrolRequest, EnrolResponse>, respond: sendUnaryData<EnrolResponse>) {
        enrol(call.request, call.getPeer()).then(
          (response) => respond(null, response),
          (caught: unknown) => {
            logFailure(context, caught);
            respond(toServiceError(caught));
          },
        );
      },
    },
  );
  return server;
}
