/** A hub's stream on a real store and real sockets, and agents against it, for the tests beside. */

import { createReportQueue, type ReportQueue } from '../../../agent/report/queue.ts';
import { type DesiredStore, loadDesiredStore } from '../../../agent/stream/desired-store.ts';
import { enrol } from '../../../agent/stream/enrol.ts';
import type { FenceKeeper } from '../../../agent/stream/fence-keeper.ts';
import {
  createHubConnection,
  type HubConnection,
  type HubConnectionOptions,
} from '../../../agent/stream/hub-connection.ts';
import type {
  Identity,
  IdentityStore,
  PendingKey,
  PendingKeys,
} from '../../../agent/stream/identity-store.ts';
import type { StateStorage } from '../../../agent/stream/state-storage.ts';
import type { RenderedObject } from '../../../hub/model/rendered.ts';
import { createRegistry, type Registry } from '../../../hub/registry/registry.ts';
import { openStore } from '../../../hub/store/open-store.ts';
import type { Store } from '../../../hub/store/store.ts';
import type { AskFencing } from '../../../hub/stream/fencing.ts';
import type { StreamLimits } from '../../../hub/stream/stream-context.ts';
import { createStreamServer, type StreamServer } from '../../../hub/stream/stream-server.ts';
import type { Clock } from '../../../shared/clock/clock.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { createSeededRandom, systemRandom } from '../../../shared/clock/random.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { canonicalJson, digestText, keyedDigest } from '../../../shared/manifest/canonical.ts';
import { type KubeObject, keyOf, keyText } from '../../../shared/manifest/object.ts';
import {
  createManifestSet,
  createRemovalTarget,
  createTarget,
  defaultSyncOptions,
  type Target,
} from '../../../shared/manifest/target.ts';
import { freePort } from '../../cluster/free-port.ts';

/** Waits until the predicate gives something; fails after 10 s. */
export async function until<T>(
  what: string,
  predicate: () => T | Promise<T>,
  limitMs = 10_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await predicate();
    if (value) return value;
    if (performance.now() > end) throw new Error(`waited too long for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The machine's clock, moved: timers stay real, so that sockets go on. */
export interface ShiftedClock extends Clock {
  /** How far the wall clock is set wrong. */
  shiftMs: number;
  /** Time that has passed for both clocks. */
  passedMs: number;
}

function createShiftedClock(): ShiftedClock {
  return {
    shiftMs: 0,
    passedMs: 0,
    now() {
      return systemClock.now() + this.passedMs + this.shiftMs;
    },
    monotonic() {
      return systemClock.monotonic() + this.passedMs;
    },
    after: (delayMs, callback) => systemClock.after(delayMs, callback),
  };
}

const digestKey = Buffer.alloc(32, 7);

export function configMap(name: string, value: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data: { value } };
}

export function secret(name: string, value: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'shop' }, data: { value } };
}

export function render(
  objects: readonly KubeObject[],
  changes: Partial<Target> = {},
): { target: Target; objects: RenderedObject[] } {
  const rendered = objects.map((object) => {
    const content = canonicalJson(object);
    const isSecret = object.kind === 'Secret';
    return {
      digest: isSecret ? keyedDigest(content, digestKey) : digestText(content),
      content,
      secret: isSecret,
    };
  });
  const entries = objects.map((object, index) => ({
    objectDigest: rendered[index]!.digest,
    key: keyOf(object),
    apiVersion: object.apiVersion,
    originId: keyText(keyOf(object)),
    wave: 0,
  }));
  const { digest: _, ...parts } = {
    sync: defaultSyncOptions,
    health: [],
    dependsOn: [],
    deletionPolicy: 'prune' as const,
    removed: false,
    ...changes,
    digest: '',
    set: createManifestSet(entries),
  };
  return { target: createTarget(parts), objects: rendered };
}

export interface Hub {
  readonly store: Store;
  readonly registry: Registry;
  readonly server: StreamServer;
  readonly clock: ShiftedClock;
  readonly agentPort: number;
  readonly enrolmentAddress: string;
  /** Saves and assigns; wakes the stream. */
  assign(
    cluster: string,
    targets: Readonly<Record<string, readonly KubeObject[] | 'removed'>>,
  ): Promise<void>;
  eventTypes(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

let releases = 0;

export async function startHub(
  options: {
    readonly path?: string;
    readonly limits?: Partial<StreamLimits>;
    readonly certificateLifetimeMs?: number;
    readonly agentPort?: number;
    /** What its registry sees of the store. */
    readonly wrapStore?: (store: Store) => Store;
    /** What agents are told of fencing. */
    readonly fencing?: AskFencing;
    readonly onFactsChanged?: (cluster: string) => void;
  } = {},
): Promise<Hub> {
  const clock = createShiftedClock();
  const common = { clock, random: systemRandom, log: silentLogger };
  const store = await openStore({
    ...common,
    path: options.path ?? ':memory:',
    dataKey: Buffer.alloc(32, 1),
  });
  const { certificateLifetimeMs } = options;
  const registry = await createRegistry({
    ...common,
    store: options.wrapStore?.(store) ?? store,
    ...(certificateLifetimeMs === undefined ? {} : { certificateLifetimeMs }),
  });
  const server = createStreamServer({
    ...common,
    store,
    registry,
    listen: {
      agent: { host: '127.0.0.1', port: options.agentPort ?? (await freePort()) },
      enrolment: { host: '127.0.0.1', port: 0 },
    },
    advertisedAddresses: (port) => [`127.0.0.1:${port}`],
    limits: options.limits ?? {},
    fencing: options.fencing,
    ...(options.onFactsChanged && { onFactsChanged: options.onFactsChanged }),
  });
  const { agentPort, enrolmentPort } = await server.start();
  return {
    store,
    registry,
    server,
    clock,
    agentPort,
    enrolmentAddress: `127.0.0.1:${enrolmentPort}`,
    async assign(cluster, targets) {
      await assign(store, cluster, targets);
      server.wake(cluster);
    },
    async eventTypes() {
      const { items } = await store.events.list({}, { limit: 500 });
      return items.map(({ type, data }) =>
        data['reason'] === undefined ? type : `${type}:${String(data['reason'])}`,
      );
    },
    async stop() {
      await server.stop();
      await store.close();
    },
  };
}

async function assign(
  store: Store,
  cluster: string,
  targets: Readonly<Record<string, readonly KubeObject[] | 'removed'>>,
): Promise<void> {
  const nowMs = systemClock.now();
  const rendered = Object.entries(targets).map(([application, objects]) => ({
    application,
    ...(objects === 'removed' ? { target: createRemovalTarget('prune'), objects: [] } : render(objects)),
  }));
  await store.content.saveSets(
    rendered.map(({ target }) => target.set),
    rendered.flatMap(({ objects }) => objects),
  );
  await store.content.saveTargets(rendered.map(({ target }) => target));
  releases += 1;
  const revisionId = `revision-${releases}`;
  await store.releases.savePlan({
    revisionId,
    fleet: { resources: [], problems: [] },
    resolutions: [],
    releases: rendered.map(({ application, target }) => ({
      id: `${application}-${releases}`,
      application,
      revisionId,
      createdAtMs: nowMs,
      targets: { [cluster]: target.digest },
    })),
    decisions: rendered.map(({ application, target }) => ({
      cluster,
      application,
      targetDigest: target.digest,
      releaseId: `${application}-${releases}`,
      revisionId,
      reason: 'release',
      removed: target.removed,
    })),
    confirmations: [],
    rollouts: {},
    events: [],
    nowMs,
  });
}

export async function enrolAgent(hub: Hub, cluster: string): Promise<Identity> {
  const { token } = await hub.registry.createToken({ cluster, actor: 'test' });
  return enrolWith(hub, token);
}

export function enrolWith(
  hub: Pick<Hub, 'enrolmentAddress'>,
  token: string,
  env: Readonly<Record<string, string>> = {},
  pendingKeys: PendingKeys = createMemoryPendingKeys(),
): Promise<Identity> {
  return enrol({
    token,
    pendingKeys,
    enrolmentAddress: hub.enrolmentAddress,
    agentVersion: 'test',
    env,
    clock: systemClock,
    random: systemRandom,
    timeoutMs: 5_000,
  });
}

/** What an agent keeps over its own end. */
export function createMemoryPendingKeys(): PendingKeys {
  let kept: PendingKey | undefined;
  return {
    loadPending: async () => kept,
    async savePending(pending) {
      kept = pending;
    },
  };
}

export function createMemoryStorage(): StateStorage & { content: Uint8Array | undefined } {
  return {
    content: undefined,
    async load() {
      return this.content;
    },
    async save(content) {
      this.content = content;
    },
  };
}

export interface Agent {
  readonly desired: DesiredStore;
  readonly reports: ReportQueue;
  readonly connection: HubConnection;
  readonly saved: Identity[];
  readonly syncs: string[];
}

export async function startAgent(
  identity: Identity,
  options: Partial<Omit<HubConnectionOptions, 'fences'>> & {
    readonly storage?: StateStorage;
    readonly fences?: (desired: DesiredStore) => Promise<FenceKeeper>;
  } = {},
): Promise<Agent> {
  const { storage = createMemoryStorage(), fences, ...overrides } = options;
  const random = createSeededRandom(1);
  const common = { clock: systemClock, random, log: silentLogger };
  const desired = await loadDesiredStore({
    ...common,
    storage,
    key: Buffer.from(identity.cacheKey, 'base64'),
  });
  const reports = createReportQueue();
  const saved: Identity[] = [];
  const syncs: string[] = [];
  const identityStore: Pick<IdentityStore, 'save'> = {
    async save(next) {
      saved.push(next);
    },
  };
  const connection = createHubConnection({
    ...common,
    identity,
    identityStore,
    desired,
    reports,
    fences: await fences?.(desired),
    queries: {
      object: async ({ key }) => (key.name === 'web' ? '{"kind":"Deployment"}' : undefined),
      logs: async ({ tailLines }) => ({ content: Buffer.from(`last ${tailLines} lines`), truncated: false }),
      diagnostics: async () => '{"agent":"well"}',
      adoption: async ({ application, target, content }) => ({
        findings: target.set.entries.map(({ key, objectDigest }) => ({
          key,
          result: 'take',
          owners: [{ tool: 'helm', name: application }],
          changes: [{ path: '/data/value', live: '"old"', desired: content(objectDigest)?.slice(0, 20) }],
          conflicts: [{ field: '.data.value', manager: 'conflict with "helm"' }],
          message: '',
        })),
        truncated: false,
      }),
      facts: async ({ salt, known, watch, unowned }) => [
        {
          section: 'version',
          digest: 'a'.repeat(64),
          values: { kubernetes: `v${salt.length}` },
          failure: '',
        },
        { section: 'apis', digest: known['apis'] ?? '', values: undefined, failure: '' },
        {
          ...{ section: 'secrets', digest: '', values: undefined, failure: 'may not' },
          gaps: [{ kind: '', reason: 'denied', message: 'may not' }],
        },
        {
          section: 'unowned',
          digest: 'c'.repeat(64),
          values: { watched: watch, unowned: unowned.map((field) => ({ ...field })) },
          failure: '',
        },
      ],
      run: async ({ application, job, begin, remove }) => ({
        state: begin ? 'running' : 'succeeded',
        message: `${application} ${job} ${remove}`,
        logTail: 'done',
      }),
    },
    versions: { agent: '0.1.0', kubernetes: 'v1.36.3' },
    instanceId: `instance-${saved.length}`,
    backoff: { baseMs: 20, maxMs: 200 },
    onSync: (application) => syncs.push(application),
    ...overrides,
  });
  connection.start();
  return { desired, reports, connection, saved, syncs };
}
