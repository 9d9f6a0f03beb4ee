/** What the parts of one session share: its ports and the little it remembers of its agent. */
import type { Clock } from '../../shared/clock/clock.ts';
import type { Hello, SessionRequest, SessionResponse } from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { FenceOrder } from '../../shared/manifest/fencing.ts';
import type { Epoch } from '../../shared/manifest/target.ts';
import type { AgentAuthority, IssuedCertificate } from '../model/registry.ts';
import type { Store } from '../store/store.ts';
import type { AskFencing } from './fencing.ts';
import type { Held } from './wire.ts';

export type SessionStore = Pick<Store, 'meta' | 'content' | 'releases' | 'registry' | 'events'>;

export interface SessionOptions {
  readonly certificate: IssuedCertificate;
  readonly peer: string;
  /** When this hub process began to serve. */
  readonly startedAtMs: number;
  readonly store: SessionStore;
  readonly registry: Pick<AgentAuthority, 'renew'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** False: full; the session waits for `drained` before it writes again. */
  readonly write: (message: SessionResponse) => boolean;
  readonly drained: () => Promise<void>;
  readonly end: (error: unknown) => void;
  /** Called with a readable Hello, before anything is answered. @throws when the session may not open. */
  readonly onHello: (session: Session) => Promise<void>;
  /** What this agent is to promise, and what it may not have now. Default: nothing. */
  readonly fencing?: AskFencing | undefined;
  /** The hub's epoch moved: every session has something new to hear. */
  readonly onRestored: () => void;
}

export interface SessionInfo {
  readonly cluster: string;
  readonly instanceId: string;
  readonly agentVersion: string;
  readonly kubernetesVersion: string;
  readonly peer: string;
  readonly connectedAtMs: number;
  readonly certificateNotAfterMs: number;
  /** Applications the agent holds or was sent. */
  readonly applications: number;
}

export interface Session {
  readonly cluster: string;
  info(): SessionInfo;
  /** One message at a time; the caller reads no further until it resolves. */
  receive(message: SessionRequest): Promise<void>;
  /** Something of this cluster changed. */
  wake(): void;
  /** Asks the agent to look at everything again; empty application: all. */
  sync(application: string, requestId: string): void;
  close(): void;
}

/** Changed by the parts of this session only. */
export interface SessionState {
  hello: Hello | undefined;
  /** Welcome was written: assignments may follow. */
  opened: boolean;
  /** What the agent holds or was sent, by application. */
  held: Map<string, Held>;
  /** The highest generation the agent has shown. */
  seenGeneration: number;
  epoch: Epoch;
  certificateNotAfterMs: number;
  /** What the agent was last told of pauses and holds. */
  pausesSent: string;
  /** The last assignment sent said that more follow. */
  batchOpen: boolean;
  /** When its opening was written down: whoever reads the registry before then does not know of it. */
  openedAtMs: number;
  /** What was last said of fencing; undefined: nothing in this session. */
  order: FenceOrder | undefined;
  /** Something changed since the last look at the store. */
  woken: boolean;
  /** The agent has said anew what it holds, and waits to hear that it has everything. */
  resync: boolean;
  /** A look at the store is under way. */
  updating: boolean;
  closed: boolean;
}

export interface SessionContext {
  readonly options: SessionOptions;
  readonly state: SessionState;
  readonly cluster: string;
}
