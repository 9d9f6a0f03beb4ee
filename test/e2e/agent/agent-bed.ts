/** An agent's inside on a real API server: desired state in memory, everything else as in a cluster. */

import type { KubeConnection } from '../../../agent/kube/connection.ts';
import { createKubeClient } from '../../../agent/kube/create-kube-client.ts';
import type { ApiResource, KubeClient, LiveObject } from '../../../agent/kube/kube-client.ts';
import { type AgentLoops, createAgentLoops } from '../../../agent/loops/agent-loops.ts';
import type { AcknowledgementSink, DesiredApplication, PauseEntry } from '../../../agent/model/desired.ts';
import { formatMarks } from '../../../agent/model/marks.ts';
import type { AgentEvent } from '../../../agent/model/report.ts';
import type { ContestOptions } from '../../../agent/observe/contest.ts';
import { createReportQueue } from '../../../agent/report/queue.ts';
import { ageKeysSecret, createSecretOpener } from '../../../agent/secrets/secret-opener.ts';
import { loadRecordStore } from '../../../agent/stream/record-store.ts';
import { createKubeSecrets } from '../../../agent/stream/secrets-port.ts';
import { createStateMarks } from '../../../agent/stream/state-marks.ts';
import { createSecretStorage, type StateStorage } from '../../../agent/stream/state-storage.ts';
import { type Clock, systemClock } from '../../../shared/clock/clock.ts';
import { systemRandom } from '../../../shared/clock/random.ts';
import { createLogger } from '../../../shared/log/log.ts';
import { canonicalJson, digestText } from '../../../shared/manifest/canonical.ts';
import { type KubeObject, keyOf, keyText } from '../../../shared/manifest/object.ts';
import type { ApplicationReport, ObjectReport } from '../../../shared/manifest/report.ts';
import {
  type AssignmentReason,
  createManifestSet,
  createTarget,
  defaultSyncOptions,
  type HealthRule,
  type HookPhase,
  type SyncOptions,
  type Target,
} from '../../../shared/manifest/target.ts';
import { type ControlPlaneOptions, startControlPlane, waitFor } from '../../cluster/control-plane.ts';
import { type Breakable, createBreakable } from './breakable.ts';

export type Ack = Parameters<AcknowledgementSink['acknowledge']>[0];
export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: Record<string, unknown>;
  [key: string]: unknown;
};

export interface Desire {
  readonly sync?: Partial<SyncOptions>;
  readonly dependsOn?: readonly string[];
  readonly health?: readonly HealthRule[];
  readonly removed?: boolean;
  readonly deletionPolicy?: 'prune' | 'orphan';
  /** Default: one of its own for each assignment. */
  readonly releaseId?: string;
  /** Default release. */
  readonly reason?: AssignmentReason;
  /** Assigned together with others: the agent is told once. */
  readonly quiet?: boolean;
}

export interface Agent {
  readonly loops: AgentLoops;
  readonly client: KubeClient;
  readonly acks: Ack[];
  readonly events: AgentEvent[];
  readonly applications: Map<string, ApplicationReport>;
  readonly objects: Map<string, ObjectReport>;
  readonly desired: MemoryDesired;
  /** Of an agent with a way of its own. */
  readonly way: Breakable;
  desire(application: string, manifests: readonly Manifest[], options?: Desire): void;
  /** Waits until the application's report says so for its newest generation. */
  synced(application: string, status?: string): Promise<ApplicationReport>;
  /** Requests sent while `work` runs, watches apart. */
  requestsDuring(work: () => Promise<void> | void): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

export type MemoryDesired = ReturnType<typeof createMemoryDesired>;

function createMemoryDesired() {
  const applications = new Map<string, DesiredApplication>();
  const blobs = new Map<string, string>();
  const listeners = new Set<(applications: ReadonlySet<string>) => void>();
  const state = {
    pauses: [] as PauseEntry[],
    held: false,
    open: false,
    generation: 0,
    forgotten: [] as string[],
    retained: new Map<string, ReadonlySet<string>>(),
    prunes: new Map<string, string>(),
    blobs,
  };
  const tell = (names: readonly string[]) => {
    for (const listener of listeners) listener(new Set(names));
  };
  // As the agent's own store: what no Target names and nobody retains is let go.
  const drop = () => {
    const used = new Set([...state.retained.values()].flatMap((digests) => [...digests]));
    for (const { target } of applications.values())
      for (const { objectDigest } of target.set.entries) used.add(objectDigest);
    for (const digest of blobs.keys()) if (!used.has(digest)) blobs.delete(digest);
  };
  return {
    state,
    tell,
    applications: () => applications,
    object: (digest: string) => blobs.get(digest),
    pauses: () => state.pauses,
    deletionsHeld: () => state.held,
    batchOpen: () => state.open,
    prunesConfirmed: () => state.prunes,
    subscribe(listener: (names: ReadonlySet<string>) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    retain(application: string, digests: ReadonlySet<string>) {
      state.retained.set(application, digests);
      drop();
    },
    async forget(application: string) {
      state.forgotten.push(application);
      applications.delete(application);
      tell([application]);
    },
    set(application: string, target: Target, given: Pick<Desire, 'releaseId' | 'reason'> = {}) {
      applications.set(application, {
        application,
        target,
        generation: ++state.generation,
        epoch: { counter: 1, id: 'test' },
        releaseId: given.releaseId ?? `release-${state.generation}`,
        reason: given.reason ?? 'release',
        revisionId: `revision-${state.generation}`,
      });
      drop();
    },
  };
}

function toTarget(desired: MemoryDesired, manifests: readonly Manifest[], options: Desire): Target {
  const entries = manifests.map((manifest) => {
    const text = canonicalJson(manifest);
    const digest = digestText(text);
    desired.state.blobs.set(digest, text);
    const key = keyOf(manifest as unknown as KubeObject);
    const annotations = manifest.metadata['annotations'] as Record<string, string> | undefined;
    const wave = Number(annotations?.['fairway.dev/wave'] ?? 0);
    const hook = annotations?.['fairway.dev/hook'] as HookPhase | undefined;
    const base = { objectDigest: digest, key, apiVersion: manifest.apiVersion, originId: keyText(key), wave };
    return hook === undefined ? base : { ...base, hook };
  });
  return createTarget({
    set: createManifestSet(entries),
    sync: { ...defaultSyncOptions, ...options.sync },
    health: options.health ?? [],
    dependsOn: options.dependsOn ?? [],
    deletionPolicy: options.deletionPolicy ?? 'prune',
    removed: options.removed ?? false,
  });
}

export interface Bed {
  readonly admin: KubeClient;
  /** The administrator's, for whatever builds a client of its own. */
  readonly connection: KubeConnection;
  agent(options?: {
    readonly desired?: MemoryDesired;
    readonly contest?: ContestOptions;
    readonly clock?: Clock;
    /** Another identity than the administrator's. */
    readonly token?: string;
    readonly namespace?: string;
    /** Keeps its records for a later agent. */
    readonly storage?: StateStorage;
    /** Marks targets on the Secret of the cached state, as where that is the state's place; false: on the parents, but looks there too. Default: parents alone. */
    readonly marked?: boolean;
    /** Over a way that can be cut (`Agent.way`). */
    readonly breakable?: boolean;
    /** Stands between the agent and its API server: a point where things happen, or go wrong. */
    readonly wrap?: (client: KubeClient) => KubeClient;
  }): Promise<Agent>;
  get(apiVersion: string, kind: string, namespace: string, name: string): Promise<LiveObject | undefined>;
  resource(apiVersion: string, kind: string): Promise<ApiResource>;
  kubectl(...args: readonly string[]): Promise<string>;
  /** As kubectl, with these in its environment. */
  kubectlWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<string>;
  /** Kills the API server and starts it again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const log = createLogger({ level: process.env['FAIRWAY_TEST_LOG'] ? 'debug' : 'error', format: 'text' });

/** Bytes in memory, as a disk would keep them. */
export function createMemoryStorage(): StateStorage & { content: Uint8Array | undefined; saves: number } {
  return {
    content: undefined,
    saves: 0,
    async load() {
      return this.content;
    },
    async save(content) {
      this.content = content;
      this.saves += 1;
    },
  };
}

async function createAgent(
  client: KubeClient,
  namespace: string,
  options: Parameters<Bed['agent']>[0] = {},
  way?: Breakable,
): Promise<Agent> {
  const desired = options.desired ?? createMemoryDesired();
  const acks: Ack[] = [];
  const events: AgentEvent[] = [];
  const applications = new Map<string, ApplicationReport>();
  const objects = new Map<string, ObjectReport>();
  const queue = createReportQueue();
  const drain = () => {
    for (let batch = queue.take(1_000); batch; batch = queue.take(1_000)) {
      for (const row of batch.applications) applications.set(row.application, row);
      for (const row of batch.objects) objects.set(`${row.application} ${keyText(row.key)}`, row);
      for (const { application, key } of batch.gone) objects.delete(`${application} ${keyText(key)}`);
      events.push(...batch.events);
    }
  };
  queue.onReady(drain);
  const { storage } = options;
  const key = new Uint8Array(32);
  const store = storage && { storage, key, clock: systemClock, random: systemRandom, log };
  const records = store && (await loadRecordStore(store));
  const secrets = createKubeSecrets(client, namespace);
  const state = createSecretStorage(secrets);
  const settle = () => state.save(Buffer.from('state'), formatMarks(desired.applications().values()));
  const loops = createAgentLoops({
    kube: client,
    desired,
    acks: { acknowledge: (ack) => acks.push(ack) },
    reports: queue,
    clock: options.clock ?? systemClock,
    random: systemRandom,
    log,
    namespace,
    secrets: createSecretOpener({
      readKeys: () => secrets.read(ageKeysSecret),
      namespace,
      clock: options.clock ?? systemClock,
      log,
    }),
    instanceId: Math.random().toString(36).slice(2),
    ...(options.contest && { contest: options.contest }),
    ...(options.marked !== undefined && {
      marks: createStateMarks(client, namespace, options.marked ? settle : undefined),
    }),
    ...(records && { records, secretKey: key }),
  });
  const quiet = async () => {
    // Watch events of our own writes may still be on their way: quiet means that nothing ran for a while.
    let steps = -1;
    await waitFor('the agent to be idle', async () => {
      await loops.idle();
      const now = loops.metrics.syncs + loops.metrics.suspicions;
      const same = now === steps;
      steps = now;
      return same;
    });
  };
  return {
    loops,
    client,
    acks,
    events,
    applications,
    objects,
    desired,
    get way() {
      if (!way) throw new Error('this agent has no way of its own');
      return way;
    },
    desire(application, manifests, desire = {}) {
      desired.set(application, toTarget(desired, manifests, desire), desire);
      if (!desire.quiet) desired.tell([application]);
    },
    async synced(application, status = 'Synced') {
      let last: ApplicationReport | undefined;
      const generation = desired.applications().get(application)?.generation;
      try {
        await waitFor(
          `${application} ${status}`,
          () => {
            last = applications.get(application);
            return last?.syncStatus === status && last.generation === generation;
          },
          15_000,
        );
      } catch (caught) {
        throw new Error(`${String(caught)}: ${JSON.stringify(last)}`);
      }
      return last!;
    },
    async requestsDuring(work) {
      await quiet();
      const before = client.requestCounts();
      await work();
      await quiet();
      const after = client.requestCounts();
      const spent = Object.entries(after).map(
        ([verb, count]) => [verb, count - (before[verb] ?? 0)] as const,
      );
      return Object.fromEntries(spent.filter(([verb, count]) => count > 0 && verb !== 'watch'));
    },
    async stop() {
      await loops.stop();
      await records?.flush();
      client.close();
    },
  };
}

/** Undefined where no control plane can be had (the tests are skipped). */
export async function startBed(
  name: string,
  options: Pick<ControlPlaneOptions, 'controllers' | 'nodes'> = {},
): Promise<Bed | undefined> {
  const plane = await startControlPlane({ name, ...options });
  if (!plane) return undefined;
  const ports = { clock: systemClock, random: systemRandom, log };
  const connect = (token = plane.token, server = plane.url) =>
    createKubeClient({ server, token, ca: plane.ca }, ports);
  const admin = connect();
  const agents: Agent[] = [];
  const ways: Breakable[] = [];
  const resource = async (apiVersion: string, kind: string): Promise<ApiResource> => {
    const matches = (found: ApiResource) =>
      (found.group === '' ? found.version : `${found.group}/${found.version}`) === apiVersion &&
      found.kind === kind;
    const known =
      (await admin.discover()).find(matches) ?? (await admin.discover({ refresh: true })).find(matches);
    if (!known) throw new Error(`no ${kind} in ${apiVersion}`);
    return known;
  };
  const kubectlWith: Bed['kubectlWith'] = async (env, ...args) => {
    const { execFile } = await import('node:child_process');
    const words = ['--kubeconfig', plane.kubeconfig, ...args];
    return new Promise((resolve, reject) => {
      execFile(plane.kubectl, words, { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
        error ? reject(new Error(stderr)) : resolve(stdout),
      );
    });
  };
  return {
    admin,
    connection: { server: plane.url, token: plane.token, ca: plane.ca },
    async agent(options) {
      const way = options?.breakable ? await createBreakable(plane.url) : undefined;
      if (way) ways.push(way);
      const direct = connect(options?.token, way?.url);
      const client = options?.wrap?.(direct) ?? direct;
      const agent = await createAgent(client, options?.namespace ?? 'fairway-system', options, way);
      agents.push(agent);
      await agent.loops.start();
      return agent;
    },
    resource,
    async get(apiVersion, kind, namespace, objectName) {
      try {
        return await admin.get({ resource: await resource(apiVersion, kind), namespace, name: objectName });
      } catch (caught) {
        if ((caught as { code?: string }).code === 'not_found') return undefined;
        throw caught;
      }
    },
    kubectl: (...args) => kubectlWith({}, ...args),
    kubectlWith,
    restart: () => plane.restart(),
    async stop() {
      for (const agent of agents) await agent.stop();
      for (const way of ways) await way.close();
      admin.close();
      await plane.stop();
    },
  };
}
