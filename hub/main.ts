/**
 * The hub's composition root: everything else takes ports, and here is what is given to whom. What takes more than a call to build is in `compose/`. Starting is an order
 * (store, registry, listeners, loops), stopping the reverse; a process that is killed in between starts the same way again.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type FairwayError, toFairwayError } from '../shared/error/error.ts';
import { createLogger } from '../shared/log/log.ts';
import { version } from '../shared/version.ts';
import { ensureFirstToken } from './api/auth/access-token.ts';
import { sweepBackups } from './compose/backups.ts';
import { createHubLoops } from './compose/create-hub-loops.ts';
import { createPipeline } from './compose/create-pipeline.ts';
import { createStream } from './compose/create-stream.ts';
import { createHubBase, type HubBase, openHubStore } from './compose/hub-base.ts';
import { serveHubApi } from './compose/serve-hub-api.ts';
import { createTeardown, type Teardown } from './compose/teardown.ts';
import type { HubConfig } from './config/config.ts';
import { loadConfig } from './config/load-config.ts';
import { replacePrivateFile } from './config/private-file.ts';
import { createFencing } from './loops/failover/fencing.ts';
import { createViewCache } from './loops/view-cache.ts';
import { wakeByStore } from './loops/wake-by-store.ts';

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
  const tokenFile = join(config.dataDir, 'admin.token');
  if (hub.firstToken !== undefined)
    process.stdout.write(
      `The first admin token, shown once and kept in ${tokenFile}:\n${hub.firstToken}\nIn another terminal: npx fairway login --server ${hub.addresses.api} --token - < ${tokenFile}\n`,
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

/** Starts a hub. @throws FairwayError saying what is wrong with its configuration, store or addresses. */
export async function startHub({ config, env }: HubOptions): Promise<RunningHub> {
  const log = createLogger(config.log);
  const { promise: failed, resolve: onStopped } = Promise.withResolvers<FairwayError>();
  const store = await openHubStore({ config, env, log, onStopped });
  const teardown = createTeardown(log);
  teardown.add('the store', () => store.close());
  try {
    // From here on the data directory is ours: the store was taken for this process alone.
    const addressFile = join(config.dataDir, 'hub.json');
    const removeAddresses = () => rm(addressFile, { force: true });
    await removeAddresses();
    teardown.add('hub.json', removeAddresses);
    await sweepBackups(config.dataDir);
    const base = await createHubBase({ config, env, log }, store);
    const { addresses, firstToken, begin } = await startParts(base, teardown);
    await replacePrivateFile(addressFile, `${JSON.stringify({ pid: process.pid, ...addresses })}\n`);
    begin();
    log.info('hub started', { version, ...addresses });
    const stop = async () => {
      log.info('hub stopping');
      await teardown.run();
      log.info('hub stopped');
    };
    return { addresses, firstToken, failed, stop };
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

/** What is added to the teardown later ends earlier. */
async function startParts(base: HubBase, teardown: Teardown): Promise<StartedParts> {
  const { config, store } = base;
  const fencing = createFencing({ ...base, onChanged: (cluster) => stream.wake(cluster) });
  const stream = createStream(base, {
    fencing: fencing.orderFor,
    onFactsChanged: (cluster) => loops.parity.factsChanged(cluster),
  });
  const pipeline = await createPipeline(base);
  teardown.add('the renderer', pipeline.renderer.close);
  const views = createViewCache(store, base.clock);
  teardown.add('the views', views.stop);
  teardown.add('the stream', stream.stop);
  const loops = await createHubLoops(base, { stream, pipeline });
  teardown.add('the loops', async () => void (await Promise.all(loops.all.map((loop) => loop.stop()))));
  teardown.add('the rollouts', loops.rollouts.stop);
  teardown.add('the parity groups', loops.parity.stop);
  teardown.add('the failovers', loops.failovers.stop);
  const unsubscribe = wakeByStore(store, { ...loops, stream, pipeline, fencing });
  const ports = await stream.start();
  const firstToken = await ensureFirstToken({
    ...base,
    keep: (token) => replacePrivateFile(join(config.dataDir, 'admin.token'), `${token}\n`),
  });
  const { enrolmentPort } = ports;
  const api = await serveHubApi(base, { stream, pipeline, views, loops, enrolmentPort });
  teardown.add('the API', api.close);
  teardown.add('subscriptions', unsubscribe);
  return { addresses: { api: api.url, ...ports }, firstToken, begin: loops.start };
}
