/** What nothing costs: requests of an agent with nothing to do, and a hub's processor time for 1,000 of them. */
import { withSettledAgent } from './kit/idle-agent.ts';
import { measureIdleHub } from './kit/idle-hub.ts';
import { cpuSeconds } from './kit/process-figures.ts';
import { pause } from './kit/wait.ts';
import { type Bench, result } from './result.ts';

const windowMs = 62_000;
/** From settled to idle: the last status events, and what is written down a minute after a change. */
const settleMs = 75_000;

/** All but watches: their renewal is what an idle agent may send. */
function requests(counts: Readonly<Record<string, number>>): number {
  return Object.entries(counts).reduce((sum, [verb, count]) => (verb === 'watch' ? sum : sum + count), 0);
}

export const bench: Bench = async ({ say }) => {
  const { perMinute, agentCpu } = await withSettledAgent(async ({ agent, requestCounts }) => {
    await pause(settleMs);
    const [before, cpuBefore, startedMs] = [await requestCounts(), cpuSeconds(agent.pid), performance.now()];
    await pause(windowMs);
    const after = await requestCounts();
    const minutes = (performance.now() - startedMs) / 60_000;
    const cpu = (cpuSeconds(agent.pid) - cpuBefore) / (minutes * 60);
    const renewals = (after['watch'] ?? 0) - (before['watch'] ?? 0);
    say(`${renewals} watch renewals in ${Math.round(minutes * 60)} s`);
    return { perMinute: (requests(after) - requests(before)) / minutes, agentCpu: cpu * 100 };
  });
  const { cpuPercent } = await measureIdleHub(say);
  return [
    result('idle', 'agent_requests_per_minute', perMinute, 'requests/min', 'limit', 0),
    result('idle', 'agent_cpu_percent', agentCpu, '% of a core', 'limit', 0.2),
    // The spike's figure for bare streams: idle connections with nothing on them.
    result('idle', 'hub_cpu_percent_1000', cpuPercent, '% of a core', 'bare mutual TLS streams', 3),
  ];
};
