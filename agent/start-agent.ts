/**
 * An agent, built from its parts and started. It heals with what it last was told while the hub is away, and finds its identity and desired state in its
 * cluster when its pod and disk are gone.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { type Clock, sleep } from '../shared/clock/clock.ts';
import type { Random } from '../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../shared/error/error.ts';
import type { Logger } from '../shared/log/log.ts';
import { planBackoffMs } from '../shared/loop/backoff.ts';
import { version } from '../shared/version.ts';
import type { KubeConnection } from './kube/connection.ts';
import { createKubeClient } from './kube/create-kube-client.ts';
import type { KubeClient } from './kube/kube-client.ts';
import { type AgentLoops, createAgentLoops } from './loops/agent-loops.ts';
import { createFactCollector } from './loops/facts/collect-facts.ts';
import { foreseeStop } from './loops/fenced-step.ts';
import { collectDiagnostics, type DiagnosticSources } from './loops/process/diagnostics.ts';
import { createQueryHandlers } from './loops/questions/query-handlers.ts';
import { createReportQueue } from './report/queue.ts';
import { ageKeysSecret, createSecretOpener } from './secrets/secret-opener.ts';
import { type DesiredStore, loadDesiredStore } from './stream/desired-store.ts';
import { enrol } from './stream/enrol.ts';
import { createFenceKeeper } from './stream/fence-keeper.ts';
import { createFenceStorage } from './stream/fence-state.ts';
import { createHubConnection, type HubConnection } from './stream/hub-connection.ts';
import { createSecretIdentityStore, type Identity, type IdentityStore } from './stream/identity-store.ts';
import { type DurableRecordStore, loadRecordStore } from './stream/record-store.ts';
import { createKubeSecrets, type SecretsPort } from './stream/secrets-port.ts';
import { createStateMarks } from './stream/state-marks.ts';
import { chunkBytes, createDirectoryStorage, createSecretStorage } from './stream/state-storage.ts';

export interface AgentOptions {
  readonly connection: KubeConnection;
  /** The agent's own: identity, cached state and inventories live there. */
  readonly namespace: string;
  /** Makes the namespace when it is missing; in a pod it is there. */
  readonly ensureNamespace: boolean;
  /** Needed while there is no identity. Read at use. */
  readonly enrolmentToken: () => Promise<string | undefined>;
  readonly enrolmentAddress: string | undefined;
  /** Tried before those the hub told at enrolment. */
  readonly hubAddresses: readonly string[];
  /** Where the desired state is cached: a folder, or (undefined) Secrets of the namespace. */
  readonly stateDirectory: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Throws once another replica leads: nothing is written then. Default: it may. */
  readonly assertMayWrite?: () => void;
  /** Of this process, for diagnostics. Default none. */
  readonly logLines?: () => readonly string[];
}

export interface RunningAgent {
  readonly cluster: string;
  readonly kube: KubeClient;
  readonly loops: AgentLoops;
  readonly connection: HubConnection;
  readonly diagnostics: DiagnosticSources;
  stop(): Promise<void>;
}

/** Tries until it works, the error is final, or the signal aborts. */
async function persist<T>(
  what: string,
  options: Pick<AgentOptions, 'clock' | 'random' | 'log' | 'signal'>,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (caught) {
      const error = toFairwayError(caught, what);
      if (options.signal.aborted || !error.retry) throw error;
      const delayMs = Math.max(error.retryAfterMs ?? 0, planBackoffMs(attempt, options.random));
      options.log.warn('not yet', { what, code: error.code, error: error.message, delayMs });
      await sleep(options.clock, delayMs, options.signal);
    }
  }
}

async function findIdentity(options: AgentOptions, store: IdentityStore): Promise<Identity> {
  const known = await store.load();
  if (known) return known;
  const token = await options.enrolmentToken();
  const { enrolmentAddress, clock, random, signal, env } = options;
  if (!token || !enrolmentAddress)
    throw new FairwayError(
      'failed_precondition',
      'this cluster is not enrolled: give an enrolment token (FAIRWAY_ENROLMENT_TOKEN or --token-file) and --enrolment-address',
    );
  const identity = await enrol({
    token,
    enrolmentAddress,
    agentVersion: version,
    pendingKeys: store,
    env,
    clock,
    random,
    signal,
  });
  await store.save(identity);
  options.log.info('enrolled', { cluster: identity.cluster });
  return identity;
}

/** Makes the agent's own namespace where it is missing. */
export async function makeNamespace(kube: KubeClient, name: string): Promise<void> {
  const resource = {
    group: '',
    version: 'v1',
    kind: 'Namespace',
    resource: 'namespaces',
    namespaced: false,
    verbs: ['patch'],
  };
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  await kube.apply({ resource, namespace: '', name }, body, { fieldManager: 'fairway-agent' });
}

/** What is kept across restarts: the desired state, and records of what was applied. */
async function loadState(
  options: AgentOptions,
  secrets: SecretsPort,
  key: Uint8Array,
  log: Logger,
): Promise<{ readonly desired: DesiredStore; readonly records: DurableRecordStore }> {
  const { clock, random, stateDirectory } = options;
  const storageOf = (secretName?: string, fileName?: string) =>
    stateDirectory === undefined
      ? createSecretStorage(secrets, chunkBytes, secretName)
      : createDirectoryStorage(stateDirectory, fileName);
  const ports = { key, clock, random, log };
  const desired = await persist('the cached state', options, () =>
    loadDesiredStore({ storage: storageOf(), ...ports }),
  );
  const records = await persist('the cached records', options, () =>
    loadRecordStore({ storage: storageOf('fairway-agent-records', 'records'), ...ports }),
  );
  return { desired, records };
}

/** Builds and starts an agent. @throws FairwayError when it cannot be enrolled or the API server refuses it for good. */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { clock, random, namespace, assertMayWrite } = options;
  const kube = createKubeClient(options.connection, { clock, random, log: options.log, assertMayWrite });
  const kubernetes = await persist('the API server', options, () => kube.version(options.signal));
  if (options.ensureNamespace) await persist('the namespace', options, () => makeNamespace(kube, namespace));
  const secrets = createKubeSecrets(kube, namespace);
  const identityStore = createSecretIdentityStore(secrets);
  const identity = await persist('enrolment', options, () => findIdentity(options, identityStore));
  const { cluster } = identity;
  const log = options.log.with({ cluster });
  const key = Buffer.from(identity.cacheKey, 'base64');
  const { desired, records } = await loadState(options, secrets, key, log);
  const reports = createReportQueue();
  const instanceId = randomUUID();
  const ports = { clock, random, log };
  const opener = createSecretOpener({ readKeys: () => secrets.read(ageKeysSecret), namespace, clock, log });
  const reveal = (text: string) => opener.open(text);
  const versions = { agent: version, kubernetes };
  const facts = createFactCollector({ kube, desired, reveal, namespace, ...ports });
  const fences = await persist('what was promised of fencing', options, () =>
    createFenceKeeper({
      ...{ storage: createFenceStorage(secrets, log), desired, clock, log },
      foresee: (application) => foreseeStop(desired, application),
    }),
  );
  const connection = createHubConnection({
    ...{ identity, fences },
    identityStore,
    desired,
    reports,
    queries: createQueryHandlers({
      kube,
      desired,
      namespace,
      reveal,
      facts,
      diagnostics: () => collectDiagnostics(diagnostics, clock.now()),
    }),
    versions,
    hubAddresses: options.hubAddresses,
    instanceId,
    onSync: (application) => loops.syncNow(application === '' ? undefined : application),
    ...ports,
  });
  const secretKey = createHmac('sha256', key).update('values of live Secrets').digest();
  const store = { kube, desired, reports, records, namespace, instanceId };
  const settle = options.stateDirectory === undefined ? () => desired.settleMarks() : undefined;
  const marks = createStateMarks(kube, namespace, settle);
  const loops = createAgentLoops({
    ...store,
    marks,
    acks: connection,
    secrets: opener,
    secretKey,
    fences,
    ...ports,
  });
  const diagnostics: DiagnosticSources = {
    ...{ cluster, namespace, instanceId, versions, kube, loops, connection, desired, facts },
    startedAtMs: clock.now(),
    fenced: () => fences.fenced(),
    leader: assertMayWrite && true,
    logLines: options.logLines ?? (() => []),
  };
  await loops.start();
  connection.start();
  log.info('agent started', { version, kubernetes, instanceId, applications: desired.applications().size });
  const stop = async () => {
    log.info('agent stopping');
    facts.stop();
    await loops.stop();
    await Promise.all([connection.stop(), records.flush()]);
    kube.close();
  };
  return { cluster, kube, loops, connection, diagnostics, stop };
}
