import { version } from '../../shared/version.ts';
import { createApi } from '../api/app.ts';
import { createInstallManifests } from '../api/install/install-manifests.ts';
import { serveApi } from '../api/server.ts';
import { readTls } from '../config/read-tls.ts';
import { readSecret } from '../config/secret-reader.ts';
import { fleetSchemas } from '../fleet/resource-schemas.ts';
import { createAgentPort } from '../loops/agent-port.ts';
import { checkStore } from '../loops/check-store.ts';
import { registerHubMetrics } from '../loops/hub-metrics.ts';
import { registerFailoverMetrics } from '../loops/parity/parity-metrics.ts';
import { createRolloutHistory } from '../loops/rollout/rollout-history.ts';
import { createSourcePort } from '../loops/source/source-port.ts';
import type { ViewCache } from '../loops/view-cache.ts';
import type { StreamServer } from '../stream/stream-server.ts';
import { makeBackup } from './backups.ts';
import type { HubLoops } from './create-hub-loops.ts';
import type { Pipeline } from './create-pipeline.ts';
import type { HubBase } from './hub-base.ts';

export interface ServedParts {
  readonly stream: StreamServer;
  readonly pipeline: Pipeline;
  readonly views: ViewCache;
  readonly loops: HubLoops;
  /** Where enrolment is listened on. */
  readonly enrolmentPort: number;
}

export interface HubApi {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves HTTP: what the parts tell, and what may be asked of them. @throws FairwayError when its address cannot be had or its certificate not be read. */
export async function serveHubApi(base: HubBase, parts: ServedParts): Promise<HubApi> {
  const { config, store, registry, secrets, clock, random, log, metrics } = base;
  const { stream, pipeline, views, loops, enrolmentPort } = parts;
  const { rollouts, parity, failovers } = loops;
  const { renderer, revisionWork } = pipeline;
  registerFailoverMetrics(metrics, failovers, clock);
  registerHubMetrics(metrics, { stream, renderer, revisionWork, loops: loops.all, views, parity });
  const enrolmentAddress = config.advertise.enrolment.replace(/:0$/, `:${enrolmentPort}`);
  const readWebhookSecrets = () =>
    Promise.all(
      config.webhooks.map(async ({ provider, secret }) => ({
        provider,
        secret: await readSecret(secret, `the secret of the ${provider} webhook`, secrets),
      })),
    );
  const { sourceLoop: loop, followed } = pipeline;
  const api = createApi(
    {
      store,
      views,
      agents: createAgentPort(stream),
      registry,
      sources: createSourcePort({ loop, followed, store, clock, secrets: readWebhookSecrets }),
      preview: pipeline.preview,
      explainer: pipeline.explainer,
      rollouts,
      parity,
      failovers,
      history: createRolloutHistory(store),
      planner: pipeline.planner,
      install: { manifests: (options) => createInstallManifests({ enrolmentAddress, ...options }) },
      schemas: fleetSchemas,
      backup: () => makeBackup(store, config.dataDir),
      metrics,
      ready: async () => [await checkStore(store)],
      clock,
      random,
      log,
      version,
    },
    { metricsPublic: config.metrics.openOnLoopback && isLoopback(config.listen.api.host) },
  );
  const served = await serveApi({ app: api, ...config.listen.api, tls: await readTls(config, secrets) });
  return {
    url: served.url,
    close() {
      api.close();
      return served.close();
    },
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
