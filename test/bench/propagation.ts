/**
 * From a commit to applied everywhere, all at once: on 100 clusters with whole agents, and on 1,000 whose agents have the stream for real and a cluster that does
 * at once what it is told. Each stage is timed by the process that does it: the hub's log (fetch, render, plan, save), the assignments' own times (send,
 * apply) and the event stream (report).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { demoRepository } from '../../hub/cli/demo/stage.ts';
import { type FollowedEvents, followEvents } from './kit/event-stream.ts';
import { createHubBed, type HubBed } from './kit/hub-bed.ts';
import { clusterName, clustersFile } from './kit/manifests.ts';
import { type Round, runRound, startAgents } from './kit/propagation-round.ts';
import { startWorker, type Worker } from './kit/worker.ts';
import { type Bench, type BenchPorts, type BenchResult, percentile, result } from './result.ts';
import type { SimulatedCluster } from './workers/clusters.ts';

const wholeClusters = 100;
const lightClusters = 1_000;
const rounds = 6;
/** The first finds cold code everywhere; it is told, but not counted. */
const warmUpRounds = 1;
const limitMs = 2_000;
const applications = 3;
/** A busy machine takes minutes for what takes seconds otherwise. */
const settleLimitMs = 300_000;

function demoFiles(): Readonly<Record<string, string>> {
  const names = readdirSync(demoRepository, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(demoRepository, join(entry.parentPath, entry.name)));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(demoRepository, name), 'utf8')]));
}

type Measure = readonly [metric: string, value: number];

/** @param name of a metric, from that of 100 clusters. */
function summarise(counted: readonly Round[], name: (metric: string) => string): readonly BenchResult[] {
  const median = (pick: (round: Round) => number) => percentile(counted.map(pick), 0.5);
  const share = (pick: (round: Round) => readonly number[], of: number) =>
    percentile(counted.flatMap(pick), of);
  const measures: readonly Measure[] = [
    ['beyond_fetch_p50_ms', share((round) => round.beyondFetchMs, 0.5)],
    ['beyond_fetch_p99_ms', share((round) => round.beyondFetchMs, 0.99)],
    ['fetch_ms', median((round) => round.fetchMs)],
    ['render_ms', median((round) => round.renderMs)],
    ['plan_ms', median((round) => round.planMs)],
    ['save_ms', median((round) => round.saveMs)],
    ['send_p99_ms', share((round) => round.sendMs, 0.99)],
  ];
  // Agents without a cluster apply nothing and write no events.
  const whole: readonly Measure[] = counted.some(({ reportMs }) => reportMs.length > 0)
    ? [
        ['apply_p99_ms', share((round) => round.applyMs, 0.99)],
        ['report_p99_ms', share((round) => round.reportMs, 0.99)],
      ]
    : [];
  return [...measures, ...whole].map(([metric, value]) =>
    result('propagation', name(metric), value, 'ms', 'limit beyond the fetch', limitMs),
  );
}

interface Fleet {
  readonly clusterCount: number;
  /** Starts them; what it starts besides the agents goes into `workers` at once. */
  readonly start: (bed: HubBed, workers: Worker[]) => Promise<readonly Worker[]>;
  readonly events: boolean;
}

async function measure(
  { clusterCount, start, events: followed }: Fleet,
  say: BenchPorts['say'],
): Promise<readonly Round[]> {
  const bed = await createHubBed({
    files: { ...demoFiles(), 'fleet/clusters.yaml': clustersFile(clusterCount) },
  });
  const workers: Worker[] = [];
  let events: FollowedEvents | undefined;
  try {
    const agents = await start(bed, workers);
    workers.push(...agents);
    await bed.settled(applications * clusterCount, settleLimitMs);
    if (followed) events = await followEvents(bed, 'sync.succeeded');
    const found: Round[] = [];
    for (let index = 0; index < warmUpRounds + rounds; index += 1) {
      const round = await runRound({ bed, agents, events, clusterCount }, `2.0.${index}`);
      found.push(round);
      const slowest = Math.max(...round.beyondFetchMs);
      say(
        `round ${index}: fetch ${round.fetchMs} ms, then ${slowest} ms until the last of ${clusterCount} clusters`,
      );
    }
    return found.slice(warmUpRounds);
  } finally {
    events?.stop();
    await Promise.all(workers.map((worker) => worker.stop()));
    await bed.close();
  }
}

const wholeFleet = (clusterCount: number): Fleet => ({
  clusterCount,
  events: true,
  async start(bed, workers) {
    const simulated = startWorker('clusters', join(bed.folder, 'clusters.log'));
    workers.push(simulated);
    const clusters = await simulated.call<readonly SimulatedCluster[]>('start', { count: clusterCount });
    return startAgents(bed, 'agents', clusters);
  },
});

const lightFleet = (clusterCount: number): Fleet => ({
  clusterCount,
  events: false,
  start(bed) {
    const nowhere = { server: '', token: '' };
    const clusters = Array.from({ length: clusterCount }, (_, index) => ({
      ...nowhere,
      name: clusterName(index),
    }));
    return startAgents(bed, 'simulated-agents', clusters);
  },
});

export const bench: Bench = async ({ say, quick }) => {
  const [whole, light] = quick ? [wholeClusters / 10, lightClusters / 10] : [wholeClusters, lightClusters];
  const atHundred = await measure(wholeFleet(whole), say);
  const atThousand = await measure(lightFleet(light), say);
  return [
    ...summarise(atHundred, (metric) => metric),
    ...summarise(atThousand, (metric) => metric.replace(/(?=_p\d+_ms$|_ms$)/, '_1000')),
  ];
};
