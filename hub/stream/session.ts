/**
 * One agent's Session, apart from any socket: Hello, comparison, assignments, acknowledgements, pauses, renewal. It keeps for each
 * application three words (digest, generation, release) of what the agent holds, never a Target; `wake` says only "look again", and
 * each look reads the store anew, so the latest wins and nothing queues while the connection is slow.
 */
import { create } from '@bufbuild/protobuf';
import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError } from '../../shared/error/error.ts';
import {
  AssignmentSchema,
  ConfirmedPruneSchema,
  type Hello,
  PauseSchema,
  PauseStateSchema,
  RenewResponseSchema,
  ResyncDoneSchema,
  type SessionRequest,
  type SessionResponse,
  SessionResponseSchema,
  SyncRequestSchema,
  WelcomeSchema,
  type FenceContact as WireContact,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import { BlobSchema } from '../../shared/gen/fairway/v1/common_pb.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { FenceOrder } from '../../shared/manifest/fencing.ts';
import type { Epoch, Target } from '../../shared/manifest/target.ts';
import { inlineBlobBytesMax, protocolMinor, summaryIntervalMs } from '../../shared/stream/protocol.ts';
import { epochToWire, targetToWire } from '../../shared/stream/wire.ts';
import { digestToWire, encode, timeToWire } from '../../shared/stream/wire-base.ts';
import { createEvent, type NewEvent } from '../model/event.ts';
import { pruneConfirmationId } from '../model/prune-confirmation.ts';
import type { AgentAuthority, IssuedCertificate } from '../model/registry.ts';
import type { Assignment, Confirmation, Pause } from '../model/release.ts';
import type { Store } from '../store/store.ts';
import { type AskFencing, fencesMessage, nothingFenced, takeContact, withheldPauses } from './fencing.ts';
import { isAhead, planDoubtful, planLacking, planSends, seenGeneration } from './plan-session.ts';
import { acknowledgementFromWire, type Held, summaryFromWire } from './wire.ts';

/** Lacking blobs looked at for sending along; an object has some hundred bytes at least. */
const inlineBlobsMax = 200;

type SessionStore = Pick<Store, 'meta' | 'content' | 'releases' | 'registry' | 'events'>;

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

interface State {
  hello: Hello | undefined;
  /** Welcome was written: assignments may follow. */
  opened: boolean;
  held: Map<string, Held>;
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
  woken: boolean;
  resync: boolean;
  pumping: boolean;
  closed: boolean;
}

export function createSession(options: SessionOptions): Session {
  const { certificate, clock } = options;
  const connectedAtMs = clock.now();
  const state: State = {
    hello: undefined,
    opened: false,
    held: new Map(),
    seenGeneration: 0,
    epoch: { counter: 0, id: '' },
    certificateNotAfterMs: certificate.notAfterMs,
    pausesSent: '',
    batchOpen: false,
    openedAtMs: connectedAtMs,
    order: undefined,
    woken: false,
    resync: false,
    pumping: false,
    closed: false,
  };
  const context: Context = { options, state, cluster: certificate.cluster };
  const session: Session = {
    cluster: certificate.cluster,
    info: () => ({
      cluster: certificate.cluster,
      instanceId: state.hello?.instanceId ?? '',
      agentVersion: state.hello?.agentVersion ?? '',
      kubernetesVersion: state.hello?.kubernetesVersion ?? '',
      peer: options.peer,
      connectedAtMs,
      certificateNotAfterMs: state.certificateNotAfterMs,
      applications: state.held.size,
    }),
    receive: (message) => receive(context, session, message),
    wake() {
      state.woken = true;
      if (state.opened) void pump(context);
    },
    sync(application, requestId) {
      const value = create(SyncRequestSchema, { application, requestId });
      options.write(create(SessionResponseSchema, { message: { case: 'sync', value } }));
    },
    close() {
      state.closed = true;
    },
  };
  return session;
}

interface Context {
  readonly options: SessionOptions;
  readonly state: State;
  readonly cluster: string;
}

async function receive(context: Context, session: Session, { message }: SessionRequest): Promise<void> {
  const { state, options } = context;
  if (message.case !== 'hello' && state.hello === undefined)
    throw new FairwayError('invalid_argument', 'a session opens with a hello');
  switch (message.case) {
    case 'hello':
      return receiveHello(context, session, message.value);
    case 'acknowledgement': {
      const acknowledgement = acknowledgementFromWire(message.value);
      if (acknowledgement) {
        // A fast clock of the agent's must not date it ahead of the hub's own.
        const timeMs = Math.min(acknowledgement.timeMs, options.clock.now());
        await options.store.releases.acknowledge({ cluster: context.cluster, ...acknowledgement, timeMs });
      }
      return;
    }
    case 'summary': {
      const seen = summaryFromWire(message.value);
      state.held = new Map(seen.applications);
      state.seenGeneration = Math.max(state.seenGeneration, seenGeneration(seen));
      state.resync = true;
      void pump(context);
      return;
    }
    case 'contact':
      return contact(context, message.value);
    case 'renew':
      return renew(context, message.value.certificateSigningRequest);
    default:
      // A newer agent may say more than this hub knows.
      options.log.debug('unknown session message ignored', { cluster: context.cluster });
  }
}

async function receiveHello(context: Context, session: Session, hello: Hello): Promise<void> {
  const { state, options, cluster } = context;
  const { store, clock } = options;
  if (state.hello !== undefined) throw new FairwayError('invalid_argument', 'a session has one hello');
  if (Math.abs(hello.protocolMinor - protocolMinor) > 1)
    throw new FairwayError(
      'failed_precondition',
      `this hub speaks protocol minor ${protocolMinor}, the agent ${hello.protocolMinor}: they may differ by one`,
    );
  const seen = summaryFromWire(hello.summary);
  state.hello = { ...hello, summary: undefined } as Hello;
  await options.onHello(session);
  state.epoch = await store.meta.epoch();
  const known = await store.registry.cluster(cluster);
  const ours = known?.generation ?? 0;
  const foreign = await hasForeignRelease(
    store,
    planDoubtful(seen, state.epoch, known?.acknowledgedGeneration ?? 0),
  );
  if (foreign || isAhead(seen, state.epoch, ours)) {
    options.log.warn('an agent has seen a later state of this hub: it was restored from an older one', {
      cluster,
      seenCounter: seen.epoch.counter,
      counter: state.epoch.counter,
      seenGeneration: seenGeneration(seen),
      generation: ours,
    });
    const before = state.epoch;
    // A hub that has counted past what the agent saw moves all the same: its numbers mean other things than the agent's.
    const past = foreign ? Math.max(seenGeneration(seen), ours + 1) : seenGeneration(seen);
    state.epoch = await store.meta.advanceEpoch(seen.epoch, cluster, past, clock.now());
    await store.events.append([restoredEvent(cluster, before, state.epoch, clock.now())]);
    options.onRestored();
  }
  state.held = new Map(seen.applications);
  state.seenGeneration = seenGeneration(seen);
  await store.registry.seen({
    cluster,
    connected: true,
    agentVersion: hello.agentVersion.slice(0, 64),
    kubernetesVersion: hello.kubernetesVersion.slice(0, 64),
    nowMs: clock.now(),
  });
  state.openedAtMs = clock.now();
  // Another process knows of promises only what it says itself.
  if (known?.fence && known.fence.instanceId !== hello.instanceId)
    await store.registry.saveFenceContact(cluster, undefined);
  const value = create(WelcomeSchema, {
    epoch: epochToWire(state.epoch),
    cluster,
    deletionsHeld: findRestored(await store.releases.confirmations()) !== undefined,
    protocolMinor,
    summaryIntervalMs,
  });
  options.write(create(SessionResponseSchema, { message: { case: 'welcome', value } }));
  state.opened = true;
  state.resync = true;
  void pump(context);
}

/** A release that no store row tells of; made by a later life of this hub than the backup it was restored from. */
async function hasForeignRelease(store: SessionStore, releaseIds: readonly string[]): Promise<boolean> {
  for (const id of releaseIds) if ((await store.releases.release(id)) === undefined) return true;
  return false;
}

/** Once an epoch: agents that show the same again change nothing. */
function restoredEvent(cluster: string, before: Epoch, after: Epoch, timeMs: number): NewEvent {
  const message = 'the hub was restored from an older state: deletions wait for a confirmation';
  const data = { before: before.counter, after: after.counter };
  const id = `hub.restored:${after.counter}:${after.id}`;
  return createEvent({ type: 'hub.restored', actor: 'hub', timeMs, cluster, message, data, id });
}

async function contact({ state, options, cluster }: Context, message: WireContact): Promise<void> {
  const { store, clock, fencing } = options;
  // The word of a session that another has replaced must not go over that one's.
  if (fencing === undefined || state.closed) return;
  const { openedAtMs } = state;
  const answer = await takeContact(message, {
    atMs: clock.now(),
    instanceId: state.hello?.instanceId ?? '',
    before: (await store.registry.cluster(cluster))?.fence,
    save: (said) => store.registry.saveFenceContact(cluster, said),
    withheld: async () => (await fencing({ cluster, openedAtMs, assignments: [] })).withheld,
  });
  if (answer) options.write(answer);
}

async function renew({ options, state, cluster }: Context, csr: Uint8Array): Promise<void> {
  const currentFingerprint = options.certificate.fingerprint;
  const credential = await options.registry.renew({ cluster, csr, currentFingerprint });
  state.certificateNotAfterMs = credential.notAfterMs;
  const value = encode(RenewResponseSchema, {
    certificateChain: [...credential.certificateChain],
    notAfterUnixMs: timeToWire(credential.notAfterMs),
  });
  options.write(create(SessionResponseSchema, { message: { case: 'renewed', value } }));
}

/** The open confirmation of a restored hub: it deletes nothing and takes nobody back until an operator has confirmed. */
function findRestored(confirmations: readonly Confirmation[]): Confirmation | undefined {
  return confirmations.find(
    ({ kind, confirmedAtMs }) => kind === 'restored-hub' && confirmedAtMs === undefined,
  );
}

/** Single flight: rounds until nothing has woken the session during the last. */
async function pump(context: Context): Promise<void> {
  const { state, options } = context;
  if (state.pumping) return;
  state.pumping = true;
  try {
    while (!state.closed && (state.woken || state.resync)) {
      const finishing = state.resync;
      state.woken = false;
      state.resync = false;
      const whole = await round(context);
      if (!whole) state.resync ||= finishing;
      else if (finishing || state.batchOpen) sayDone(context);
    }
  } catch (caught) {
    if (!state.closed) options.end(caught);
  } finally {
    state.pumping = false;
  }
}

function sayDone({ state, options }: Context): void {
  state.batchOpen = false;
  const value = create(ResyncDoneSchema, { generation: BigInt(state.seenGeneration) });
  options.write(create(SessionResponseSchema, { message: { case: 'resyncDone', value } }));
}

/** One look at the store, and all that differs. False when it was woken before the end: what is left is judged anew. */
async function round(context: Context): Promise<boolean> {
  const { state, options, cluster } = context;
  const { store } = options;
  const [epoch, assignments, pauses, confirmations] = await Promise.all([
    store.meta.epoch(),
    store.releases.assignments({ cluster }),
    store.releases.pauses(cluster),
    store.releases.confirmations(),
  ]);
  state.epoch = epoch;
  const restored = findRestored(confirmations);
  const { openedAtMs } = state;
  const order = (await options.fencing?.({ cluster, openedAtMs, assignments })) ?? nothingFenced;
  const prunes = findPrunes(confirmations, assignments);
  const tellPauses = (withheld: Iterable<string>) => {
    const all = [...pauses, ...withheldPauses(cluster, withheld, options.clock.now())];
    sendPauses(context, all, restored !== undefined, prunes);
  };
  // What is let go now is so only once its new Target is there.
  tellPauses(new Set([...(state.order?.withheld ?? []), ...order.withheld]));
  // Whatever this process has decided itself is no older than its start.
  const restoredAtMs = restored && Math.min(restored.createdAtMs, options.startedAtMs);
  const mayHave = assignments.filter(({ application }) => !order.withheld.includes(application));
  const sends = planSends({ assignments: mayHave, held: state.held, restoredAtMs });
  for (const [index, assignment] of sends.entries()) {
    if (state.closed) return true;
    if (state.woken) return false;
    await sendAssignment(context, assignment, index < sends.length - 1);
  }
  tellPauses(order.withheld);
  sendFences(context, order);
  return true;
}

function sendFences({ options, state }: Context, order: FenceOrder): void {
  if (options.fencing === undefined || JSON.stringify(order) === JSON.stringify(state.order)) return;
  state.order = order;
  options.write(fencesMessage(order));
}

/** Assignments whose deletions somebody has confirmed. */
function findPrunes(
  confirmations: readonly Confirmation[],
  assignments: readonly Assignment[],
): readonly Assignment[] {
  const said = new Set(
    confirmations
      .filter(({ kind, confirmedAtMs }) => kind === 'prune' && confirmedAtMs !== undefined)
      .map(({ id }) => id),
  );
  return said.size === 0 ? [] : assignments.filter((one) => said.has(pruneConfirmationId(one)));
}

function sendPauses(
  { options, state }: Context,
  pauses: readonly Pause[],
  deletionsHeld: boolean,
  prunes: readonly Assignment[],
): void {
  const now = options.clock.now();
  const current = pauses.filter(({ untilMs }) => untilMs === undefined || untilMs > now);
  const text = JSON.stringify([
    deletionsHeld,
    current.map((p) => [p.application, p.untilMs, p.reason]),
    prunes.map((one) => [one.application, one.targetDigest]),
  ]);
  if (text === state.pausesSent) return;
  state.pausesSent = text;
  const value = create(PauseStateSchema, {
    deletionsHeld,
    pauses: current.map(({ application, untilMs, reason }) =>
      encode(PauseSchema, { application, reason, remainingMs: timeToWire(untilMs && untilMs - now) }),
    ),
    prunes: prunes.map(({ application, targetDigest }) =>
      encode(ConfirmedPruneSchema, { application, targetDigest: digestToWire(targetDigest) }),
    ),
  });
  options.write(create(SessionResponseSchema, { message: { case: 'pauses', value } }));
}

async function sendAssignment(context: Context, assignment: Assignment, more: boolean): Promise<void> {
  const { options, state } = context;
  const { application, targetDigest, generation, releaseId } = assignment;
  const target = await options.store.content.target(targetDigest);
  if (!target) {
    const fields = { cluster: context.cluster, application, targetDigest, generation };
    options.log.error('an assigned target is not in the store', fields);
    return;
  }
  const value = encode(AssignmentSchema, {
    application,
    generation: BigInt(generation),
    epoch: epochToWire(state.epoch),
    releaseId,
    reason: assignment.reason,
    revisionId: assignment.revisionId,
    target: targetToWire(target),
    blobs: await loadInlineBlobs(context, application, target),
    more,
  });
  if (state.closed) return;
  const hasRoom = options.write(create(SessionResponseSchema, { message: { case: 'assignment', value } }));
  state.held.set(application, { targetDigest, generation, releaseId });
  state.batchOpen = more;
  if (!hasRoom) await options.drained();
}

/** What the agent lacks by what it holds of this application, while it fits; it fetches the rest. */
async function loadInlineBlobs({ options, state }: Context, application: string, target: Target) {
  const heldDigest = state.held.get(application)?.targetDigest;
  if (heldDigest === target.digest) return [];
  const before = heldDigest === undefined ? undefined : await options.store.content.target(heldDigest);
  const lacking = planLacking(before?.set.entries ?? [], target.set.entries).slice(0, inlineBlobsMax);
  if (lacking.length === 0) return [];
  const objects = await options.store.content.objects(lacking);
  const blobs = [];
  let left = inlineBlobBytesMax;
  for (const digest of lacking) {
    const content = Buffer.from(objects.get(digest)?.content ?? '');
    if (content.length === 0 || content.length > left) continue;
    left -= content.length;
    blobs.push(encode(BlobSchema, { digest: digestToWire(digest), content }));
  }
  return blobs;
}
