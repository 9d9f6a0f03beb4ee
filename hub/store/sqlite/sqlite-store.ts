/** The repositories of the SQLite dialect over one open database, as synchronous calls by name. */
import type { Database } from 'better-sqlite3';
import { FairwayError } from '../../../shared/error/error.ts';
import { digestText } from '../../../shared/manifest/canonical.ts';
import type { Sealer } from '../seal.ts';
import type { Store, StoreTopic } from '../store.ts';
import { type MethodKind, type RepositoryName, storeMethods } from '../store-methods.ts';
import { createSqliteAccess } from './access.ts';
import { createSqliteContent } from './content.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { drizzle } from './drizzle.ts';
import { createSqliteEvents } from './events.ts';
import { createSqliteFailovers } from './failovers.ts';
import { createSqliteFleet } from './fleet.ts';
import { createCollector } from './garbage.ts';
import { createSqliteMeta } from './meta.ts';
import { createSqliteObservations } from './observations.ts';
import { createSqliteParity } from './parity.ts';
import { createSqliteRegistry } from './registry.ts';
import { createSqliteReleases } from './releases.ts';
import { createSqliteRenders } from './renders.ts';
import { createSqliteHistory } from './rollout-history.ts';
import { createSqliteSources } from './sources.ts';

export interface SqliteCall {
  /** `releases.savePlan`, or `collectGarbage`. */
  readonly method: string;
  readonly args: readonly unknown[];
  /** The hub's clock when the call was made. */
  readonly nowMs: number;
}

export interface SqliteStore {
  kindOf(method: string): MethodKind;
  /** One call within the transaction in force; tells `changed` what it changes. */
  run(call: SqliteCall, changed: (topic: StoreTopic, key: string) => void): unknown;
}

type Repositories = { readonly [R in RepositoryName]: Synchronous<Store[R]> };

function createRepositories(context: SqliteContext): Repositories {
  const events = createSqliteEvents(context);
  const fleet = createSqliteFleet(context);
  const history = createSqliteHistory(context);
  return {
    meta: createSqliteMeta(context),
    sources: createSqliteSources(context, events),
    fleet,
    content: createSqliteContent(context),
    renders: createSqliteRenders(context),
    releases: createSqliteReleases(context, events, fleet, history),
    history,
    registry: createSqliteRegistry(context, events),
    access: createSqliteAccess(context, events),
    observations: createSqliteObservations(context, events),
    events,
    parity: createSqliteParity(context, events),
    failovers: createSqliteFailovers(context, events),
  };
}

type Handler = (...args: unknown[]) => unknown;

interface Method {
  readonly kind: MethodKind;
  readonly handler: Handler;
}

/** Only what the contract names can be called. */
function createMethods(context: SqliteContext): ReadonlyMap<string, Method> {
  const repositories = createRepositories(context);
  const methods = new Map<string, Method>();
  for (const [repository, table] of Object.entries(storeMethods))
    for (const [name, kind] of Object.entries(table)) {
      const handlers = repositories[repository as RepositoryName] as unknown as Record<string, Handler>;
      const handler = handlers[name];
      if (handler === undefined) throw new FairwayError('internal', `${repository}.${name} is missing`);
      methods.set(`${repository}.${name}`, { kind, handler });
    }
  methods.set('collectGarbage', { kind: 'write', handler: createCollector(context) as Handler });
  return methods;
}

/** @param seed 32 hex digits from the hub's random source, of this process alone. */
export function createSqliteStore(client: Database, sealer: Sealer, seed: string): SqliteStore {
  let nowMs = 0;
  let changed: (topic: StoreTopic, key: string) => void = () => {};
  const methods = createMethods({
    client,
    db: drizzle(client),
    sealer,
    nowMs: () => nowMs,
    uniqueId: (part) => digestText(`${seed} ${part}`).slice(0, 32),
    changed: (topic, key) => changed(topic, key),
  });
  const find = (name: string): Method => {
    const method = methods.get(name);
    if (method === undefined)
      throw new FairwayError('internal', 'the store has no such method', { subject: name });
    return method;
  };
  return {
    kindOf: (name) => find(name).kind,
    run(call, listener) {
      nowMs = call.nowMs;
      changed = listener;
      return find(call.method).handler(...call.args);
    },
  };
}
