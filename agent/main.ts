/**
 * The agent's program. In a pod it speaks with its service account; elsewhere with a kubeconfig.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { systemClock } from '../shared/clock/clock.ts';
import { systemRandom } from '../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../shared/error/error.ts';
import { createLogger, type LogLevel } from '../shared/log/log.ts';
import { loadInCluster } from './kube/connection.ts';
import { loadKubeconfig } from './kube/kubeconfig.ts';
import { type HealthServer, type ProbedAgent, serveHealth } from './loops/process/health-server.ts';
import { createLogRing } from './loops/process/log-ring.ts';
import { runElected } from './run-elected.ts';
import { type AgentOptions, startAgent } from './start-agent.ts';
import { runStatus, statusUsage } from './status.ts';
import { trimMemory } from './trim-memory.ts';

const usage = `fairway agent: keeps one cluster as the hub says

  --kubeconfig FILE          outside a cluster: the kubeconfig (default KUBECONFIG, ~/.kube/config)
  --context NAME             its context (default the current one)
  --service-account DIR      folder of a service account's files (default the pod's)
  --namespace NAME           the agent's own namespace (default the pod's, else fairway-agent)
  --enrolment-address H:P    the hub's enrolment listener; needed once
  --token-file FILE          the enrolment token (or FAIRWAY_ENROLMENT_TOKEN); needed once
  --hub-address H:P          tried before the addresses told at enrolment; may be repeated
  --state secrets|DIR        where the desired state is cached (default secrets)
  --leader-elect             of several replicas one works, by a Lease; the others stand by
  --health-address H:P       serves /healthz, /readyz, /metrics and /status (default off)
  --log-level LEVEL          debug, info, warn, error (default info)
  --log-format FORMAT        json, text (default json)

${statusUsage}`;

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
  'leader-elect': { type: 'boolean', default: false },
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
  if (!outside)
    return {
      ...(await loadInCluster(env, values['service-account'])),
      ensureNamespace: false,
      pod: env['POD_NAME'],
    };
  const { connection } = await loadKubeconfig(values.kubeconfig, values.context);
  return { connection, namespace: 'fairway-agent', ensureNamespace: true, pod: undefined };
}

function optionsOf(values: Flags, env: NodeJS.ProcessEnv) {
  return {
    enrolmentToken: () => readToken(values, env),
    enrolmentAddress: values['enrolment-address'],
    hubAddresses: values['hub-address'] ?? [],
    stateDirectory: values.state === 'secrets' ? undefined : values.state,
    env,
    clock: systemClock,
    random: systemRandom,
  };
}

/** Runs one agent, or one of several, until the signal aborts. */
async function run(
  options: AgentOptions,
  election: { readonly pod: string | undefined } | undefined,
  onChange: (agent: ProbedAgent | 'standby') => void,
): Promise<void> {
  if (election) return runElected({ ...options, ...election, onChange });
  const agent = await startAgent(options);
  onChange(agent);
  const { signal } = options;
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  await agent.stop();
}

function readFlags(argv: readonly string[]): Flags | number {
  try {
    const values = parseFlags(argv);
    if (!values.help) return values;
    process.stdout.write(usage);
    return 0;
  } catch (caught) {
    process.stderr.write(`fairway: ${caught instanceof Error ? caught.message : String(caught)}\n\n${usage}`);
    return 2;
  }
}

/** Only where Node was started with `--expose-gc`, as the release forms do. */
function startTrimming(): () => void {
  const collect = globalThis.gc;
  if (!collect) return () => {};
  return trimMemory({
    clock: systemClock,
    usedBytes() {
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    },
    busyMs() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000;
    },
    collect: () => void collect({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
  });
}

/** Runs until SIGTERM or SIGINT. Resolves to the exit code: 0, 1 failed, 2 usage. */
export async function runAgent(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  if (argv[0] === 'status') return runStatus(argv.slice(1));
  const values = readFlags(argv);
  if (typeof values === 'number') return values;
  const ring = createLogRing((line) => process.stderr.write(`${line}\n`));
  const log = createLogger({
    level: values['log-level'] as LogLevel,
    format: values['log-format'] === 'text' ? 'text' : 'json',
    write: ring.write,
  });
  const abort = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => abort.abort());
  // Sockets and timers of the parts are unreferenced; this keeps the process until it is told to end.
  const alive = setInterval(() => {}, 3_600_000);
  const stopTrimming = startTrimming();
  let health: HealthServer | undefined;
  try {
    const { connection, namespace, ensureNamespace, pod } = await findConnection(values, env);
    let agent: ProbedAgent | 'standby' | undefined;
    if (values['health-address'] !== undefined)
      health = await serveHealth(values['health-address'], () => agent, systemClock);
    const options: AgentOptions = {
      ...optionsOf(values, env),
      connection,
      namespace: values.namespace ?? namespace,
      ensureNamespace,
      log,
      signal: abort.signal,
      logLines: ring.lines,
    };
    await run(options, values['leader-elect'] ? { pod } : undefined, (next) => {
      agent = next;
    });
    return 0;
  } catch (caught) {
    if (abort.signal.aborted) return 0;
    const error = toFairwayError(caught);
    log.error('the agent cannot run', { code: error.code, error: error.message, cause: error.cause });
    return 1;
  } finally {
    clearInterval(alive);
    stopTrimming();
    await health?.close();
  }
}

if (import.meta.main) process.exit(await runAgent(process.argv.slice(2)));
