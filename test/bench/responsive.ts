/**
 * How late the hub's event loop is while a large tree is rendered from nothing: what its streams wait for. By the hub's renderer, which has a thread of its
 * own, and by the same renderer on the loop's thread, with a turn for others after each 64 overlays.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Cluster } from '../../hub/model/fleet.ts';
import type { TreeReader } from '../../hub/model/tree.ts';
import { createRenderer, type Renderer } from '../../hub/render/renderer.ts';
import { createWorkerRenderer } from '../../hub/render/worker/worker-renderer.ts';
import { createGitSource } from '../../hub/source/git-source.ts';
import { systemClock } from '../../shared/clock/clock.ts';
import { systemRandom } from '../../shared/clock/random.ts';
import { silentLogger } from '../../shared/log/log.ts';
import { baseFiles, overlayFiles, overlayName } from './kit/render-fleet.ts';
import { importRepository } from './kit/render-repository.ts';
import { type Bench, result } from './result.ts';

const turnEvery = 64;
const source = { repository: '', ref: '', path: 'overlays', overlays: ['{{cluster.name}}'] };

function* fleetOf(count: number): Generator<readonly [string, string]> {
  yield* baseFiles();
  for (let index = 0; index < count; index += 1) yield* overlayFiles(index, 'plain');
}

function clustersOf(count: number): readonly Cluster[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ name: overlayName(index), labels: {}, region: '', role: 'none', variables: {} },
    ...{ kubernetesVersion: '', paused: false, origin: { file: '', line: 0, commit: '' } },
  }));
}

type RenderSome = (clusters: readonly Cluster[], tree: TreeReader) => Promise<void>;

const rendererOf =
  (renderer: Renderer): RenderSome =>
  async (clusters, tree) => {
    const { results } = await renderer.renderAll({ source, clusters, tree });
    for (const one of results) if (!one.ok) throw new Error(JSON.stringify(one.problems));
  };

const withTurns =
  (render: RenderSome): RenderSome =>
  async (clusters, tree) => {
    for (let at = 0; at < clusters.length; at += turnEvery) {
      await render(clusters.slice(at, at + turnEvery), tree);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

type Delay = ReturnType<typeof monitorEventLoopDelay>;

async function measure(work: () => Promise<void>): Promise<Delay> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await work();
  delay.disable();
  return delay;
}

const milliseconds = (nanoseconds: number) => nanoseconds / 1e6;

export const bench: Bench = async ({ say, quick }) => {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-bench-responsive-'));
  const digestKey = new Uint8Array(32);
  const ports = { clock: systemClock, log: silentLogger };
  const worker = createWorkerRenderer({ digestKey, random: systemRandom, ...ports });
  try {
    const clusters = clustersOf(quick ? 100 : 1_000);
    const repository = join(folder, 'fleet.git');
    await importRepository(repository, [{ branch: 'main', files: () => fleetOf(clusters.length) }]);
    const git = createGitSource({
      directory: join(folder, 'mirrors'),
      credentials: { forUrl: async () => undefined },
      ...ports,
    });
    const request = { url: repository, ref: 'main', signal: new AbortController().signal };
    const tree = await git.tree(repository, (await git.fetch(request)).head);
    const apart = await measure(() => rendererOf(worker)(clusters, tree));
    const shared = await measure(() => withTurns(rendererOf(createRenderer({ digestKey })))(clusters, tree));
    for (const [what, delay] of [
      ['own thread', apart],
      ["the loop's thread", shared],
    ] as const)
      say(
        `${what}: 50 % ${milliseconds(delay.percentile(50)).toFixed(1)} ms, 99 % ${milliseconds(delay.percentile(99)).toFixed(1)} ms, ` +
          `worst ${milliseconds(delay.max).toFixed(1)} ms late`,
      );
    const peer = `on the loop's thread, a turn each ${turnEvery}`;
    const row = (metric: string, pick: (delay: Delay) => number) =>
      result('responsive', metric, milliseconds(pick(apart)), 'ms', peer, milliseconds(pick(shared)));
    return [
      row('loop_delay_p99', (delay) => delay.percentile(99)),
      row('loop_delay_worst', (delay) => delay.max),
    ];
  } finally {
    await worker.close();
    rmSync(folder, { recursive: true, force: true });
  }
};
