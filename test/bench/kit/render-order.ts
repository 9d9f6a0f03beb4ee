/** What a bench asks of a renderer in a process of its own, and what comes back. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startWorker } from './worker.ts';

export interface RenderOrder {
  /** Folder of a Git repository. */
  readonly repository: string;
  readonly ref: string;
  /** Folder for the source's mirrors. */
  readonly mirrors: string;
  readonly path: string;
  readonly overlays: readonly string[];
  readonly clusters: readonly string[];
  /** Each set is written to this file as it comes. */
  readonly output?: string;
}

export interface RenderReport {
  /** From the branch's name to the commit's tree. */
  readonly treeMs: number;
  /** From the commit's tree to the first set's digest. */
  readonly firstMs: number;
  /** From the commit's tree to the last set's digest. */
  readonly wallMs: number;
  /** User and system time of all threads for it. */
  readonly cpuMs: number;
  /** Different digests. */
  readonly sets: number;
  /** Of all sets. */
  readonly objects: number;
  readonly directoriesBuilt: number;
  readonly filesParsed: number;
  /** Most that the process ever had resident. */
  readonly peakKb: number;
}

const runLimitMs = 150_000;

/**
 * As the hub's own process and render thread are started: compiled code is kept from one start to the next (hub/cli/bin.js), and objects that lived for one
 * overlay are collected soon (hub/render/worker/thread.ts, where a third of the young generation is one semi-space).
 */
const settingsFor = (folder: string) => ({
  execArgv: ['--max-semi-space-size=2'],
  env: { NODE_COMPILE_CACHE: join(folder, 'code') },
});

/** As hub/cli/bin.js starts `fairway render --write`. */
const oneShotSettingsFor = (folder: string) => ({
  execArgv: [
    '--max-semi-space-size=1',
    '--initial-old-space-size=8',
    '--heap-growing-percent=30',
    '--no-incremental-marking',
    '--no-maglev',
    '--no-concurrent-recompilation',
    '--no-concurrent-sparkplug',
  ],
  env: {
    ...settingsFor(folder).env,
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '65536',
    MALLOC_TRIM_THRESHOLD_: '131072',
  },
});

/** A new process, which keeps its caches from one order to the next. @param oneShot for orders with an output. */
export async function withRenderProcess<T>(
  folder: string,
  use: (run: (order: Omit<RenderOrder, 'mirrors'>) => Promise<RenderReport>) => Promise<T>,
  oneShot = false,
): Promise<T> {
  mkdirSync(folder, { recursive: true });
  const settings = oneShot ? oneShotSettingsFor(folder) : settingsFor(folder);
  const worker = startWorker('render', join(folder, 'render.log'), settings);
  try {
    return await use((order) =>
      worker.call<RenderReport>('run', { ...order, mirrors: join(folder, 'mirrors') }, runLimitMs),
    );
  } finally {
    await worker.stop();
  }
}
