/**
 * The agent's composition root and program. In a pod it speaks with its service account; elsewhere with a kubeconfig. It heals with what it last was told while
 * the hub is away, and finds its identity and desired state in its cluster when its pod and disk are gone.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Clock, sleep, systemClock } from '../shared/clock/clock.ts';
import { type Random, systemRandom } from '../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../shared/error/error.ts';
import { createLogger, type Logger, type LogLevel } from '../shared/log/log.ts';
import { planBackoffMs } from '../shared/loop/backoff.ts';
import { version } from '../shared/version.ts';
import { type KubeConnection, loadInCluster } from './kube/connection.ts';
import { createKubeClient } from './kube/create-kube-client.ts';
import type { KubeClient } from './kube/kube-client.ts';
import { loadKubeconfig } from './kube/kubeconfig.ts';
import { type AgentLoops, createAgentLoops } from './loops/agent-loops.ts';
import { type HealthServer, serveHealth } from './loops/health-server.ts';
import { createQueryHandlers } from './loops/query-handlers.ts';
import { createReportQueue } from './report/queue.ts';
import { ageKeysSecret, createSecretOpener } from './secrets/secret-opener.ts';
import { loadDesiredStore } from './stream/desired-store.ts';
import { enrol } from './stream/enrol.ts';
import { createHubConnection, type HubConnection } from './stream/hub-connection.ts';
import { createSecretIdentityStore, type Identity, type IdentityStore } from './stream/identity-store.ts';
import { loadRecordStore } from './stream/record-store.ts';
import { createKubeSecrets } from './stream/secrets-port.ts';
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
}

export interface RunningAgent {
  readonly cluster: string;
  readonly kube: KubeClient;
  readonly loops: AgentLoops;
  readonly connection: HubConnection;
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

async function makeNamespace(kube: KubeClient, name: string): Promise<void> {
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

/** Builds and starts an agent. @throws FairwayError when it cannot be enrolled or the API server refuses it for good. */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { clock, random, namespace } = options;
  const ports = { clock, random, log: options.log };
  const kube = createKubeClient(options.connection, ports);
  const kubernetes = await persist('the API server', options, () => kube.version(options.signal));
  if (options.ensureNamespace) await persist('the namespace', options, () => makeNamespace(kube, namespace));
  const secrets = createKubeSecrets(kube, namespace);
  const identityStore = createSecretIdentityStore(secrets);
  const identity = await persist('enrolment', options, () => findIdentity(options, identityStore));
  const log = options.log.with({ cluster: identity.cluster });
  const [storage, recordStorage] =
    options.stateDirectory === undefined
      ? [createSecretStorage(secrets), createSecretStorage(secrets, chunkBytes, 'fairway-agent-records')]
      : [
          createDirectoryStorage(options.stateDirectory),
          createDirectoryStorage(options.stateDirectory, 'records'),
        ];
  const key = Buffer.from(identity.cacheKey, 'base64');
  const desired = await persist('the cached state', options, () =>
    loadDesiredStore({ storage, key, ...ports, log }),
  );
  const records = await persist('the cached records', options, () =>
    loadRecordStore({ storage: recordStorage, key, ...ports, log }),
  );
  const reports = createReportQueue();
  const instanceId = randomUUID();
  const connection = createHubConnection({
    identity,
    identityStore,
    desired,
    reports,
    queries: createQueryHandlers({ kube, desired }),
    versions: { agent: version, kubernetes },
    hubAddresses: options.hubAddresses,
    instanceId,
    onSync: (application) => loops.syncNow(application === '' ? undefined : application),
    ...ports,
    log,
  });
  const loops = createAgentLoops({
    kube,
    desired,
    acks: connection,
    reports,
    namespace,
    instanceId,
    records,
    secrets: createSecretOpener({ readKeys: () => secrets.read(ageKeysSecret), namespace, clock, log }),
    secretKey: createHmac('sha256', key).update('values of live Secrets').digest(),
    ...ports,
    log,
  });
  await loops.start();
  connection.start();
  log.info('agent started', { version, kubernetes, applications: desired.applications().size });
  return {
    cluster: identity.cluster,
    kube,
    loops,
    connection,
    async stop() {
      log.info('agent stopping');
      await loops.stop();
      await Promise.all([connection.stop(), records.flush()]);
      kube.close();
    },
  };
}

const usage = `fairway agent: keeps one cluster as the hub says

  --kubeconfig FILE          outside a cluster: the kubeconfig (default KUBECONFIG, ~/.kube/config)
  --context NAME             its context (default the current one)
  --service-account DIR      folder of a service account's files (default the pod's)
  --namespace NAME           the agent's own namespace (default the pod's, else fairway-agent)
  --enrolment-address H:P    the hub's enrolment listener; needed once
  --token-file FILE          the enrolment token (or FAIRWAY_ENROLMENT_TOKEN); needed once
  --hub-address H:P          tried before the addresses told at enrolment; may be repeated
  --state secrets|DIR        where the desired state is cached (default secrets)
  --health-address H:P       serves /healthz, /readyz and /metrics (default off)
  --log-level LEVEL          debug, info, warn, error (default info)
  --log-format FORMAT        json, text (default json)
`;

const flags = {
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  'service-account': { type: 'string' },
  namespace: { type: 'string' },
  'enrolment-address': { type: 'string' },
  'token-file': { type: 'string' },
  'hub-address': { type: 'string', multiple: true },
  state: { type: 'string', default: 'secrets' },
  'health-address': { type: 'string' },
  'log-level': { type: 'string', default: 'info' },
  'log-format': { type: 'string', default: 'json' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

type Flags = ReturnType<typeof parseFlags>;

function parseFlags(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options: flags, strict: true, allowPositionals: false }).values;
}

async function readToken(values: Flags, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const file = values['token-file'];
  if (file === undefined) return env['FAIRWAY_ENROLMENT_TOKEN']?.trim();
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new FairwayError('failed_precondition', `the token file ${file} cannot be read`, { cause });
  }
}

async function findConnection(values: Flags, env: NodeJS.ProcessEnv) {
  const outside =
    values.kubeconfig !== undefined || values.context !== undefined || !env['KUBERNETES_SERVICE_HOST'];
  if (!outside) return { ...(await loadInCluster(env, values['service-account'])), ensureNamespace: false };
  const { connection } = await loadKubeconfig(values.kubeconfig, values.context);
  return { connection, namespace: 'fairway-agent', ensureNamespace: true };
}

/** Runs until SIGTERM or SIGINT. Resolves to the exit code: 0, 1 failed, 2 usage. */
export async function runAgent(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  let values: Flags;
  try {
    values = parseFlags(argv);
  } catch (caught) {
    process.stderr.write(`fairway: ${caught instanceof Error ? caught.message : String(caught)}\n\n${usage}`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const log = createLogger({
    level: values['log-level'] as LogLevel,
    format: values['log-format'] === 'text' ? 'text' : 'json',
  });
  const abort = new AbortController();
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        abort.abort();
        resolve();
      });
  });
  let health: HealthServer | undefined;
  try {
    const { connection, namespace, ensureNamespace } = await findConnection(values, env);
    let agent: RunningAgent | undefined;
    if (values['health-address'] !== undefined)
      health = await serveHealth(values['health-address'], () => agent);
    agent = await startAgent({
      connection,
      namespace: values.namespace ?? namespace,
      ensureNamespace,
      enrolmentToken: () => readToken(values, env),
      enrolmentAddress: values['enrolment-address'],
      hubAddresses: values['hub-address'] ?? [],
      stateDirectory: values.state === 'secrets' ? undefined : values.state,
      env,
      clock: systemClock,
      random: systemRandom,
      log,
      signal: abort.signal,
    });
    // Sockets and timers of the parts are unreferenced; this keeps the process until it is told to end.
    const alive = setInterval(() => {}, 3_600_000);
    await ended;
    clearInterval(alive);
    await agent.stop();
    return 0;
  } catch (caught) {
    if (abort.signal.aborted) return 0;
    const error = toFairwayError(caught);
    log.error('the agent cannot run', { code: error.code, error: error.message, cause: error.cause });
    return 1;
  } finally {
    await health?.close();
  }
}

if (import.meta.main) process.exit(await runAgent(process.argv.slice(2)));
