/**
 * Tells the outside what happens: events of chosen types go from the store's outbox to webhooks as signed CloudEvents. An item is leased (deferred) when it
 * is taken, settled when every route that wants it has it or has given up, and comes back by itself when the process dies in between:
 * at least once, with the same id. Each route sends one at a time from a short queue of its own, so a slow receiver delays nobody else.
 */
import type { Counter } from 'prom-client';
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { toFairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { planBackoffMs } from '../../shared/loop/backoff.ts';
import type { StepResult } from '../../shared/loop/loop.ts';
import { type EventType, eventTypes, type FleetEvent } from '../model/event.ts';
import type { OutboxItem } from '../store/repositories/event-repository.ts';
import type { Store } from '../store/store.ts';
import { cloudEventMediaType, toCloudEvent } from './cloud-event.ts';
import { type FetchPort, type SendResult, sendWebhook } from './send-webhook.ts';
import { signWebhook } from './sign-webhook.ts';

export interface NotifierRoute {
  readonly url: string;
  /** Read anew at each attempt, so that a rotated secret counts; undefined: unsigned. */
  readonly secret: () => Promise<string | undefined>;
  /** Event types or their first parts; empty: all but audit and assignments. */
  readonly types: readonly string[];
}

export interface NotifierOptions {
  readonly store: Pick<Store, 'events'>;
  readonly routes: readonly NotifierRoute[];
  readonly fetch: FetchPort;
  /** Whether the hub may connect there. */
  readonly allowed: (url: string) => boolean;
  /** CloudEvents' source: which hub speaks, such as its URL. */
  readonly source: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Labels: route, result (delivered, retried, given_up). */
  readonly deliveries?: Counter<'route' | 'result'> | undefined;
}

export interface Notifier {
  /** Names the types that enter the outbox. Call once, before the first step. */
  start(): Promise<void>;
  /** Takes what is due and starts sending; does not wait for receivers. One key, for a loop. */
  step(): Promise<StepResult>;
  /** Resolves when nothing is being sent. */
  idle(): Promise<void>;
  /** Aborts what is being sent; it comes back after the next start. */
  stop(): Promise<void>;
}

const batchMax = 100;
const queueMax = 200;
/** An item that was taken comes back after this long if nobody settles it. */
const leaseMs = 60_000;
/** After this long it is given up. */
const ageMaxMs = 24 * 3_600_000;
const backoff = { baseMs: 1_000, maxMs: 3_600_000 };
/** Items whose delivery to some routes is remembered; beyond, a receiver may get one twice. */
const progressMax = 10_000;

interface Route {
  readonly name: string;
  readonly config: NotifierRoute;
  readonly types: ReadonlySet<EventType>;
  readonly queue: Map<number, FleetEvent>;
  failures: number;
  notBeforeMs: number;
  sending: Promise<void> | undefined;
}

interface Progress {
  /** Routes that have it, or never will. */
  readonly done: Set<Route>;
  /** Failures so far, by route. */
  readonly attempts: Map<Route, number>;
  readonly notBeforeMs: Map<Route, number>;
}

export function createNotifier(options: NotifierOptions): Notifier {
  const { store, clock } = options;
  const routes = options.routes.map(createRoute);
  const progress = new Map<number, Progress>();
  const abort = new AbortController();
  const context: Context = { options, progress, signal: abort.signal };
  const idle = async () => {
    for (;;) {
      const sending = routes.flatMap((route) => route.sending ?? []);
      if (sending.length === 0) return;
      await Promise.all(sending);
    }
  };
  return {
    start: () => store.events.setOutboxTypes([...new Set(routes.flatMap(({ types }) => [...types]))]),
    async step() {
      const items = await store.events.outbox(clock.now(), batchMax);
      for (const item of items) await take(context, routes, item);
      for (const route of routes)
        if (route.queue.size > 0 && route.sending === undefined)
          route.sending = drain(context, routes, route)
            // The store failed: leases bring back what was taken.
            .catch((caught: unknown) => {
              const error = toFairwayError(caught);
              options.log.warn('sending was interrupted', { route: route.name, error });
            })
            .finally(() => {
              route.sending = undefined;
            });
      return { requeueAfterMs: items.length === batchMax ? 0 : 5_000 };
    },
    idle,
    async stop() {
      abort.abort();
      await idle();
    },
  };
}

interface Context {
  readonly options: NotifierOptions;
  readonly progress: Map<number, Progress>;
  readonly signal: AbortSignal;
}

function createRoute(config: NotifierRoute): Route {
  const wanted = (type: EventType) =>
    config.types.length === 0
      ? // A change of a base is an assignment in every cluster: its release tells the same once, and drives nothing else out of the outbox.
        !type.startsWith('audit.') && !type.startsWith('assignment.')
      : config.types.some((part) => type === part || type.startsWith(`${part}.`));
  return {
    // Path and query of a webhook's URL are often its secret.
    name: new URL(config.url).host,
    config,
    types: new Set(eventTypes.filter(wanted)),
    queue: new Map(),
    failures: 0,
    notBeforeMs: 0,
    sending: undefined,
  };
}

function progressOf(progress: Map<number, Progress>, sequence: number): Progress {
  let known = progress.get(sequence);
  if (known === undefined) {
    known = { done: new Set(), attempts: new Map(), notBeforeMs: new Map() };
    progress.set(sequence, known);
    for (const oldest of progress.keys()) {
      if (progress.size <= progressMax) break;
      progress.delete(oldest);
    }
  }
  return known;
}

/** Puts an item into the queues of the routes that still want it, and leases it; or settles it. */
async function take(context: Context, routes: readonly Route[], { event }: OutboxItem): Promise<void> {
  const { store, clock } = context.options;
  const nowMs = clock.now();
  const state = progressOf(context.progress, event.sequence);
  const open = routes.filter((route) => route.types.has(event.type) && !state.done.has(route));
  if (nowMs - event.timeMs > ageMaxMs)
    for (const route of open) giveUp(context, route, state, event, 'it could not be delivered within a day');
  const wanting = open.filter((route) => !state.done.has(route));
  if (wanting.length === 0) return settle(context, event.sequence);
  let returnMs = Number.POSITIVE_INFINITY;
  for (const route of wanting) {
    const notBeforeMs = Math.max(route.notBeforeMs, state.notBeforeMs.get(route) ?? 0);
    const waits = notBeforeMs > nowMs;
    if (!waits && route.queue.size < queueMax) route.queue.set(event.sequence, event);
    returnMs = Math.min(returnMs, waits ? notBeforeMs : nowMs + leaseMs);
  }
  await store.events.deferOutbox(event.sequence, returnMs);
}

async function settle({ options, progress }: Context, sequence: number): Promise<void> {
  progress.delete(sequence);
  await options.store.events.settleOutbox(sequence);
}

/** Sends a route's queue, oldest first, until it is empty or the receiver is down. */
async function drain(context: Context, routes: readonly Route[], route: Route): Promise<void> {
  for (const [sequence, event] of route.queue) {
    if (context.signal.aborted) return;
    route.queue.delete(sequence);
    const state = progressOf(context.progress, sequence);
    if (state.done.has(route)) continue;
    try {
      const result = await deliver(context, route, event);
      if (context.signal.aborted) return;
      await record(context, routes, route, event, result);
    } catch (caught) {
      // The store failed: the lease brings the item back.
      const error = toFairwayError(caught);
      context.options.log.warn('cannot record a delivery', { route: route.name, error, sequence });
    }
    if (route.notBeforeMs > context.options.clock.now()) {
      await returnQueue(context, route);
      return;
    }
  }
}

/** What waits for a receiver that is down comes back when it may be tried again. */
async function returnQueue({ options }: Context, route: Route): Promise<void> {
  const waiting = [...route.queue.keys()];
  route.queue.clear();
  for (const sequence of waiting) await options.store.events.deferOutbox(sequence, route.notBeforeMs);
}

async function deliver({ options, signal }: Context, route: Route, event: FleetEvent): Promise<SendResult> {
  const { clock, source } = options;
  if (!options.allowed(route.config.url))
    return { kind: 'refused', why: 'the hub may not connect there (egress)' };
  const body = JSON.stringify(toCloudEvent(event, source));
  const secret = await route.config.secret();
  const signature =
    secret === undefined ? {} : signWebhook(event.id, Math.floor(clock.now() / 1000), body, secret);
  const headers = { 'content-type': cloudEventMediaType, 'user-agent': 'fairway', ...signature };
  return sendWebhook({ url: route.config.url, headers, body }, { fetch: options.fetch, clock, signal });
}

async function record(
  context: Context,
  routes: readonly Route[],
  route: Route,
  event: FleetEvent,
  result: SendResult,
): Promise<void> {
  const { options } = context;
  const state = progressOf(context.progress, event.sequence);
  if (result.kind === 'retry') return postpone(context, route, event, result);
  if (result.kind === 'refused') giveUp(context, route, state, event, result.why);
  else {
    options.deliveries?.inc({ route: route.name, result: 'delivered' });
    route.failures = 0;
    state.done.add(route);
  }
  const open = routes.some((one) => one.types.has(event.type) && !state.done.has(one));
  if (!open) await settle(context, event.sequence);
}

async function postpone(
  { options, progress }: Context,
  route: Route,
  event: FleetEvent,
  result: Extract<SendResult, { kind: 'retry' }>,
): Promise<void> {
  const { clock, random, log, store } = options;
  const state = progressOf(progress, event.sequence);
  const attempts = state.attempts.get(route) ?? 0;
  state.attempts.set(route, attempts + 1);
  const failures = result.receiverDown ? route.failures : attempts;
  const waitMs = Math.max(result.retryAfterMs ?? 0, planBackoffMs(failures, random, backoff));
  const notBeforeMs = clock.now() + waitMs;
  state.notBeforeMs.set(route, notBeforeMs);
  if (result.receiverDown) {
    route.failures += 1;
    route.notBeforeMs = notBeforeMs;
  }
  options.deliveries?.inc({ route: route.name, result: 'retried' });
  log.warn('notification not delivered', { route: route.name, event: event.id, why: result.why, waitMs });
  await store.events.deferOutbox(event.sequence, notBeforeMs);
}

function giveUp({ options }: Context, route: Route, state: Progress, event: FleetEvent, why: string): void {
  state.done.add(route);
  options.deliveries?.inc({ route: route.name, result: 'given_up' });
  options.log.error('notification given up', { route: route.name, event: event.id, type: event.type, why });
}
