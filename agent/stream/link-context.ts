import { create } from '@bufbuild/protobuf';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import type { FairwayError } from '../../shared/error/error.ts';
import {
  type SessionRequest,
  SessionRequestSchema,
  type SessionResponse,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { ReportSource } from '../model/report.ts';
import type { AcknowledgementBook } from './acknowledgement-book.ts';
import type { KeepaliveOptions } from './channel.ts';
import type { DesiredStore } from './desired-store.ts';
import type { FenceKeeper } from './fence-keeper.ts';
import type { Identity } from './identity-store.ts';
import type { QueryHandlers } from './querier.ts';

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
  readonly onWelcome: () => void;
  readonly onSync: (application: string) => void;
  /** Undefined: nothing is promised. */
  readonly fences?: FenceKeeper | undefined;
  /** Kept durably before the new identity is used. */
  readonly saveIdentity: (identity: Identity) => Promise<void>;
}

export type Stream = ClientDuplexStream<SessionRequest, SessionResponse>;

/** What the parts of one link share. */
export interface LinkContext extends LinkOptions {
  readonly client: Client;
  readonly stream: Stream;
  readonly abort: AbortController;
  readonly finish: (error: FairwayError, renewed?: boolean) => void;
  readonly fetch: () => void;
  /** Timers of this link. */
  readonly timers: Set<() => void>;
  welcomed: boolean;
  /** Of the renewal that was asked for. */
  pendingKey: string | undefined;
  /** What was acknowledged before the last summary is known to the hub once it has sent all that differs. */
  confirm: (() => void) | undefined;
  /** Tries to send a batch; set while Report is open. */
  wakeReports: () => void;
}

type Said = Exclude<SessionRequest['message'], { case: undefined }>;

/** Writes to the session, unless the link is over. */
export function say<C extends Said['case']>(
  context: LinkContext,
  name: C,
  value: Extract<Said, { case: C }>['value'],
): void {
  const message = { case: name, value } as Said;
  if (!context.abort.signal.aborted) context.stream.write(create(SessionRequestSchema, { message }));
}

/** Calls back in so many milliseconds, unless the link is over by then. */
export function after(context: LinkContext, delayMs: number, callback: () => void): void {
  if (context.abort.signal.aborted) return;
  const cancel = context.clock.after(delayMs, () => {
    context.timers.delete(cancel);
    callback();
  });
  context.timers.add(cancel);
}
