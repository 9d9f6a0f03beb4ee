import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Loop } from '../../shared/loop/loop.ts';
import type { RolloutPlanPort } from '../api/ports.ts';
import { createCredentialSource } from '../config/credential-source.ts';
import { isEgressAllowed } from '../config/egress.ts';
import { createChartArchives } from '../helm/chart-archives.ts';
import { createHelmProcess } from '../helm/helm-process.ts';
import { loadFailovers } from '../loops/failover/failover-inputs.ts';
import type { FailoverPipeline } from '../loops/failover/failovers.ts';
import { fleetOf } from '../loops/fleet-rows.ts';
import { createExplainer, type Explainer } from '../loops/preview/explain.ts';
import { createRolloutPlanner } from '../loops/preview/plan-rollouts.ts';
import { createPreview, type Preview } from '../loops/preview/preview.ts';
import { createFleetRenderer } from '../loops/resolve/render-fleet.ts';
import { createResolveLoop, resolveKey } from '../loops/resolve/resolve-loop.ts';
import { createRevisionWork, type RevisionWork } from '../loops/resolve/revision-work.ts';
import type { RevertPorts } from '../loops/rollout/write-revert.ts';
import { followedSources } from '../loops/source/revision-of.ts';
import { createSourceLoop, type FollowedSource } from '../loops/source/source-loop.ts';
import { rootRepository, type SourceKey, sourceKeyOf } from '../model/revision.ts';
import { createWorkerRenderer, type WorkerRenderer } from '../render/worker/worker-renderer.ts';
import { createGitSource, type GitSource, type GitWriter } from '../source/git-source.ts';
import { digestEngine } from './engine-digest.ts';
import type { HubBase } from './hub-base.ts';

/** From Git to assignments, and what else reads commits: previews, explanations, plans, and the commits that the hub writes. */
export interface Pipeline {
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
  /** Sets both loops going. */
  start(): void;
}

/** The source loop wakes the resolve loop, which says what else is to be followed. Nothing runs before `start`. */
export async function createPipeline(base: HubBase): Promise<Pipeline> {
  const { config, store, digestKey, ...ports } = base;
  const source = createSource(base);
  const { url, ref } = config.root;
  const root: FollowedSource = { key: sourceKeyOf(rootRepository, ref), url, ref };
  const { folder } = config.root;
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
  const renderer = await createRenderer(base);
  const revisionWork = createRevisionWork();
  const { confirmAbove } = config.deletion;
  const newId = () => randomUUID();
  const resolveLoop = createResolveLoop({
    ...{ store, source, root, folder, confirmAbove, newId },
    renderer: createFleetRenderer(renderer),
    onFollowed: (fleet, remotes) => {
      const before = followed;
      followed = followedSources(root, fleet, remotes);
      for (const key of new Set([...before.keys(), ...followed.keys()]))
        if (before.get(key)?.url !== followed.get(key)?.url) sourceLoop.wake(key);
      return followed;
    },
    onRendered: revisionWork.add,
    failovers: () => loadFailovers(store, digestKey),
    ...ports,
  });
  const preview = createPreview({ store, source, renderer, root, folder });
  return {
    ...{ sourceLoop, resolveLoop, renderer, revisionWork, preview },
    explainer: createExplainer({ store, source, tracer: renderer, root, folder }),
    planner: createRolloutPlanner({ store, source, preview, root, confirmAbove, clock: base.clock }),
    revert: { url, ref, identity: config.commits, write: source.revert },
    failovers: {
      ...{ source, preview, rootKey: root.key, newId },
      git: { url, ref, identity: config.commits, write: source.write },
      onSwitch: () => [sourceLoop.wake(root.key), resolveLoop.wake(resolveKey)],
    },
    followed: () => followed,
    start() {
      for (const key of new Set([...followed.keys(), ...before.map((status) => status.key)]))
        sourceLoop.wake(key);
      // What was fetched before may not have been resolved when the process ended.
      resolveLoop.wake(resolveKey);
    },
  };
}

function createSource(base: HubBase): GitSource & GitWriter {
  const { config, secrets, ...ports } = base;
  return createGitSource({
    directory: join(config.dataDir, 'git'),
    credentials: createCredentialSource(config, secrets),
    egress: (url) => url === config.root.url || isEgressAllowed(config, url),
    ...ports,
  });
}

/** Renders in a thread of its own, with the `helm` program and the archives of charts. */
async function createRenderer(base: HubBase): Promise<WorkerRenderer> {
  const { config, store, secrets, digestKey, ...ports } = base;
  const helm = createHelmProcess({ ...config.helm, path: secrets.env['PATH'] ?? '' });
  const charts = createChartArchives({
    folder: join(config.dataDir, 'charts'),
    fetch: (url, init) => fetch(url, init),
    egress: (url) => isEgressAllowed(config, url),
    credentials: createCredentialSource(config, secrets),
    ...ports,
  });
  const memory = { port: store.renders, engine: await digestEngine() };
  return createWorkerRenderer({ digestKey, helm, charts, memory, ...ports });
}
