/** What every part of the hub is built on: its configuration, the store in its data directory, and the ports. */
import { mkdir, readFile } from 'node:fs/promises';
import { Registry as MetricsRegistry } from 'prom-client';
import { type Clock, systemClock } from '../../shared/clock/clock.ts';
import { type Random, systemRandom } from '../../shared/clock/random.ts';
import type { FairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { HubConfig } from '../config/config.ts';
import { loadDataKey } from '../config/data-key.ts';
import { createPrivateFile } from '../config/private-file.ts';
import type { SecretPorts } from '../config/secret-reader.ts';
import { createRegistry, type Registry } from '../registry/registry.ts';
import { openStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';

export interface HubBase {
  readonly config: HubConfig;
  readonly secrets: SecretPorts;
  readonly store: Store;
  readonly registry: Registry;
  /** Keys the digests of Secrets. */
  readonly digestKey: Uint8Array;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface HubStoreOptions {
  readonly config: HubConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** The store has died: the process must end and be started again. */
  readonly onStopped: (error: FairwayError) => void;
}

/**
 * Makes the data directory ours: its store is opened for this process alone.
 * @throws FairwayError when another process has it, or what it holds cannot be read.
 */
export async function openHubStore({ config, env, log, onStopped }: HubStoreOptions): Promise<Store> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const dataKey = await loadDataKey(config, {
    ...secretPorts(env),
    createFile: createPrivateFile,
    randomBytes: systemRandom.bytes,
  });
  const path = config.store.sqlite;
  return openStore({
    ...{ path, dataKey, exclusive: true, onStopped, log },
    ...{ clock: systemClock, random: systemRandom },
  });
}

/** The base over an open store. */
export async function createHubBase(
  { config, env, log }: Omit<HubStoreOptions, 'onStopped'>,
  store: Store,
): Promise<HubBase> {
  const ports = { clock: systemClock, random: systemRandom, log };
  const digestKey = await store.meta.ensureSecret('digest.key', ports.random.bytes(32));
  const registry = await createRegistry({ store, ...ports, serverNames: advertisedNames(config) });
  const metrics = new MetricsRegistry();
  return { config, secrets: secretPorts(env), store, registry, digestKey, metrics, ...ports };
}

function secretPorts(env: HubStoreOptions['env']): SecretPorts {
  return { readFile: (path) => readFile(path, 'utf8'), env };
}

/** Names of the hub's server certificate: what agents dial, and what they are told to verify. */
function advertisedNames({ advertise }: HubConfig): readonly string[] {
  const dialled = [...advertise.agent, advertise.enrolment].map((address) =>
    address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, ''),
  );
  return [...new Set([advertise.serverName, ...dialled])];
}
