import { Gauge, type Registry } from 'prom-client';
import type { Loop } from '../../shared/loop/loop.ts';
import type { Renderer } from '../render/renderer.ts';
import type { StreamServer } from '../stream/stream-server.ts';
import type { ParityDriver } from './parity-loop.ts';
import { registerRenderMetrics } from './render-metrics.ts';
import type { RevisionWork } from './revision-work.ts';
import type { ViewCache } from './view-cache.ts';

export interface MeteredParts {
  readonly stream: StreamServer;
  readonly renderer: Renderer;
  readonly revisionWork: RevisionWork;
  readonly loops: readonly Loop[];
  readonly views: ViewCache;
  readonly parity: Pick<ParityDriver, 'groups' | 'objective'>;
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
  new Gauge({
    name: 'fairway_parity_groups',
    help: 'Parity groups, by verdict.',
    labelNames: ['verdict'],
    registers,
    collect() {
      this.reset();
      for (const { state } of parity.groups()) this.inc({ verdict: state.report.verdict });
    },
  });
  registerObjectiveMetrics(registry, parity);
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

/** One figure for all groups, for an alert; which of them it is, their reasons tell. */
function registerObjectiveMetrics(registry: Registry, parity: MeteredParts['parity']): void {
  const registers = [registry];
  const reports = () => parity.groups().flatMap(({ group }) => parity.objective(group.name) ?? []);
  new Gauge({
    name: 'fairway_parity_objectives_missed',
    help: 'Parity groups that were not whole for 99.9 % of the last 30 days.',
    registers,
    collect() {
      this.set(reports().filter(({ spent }) => spent >= 1).length);
    },
  });
  new Gauge({
    name: 'fairway_parity_burn_max',
    help: 'Of the parity group that was broken most in the last hour: how many times faster than it may it spends what it may miss.',
    registers,
    collect() {
      this.set(Math.max(0, ...reports().map(({ burn }) => burn)));
    },
  });
}
