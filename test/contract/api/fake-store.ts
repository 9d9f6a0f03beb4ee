/** A store in memory, as far as the API and the notifier use one. The API's suite runs against it and against SQLite. */
import type { FleetEvent, NewEvent } from '../../../hub/model/event.ts';
import type { ObjectObservation } from '../../../hub/model/observation.ts';
import type {
  AccessToken,
  EnrolmentToken,
  IssuedCertificate,
  RegisteredCluster,
} from '../../../hub/model/registry.ts';
import type { Confirmation, Pause } from '../../../hub/model/release.ts';
import type { RenderedObject } from '../../../hub/model/rendered.ts';
import type { Revision } from '../../../hub/model/revision.ts';
import type { SourceStatus } from '../../../hub/model/source-status.ts';
import type { EventFilter, OutboxItem } from '../../../hub/store/repositories/event-repository.ts';
import type { Resolution } from '../../../hub/store/repositories/fleet-repository.ts';
import type { Page, PageRequest } from '../../../hub/store/repositories/page.ts';
import type { AssignmentState } from '../../../hub/store/repositories/release-repository.ts';
import type { Store, StoreListener, StoreTopic } from '../../../hub/store/store.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { hookReasons } from '../../../shared/manifest/hook-reasons.ts';
import type { Target } from '../../../shared/manifest/target.ts';

export interface FakeState {
  revisions: Revision[];
  sources: SourceStatus[];
  readRevisionId: string | undefined;
  fleetProblems: Awaited<ReturnType<Store['fleet']['load']>>['problems'];
  resolutions: Resolution[];
  assignments: AssignmentState[];
  targets: Map<string, Target>;
  objects: Map<string, RenderedObject>;
  observations: ObjectObservation[];
  pauses: Pause[];
  confirmations: Confirmation[];
  clusters: RegisteredCluster[];
  enrolmentTokens: EnrolmentToken[];
  certificates: IssuedCertificate[];
  accessTokens: AccessToken[];
  events: FleetEvent[];
  /** Events before this sequence were collected. */
  firstSequence: number;
  outboxTypes: readonly string[];
  outbox: Map<number, { item: OutboxItem; dueAtMs: number }>;
}

export interface FakeStore {
  readonly store: Store;
  readonly state: FakeState;
  publish(topic: StoreTopic, key?: string): void;
}

function pageOf<T>(items: readonly T[], { limit, cursor }: PageRequest): Page<T> {
  const start = cursor === undefined ? 0 : Number(cursor);
  if (!Number.isInteger(start)) throw new FairwayError('invalid_argument', 'not a cursor');
  const next = start + limit < items.length ? String(start + limit) : undefined;
  return { items: items.slice(start, start + limit), next };
}

function matches(event: FleetEvent, filter: EventFilter): boolean {
  const { types, cluster, application, sinceMs } = filter;
  return (
    (types === undefined || types.some((type) => event.type === type || event.type.startsWith(type + '.'))) &&
    (cluster === undefined || event.cluster === cluster) &&
    (application === undefined || event.application === application) &&
    (sinceMs === undefined || event.timeMs >= sinceMs)
  );
}

export function createFakeStore(): FakeStore {
  const state: FakeState = {
    revisions: [],
    sources: [],
    readRevisionId: undefined,
    fleetProblems: [],
    resolutions: [],
    assignments: [],
    targets: new Map(),
    objects: new Map(),
    observations: [],
    pauses: [],
    confirmations: [],
    clusters: [],
    enrolmentTokens: [],
    certificates: [],
    accessTokens: [],
    events: [],
    firstSequence: 1,
    outboxTypes: [],
    outbox: new Map(),
  };
  const listeners = new Set<StoreListener>();
  const publish = (topic: StoreTopic, key = '') => {
    for (const listener of listeners) listener(topic, key);
  };
  let sequence = 0;
  const append = (events: readonly NewEvent[]) => {
    for (const event of events) {
      sequence += 1;
      const kept: FleetEvent = { ...event, id: event.id ?? `event-${sequence}`, sequence };
      state.events.push(kept);
      const wanted = state.outboxTypes.some((type) => kept.type === type || kept.type.startsWith(type + '.'));
      if (wanted) state.outbox.set(sequence, { item: { event: kept, attempts: 0 }, dueAtMs: 0 });
    }
    if (events.length > 0) publish('events');
  };

  const store = {
    meta: { epoch: async () => ({ counter: 1, id: 'epoch-1' }) },
    sources: {
      list: async () => state.sources,
      revision: async (id) => state.revisions.find((revision) => revision.id === id),
      latestRevision: async () => state.revisions[0],
      revisions: async (page) => pageOf(state.revisions, page),
    },
    fleet: {
      load: async () => ({ revisionId: state.readRevisionId, resources: [], problems: state.fleetProblems }),
      resolutions: async () => state.resolutions,
    },
    content: {
      target: async (digest) => state.targets.get(digest),
      targets: async (digests) => new Map([...state.targets].filter(([digest]) => digests.includes(digest))),
      objects: async (digests) => new Map([...state.objects].filter(([digest]) => digests.includes(digest))),
    },
    releases: {
      releases: async () => ({ items: [], next: undefined }),
      assignments: async ({ cluster, application }) =>
        state.assignments.filter(
          (one) =>
            (cluster === undefined || one.cluster === cluster) &&
            (application === undefined || one.application === application),
        ),
      pauses: async (cluster) =>
        state.pauses.filter((pause) => cluster === undefined || pause.cluster === cluster),
      async savePause(pause, event) {
        state.pauses = state.pauses.filter(
          (one) => one.cluster !== pause.cluster || one.application !== pause.application,
        );
        state.pauses.push(pause);
        append([event]);
      },
      async removePause(cluster, application, event) {
        const rest = state.pauses.filter((one) => one.cluster !== cluster || one.application !== application);
        const removed = rest.length < state.pauses.length;
        state.pauses = rest;
        if (removed) append([event]);
        return removed;
      },
      confirmations: async () => state.confirmations,
      async confirm(id, actor, event) {
        const found = state.confirmations.find((one) => one.id === id);
        if (found === undefined) throw new FairwayError('not_found', 'no such confirmation');
        if (found.confirmedAtMs !== undefined) return found;
        const confirmed = { ...found, confirmedAtMs: event.timeMs, confirmedBy: actor };
        state.confirmations = state.confirmations.map((one) => (one.id === id ? confirmed : one));
        append([event]);
        return confirmed;
      },
    },
    registry: {
      clusters: async () => state.clusters,
      cluster: async (name) => state.clusters.find((one) => one.name === name),
      tokens: async () => state.enrolmentTokens,
      token: async (id) => state.enrolmentTokens.find((one) => one.id === id),
      async saveToken(token, event) {
        state.enrolmentTokens.push(token);
        append([event]);
      },
      async revokeToken(id, event) {
        const found = state.enrolmentTokens.find((one) => one.id === id);
        if (found === undefined || found.revokedAtMs !== undefined || found.usedAtMs !== undefined)
          return false;
        state.enrolmentTokens = state.enrolmentTokens.map((one) =>
          one.id === id ? { ...one, revokedAtMs: event.timeMs } : one,
        );
        append([event]);
        return true;
      },
      certificates: async (cluster) => state.certificates.filter((one) => one.cluster === cluster),
    },
    access: {
      async saveToken(token, event) {
        state.accessTokens.push(token);
        append([event]);
      },
      tokenByHash: async (hash) => state.accessTokens.find(({ secretHash }) => secretHash === hash),
      tokens: async () => state.accessTokens,
      async touchToken(id, nowMs) {
        state.accessTokens = state.accessTokens.map((one) =>
          one.id === id ? { ...one, lastUsedAtMs: nowMs } : one,
        );
      },
      async revokeToken(id, nowMs, event) {
        const found = state.accessTokens.find((one) => one.id === id);
        if (found === undefined || found.revokedAtMs !== undefined) return false;
        state.accessTokens = state.accessTokens.map((one) =>
          one.id === id ? { ...one, revokedAtMs: nowMs } : one,
        );
        append([event]);
        return true;
      },
    },
    observations: {
      applications: async () => [],
      objects: async (filter, page) =>
        pageOf(
          state.observations.filter(
            (one) =>
              (filter.cluster === undefined || one.cluster === filter.cluster) &&
              (filter.application === undefined || one.application === filter.application) &&
              (!filter.hooks || (hookReasons as readonly string[]).includes(one.reason)) &&
              (filter.kind === undefined || one.key.kind === filter.kind) &&
              (filter.syncStatus === undefined || one.syncStatus === filter.syncStatus),
          ),
          page,
        ),
    },
    events: {
      append: async (events) => append(events),
      list: async (filter, page) =>
        pageOf(state.events.filter((event) => matches(event, filter)).reverse(), page),
      after: async (after, filter, limit) =>
        state.events
          .filter((event) => event.sequence > after && event.sequence >= state.firstSequence)
          .filter((event) => matches(event, filter))
          .slice(0, limit),
      lastSequence: async () => sequence,
      firstSequence: async () => state.firstSequence,
      async setOutboxTypes(types) {
        state.outboxTypes = types;
      },
      outbox: async (nowMs, limit) =>
        [...state.outbox.values()]
          .filter(({ dueAtMs }) => dueAtMs <= nowMs)
          .slice(0, limit)
          .map(({ item }) => item),
      async settleOutbox(settled) {
        state.outbox.delete(settled);
      },
      async deferOutbox(deferred, nextAttemptAtMs) {
        const entry = state.outbox.get(deferred);
        if (entry === undefined) return;
        const item = { ...entry.item, attempts: entry.item.attempts + 1 };
        state.outbox.set(deferred, { item, dueAtMs: nextAttemptAtMs });
      },
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } satisfies DeepPartial<Store>;
  return { store: store as unknown as Store, state, publish };
}

type DeepPartial<T> = { [K in keyof T]?: T[K] extends (...args: never[]) => unknown ? T[K] : Partial<T[K]> };
