/** What an agent, and what an idle agent's connection at the hub, hold in memory. */
import { spawn } from 'node:child_process';
import { withSettledAgent } from './kit/idle-agent.ts';
import { idleAgents, measureIdleHub } from './kit/idle-hub.ts';
import { loadObjects } from './kit/manifests.ts';
import { residentKb } from './kit/process-figures.ts';
import { untilSteady } from './kit/wait.ts';
import { adopt } from './kit/worker.ts';
import { type Bench, type BenchResult, result } from './result.ts';

const bench_ = 'memory';
/** Longer than V8 takes to collect garbage in a process that does nothing more. */
const agentQuiet = { quietMs: 20_000, slack: 512, limitMs: 60_000 };

/** Resident memory of a Node process that does nothing, in KiB. */
async function bareNodeKb(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(()=>{},1e6)'], { stdio: 'ignore', env: {} });
  const exited = adopt(child);
  try {
    return await untilSteady('bare Node', () => residentKb(child.pid ?? 0), {
      quietMs: 1_000,
      slack: 64,
      limitMs: 20_000,
    });
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

/** What the agent may hold with so many objects, in bare Node processes. */
const limits = { 1000: 2.2, 5000: 2.8 } as const;

/** Resident memory of a settled agent, in KiB. @param objects default the load's. */
function settledKb(objects?: number): Promise<number> {
  return withSettledAgent(
    ({ agent }) => untilSteady('the idle agent', () => residentKb(agent.pid), agentQuiet),
    objects,
  );
}

async function measureMany(
  bareKb: number,
  quick: boolean,
  say: (text: string) => void,
): Promise<readonly BenchResult[]> {
  const results: BenchResult[] = [];
  for (const [count, limit] of Object.entries(limits)) {
    const objects = quick ? Number(count) / 10 : Number(count);
    const kb = await settledKb(objects);
    say(`the agent: ${kb} kB with ${objects} objects`);
    results.push(result(bench_, `agent_vs_bare_node_${count}`, kb / bareKb, 'ratio', 'limit', limit));
  }
  return results;
}

export const bench: Bench = async ({ say, quick }) => {
  const bareKb = await bareNodeKb();
  const agentKb = await settledKb();
  say(`the agent: ${agentKb} kB with ${loadObjects} objects; bare Node: ${bareKb} kB`);
  const many = await measureMany(bareKb, quick, say);
  const { kbPerAgent } = await measureIdleHub(say);
  return [
    result(bench_, 'agent_vs_bare_node', agentKb / bareKb, 'ratio', 'limit', 2),
    ...many,
    result(bench_, 'agent_mb', agentKb / 1024, 'MiB', 'Fleet agent in the cluster', 128),
    result(bench_, 'hub_kb_per_idle_agent', kbPerAgent, 'kB', `limit at ${idleAgents}`, 150),
  ];
};
