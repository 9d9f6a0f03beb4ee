/** What planning and deciding rollouts costs, for a fleet of ten thousand clusters and twenty applications that are all under way at once. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Bench, result } from './result.ts';

const bench_ = 'rollout';
const applications = 20;
const worker = fileURLToPath(new URL('workers/rollout-decide.ts', import.meta.url));

interface Figures {
  readonly planMs: number;
  /** Median over ten times a hundred reports, all applications looked at. */
  readonly decideMs: number;
  readonly memoryMb: number;
  readonly stateKb: number;
}

function measure(clusters: number): Figures {
  const args = [worker, String(clusters), String(applications)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 300_000 })) as Figures;
}

export const bench: Bench = async ({ say }) => {
  const small = measure(1_000);
  say(`1,000 clusters: ${small.decideMs.toFixed(1)} ms a pass over all ${applications} applications`);
  const large = measure(10_000);
  say(`10,000 clusters: ${large.decideMs.toFixed(1)} ms a pass; states of ${large.stateKb} kB`);
  return [
    result(bench_, 'decide_ms_10000x20', large.decideMs, 'ms', 'limit', 200),
    result(bench_, 'plan_ms_10000x20', large.planMs, 'ms', 'a pass', large.decideMs),
    result(bench_, 'growth_1000_to_10000', large.decideMs / small.decideMs / 10, 'ratio', 'linear', 1),
    result(bench_, 'memory_mb_10000x20', large.memoryMb, 'MiB', '1,000 clusters', small.memoryMb),
  ];
};
