/** What an agent, and what an idle agent's connection at the hub, hold in memory. */
import { spawn } from 'node:child_process';
import { withSettledAgent } from './kit/idle-agent.ts';
import { idleAgents, measureIdleHub } from './kit/idle-hub.ts';
import { loadObjects } from './kit/manifests.ts';
import { peakResidentKb, residentKb } from './kit/process-figures.ts';
import { pause } from './kit/wait.ts';
import { adopt } from './kit/worker.ts';
import { type Bench, type BenchResult, percentile, result } from './result.ts';

const bench_ = 'memory';
/** From settled to at rest: the last status events, what is written down a minute after a change, and the garbage of both. */
const restMs = 100_000;
const quickRestMs = 20_000;
/** Of one process at rest; the median counts. */
const samples = 15;
const sampleEveryMs = 2_000;
const bareProcesses = 3;

async function medianKb(pid: number, everyMs = sampleEveryMs): Promise<number> {
  const found: number[] = [];
  while (found.length < samples) {
    found.push(residentKb(pid));
    await pause(everyMs);
  }
  return percentile(found, 0.5);
}

/** Resident memory of a Node process that does nothing, in KiB: no options, an empty environment. */
async function bareNodeKb(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(()=>{},1e6)'], { stdio: 'ignore', env: {} });
  const exited = adopt(child);
  try {
    await pause(2_000);
    return await medianKb(child.pid ?? 0, 100);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

async function bareKbOf(count: number): Promise<number> {
  const found: number[] = [];
  while (found.length < count) found.push(await bareNodeKb());
  return percentile(found, 0.5);
}

/** What the agent may hold with so many objects, in bare Node processes. */
const limits = { 1000: 2.2, 5000: 2.8 } as const;

interface AgentMemory {
  /** At rest. */
  readonly kb: number;
  readonly peakKb: number;
}

/** Resident memory of an agent that has applied everything. @param objects default the load's. */
function measureAgent(quick: boolean, objects?: number): Promise<AgentMemory> {
  return withSettledAgent(async ({ agent }) => {
    await pause(quick ? quickRestMs : restMs);
    return { kb: await medianKb(agent.pid), peakKb: peakResidentKb(agent.pid) };
  }, objects);
}

const tell = (objects: number, { kb, peakKb }: AgentMemory) =>
  `the agent with ${objects} objects: ${kb} kB at rest, ${peakKb} kB at most`;

async function measureMany(
  bareKb: number,
  quick: boolean,
  say: (text: string) => void,
): Promise<readonly BenchResult[]> {
  const results: BenchResult[] = [];
  for (const [count, limit] of Object.entries(limits)) {
    const objects = quick ? Number(count) / 10 : Number(count);
    const memory = await measureAgent(quick, objects);
    say(tell(objects, memory));
    results.push(result(bench_, `agent_vs_bare_node_${count}`, memory.kb / bareKb, 'ratio', 'limit', limit));
  }
  return results;
}

export const bench: Bench = async ({ say, quick }) => {
  const bareKb = await bareKbOf(bareProcesses);
  say(`bare Node: ${bareKb} kB`);
  const memory = await measureAgent(quick);
  say(tell(loadObjects, memory));
  const many = await measureMany(bareKb, quick, say);
  const { kbPerAgent } = await measureIdleHub(say);
  return [
    result(bench_, 'agent_vs_bare_node', memory.kb / bareKb, 'ratio', 'limit', 2),
    ...many,
    result(bench_, 'agent_mb', memory.kb / 1024, 'MiB', 'Fleet agent in the cluster', 128),
    result(bench_, 'hub_kb_per_idle_agent', kbPerAgent, 'kB', `limit at ${idleAgents}`, 150),
  ];
};
