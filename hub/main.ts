/**
 * The hub's composition root: the only file that builds every part and joins them. Everything else takes ports. Starting is an order (store, registry,
 * listeners, loops), stopping the reverse; a process that is killed in between starts the same way again.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry as MetricsRegistry } from 'prom-client';
import { type Clock, systemClock } from '../shared/clock/clock.ts';
import { type Random, systemRandom } from '../shared/clock/random.ts';
import { type FairwayError, toFairwayError } from '../shared/error/error.ts';
import { createLogger, type Logger } from '../shared/log/log.ts';
import type { Loop } from '../shared/loop/loop.ts';
import { version } from '../shared/version.ts';
import { type Api, createApi } from './api/app.ts';
import { ensureFirstToken } from './api/auth/access-token.ts';
import { createInstallManifests } from './api/install/install-manifests.ts';
import type { RolloutPlanPort } from './api/ports.ts';
import { type ServedApi, serveApi } from './api/server.ts';
import type { HubConfig } from './config/config.ts';
import { createCredentialSource } from './config/credential-source.ts';
import { loadDataKey } from './config/data-key.ts';
import { isEgressAllowed } from './config/egress.ts';
import { loadConfig } from './config/load-config.ts';
import { createPrivateFile, replacePrivateFile } from './config/private-file.ts';
import { readTls } from './config/read-tls.ts';
import { readSecret, type SecretPorts } from './config/secret-reader.ts';
import { fleetSchemas } from './fleet/resource-schemas.ts';
import { createChartArchives } from './helm/chart-archives.ts';
import { createHelmProcess } from './helm/helm-process.ts';
import { createAgentPort } from './loops/agent-port.ts';
import { checkStore } from './loops/check-store.ts';
import { digestEngine } from './loops/engine-digest.ts';
import { createExplainer, type Explainer } from './loops/explain.ts';
import { loadFailovers } from './loops/failover-inputs.ts';
import { createFailovers, type FailoverDriver, type FailoverPipeline } from './loops/failovers.ts';
import { createFencing } from './loops/fencing.ts';
import { fleetOf } from './loops/fleet-rows.ts';
import { createGarbageLoop, createPauseLoop } from './loops/housekeeping.ts';
import { registerHubMetrics } from './loops/hub-metrics.ts';
import { createNotifyLoop } from './loops/notify-loop.ts';
import { createParityLoop, type ParityDriver } from './loops/parity-loop.ts';
import { registerFailoverMetrics } from './loops/parity-metrics.ts';
import { createRolloutPlanner } from './loops/plan-rollouts.ts';
import { createPreview, type Preview } from './loops/preview.ts';
import { createFleetRenderer } from './loops/render-fleet.ts';
import { createResolveLoop, resolveKey } from './loops/resolve-loop.ts';
import { followedSources } from './loops/revision-of.ts';
import { createRevisionWork, type RevisionWork } from './loops/revision-work.ts';
import { createRolloutHistory } from './loops/rollout-history.ts';
import { createRolloutLoop, type RolloutDriver } from './loops/rollout-loop.ts';
import { createSourceLoop, type FollowedSource } from './loops/source-loop.ts';
import { createSourcePort } from './loops/source-port.ts';
import { createTeardown, type Teardown } from './loops/teardown.ts';
import { createViewCache, type ViewCache } from './loops/view-cache.ts';
import { wakeByStore } from './loops/wake-by-store.ts';
import type { RevertPorts } from './loops/write-revert.ts';
import { rootRepository, type SourceKey, sourceKeyOf } from './model/revision.ts';
import { createRegistry, type Registry } from './registry/registry.ts';
import { createWorkerRenderer, type WorkerRenderer } from './render/worker/worker-renderer.ts';
import { createGitSource } from './source/git-source.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/store.ts';
import type { StreamServerOptions } from './stream/stream-context.ts';
import { createStreamServer, type StreamServer } from './stream/stream-server.ts';

export interface HubAddresses {
  readonly api: string;
  readonly agentPort: number;
  readonly enrolmentPort: number;
}

export interface RunningHub {
  readonly addresses: HubAddresses;
  /** The admin token, when this start made the first one. Also in `admin.token` of the data directory. */
  readonly firstToken: string | undefined;
  /** Resolves when the hub cannot go on because its store has died: the process must end and be started again. */
  readonly failed: Promise<FairwayError>;
  /** Takes no more work, ends sessions, closes the store. */
  stop(): Promise<void>;
}

export interface HubOptions {
  readonly config: HubConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface RunHubOptions {
  /** The configuration file; undefined: none. */
  readonly configPath: string | undefined;
  /** By dotted path of the configuration file. */
  readonly overrides: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
}

/** How long a hub without its store may take to end. */
const stuckMs = 15_000;

/**
 * The program `fairway hub`: runs until the signal aborts, then drains. Resolves to the exit code.
 * @throws FairwayError when it cannot start, or cannot go on because its store has died.
 */
export async function runHub({ configPath: path, overrides, env, signal }: RunHubOptions): Promise<number> {
  const config = await loadConfig({ path, env, overrides, readFile: (file) => readFile(file, 'utf8') });
  const hub = await startHub({ config, env });
  if (hub.firstToken !== undefined)
    process.stdout.write(
      `The first admin token, shown once and kept in ${join(config.dataDir, 'admin.token')}:\n${hub.firstToken}\n`,
    );
  // Sockets of idle listeners do not keep the process by themselves in every case; this does until it is told to end.
  const alive = setInterval(() => {}, 3_600_000);
  const failure = await Promise.race([whenAborted(signal), hub.failed]);
  clearInterval(alive);
  // A part that waits for the dead store must not keep a process which nothing but a new start can help.
  if (failure) setTimeout(() => process.exit(1), stuckMs).unref();
  await hub.stop();
  if (failure) throw failure;
  return 0;
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

interface Base {
  readonly config: HubConfig;
  readonly secrets: SecretPorts;
  readonly store: Store;
  readonly registry: Registry;
  readonly digestKey: Uint8Array;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Starts a hub. @throws FairwayError saying what is wrong with its configuration, store or addresses. */
export async function startHub({ config, env }: HubOptions): Promise<RunningHub> {
  const log = createLogger(config.log);
  const secrets: SecretPorts = { readFile: (path) => readFile(path, 'utf8'), env };
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const dataKey = await loadDataKey(config, {
    ...secrets,
    createFile: createPrivateFile,
    randomBytes: systemRandom.bytes,
  });
  const ports = { clock: systemClock, random: systemRandom, log };
  const { promise: failed, resolve: onStopped } = Promise.withResolvers<FairwayError>();
  const teardown = createTeardown(log);
  const stop = async () => {
    log.info('hub stopping');
    await teardown.run();
    log.info('hub stopped');
  };
  const store = await openStore({
    path: config.store.sqlite,
    dataKey,
    exclusive: true,
    onStopped,
    ...ports,
  });
  teardown.add('the store', () => store.close());
  try {
    // From here on the data directory is ours: the store was taken for this process alone.
    const addressFile = join(config.dataDir, 'hub.json');
    const removeAddresses = () => rm(addressFile, { force: true });
    await removeAddresses();
    teardown.add('hub.json', removeAddresses);
    await sweepBackups(config.dataDir);
    const digestKey = await store.meta.ensureSecret('digest.key', systemRandom.bytes(32));
    const registry = await createRegistry({ store, ...ports, serverNames: advertisedNames(config) });
    const metrics = new MetricsRegistry();
    const base = { config, secrets, store, registry, digestKey, metrics, ...ports };
    const started = await startParts(base, teardown);
    await replacePrivateFile(addressFile, `${JSON.stringify({ pid: process.pid, ...started.addresses })}\n`);
    started.begin();
    log.info('hub started', { version, ...started.addresses });
    return { addresses: started.addresses, firstToken: started.firstToken, failed, stop };
  } catch (caught) {
    const { code, message, cause } = toFairwayError(caught);
    if (code === 'internal') log.error('hub cannot start', { error: message, cause });
    await teardown.run();
    throw caught;
  }
}

interface StartedParts extends Pick<RunningHub, 'addresses' | 'firstToken'> {
  /** Sets the loops going. */
  begin(): void;
}

async function startParts(base: Base, teardown: Teardown): Promise<StartedParts> {
  const { config, store } = base;
  const fencing = createFencing({ ...base, onChanged: (cluster) => stream.wake(cluster) });
  const stream = createStream(base, {
    fencing: fencing.orderFor,
    onFactsChanged: (cluster) => parity.factsChanged(cluster),
  });
  const pipeline = await createPipeline(base);
  teardown.add('the renderer', pipeline.renderer.close);
  const views = createViewCache(store, base.clock);
  teardown.add('the views', views.stop);
  teardown.add('the stream', stream.stop);
  const notify = await createNotifyLoop({
    ...base,
    routes: config.notifications.map(({ url, types, secret }) => ({
      url,
      types,
      secret: async () => secret && readSecret(secret, `the secret of ${new URL(url).host}`, base.secrets),
    })),
    allowed: (url: string) => isEgressAllowed(config, url),
    source: `urn:fairway:hub:${config.advertise.serverName}`,
  });
  const garbage = createGarbageLoop(base, {
    eventsKeptMs: config.retention.eventsMs,
    releasesKeptMs: config.retention.releasesMs,
    releasesKept: config.retention.releasesKept,
    rolloutsKeptMs: config.retention.rolloutsMs,
    rolloutsKept: config.retention.rolloutsKept,
  });
  const pauseLoop = createPauseLoop(base);
  const rollouts = createRolloutLoop({
    ...base,
    ask: (cluster, question, options) => stream.query(cluster, question, options),
    revert: pipeline.revert,
    fetch: (url, init) => fetch(url, init),
    egress: (url) => isEgressAllowed(config, url),
  });
  const parity = createParityLoop({
    ...base,
    ask: (cluster, question, signal) => stream.query(cluster, question, { signal, timeoutMs: 60_000 }),
    explain: pipeline.explainer.explain,
  });
  const stateOf = (group: string) => parity.group(group)?.state;
  const failovers = createFailovers({ ...base, ...pipeline.failovers, parity: stateOf });
  const loops: readonly Loop[] = [
    pipeline.sourceLoop,
    pipeline.resolveLoop,
    notify,
    garbage,
    pauseLoop,
    rollouts.loop,
    ...parity.loops,
    failovers.loop,
  ];
  teardown.add('the loops', async () => void (await Promise.all(loops.map((loop) => loop.stop()))));
  teardown.add('the rollouts', rollouts.stop);
  teardown.add('the parity groups', parity.stop);
  teardown.add('the failovers', failovers.stop);
  const driven = { stream, pipeline, rollouts, parity, failovers, fencing };
  const unsubscribe = wakeByStore(store, { ...driven, pauseLoop, notify });
  const ports = await stream.start();
  const firstToken = await ensureFirstToken({
    ...base,
    keep: (token) => replacePrivateFile(join(config.dataDir, 'admin.token'), `${token}\n`),
  });
  const { api, served } = await serve(base, { ...driven, views, loops, ports });
  teardown.add('the API', () => {
    api.close();
    return served.close();
  });
  teardown.add('subscriptions', unsubscribe);
  return {
    addresses: { api: served.url, ...ports },
    firstToken,
    begin() {
      pipeline.start();
      notify.wake('outbox');
      garbage.wake('garbage');
      pauseLoop.wake('pauses');
      rollouts.wakeAll();
      parity.wakeAll();
      failovers.wakeAll();
    },
  };
}

/** Copies that a killed process was making or sending. */
async function sweepBackups(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(backupPrefix)) await rm(join(folder, name), { force: true });
}

const backupPrefix = 'backup-sending-';

/** Names of the hub's server certificate: what agents dial, and what they are told to verify. */
function advertisedNames({ advertise }: HubConfig): readonly string[] {
  const dialled = [...advertise.agent, advertise.enrolment].map((address) =>
    address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, ''),
  );
  return [...new Set([advertise.serverName, ...dialled])];
}

function createStream(
  base: Base,
  told: Pick<StreamServerOptions, 'fencing' | 'onFactsChanged'>,
): StreamServer {
  const { config } = base;
  const advertised = (agentPort: number) =>
    config.advertise.agent.map((address) => address.replace(/:0$/, `:${agentPort}`));
  return createStreamServer({
    ...base,
    listen: { agent: config.listen.agent, enrolment: config.listen.enrolment },
    serverName: config.advertise.serverName,
    advertisedAddresses: advertised,
    ...told,
  });
}

interface Pipeline {
  readonly sourceLoop: Loop;
  readonly resolveLoop: Loop;
  readonly renderer: WorkerRenderer;
  readonly revisionWork: RevisionWork;
  readonly preview: Preview;
  readonly explainer: Explainer;
  readonly planner: RolloutPlanPort;
  readonly revert: RevertPorts;
  readonly failovers: FailoverPipeline;
  readonly followed: () => ReadonlyMap<SourceKey, FollowedSource>;
  start(): void;
}

/** From Git to assignments: the source loop wakes the resolve loop, which says what else is to be followed. */
async function createPipeline(base: Base): Promise<Pipeline> {
  const { config, store, secrets, digestKey, ...ports } = base;
  const credentials = createCredentialSource(config, secrets);
  const source = createGitSource({
    directory: join(config.dataDir, 'git'),
    credentials,
    egress: (url) => url === config.root.url || isEgressAllowed(config, url),
    ...ports,
  });
  const root: FollowedSource = {
    key: sourceKeyOf(rootRepository, config.root.ref),
    url: config.root.url,
    ref: config.root.ref,
  };
  // The fleet as last read says what to follow until it is read again; what was followed before that, too, ends now.
  const lastSources = Object.keys((await store.sources.latestRevision())?.sources ?? {});
  let followed = followedSources(root, fleetOf(await store.fleet.load()), lastSources);
  const before = await store.sources.list();
  const sourceLoop = createSourceLoop({
    store,
    source,
    followed: () => followed,
    pollIntervalMs: config.root.pollIntervalMs,
    rootKey: root.key,
    onMoved: () => resolveLoop.wake(resolveKey),
    ...ports,
  });
  const helm = createHelmProcess({ ...config.helm, path: secrets.env['PATH'] ?? '' });
  const charts = createChartArchives({
    folder: join(config.dataDir, 'charts'),
    fetch: (url, init) => fetch(url, init),
    egress: (url) => isEgressAllowed(config, url),
    credentials,
    ...ports,
  });
  const memory = { port: store.renders, engine: await digestEngine() };
  const renderer = createWorkerRenderer({ digestKey, helm, charts, memory, ...ports });
  const revisionWork = createRevisionWork();
  const resolveLoop = createResolveLoop({
    store,
    source,
    renderer: createFleetRenderer(renderer),
    root,
    folder: config.root.folder,
    confirmAbove: config.deletion.confirmAbove,
    onFollowed: (fleet, remotes) => {
      const before = followed;
      followed = followedSources(root, fleet, remotes);
      for (const key of new Set([...before.keys(), ...followed.keys()]))
        if (before.get(key)?.url !== followed.get(key)?.url) sourceLoop.wake(key);
      return followed;
    },
    onRendered: revisionWork.add,
    failovers: () => loadFailovers(store, digestKey),
    newId: () => randomUUID(),
    ...ports,
  });
  const start = () => {
    for (const key of new Set([...followed.keys(), ...before.map((status) => status.key)]))
      sourceLoop.wake(key);
    // What was fetched before may not have been resolved when the process ended.
    resolveLoop.wake(resolveKey);
  };
  const preview = createPreview({ store, source, renderer, root, folder: config.root.folder });
  const explainer = createExplainer({ store, source, tracer: renderer, root, folder: config.root.folder });
  const { confirmAbove } = config.deletion;
  const planner = createRolloutPlanner({ store, source, preview, root, confirmAbove, clock: base.clock });
  const { url, ref } = root;
  const revert: RevertPorts = { url, ref, identity: config.commits, write: source.revert };
  const failovers: FailoverPipeline = {
    ...{ source, preview, rootKey: root.key, newId: () => randomUUID() },
    git: { url, ref, identity: config.commits, write: source.write },
    onSwitch: () => [sourceLoop.wake(root.key), resolveLoop.wake(resolveKey)],
  };
  const parts = { sourceLoop, resolveLoop, renderer, revisionWork, preview, explainer, planner, revert };
  return { ...parts, failovers, followed: () => followed, start };
}

interface Served {
  readonly stream: StreamServer;
  readonly pipeline: Pipeline;
  readonly views: ViewCache;
  readonly rollouts: RolloutDriver;
  readonly parity: ParityDriver;
  readonly failovers: FailoverDriver;
  readonly loops: readonly Loop[];
  readonly ports: { readonly agentPort: number; readonly enrolmentPort: number };
}

async function serve(
  base: Base,
  { stream, pipeline, views, rollouts, parity, failovers, loops, ports }: Served,
): Promise<{ readonly api: Api; readonly served: ServedApi }> {
  const { config, store, registry, secrets, clock, random, log, metrics } = base;
  const { renderer, revisionWork } = pipeline;
  registerFailoverMetrics(metrics, failovers, clock);
  registerHubMetrics(metrics, { stream, renderer, revisionWork, loops, views, parity });
  const enrolmentAddress = config.advertise.enrolment.replace(/:0$/, `:${ports.enrolmentPort}`);
  const api = createApi(
    {
      store,
      views,
      agents: createAgentPort(stream),
      registry,
      sources: createSourcePort({
        loop: pipeline.sourceLoop,
        followed: pipeline.followed,
        store,
        clock,
        secrets: () =>
          Promise.all(
            config.webhooks.map(async ({ provider, secret }) => ({
              provider,
              secret: await readSecret(secret, `the secret of the ${provider} webhook`, secrets),
            })),
          ),
      }),
      preview: pipeline.preview,
      explainer: pipeline.explainer,
      rollouts,
      parity,
      failovers,
      history: createRolloutHistory(base.store),
      planner: pipeline.planner,
      install: { manifests: (options) => createInstallManifests({ enrolmentAddress, ...options }) },
      schemas: fleetSchemas,
      backup: async () => {
        const path = join(config.dataDir, `${backupPrefix}${randomUUID()}.db`);
        await store.backup(path);
        return path;
      },
      metrics,
      ready: async () => [await checkStore(store)],
      clock,
      random,
      log,
      version,
    },
    { metricsPublic: config.metrics.openOnLoopback && isLoopback(config.listen.api.host) },
  );
  return {
    api,
    served: await serveApi({ app: api, ...config.listen.api, tls: await readTls(config, secrets) }),
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
