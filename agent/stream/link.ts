/**
 * One connection to one hub, from Hello to its end: Session, Report and Query, and blobs as they are lacking. Whichever of them fails ends the
 * whole, and the connection (hub-connection.ts) begins anew: one way to recover.
 */
import { X509Certificate } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import {
  AgentService,
  HelloSchema,
  RenewRequestSchema,
  type RenewResponse,
  type SessionRequest,
  SessionRequestSchema,
  type SessionResponse,
  type Welcome,
  type Assignment as WireAssignment,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { Logger } from '../../shared/log/log.ts';
import { planJitteredMs } from '../../shared/loop/backoff.ts';
import { protocolMinor, summaryIntervalMs } from '../../shared/stream/protocol.ts';
import { toMethodDefinition } from '../../shared/stream/service.ts';
import { epochFromWire } from '../../shared/stream/wire.ts';
import { digestFromWire } from '../../shared/stream/wire-base.ts';
import type { DesiredApplication } from '../model/desired.ts';
import type { ReportSource } from '../model/report.ts';
import type { AcknowledgementBook } from './acknowledgement-book.ts';
import { channelOptions, createCredentials, fromServiceError, type KeepaliveOptions } from './channel.ts';
import type { DesiredStore } from './desired-store.ts';
import type { FenceKeeper } from './fence-keeper.ts';
import { createFetcher } from './fetcher.ts';
import type { Identity } from './identity-store.ts';
import { createKeyPair, toCertificatePem } from './key-pair.ts';
import { planRenewalAtMs } from './plan-renewal.ts';
import { answerQueries, type QueryHandlers } from './querier.ts';
import { sendReports } from './reporter.ts';
import {
  acknowledgementToWire,
  assignmentFromWire,
  confirmedPrunesFromWire,
  fenceContactToWire,
  fenceOrderFromWire,
  pausesFromWire,
  summaryToWire,
} from './wire.ts';

export interface LinkOptions {
  readonly address: string;
  readonly identity: Identity;
  readonly desired: DesiredStore;
  readonly reports: ReportSource;
  readonly queries: QueryHandlers;
  readonly acknowledgements: AcknowledgementBook;
  readonly versions: { readonly agent: string; readonly kubernetes: string };
  readonly instanceId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly keepalive: KeepaliveOptions;
  readonly connectTimeoutMs: number;
  readonly onWelcome: () => void;
  readonly onSync: (application: string) => void;
  /** Undefined: nothing is promised. */
  readonly fences?: FenceKeeper | undefined;
  /** Kept durably before the new identity is used. */
  readonly saveIdentity: (identity: Identity) => Promise<void>;
}

export interface Link {
  /** Something is to be acknowledged. */
  wake(): void;
  /** Something is to be reported. */
  wakeReports(): void;
  close(reason: FairwayError): void;
  /** Resolves when it is over, with why; `renewed`: a new certificate waits to be used. */
  readonly ended: Promise<{ readonly error: FairwayError; readonly renewed: boolean }>;
}

type Stream = ClientDuplexStream<SessionRequest, SessionResponse>;

interface Context extends LinkOptions {
  readonly client: Client;
  readonly stream: Stream;
  readonly abort: AbortController;
  readonly finish: (error: FairwayError, renewed?: boolean) => void;
  readonly fetch: () => void;
  /** Timers of this link. */
  readonly timers: Set<() => void>;
  welcomed: boolean;
  pendingKey: string | undefined;
  confirm: (() => void) | undefined;
  /** Tries to send a batch; set while Report is open. */
  wakeReports: () => void;
}

export function openLink(options: LinkOptions): Link {
  const { identity, log } = options;
  const client = new Client(
    options.address,
    createCredentials(identity),
    channelOptions(identity.serverName, options.keepalive),
  );
  const method = toMethodDefinition(AgentService.method.session);
  const stream: Stream = client.makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
  );
  const abort = new AbortController();
  const timers = new Set<() => void>();
  const ended = Promise.withResolvers<{ error: FairwayError; renewed: boolean }>();
  let over = false;
  const finish = (error: FairwayError, renewed = false) => {
    if (over) return;
    over = true;
    abort.abort(error);
    for (const cancel of timers) cancel();
    options.fences?.detach();
    stream.cancel();
    client.close();
    ended.resolve({ error, renewed });
  };
  const fetcher = createFetcher({
    client,
    desired: options.desired,
    signal: abort.signal,
    onReady: (applications) => received(context, applications),
    onLost: (applications) => {
      for (const application of applications)
        acknowledge(context, application, 'failed', 'the hub does not serve all of its objects');
    },
    onError: finish,
  });
  const context: Context = {
    ...options,
    client,
    stream,
    abort,
    finish,
    timers,
    fetch: fetcher,
    welcomed: false,
    pendingKey: undefined,
    confirm: undefined,
    wakeReports: () => {},
  };
  stream.on('data', (message: SessionResponse) => {
    try {
      receive(context, message);
    } catch (caught) {
      const error = toFairwayError(caught);
      log.error('a message of the hub cannot be handled', { code: error.code, error: error.message });
      finish(error);
    }
  });
  stream.on('error', (error) => finish(fromServiceError(error)));
  stream.on('end', () => finish(new FairwayError('unavailable', 'the hub has ended the session')));
  after(context, options.connectTimeoutMs, () => {
    if (!context.welcomed) finish(new FairwayError('deadline_exceeded', 'the hub did not answer in time'));
  });
  say(context, 'hello', hello(options));
  return {
    wake: () => sendAcknowledgements(context),
    wakeReports: () => context.wakeReports(),
    close: (reason) => finish(reason),
    ended: ended.promise,
  };
}

function hello({ versions, desired, instanceId }: LinkOptions) {
  return create(HelloSchema, {
    agentVersion: versions.agent,
    protocolMinor,
    kubernetesVersion: versions.kubernetes,
    summary: summaryToWire(desired.summary()),
    instanceId,
  });
}

type Said = Exclude<SessionRequest['message'], { case: undefined }>;

function say<C extends Said['case']>(
  context: Context,
  name: C,
  value: Extract<Said, { case: C }>['value'],
): void {
  const message = { case: name, value } as Said;
  if (!context.abort.signal.aborted) context.stream.write(create(SessionRequestSchema, { message }));
}

function after(context: Context, delayMs: number, callback: () => void): void {
  const cancel = context.clock.after(delayMs, () => {
    context.timers.delete(cancel);
    callback();
  });
  context.timers.add(cancel);
}

function receive(context: Context, { message }: SessionResponse): void {
  const { desired, clock, log } = context;
  if (message.case !== 'welcome' && !context.welcomed)
    throw new FairwayError('failed_precondition', 'the hub spoke before its welcome');
  switch (message.case) {
    case 'welcome':
      welcome(context, message.value);
      break;
    case 'assignment':
      assign(context, message.value);
      break;
    case 'pauses':
      desired.setPauses(
        pausesFromWire(message.value, clock.now()),
        message.value.deletionsHeld,
        confirmedPrunesFromWire(message.value),
      );
      break;
    case 'renewed':
      void renewed(context, message.value).catch((caught: unknown) => {
        // The old certificate is still good; the next connection tries again.
        log.error('the renewed certificate cannot be kept', { error: toFairwayError(caught) });
      });
      break;
    case 'resyncDone':
      context.confirm?.();
      context.confirm = undefined;
      desired.closeBatch();
      break;
    case 'sync':
      context.onSync(message.value.application);
      break;
    case 'fences':
      context.fences?.order(fenceOrderFromWire(message.value));
      break;
    case 'contact':
      context.fences?.answered(Number(message.value.sequence));
      break;
    default:
      log.debug('unknown message of the hub ignored', {});
  }
}

function welcome(context: Context, { epoch, deletionsHeld, summaryIntervalMs: intervalMs }: Welcome): void {
  const { desired, acknowledgements } = context;
  const known = desired.summary().epoch;
  const next = epochFromWire(epoch);
  desired.acceptEpoch(next);
  desired.setDeletionsHeld(deletionsHeld);
  context.welcomed = true;
  context.onWelcome();
  // A hub in another life may have lost what it once confirmed.
  acknowledgements.restart(known.id !== next.id);
  context.fences?.attach((contact) => say(context, 'contact', fenceContactToWire(contact)));
  sendAcknowledgements(context);
  scheduleSummary(context, intervalMs || summaryIntervalMs);
  scheduleRenewal(context);
  context.fetch();
  context.wakeReports = sendReports(context);
  answerQueries(context);
}

function assign(context: Context, wire: WireAssignment): void {
  const { desired, log } = context;
  try {
    let read: ReturnType<typeof assignmentFromWire>;
    try {
      read = assignmentFromWire(wire);
    } catch (caught) {
      desired.reject(wire.application, wire.more);
      throw caught;
    }
    const lacking = desired.assign(read.assigned, read.blobs);
    const { application, generation } = read.assigned;
    log.debug('assignment taken', { application, generation, lacking: lacking.length });
    if (lacking.length === 0) received(context, [read.assigned]);
    else context.fetch();
  } catch (caught) {
    const error = toFairwayError(caught);
    const { application } = wire;
    log.warn('assignment refused', { application, code: error.code, error: error.message });
    context.acknowledgements.put({
      application,
      generation: Number(wire.generation),
      targetDigest: digestFromWire(wire.target?.digest ?? new Uint8Array(), true),
      stage: 'refused',
      message: error.message,
      timeMs: context.clock.now(),
    });
    sendAcknowledgements(context);
  }
}

/** Said only when it is written down: after that the hub counts on it. */
function received(context: Context, applications: readonly DesiredApplication[]): void {
  context.desired.flush().then(
    () => {
      for (const application of applications) acknowledge(context, application, 'received', '');
    },
    (caught: unknown) => context.log.warn('received but not written', { error: toFairwayError(caught) }),
  );
}

function acknowledge(
  context: Context,
  { application, generation, target }: DesiredApplication,
  stage: 'received' | 'failed',
  message: string,
): void {
  const timeMs = context.clock.now();
  const targetDigest = target.digest;
  context.acknowledgements.put({ application, generation, targetDigest, stage, message, timeMs });
  sendAcknowledgements(context);
}

function sendAcknowledgements(context: Context): void {
  if (!context.welcomed || context.abort.signal.aborted) return;
  for (const ack of context.acknowledgements.takeUnsent())
    say(context, 'acknowledgement', acknowledgementToWire(ack));
}

function scheduleSummary(context: Context, intervalMs: number): void {
  after(context, planJitteredMs(intervalMs, context.random), () => {
    context.confirm = context.acknowledgements.mark();
    say(context, 'summary', summaryToWire(context.desired.summary()));
    scheduleSummary(context, intervalMs);
  });
}

/** Before a certificate that is due is renewed: a hub that gives short ones must not be asked in a circle. */
const renewalWaitMs = 1_000;

/** As planRenewalAtMs says, looked at anew each hour at least: clocks jump. */
function scheduleRenewal(context: Context): void {
  const certificate = new X509Certificate(context.identity.certificateChainPem);
  const fromMs = Date.parse(certificate.validFrom);
  const untilMs = Date.parse(certificate.validTo);
  const waitMs = planRenewalAtMs(fromMs, untilMs) - context.clock.now();
  if (waitMs > 3_600_000) {
    after(context, 3_600_000, () => scheduleRenewal(context));
    return;
  }
  after(context, Math.max(renewalWaitMs, waitMs), () => {
    createKeyPair().then(
      ({ privateKeyPem, csr }) => {
        context.pendingKey = privateKeyPem;
        say(context, 'renew', create(RenewRequestSchema, { certificateSigningRequest: csr }));
      },
      (caught: unknown) => context.finish(toFairwayError(caught)),
    );
  });
}

async function renewed(context: Context, { certificateChain }: RenewResponse): Promise<void> {
  const { pendingKey, identity, finish } = context;
  if (pendingKey === undefined) throw new FairwayError('failed_precondition', 'no renewal was asked for');
  const next = {
    ...identity,
    privateKeyPem: pendingKey,
    certificateChainPem: certificateChain.map(toCertificatePem).join(''),
  };
  await context.saveIdentity(next);
  context.log.info('certificate renewed', { cluster: identity.cluster });
  finish(new FairwayError('cancelled', 'the certificate was renewed'), true);
}
