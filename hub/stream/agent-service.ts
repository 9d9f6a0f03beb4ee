import {
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { FairwayError } from '../../shared/error/error.ts';
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
import { toMethodDefinition } from '../../shared/stream/service.ts';
import { encode } from '../../shared/stream/wire-base.ts';
import { createEvent } from '../model/event.ts';
import type { IssuedCertificate } from '../model/registry.ts';
import { type EndableCall, failCall, waitForDrain } from './call.ts';
import { contentionEvent } from './contention.ts';
import { serveBlobs } from './fetch-blobs.ts';
import { saveReport } from './report.ts';
import { createSession } from './session.ts';
import { logFailure, type StreamContext, serverOptions } from './stream-context.ts';

type AuthenticatedCall = EndableCall &
  Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext' | 'getPeer'> & {
    on(event: 'cancelled' | 'close', listener: () => void): unknown;
  };

/** Who speaks, by the certificate of the connection; the call counts for its cluster until it ends. @throws unauthenticated */
async function authenticate(context: StreamContext, call: AuthenticatedCall): Promise<IssuedCertificate> {
  const raw = call.getAuthContext().sslPeerCertificate?.raw;
  if (!raw) throw new FairwayError('unauthenticated', 'a client certificate is needed');
  let revocations: number;
  let certificate: IssuedCertificate;
  do {
    // A revocation that comes while we look ends only calls that are tracked: look again then.
    revocations = context.revocations;
    certificate = await context.options.registry.authenticate(raw, call.getPeer());
  } while (revocations !== context.revocations);
  const { sessions, limits } = context;
  // Its event has passed while we looked: nobody would end or untrack it any more.
  if (call.cancelled) throw new FairwayError('cancelled', 'the call has ended');
  if (context.stopping) throw new FairwayError('unavailable', 'the hub is stopping');
  if (sessions.callCount(certificate.cluster) >= limits.callsMax)
    throw new FairwayError('resource_exhausted', 'too many calls of this cluster');
  const untrack = sessions.track(certificate.cluster, call);
  call.on('cancelled', untrack);
  call.on('close', untrack);
  return certificate;
}

/** The server of the agents' listener. Nobody is answered before the certificate of the connection has named a cluster. */
export function createAgentServer(context: StreamContext): Server {
  const server = new Server(serverOptions(context.limits));
  const { method } = AgentService;
  const guard =
    <C extends AuthenticatedCall>(serve: (call: C, certificate: IssuedCertificate) => Promise<void> | void) =>
    (call: C) => {
      const running = authenticate(context, call)
        .then((certificate) => serve(call, certificate))
        .catch((caught: unknown) => {
          logFailure(context, caught);
          failCall(call, caught);
        })
        .finally(() => context.running.delete(running));
      context.running.add(running);
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
    if (call.cancelled) return resolve();
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
  context: StreamContext,
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
  const eventOf = (type: 'agent.connected' | 'agent.disconnected', message: string) =>
    createEvent({ type, actor: `agent:${cluster}`, timeMs: clock.now(), cluster, message });
  const session = createSession({
    certificate,
    peer: call.getPeer(),
    startedAtMs: context.startedAtMs,
    store: context.sessionStore,
    registry: options.registry,
    fencing: options.fencing,
    clock,
    log,
    write: (message) => !call.cancelled && call.write(message),
    drained: () => waitForDrain(call),
    end,
    onHello: async (opened) => {
      const contention = sessions.open(opened, end);
      log.info('agent connected', { cluster, peer: call.getPeer(), instanceId: opened.info().instanceId });
      if (contention) log.warn('two agents take turns as one cluster: stop one of them', { ...contention });
      await store.events.append([
        eventOf('agent.connected', `the agent of ${cluster} connected`),
        ...(contention ? [contentionEvent(contention, clock.now())] : []),
      ]);
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
    await store.events.append([eventOf('agent.disconnected', `the agent of ${cluster} disconnected`)]);
  }
  if (failure !== undefined) throw failure;
  call.end();
}

async function serveReport(
  context: StreamContext,
  call: ReportCall,
  { cluster }: IssuedCertificate,
): Promise<void> {
  await readEach(call, async (message) => {
    await saveReport(context.options.store, cluster, message, context.options.clock.now());
    const isFull = !call.write(encode(ReportResponseSchema, { sequence: message.sequence }));
    if (isFull) await waitForDrain(call);
  });
  call.end();
}

async function serveFetch(
  context: StreamContext,
  call: FetchCall,
  { cluster }: IssuedCertificate,
): Promise<void> {
  await serveBlobs(context.options.store.content, cluster, call.request.digests, async (message) => {
    if (call.cancelled) throw new FairwayError('cancelled', 'the call has ended');
    if (!call.write(message)) await waitForDrain(call);
  });
  call.end();
}

async function serveQuery(
  context: StreamContext,
  call: QueryCall,
  { cluster }: IssuedCertificate,
): Promise<void> {
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
