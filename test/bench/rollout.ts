/**
 * What planning and deciding rollouts costs, for a fleet of ten thousand clusters and twenty applications that are all under way at once: the controller alone, and the hub's
 * loop with its store on disk. And how many whole rollouts of 500 clusters in 6 regions, with outages and restarts, are simulated in a minute on all cores.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runSimulations } from '../../hub/rollout/testing/run-simulations.test-support.ts';
import { type Bench, result } from './result.ts';

const bench_ = 'rollout';
const applications = 20;

interface Figures {
  readonly planMs: number;
  /** Median over ten times a hundred reports, all applications looked at. */
  readonly decideMs: number;
  readonly memoryMb: number;
  readonly stateKb: number;
}

interface StoreFigures {
  /** Of all threads, from the reports to the rest: median over eleven times a hundred reports that all applications share. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

function measure<T>(worker: string, clusters: number): T {
  const path = fileURLToPath(new URL(`workers/${worker}.ts`, import.meta.url));
  const args = [path, String(clusters), String(applications)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 600_000 })) as T;
}

export const bench: Bench = async ({ say, quick }) => {
  const small = measure<Figures>('rollout-decide', 1_000);
  say(`1,000 clusters: ${small.decideMs.toFixed(1)} ms a pass over all ${applications} applications`);
  const large = measure<Figures>('rollout-decide', 10_000);
  say(`10,000 clusters: ${large.decideMs.toFixed(1)} ms a pass; states of ${large.stateKb} kB`);
  const smallStore = measure<StoreFigures>('rollout-store', 1_000);
  const store = measure<StoreFigures>('rollout-store', 10_000);
  const began = performance.now();
  const order = { fleet: 'large', firstSeed: 1, runs: quick ? 20 : 300 } as const;
  const { passes, violations } = await runSimulations(order);
  if (violations.length > 0) throw new Error(`a simulated rollout broke its bounds: ${violations[0]}`);
  const perMinute = (order.runs * 60_000) / (performance.now() - began);
  say(`simulation: ${order.runs} runs of 500 clusters in 6 regions, ${passes} passes, each looked at`);
  say(`with the store: ${store.cpuMs.toFixed(0)} ms of CPU, ${store.wallMs.toFixed(0)} ms in all`);
  return [
    result(bench_, 'decide_ms_10000x20', large.decideMs, 'ms', 'limit', 200),
    result(bench_, 'pass_with_store_ms_10000x20', store.cpuMs, 'ms', 'limit', 200),
    result(bench_, 'plan_ms_10000x20', large.planMs, 'ms', 'a pass', large.decideMs),
    result(bench_, 'growth_1000_to_10000', large.decideMs / small.decideMs / 10, 'ratio', 'linear', 1),
    result(bench_, 'pass_with_store_growth', store.cpuMs / smallStore.cpuMs / 10, 'ratio', 'linear', 1),
    result(bench_, 'simulated_500x6_runs_per_minute', perMinute, 'runs', 'floor', 2_000),
    result(bench_, 'memory_mb_10000x20', large.memoryMb, 'MiB', '1,000 clusters', small.memoryMb),
  ];
};
