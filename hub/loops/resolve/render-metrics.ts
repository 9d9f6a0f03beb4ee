import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { RenderStats, RenderWork } from '../../render/render-work.ts';

export interface RenderMeters {
  readonly stats: () => Readonly<RenderStats>;
  /** Of the newest revision. */
  readonly ofRevision: () => Readonly<RenderWork>;
}

const counters = {
  renders: ['fairway_render_requests_total', 'Applications rendered for clusters, remembered ones included.'],
  cacheHits: [
    'fairway_render_cache_hits_total',
    'Those that were answered with a set that was there already.',
  ],
  objectsDigested: ['fairway_render_objects_digested_total', 'Objects written in canonical form.'],
  directoriesBuilt: ['fairway_render_directories_built_total', 'Folders built and charts run.'],
  filesRead: ['fairway_render_files_read_total', 'Files read from Git to render.'],
  filesParsed: ['fairway_render_files_parsed_total', 'Files parsed to render.'],
  bytesParsed: ['fairway_render_bytes_parsed_total', 'Bytes parsed to render.'],
} as const satisfies Record<keyof RenderStats, readonly [name: string, help: string]>;

/** How often the event loop is looked at, in milliseconds: seldom enough to cost nothing. */
const delayEveryMs = 50;

/** What rendering took, since the start and for the newest revision, and whether the streams had to wait meanwhile. */
export function registerRenderMetrics(registry: Registry, { stats, ofRevision }: RenderMeters): void {
  const registers = [registry];
  for (const [counter, [name, help]] of Object.entries(counters))
    new Counter({
      ...{ name, help, registers },
      collect() {
        this.reset();
        this.inc(stats()[counter as keyof RenderStats]);
      },
    });
  new Gauge({
    name: 'fairway_render_revision',
    help: 'What rendering the newest revision took, by counter.',
    labelNames: ['counter'],
    registers,
    collect() {
      for (const [counter, value] of Object.entries(ofRevision())) this.set({ counter }, value);
    },
  });
  const delay = monitorEventLoopDelay({ resolution: delayEveryMs });
  delay.enable();
  new Gauge({
    name: 'fairway_event_loop_delay_seconds',
    help: "How late the hub's event loop was since the last time this was asked, by quantile.",
    labelNames: ['quantile'],
    registers,
    collect() {
      const late = (value: number) => Math.max(0, value / 1e9 - delayEveryMs / 1e3);
      for (const quantile of [0.5, 0.99])
        this.set({ quantile: String(quantile) }, late(delay.percentile(quantile * 100)));
      this.set({ quantile: '1' }, late(delay.max));
      delay.reset();
    },
  });
}
