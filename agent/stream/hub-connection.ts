/**
 * The agent's side of the stream: keeps one connection to one of the hub's addresses, outbound only, for as long as the
 * agent runs. Without the hub nothing here hurries or fails: the loops go on with the desired state they have.
 */
import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../shared/clock/clock.ts';
import { sleep } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { type BackoffOptions, planBackoffMs } from '../../shared/loop/backoff.ts';
import { keepaliveMs, keepaliveTimeoutMs } from '../../shared/stream/protocol.ts';
import type { AcknowledgementSink } from '../model/desired.ts';
import type { ReportSource } from '../model/report.ts';
import { createAcknowledgementBook } from './acknowledgement-book.ts';
import type { KeepaliveOptions } from './channel.ts';
import type { DesiredStore } from './desired-store.ts';
import type { FenceKeeper } from './fence-keeper.ts';
import type { Identity, IdentityStore } from './identity-store.ts';
import { type Link, openLink } from './link.ts';
import type { QueryHandlers } from './querier.ts';

export interface HubConnectionOptions {
  readonly identity: Identity;
  readonly identityStore: Pick<IdentityStore, 'save'>;
  readonly desired: DesiredStore;
  readonly reports: ReportSource;
  readonly queries: QueryHandlers;
  readonly versions: { readonly agent: string; readonly kubernetes: string };
  /** Tried before those of the identity; default none. */
  readonly hubAddresses?: readonly string[];
  /** Random for each start of the process. */
  readonly instanceId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The hub asks to look at everything (empty application: all) again. */
  readonly onSync?: (application: string) => void;
  /** What this agent promises to stop. Default: nothing. */
  readonly fences?: FenceKeeper | undefined;
  /** Default PING every 20 s, answered within 10 s. */
  readonly keepalive?: KeepaliveOptions;
  /** Between connections. Default 200 ms to 60 s. */
  readonly backoff?: BackoffOptions;
}

export interface ConnectionState {
  readonly connected: boolean;
  readonly address: string;
  /** Connections that failed or ended early since the last good one. */
  readonly failures: number;
  readonly lastError: string | undefined;
  readonly certificateNotAfterMs: number;
}

export interface HubConnection extends AcknowledgementSink {
  start(): void;
  /** Ends the connection; resolves when nothing runs and the desired state is written. */
  stop(): Promise<void>;
  state(): ConnectionState;
}

/** Whoever was thrown out by another agent of its cluster gives that one time; else the two would throw each other out all day. */
const displacedBackoff = { baseMs: 30_000, maxMs: 300_000 };
const longSessionMs = 600_000;
/** A session that lasted this long was good: what ends it is tried again at once. */
const goodSessionMs = 10_000;

export function createHubConnection(options: HubConnectionOptions): HubConnection {
  const { clock, log, random } = options;
  const acknowledgements = createAcknowledgementBook();
  const stopping = new AbortController();
  const addresses = [...new Set([...(options.hubAddresses ?? []), ...options.identity.hubAddresses])];
  let identity = options.identity;
  let link: Link | undefined;
  let running: Promise<void> = Promise.resolve();
  let index = 0;
  let failures = 0;
  let displaced = 0;
  let connected = false;
  let lastError: string | undefined;
  options.reports.onReady(() => link?.wakeReports());
  const address = () => addresses[index % addresses.length] ?? '';

  const runOnce = async (): Promise<void> => {
    let welcomedAtMs: number | undefined;
    link = openLink({
      ...options,
      address: address(),
      identity,
      acknowledgements,
      keepalive: options.keepalive ?? { keepaliveMs, keepaliveTimeoutMs },
      onSync: options.onSync ?? (() => {}),
      onWelcome() {
        welcomedAtMs = clock.monotonic();
        connected = true;
        lastError = undefined;
        log.info('connected to the hub', { address: address(), cluster: identity.cluster });
      },
      async saveIdentity(next) {
        await options.identityStore.save(next);
        identity = next;
      },
    });
    const { error, renewed } = await link.ended;
    link = undefined;
    connected = false;
    if (stopping.signal.aborted) return;
    if (renewed) return;
    lastError = error.message;
    const wasGood = welcomedAtMs !== undefined && clock.monotonic() - welcomedAtMs >= goodSessionMs;
    failures = wasGood ? 0 : failures + 1;
    // The last good address is tried first; one that never answered makes room for the next.
    const attempt = Math.floor((failures - 1) / addresses.length);
    const lastedMs = welcomedAtMs === undefined ? 0 : clock.monotonic() - welcomedAtMs;
    if (lastedMs >= longSessionMs) displaced = 0;
    const delayMs =
      error.code === 'conflict'
        ? planBackoffMs(displaced++, random, displacedBackoff)
        : planBackoffMs(wasGood ? 0 : attempt, random, options.backoff);
    log.warn('not connected to the hub', {
      address: address(),
      code: error.code,
      error: error.message,
      delayMs,
    });
    if (welcomedAtMs === undefined) index = (index + 1) % addresses.length;
    await sleep(clock, delayMs, stopping.signal);
  };

  return {
    start() {
      if (addresses.length === 0)
        throw new FairwayError('failed_precondition', 'no address of the hub is known', { retry: false });
      running = (async () => {
        while (!stopping.signal.aborted) await runOnce();
      })();
      running.catch((caught: unknown) => log.error('the connection loop has ended', { error: caught }));
    },
    async stop() {
      stopping.abort();
      await options.fences
        ?.leave()
        .catch((caught: unknown) => log.warn('promises could not be taken back', { error: caught }));
      options.fences?.stop();
      link?.close(new FairwayError('cancelled', 'the agent is stopping'));
      await running;
      // The next start asks the hub for what could not be written.
      await options.desired
        .flush()
        .catch((caught: unknown) => log.error('the desired state could not be written', { error: caught }));
    },
    acknowledge(ack) {
      acknowledgements.put(ack);
      link?.wake();
    },
    state: () => ({
      connected,
      address: address(),
      failures,
      lastError,
      certificateNotAfterMs: Date.parse(new X509Certificate(identity.certificateChainPem).validTo),
    }),
  };
}
