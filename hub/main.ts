/**
 * The hub's composition root: the only file that builds every part and joins them. Everything else takes ports. Starting is an order (store, registry,
 * listeners, loops), stopping the reverse; a process that is killed in between starts the same way again.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Registry as MetricsRegistry } from 'prom-client';
import { type Clock, systemClock } from '../shared/clock/clock.ts';
import { type Random, systemRandom } from '../shared/clock/random.ts';
import { FairwayError } from '../shared/error/error.ts';
import { createLogger, type Logger } from '../shared/log/log.ts';
import type { Loop } from '../shared/loop/loop.ts';
import { version } from '../shared/version.ts';
import { type Api, createApi } from './api/app.ts';
import { ensureFirstToken } from './api/auth/access-token.ts';
import { createInstallManifests } from './api/install/install-manifests.ts';
import { type ServedApi, serveApi } from './api/server.ts';
import type { HubConfig } from './config/config.ts';
import { createCredentialSource } from './config/credential-source.ts';
import { loadDataKey } from './config/data-key.ts';
import { isEgressAllowed } from './config/egress.ts';
import { loadConfig } from './config/load-config.ts';
import { readSecret, type SecretPorts } from './config/secret-reader.ts';
import { fleetSchemas } from './fleet/resource-schemas.ts';
import { createAgentPort } from './loops/agent-port.ts';
import { createGarbageLoop, createPauseLoop } from './loops/housekeeping.ts';
import { registerHubMetrics } from './loops/hub-metrics.ts';
import { createNotifyLoop } from './loops/notify-loop.ts';
import { createFleetRenderer } from './loops/render-fleet.ts';
import { createResolveLoop, resolveKey } from './loops/resolve-loop.ts';
import { followedSources } from './loops/revision-of.ts';
import { createSourceLoop, type FollowedSource } from './loops/source-loop.ts';
import { createSourcePort } from './loops/source-port.ts';
import { createViewCache, type ViewCache } from './loops/view-cache.ts';
import { emptyFleet } from './model/fleet.ts';
import { rootRepository, type SourceKey, sourceKeyOf } from './model/revision.ts';
import { createRegistry, type Registry } from './registry/registry.ts';
import { createRenderer, type Renderer } from './render/renderer.ts';
import { createGitSource } from './source/git-source.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/store.ts';
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

/** The program `fairway hub`: runs until the signal aborts, then drains. Resolves to the exit code. @throws FairwayError when it cannot start. */
export async function runHub({ configPath: path, overrides, env, signal }: RunHubOptions): Promise<number> {
  const config = await loadConfig({ path, env, overrides, readFile: (file) => readFile(file, 'utf8') });
  const hub = await startHub({ config, env });
  if (hub.firstToken !== undefined)
    process.stdout.write(
      `The first admin token, shown once and kept in ${join(config.dataDir, 'admin.token')}:\n${hub.firstToken}\n`,
    );
  // Sockets of idle listeners do not keep the process by themselves in every case; this does until it is told to end.
  const alive = setInterval(() => {}, 3_600_000);
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  clearInterval(alive);
  await hub.stop();
  return 0;
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
  await rm(join(config.dataDir, 'hub.json'), { force: true });
  const dataKey = await loadDataKey(config, {
    ...secrets,
    createFile: createPrivateFile,
    randomBytes: systemRandom.bytes,
  });
  const ports = { clock: systemClock, random: systemRandom, log };
  const store = await openStore({ path: config.store.sqlite, dataKey, ...ports });
  try {
    const digestKey = await store.meta.ensureSecret('digest.key', systemRandom.bytes(32));
    const registry = await createRegistry({ store, ...ports, serverNames: advertisedNames(config) });
    return await startParts({
      config,
      secrets,
      store,
      registry,
      digestKey,
      metrics: new MetricsRegistry(),
      ...ports,
    });
  } catch (caught) {
    await store.close();
    throw caught;
  }
}

async function startParts(base: Base): Promise<RunningHub> {
  const { config, store, log } = base;
  const stream = createStream(base);
  const pipeline = createPipeline(base);
  const views = createViewCache(store, base.clock);
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
  const loops: readonly Loop[] = [
    pipeline.sourceLoop,
    pipeline.resolveLoop,
    notify,
    createGarbageLoop(base, {
      eventsKeptMs: config.retention.eventsMs,
      releasesKeptMs: config.retention.releasesMs,
      releasesKept: config.retention.releasesKept,
    }),
  ];
  const pauseLoop = createPauseLoop(base);
  const unsubscribe = store.subscribe((topic, key) => {
    if (topic === 'assignments' || topic === 'pauses') stream.wake(key === '' ? undefined : key);
    if (topic === 'pauses') pauseLoop.wake('pauses');
    if (topic === 'confirmations') {
      stream.wake(undefined);
      pipeline.resolveLoop.wake(resolveKey);
    }
    if (topic === 'events') notify.wake('outbox');
  });
  const ports = await stream.start();
  const { api, served } = await serve(base, { stream, pipeline, views, loops: [...loops, pauseLoop], ports });
  const firstToken = await ensureFirstToken(base);
  if (firstToken !== undefined)
    await replacePrivateFile(join(config.dataDir, 'admin.token'), `${firstToken}\n`);
  const addresses = { api: served.url, ...ports };
  await replacePrivateFile(
    join(config.dataDir, 'hub.json'),
    `${JSON.stringify({ pid: process.pid, ...addresses })}\n`,
  );
  pipeline.start();
  for (const [loop, key] of [
    [notify, 'outbox'],
    [loops[3], 'garbage'],
    [pauseLoop, 'pauses'],
  ] as const)
    loop?.wake(key);
  log.info('hub started', { version, ...addresses });
  return {
    addresses,
    firstToken,
    async stop() {
      log.info('hub stopping');
      unsubscribe();
      api.close();
      await served.close();
      await Promise.all([...loops, pauseLoop].map((loop) => loop.stop()));
      await stream.stop();
      views.stop();
      await store.close();
      await rm(join(config.dataDir, 'hub.json'), { force: true });
      log.info('hub stopped');
    },
  };
}

/** Names of the hub's server certificate: what agents dial, and what they are told to verify. */
function advertisedNames({ advertise }: HubConfig): readonly string[] {
  const dialled = [...advertise.agent, advertise.enrolment].map((address) =>
    address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, ''),
  );
  return [...new Set([advertise.serverName, ...dialled])];
}

function createStream(base: Base): StreamServer {
  const { config } = base;
  const advertised = (agentPort: number) =>
    config.advertise.agent.map((address) => address.replace(/:0$/, `:${agentPort}`));
  return createStreamServer({
    ...base,
    listen: { agent: config.listen.agent, enrolment: config.listen.enrolment },
    serverName: config.advertise.serverName,
    advertisedAddresses: advertised,
  });
}

interface Pipeline {
  readonly sourceLoop: Loop;
  readonly resolveLoop: Loop;
  readonly renderer: Renderer;
  readonly followed: () => ReadonlyMap<SourceKey, FollowedSource>;
  start(): void;
}

/** From Git to assignments: the source loop wakes the resolve loop, which says what else is to be followed. */
function createPipeline(base: Base): Pipeline {
  const { config, store, secrets, digestKey, ...ports } = base;
  const source = createGitSource({
    directory: join(config.dataDir, 'git'),
    credentials: createCredentialSource(config, secrets),
    egress: (url) => url === config.root.url || isEgressAllowed(config, url),
    ...ports,
  });
  const root: FollowedSource = {
    key: sourceKeyOf(rootRepository, config.root.ref),
    url: config.root.url,
    ref: config.root.ref,
  };
  let followed = followedSources(root, emptyFleet);
  const sourceLoop = createSourceLoop({
    store,
    source,
    followed: () => followed,
    pollIntervalMs: config.root.pollIntervalMs,
    onMoved: () => resolveLoop.wake(resolveKey),
    ...ports,
  });
  const renderer = createRenderer({ digestKey });
  const resolveLoop = createResolveLoop({
    store,
    source,
    renderer: createFleetRenderer(renderer),
    root,
    folder: config.root.folder,
    confirmAbove: config.deletion.confirmAbove,
    onFollowed: (fleet) => {
      const before = followed;
      followed = followedSources(root, fleet);
      for (const key of new Set([...before.keys(), ...followed.keys()]))
        if (before.get(key)?.url !== followed.get(key)?.url) sourceLoop.wake(key);
      return followed;
    },
    newId: () => randomUUID(),
    ...ports,
  });
  const start = () => {
    for (const key of followed.keys()) sourceLoop.wake(key);
    // What was fetched before may not have been resolved when the process ended.
    resolveLoop.wake(resolveKey);
  };
  return { sourceLoop, resolveLoop, renderer, followed: () => followed, start };
}

interface Served {
  readonly stream: StreamServer;
  readonly pipeline: Pipeline;
  readonly views: ViewCache;
  readonly loops: readonly Loop[];
  readonly ports: { readonly agentPort: number; readonly enrolmentPort: number };
}

async function serve(
  base: Base,
  { stream, pipeline, views, loops, ports }: Served,
): Promise<{ readonly api: Api; readonly served: ServedApi }> {
  const { config, store, registry, secrets, clock, random, log, metrics } = base;
  registerHubMetrics(metrics, { stream, renderer: pipeline.renderer, loops, views });
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
      install: { manifests: (options) => createInstallManifests({ enrolmentAddress, ...options }) },
      schemas: fleetSchemas,
      backup: async () => {
        const path = join(config.dataDir, `backup-${randomUUID()}.db`);
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
    { metricsPublic: config.metrics.enabled && isLoopback(config.listen.api.host) },
  );
  return {
    api,
    served: await serveApi({ app: api, host: config.listen.api.host, port: config.listen.api.port }),
  };
}

async function checkStore(
  store: Store,
): Promise<{ readonly name: string; readonly ok: boolean; readonly message: string }> {
  try {
    await store.meta.epoch();
    return { name: 'store', ok: true, message: '' };
  } catch {
    return { name: 'store', ok: false, message: 'the store does not answer' };
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** False when the file is there already. */
async function createPrivateFile(path: string, text: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(text);
    await file.sync();
    await file.close();
    return true;
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new FairwayError('failed_precondition', `${path} cannot be written`, { cause: caught });
  }
}

/** Written beside and renamed, so that nobody reads half of it. */
async function replacePrivateFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
}
