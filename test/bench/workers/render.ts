/** A bench's renderer in a process of its own: from a Git commit to the digests of its sets. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { compileLater } from '../../../hub/cli/compile-later.ts';
import { localLimits } from '../../../hub/cli/preview/local-source.ts';
import type { Cluster } from '../../../hub/model/fleet.ts';
import type { RenderedSet } from '../../../hub/model/rendered.ts';
import { oneShot } from '../../../hub/render/limits.ts';
import { createRenderer, type Renderer } from '../../../hub/render/renderer.ts';
import { createGitSource, type GitSource } from '../../../hub/source/git-source.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { RenderOrder, RenderReport } from '../kit/render-order.ts';
import { serveWorker } from '../kit/worker.ts';

let source: GitSource | undefined;
let renderer: Renderer | undefined;

/** As the hub has it, or as `fairway render --write` has it, which hands on what comes. */
const rendererFor = ({ output }: RenderOrder) =>
  createRenderer({ digestKey: new Uint8Array(32), ...(output !== undefined && oneShot) });

const clusterOf = (name: string): Cluster => ({
  name,
  labels: {},
  region: '',
  role: 'none',
  variables: {},
  kubernetesVersion: '',
  paused: false,
  origin: { file: '', line: 0, commit: '' },
});

function peakKb(): number {
  // Not getrusage's figure, which a process has from its parent.
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(match?.[1] ?? 0);
}

function write(file: number, { objects }: RenderedSet): void {
  const lines: string[] = [];
  for (const { content } of objects.values()) lines.push(content);
  writeSync(file, `${lines.join('\n')}\n`);
}

async function run(order: RenderOrder): Promise<RenderReport> {
  const file = order.output === undefined ? undefined : openSync(order.output, 'w');
  const orderedMs = performance.now();
  let firstMs = 0;
  const digests = new Set<string>();
  source ??= createGitSource({
    directory: order.mirrors,
    credentials: { forUrl: async () => undefined },
    clock: systemClock,
    log: silentLogger,
    ...(order.output !== undefined && { limits: localLimits }),
  });
  renderer ??= rendererFor(order);
  const before = renderer.stats();
  const { head } = await source.fetch({
    url: order.repository,
    ref: order.ref,
    signal: new AbortController().signal,
  });
  const tree = await source.tree(order.repository, head);
  // The peer has its files at hand as well.
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  let objects = 0;
  await renderer.renderAll({
    source: { repository: '', ref: '', path: order.path, overlays: order.overlays },
    clusters: order.clusters.map(clusterOf),
    tree,
    take: (_cluster, found) => {
      if (!found.ok) throw new Error(JSON.stringify(found.problems));
      if (digests.size === 0) firstMs = performance.now() - startedMs;
      digests.add(found.rendered.set.digest);
      objects += found.rendered.set.entries.length;
      if (file !== undefined) write(file, found.rendered);
    },
  });
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  if (file !== undefined) closeSync(file);
  // Otherwise at the end of the process, which the bench makes a sudden one.
  flushCompileCache();
  const after = renderer.stats();
  return {
    treeMs: startedMs - orderedMs,
    firstMs,
    wallMs,
    cpuMs: (user + system) / 1000,
    sets: digests.size,
    objects,
    directoriesBuilt: after.directoriesBuilt - before.directoriesBuilt,
    filesParsed: after.filesParsed - before.filesParsed,
    peakKb: peakKb(),
  };
}

// As hub/cli/main.ts.
compileLater();
serveWorker({ run });
