/**
 * From a commit to applied on all of 100 clusters. Each stage is timed by the process that does it, all on this machine's clock: the hub's log
 * (fetch, render, plan, save), the assignments' own times (send, apply) and the event stream (report).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { demoRepository } from '../../hub/cli/demo/stage.ts';
import { type FollowedEvents, followEvents } from './kit/event-stream.ts';
import { createHubBed, type HubBed, type LogLine } from './kit/hub-bed.ts';
import { clustersFile } from './kit/manifests.ts';
import { until } from './kit/wait.ts';
import { startWorker, type Worker } from './kit/worker.ts';
import { type Bench, type BenchResult, percentile, result } from './result.ts';
import type { AgentsRequest, TakenAssignment } from './workers/agents.ts';
import type { SimulatedCluster } from './workers/clusters.ts';

const clusterCount = 100;
const agentProcesses = 2;
const rounds = 6;
/** The first finds cold code everywhere; it is told, but not counted. */
const warmUpRounds = 1;
const roundLimitMs = 30_000;
const limitMs = 2_000;
const application = 'shop';
const placements = 3 * clusterCount;
const baseFile = 'apps/shop/base/kustomization.yaml';
const tokensAtOnce = 16;

interface Round {
  readonly fetchMs: number;
  readonly renderMs: number;
  readonly planMs: number;
  readonly saveMs: number;
  /** By cluster, from the moment the new head was known. */
  readonly beyondFetchMs: readonly number[];
  readonly sendMs: readonly number[];
  readonly applyMs: readonly number[];
  readonly reportMs: readonly number[];
}

interface Assigned {
  readonly cluster: string;
  readonly generation: number;
  readonly revisionId: string;
  readonly assignedAt: string;
  readonly acknowledgements: { readonly appliedAt: string | null };
}

function demoFiles(): Readonly<Record<string, string>> {
  const names = readdirSync(demoRepository, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(demoRepository, join(entry.parentPath, entry.name)));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(demoRepository, name), 'utf8')]));
}

async function startAgents(bed: HubBed, clusters: readonly SimulatedCluster[]): Promise<readonly Worker[]> {
  const enrolled: AgentsRequest['clusters'][number][] = [];
  while (enrolled.length < clusters.length) {
    const next = clusters.slice(enrolled.length, enrolled.length + tokensAtOnce);
    enrolled.push(
      ...(await Promise.all(
        next.map(async (each) => ({ ...each, enrolmentToken: await bed.api.enrolmentToken(each.name) })),
      )),
    );
  }
  const workers = Array.from({ length: agentProcesses }, (_, index) =>
    startWorker('agents', join(bed.folder, `agents-${index}.log`)),
  );
  await Promise.all(
    workers.map((worker, index) =>
      worker.call<void>('start', {
        clusters: enrolled.filter((_, at) => at % agentProcesses === index),
        enrolmentAddress: bed.enrolmentAddress,
      } satisfies AgentsRequest),
    ),
  );
  return workers;
}

function assignmentsOf(bed: HubBed): Promise<{ readonly items: readonly Assigned[] }> {
  return bed.api.get(`/api/v1/assignments?application=${application}&limit=500`);
}

/** All clusters have applied that revision; asked for rarely, so that asking is no load. */
function allApplied(bed: HubBed, commit: string): Promise<readonly Assigned[]> {
  return until(
    `all clusters to apply ${commit.slice(0, 7)}`,
    async () => {
      const { items } = await assignmentsOf(bed);
      const done = items.filter(
        ({ revisionId, acknowledgements }) => revisionId === commit && acknowledgements.appliedAt !== null,
      );
      return done.length === clusterCount ? done : undefined;
    },
    roundLimitMs,
    500,
  );
}

const between = (from: string | null, to: string | null) => Date.parse(to ?? '') - Date.parse(from ?? '');

/** By cluster and generation, when its agent took it. */
async function takenBy(agents: readonly Worker[]): Promise<(assigned: Assigned) => string | null> {
  const told = await Promise.all(agents.map((worker) => worker.call<readonly TakenAssignment[]>('taken')));
  const times = new Map(
    told
      .flat()
      .filter((each) => each.application === application)
      .map(({ cluster, generation, time }) => [`${cluster} ${generation}`, time]),
  );
  return ({ cluster, generation }) => times.get(`${cluster} ${generation}`) ?? null;
}

interface Stage {
  readonly bed: HubBed;
  readonly agents: readonly Worker[];
  readonly events: FollowedEvents;
}

async function runRound({ bed, agents, events }: Stage, tag: string): Promise<Round> {
  const text = readFileSync(join(bed.folder, 'work', baseFile), 'utf8');
  const commit = await bed.push({ [baseFile]: text.replace(/newTag: .*/, `newTag: ${tag}`) }, `shop: ${tag}`);
  const triggeredMs = Date.now();
  await bed.tell();
  const resolved = await bed.resolved(commit, roundLimitMs);
  const assigned = await allApplied(bed, commit);
  const told = await until(
    'all clusters to report',
    () => {
      const of = events.arrived.filter(({ event }) => event.revisionId === commit);
      return of.length >= clusterCount ? of : undefined;
    },
    roundLimitMs,
    50,
  );
  const takenAt = await takenBy(agents);
  const moved = bed.logged('source moved').find(({ head }) => head === commit);
  if (!moved) throw new Error(`the hub did not log that the head moved to ${commit}`);
  const number = (line: LogLine, field: string) => Number(line[field]);
  return {
    fetchMs: Date.parse(moved.time) - triggeredMs,
    renderMs: number(resolved, 'renderMs'),
    planMs: number(resolved, 'planMs'),
    saveMs: number(resolved, 'saveMs'),
    beyondFetchMs: assigned.map(({ acknowledgements }) => between(moved.time, acknowledgements.appliedAt)),
    sendMs: assigned.map((each) => between(each.assignedAt, takenAt(each))),
    applyMs: assigned.map((each) => between(takenAt(each), each.acknowledgements.appliedAt)),
    reportMs: told.map(({ event, arrivedMs }) => arrivedMs - Date.parse(event.time)),
  };
}

function summarise(counted: readonly Round[]): readonly BenchResult[] {
  const median = (pick: (round: Round) => number) => percentile(counted.map(pick), 0.5);
  const all = (pick: (round: Round) => readonly number[]) => counted.flatMap(pick);
  const row = (metric: string, value: number) =>
    result('propagation', metric, value, 'ms', 'limit beyond the fetch', limitMs);
  return [
    row(
      'beyond_fetch_p50_ms',
      percentile(
        all((round) => round.beyondFetchMs),
        0.5,
      ),
    ),
    row(
      'beyond_fetch_p99_ms',
      percentile(
        all((round) => round.beyondFetchMs),
        0.99,
      ),
    ),
    row(
      'fetch_ms',
      median((round) => round.fetchMs),
    ),
    row(
      'render_ms',
      median((round) => round.renderMs),
    ),
    row(
      'plan_ms',
      median((round) => round.planMs),
    ),
    row(
      'save_ms',
      median((round) => round.saveMs),
    ),
    row(
      'send_p99_ms',
      percentile(
        all((round) => round.sendMs),
        0.99,
      ),
    ),
    row(
      'apply_p99_ms',
      percentile(
        all((round) => round.applyMs),
        0.99,
      ),
    ),
    row(
      'report_p99_ms',
      percentile(
        all((round) => round.reportMs),
        0.99,
      ),
    ),
  ];
}

export const bench: Bench = async ({ say }) => {
  const files = { ...demoFiles(), 'fleet/clusters.yaml': clustersFile(clusterCount) };
  const bed = await createHubBed({ files });
  const workers: Worker[] = [];
  let events: FollowedEvents | undefined;
  try {
    const simulated = startWorker('clusters', join(bed.folder, 'clusters.log'));
    workers.push(simulated);
    const clusters = await simulated.call<readonly SimulatedCluster[]>('start', { count: clusterCount });
    const agents = await startAgents(bed, clusters);
    workers.push(...agents);
    await bed.settled(placements);
    events = await followEvents(bed, 'sync.succeeded');
    const found: Round[] = [];
    for (let index = 0; index < warmUpRounds + rounds; index += 1) {
      const round = await runRound({ bed, agents, events }, `2.0.${index}`);
      found.push(round);
      const slowest = Math.max(...round.beyondFetchMs);
      say(
        `round ${index}: fetch ${round.fetchMs} ms, then ${slowest} ms until the last of ${clusterCount} clusters`,
      );
    }
    return summarise(found.slice(warmUpRounds));
  } finally {
    events?.stop();
    await Promise.all(workers.map((worker) => worker.stop()));
    await bed.close();
  }
};
