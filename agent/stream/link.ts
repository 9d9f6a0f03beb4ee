/**
 * One connection to one hub, from Hello to its end: Session, Report and Query, and blobs as they are lacking. Whichever of them fails ends the
 * whole, and the connection (hub-connection.ts) begins anew: one way to recover.
 */
import { create } from '@bufbuild/protobuf';
import { Client } from '@grpc/grpc-js';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import {
  AgentService,
  HelloSchema,
  type SessionResponse,
  type Welcome,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import { planJitteredMs } from '../../shared/loop/backoff.ts';
import { protocolMinor, summaryIntervalMs } from '../../shared/stream/protocol.ts';
import { toMethodDefinition } from '../../shared/stream/service.ts';
import { epochFromWire } from '../../shared/stream/wire.ts';
import { channelOptions, createCredentials, fromServiceError } from './channel.ts';
import { createFetcher } from './fetcher.ts';
import { after, type LinkContext, type LinkOptions, type Stream, say } from './link-context.ts';
import { answerQueries } from './querier.ts';
import { keepRenewed, scheduleRenewal } from './renew-certificate.ts';
import { sendReports } from './reporter.ts';
import { acknowledge, sayReceived, sendAcknowledgements, takeAssignment } from './take-assignment.ts';
import {
  confirmedPrunesFromWire,
  fenceContactToWire,
  fenceOrderFromWire,
  pausesFromWire,
  summaryToWire,
} from './wire.ts';

/** From dialling to the hub's welcome. */
const connectTimeoutMs = 15_000;

export interface Link {
  /** Something is to be acknowledged. */
  wake(): void;
  /** Something is to be reported. */
  wakeReports(): void;
  close(reason: FairwayError): void;
  /** Resolves when it is over, with why; `renewed`: a new certificate waits to be used. */
  readonly ended: Promise<{ readonly error: FairwayError; readonly renewed: boolean }>;
}

/** Dials and says hello. Whatever fails is told by `ended`; nothing is thrown. */
export function openLink(options: LinkOptions): Link {
  try {
    return dial(options);
  } catch (cause) {
    const message = `'${options.address}' cannot be dialled: it is no address, or the identity is damaged`;
    const error = new FairwayError('invalid_argument', message, { cause });
    return { wake() {}, wakeReports() {}, close() {}, ended: Promise.resolve({ error, renewed: false }) };
  }
}

/** @throws what is wrong with the address or the identity. */
function dial(options: LinkOptions): Link {
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
    onReady: (applications) => sayReceived(context, applications),
    onLost: (applications) => {
      for (const application of applications)
        acknowledge(context, application, 'failed', 'the hub does not serve all of its objects');
    },
    onError: finish,
  });
  const context: LinkContext = {
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
  after(context, connectTimeoutMs, () => {
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

function receive(context: LinkContext, { message }: SessionResponse): void {
  const { desired, clock, log } = context;
  if (message.case !== 'welcome' && !context.welcomed)
    throw new FairwayError('failed_precondition', 'the hub spoke before its welcome');
  switch (message.case) {
    case 'welcome':
      welcome(context, message.value);
      break;
    case 'assignment':
      takeAssignment(context, message.value);
      break;
    case 'pauses':
      desired.setPauses(
        pausesFromWire(message.value, clock.now()),
        message.value.deletionsHeld,
        confirmedPrunesFromWire(message.value),
      );
      break;
    case 'renewed':
      void keepRenewed(context, message.value).catch((caught: unknown) => {
        // The old certificate is still good; it is tried again in an hour.
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

function welcome(
  context: LinkContext,
  { epoch, deletionsHeld, summaryIntervalMs: intervalMs }: Welcome,
): void {
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

function scheduleSummary(context: LinkContext, intervalMs: number): void {
  after(context, planJitteredMs(intervalMs, context.random), () => {
    context.confirm = context.acknowledgements.mark();
    say(context, 'summary', summaryToWire(context.desired.summary()));
    scheduleSummary(context, intervalMs);
  });
}
