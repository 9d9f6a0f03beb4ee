import type { ReleaseAgent } from './release-agent.ts';
import { until } from './wait.ts';

/** Longer than an agent with little to do puts off anything but writing down its records. */
const restMs = 8_000;
const limitMs = 60_000;

/** What was changed is written down a while later; that is no part of what comes next. */
export async function untilAtRest(agent: ReleaseAgent): Promise<void> {
  let [seen, sinceMs] = [await agent.requests(), performance.now()];
  await until(
    'the agent to send no more requests',
    async () => {
      const now = await agent.requests();
      if (now !== seen) [seen, sinceMs] = [now, performance.now()];
      return performance.now() - sinceMs >= restMs ? true : undefined;
    },
    limitMs,
    250,
  );
}
