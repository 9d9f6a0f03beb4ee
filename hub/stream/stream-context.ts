import type { ServerOptions } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { toFairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { keepaliveMs, keepaliveTimeoutMs, messageBytesMax } from '../../shared/stream/protocol.ts';
import type { AgentAuthority } from '../model/registry.ts';
import type { Store } from '../store/store.ts';
import type { AskFencing } from './fencing.ts';
import type { QueryHub } from './query-hub.ts';
import type { SessionOptions } from './session-context.ts';
import type { Sessions } from './sessions.ts';

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

export const defaultLimits: StreamLimits = {
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
  readonly registry: AgentAuthority;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly listen: { readonly agent: ListenAddress; readonly enrolment: ListenAddress };
  /** The name agents verify in the serving certificate. Default `fairway-hub`. */
  readonly serverName?: string;
  /** `host:port` of the agent listener as agents reach it, in order of preference. Empty: the enrolment answer names none. */
  readonly advertisedAddresses: readonly string[] | ((agentPort: number) => readonly string[]);
  readonly limits?: Partial<StreamLimits>;
  /** The agent of a cluster says that facts have changed which it was asked to watch, or it has just come. */
  readonly onFactsChanged?: (cluster: string) => void;
  /** What agents are to promise of fencing, and what is withheld from them. Default: nothing. */
  readonly fencing?: AskFencing | undefined;
}

/** What the handlers of both listeners share. */
export interface StreamContext {
  readonly options: StreamServerOptions;
  /** As sessions read it (`shareReads`). */
  readonly sessionStore: SessionOptions['store'];
  readonly limits: StreamLimits;
  readonly sessions: Sessions;
  readonly queries: QueryHub;
  readonly wakeAll: () => void;
  /** Calls being served. */
  readonly running: Set<Promise<void>>;
  readonly startedAtMs: number;
  /** How many there were since the start. */
  revocations: number;
  agentPort: number;
  stopping: boolean;
}

/** Of both listeners. */
export function serverOptions(limits: StreamLimits): ServerOptions {
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

/** What the other side did is its business; what went wrong here is ours. */
export function logFailure({ options }: StreamContext, caught: unknown): void {
  const error = toFairwayError(caught);
  if (error.code === 'internal' || error.code === 'data_loss')
    options.log.error('a call failed', { code: error.code, error: error.message, cause: error.cause });
}
