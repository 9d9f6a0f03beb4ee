import { Gauge, type Registry } from 'prom-client';
import type { Loop } from '../../shared/loop/loop.ts';
import type { Renderer } from '../render/renderer.ts';
import type { StreamServer } from '../stream/stream-server.ts';
import type { ParityDriver } from './parity/parity-loop.ts';
import { registerParityMetrics } from './parity/parity-metrics.ts';
import { registerRenderMetrics } from './resolve/render-metrics.ts';
import type { RevisionWork } from './resolve/revision-work.ts';
import type { ViewCache } from './view-cache.ts';

export interface MeteredParts {
  readonly stream: StreamServer;
  readonly renderer: Renderer;
  readonly revisionWork: RevisionWork;
  readonly loops: readonly Loop[];
  readonly views: ViewCache;
  readonly parity: Pick<ParityDriver, 'groups'>;
}

/** The fleet's and the pipeline's figures; read when Prometheus asks. Their number does not grow with the fleet. */
export function registerHubMetrics(
  registry: Registry,
  { stream, renderer, revisionWork, loops, views, parity }: MeteredParts,
): void {
  const registers = [registry];
  new Gauge({
    name: 'fairway_agents_connected',
    help: 'Agents with a session.',
    registers,
    collect() {
      this.set(stream.sessions().length);
    },
  });
  new Gauge({
    name: 'fairway_placements',
    help: 'Applications in clusters, by stage.',
    labelNames: ['stage'],
    registers,
    async collect() {
      this.reset();
      for (const { stage } of (await views.views()).placements) this.inc({ stage });
    },
  });
  new Gauge({
    name: 'fairway_placements_drifted',
    help: 'Placements with an open drift.',
    registers,
    async collect() {
      this.set((await views.views()).placements.filter(({ drifted }) => drifted).length);
    },
  });
  registerParityMetrics(registry, parity);
  registerRenderMetrics(registry, { stats: renderer.stats, ofRevision: revisionWork.current });
  new Gauge({
    name: 'fairway_loop_failing_keys',
    help: 'Keys of all loops whose last step failed.',
    registers,
    collect() {
      this.set(
        loops.reduce((sum, loop) => sum + loop.state().filter(({ failures }) => failures > 0).length, 0),
      );
    },
  });
  new Gauge({
    name: 'fairway_process_resident_bytes',
    help: 'Resident memory of the hub.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
}
