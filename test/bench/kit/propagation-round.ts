/** One commit on its way to every cluster, timed by the processes that it passes through, all on this machine's clock. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentsRequest, TakenAssignment } from '../workers/agents.ts';
import type { SimulatedCluster } from '../workers/clusters.ts';
import type { FollowedEvents } from './event-stream.ts';
import type { HubBed, LogLine } from './hub-bed.ts';
import { until } from './wait.ts';
import { startWorker, type Worker } from './worker.ts';

const roundLimitMs = 30_000;
const application = 'shop';
const baseFile = 'apps/shop/base/kustomization.yaml';
const agentProcesses = 2;
const tokensAtOnce = 16;
const startLimitMs = 300_000;
const pageSize = 500;

export interface Round {
  readonly fetchMs: number;
  readonly renderMs: number;
  readonly planMs: number;
  readonly saveMs: number;
  /** By cluster, from the moment the new head was known. */
  readonly beyondFetchMs: readonly number[];
  readonly sendMs: readonly number[];
  readonly applyMs: readonly number[];
  /** None where no event stream is followed. */
  readonly reportMs: readonly number[];
}

export interface Stage {
  readonly bed: HubBed;
  readonly agents: readonly Worker[];
  readonly clusterCount: number;
  /** Of `sync.succeeded`; undefined: the agents write no events. */
  readonly events: FollowedEvents | undefined;
}

interface Assigned {
  readonly cluster: string;
  readonly generation: number;
  readonly revisionId: string;
  readonly assignedAt: string;
  readonly acknowledgements: { readonly appliedAt: string | null };
}

/** Agents of two processes, each with a token of its own. @param script a worker that takes an AgentsRequest. */
export async function startAgents(
  bed: HubBed,
  script: 'agents' | 'simulated-agents',
  clusters: readonly SimulatedCluster[],
): Promise<readonly Worker[]> {
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
    startWorker(script, join(bed.folder, `agents-${index}.log`)),
  );
  const { enrolmentAddress } = bed;
  const requestOf = (index: number): AgentsRequest => ({
    clusters: enrolled.filter((_, at) => at % agentProcesses === index),
    enrolmentAddress,
  });
  await Promise.all(
    workers.map((worker, index) => worker.call<void>('start', requestOf(index), startLimitMs)),
  );
  return workers;
}

async function assignmentsOf(bed: HubBed): Promise<readonly Assigned[]> {
  const items: Assigned[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const path = `/api/v1/assignments?application=${application}&limit=${pageSize}${after}`;
    const page: { readonly items: readonly Assigned[]; readonly next: string | null } =
      await bed.api.get(path);
    items.push(...page.items);
    cursor = page.next;
  }
  return items;
}

/** All clusters have applied that revision; asked for rarely, so that asking is no load. */
function allApplied({ bed, clusterCount }: Stage, commit: string): Promise<readonly Assigned[]> {
  return until(
    `all clusters to apply ${commit.slice(0, 7)}`,
    async () => {
      const done = (await assignmentsOf(bed)).filter(
        ({ revisionId, acknowledgements }) => revisionId === commit && acknowledgements.appliedAt !== null,
      );
      return done.length === clusterCount ? done : undefined;
    },
    roundLimitMs,
    500,
  );
}

const between = (from: string | null, to: string | null) => Date.parse(to ?? '') - Date.parse(from ?? '');

async function takenBy(agents: readonly Worker[]): Promise<readonly TakenAssignment[]> {
  const told = await Promise.all(agents.map((worker) => worker.call<readonly TakenAssignment[]>('taken')));
  return told.flat().filter((each) => each.application === application);
}

/** When each agent took its assignment: asked of the agents, so that the hub is left alone meanwhile. */
async function allTaken({ agents, clusterCount }: Stage): Promise<(assigned: Assigned) => string | null> {
  const times = new Map<string, string>();
  const clusters = new Set<string>();
  await until(
    'all agents to take the assignment',
    async () => {
      for (const { cluster, generation, time } of await takenBy(agents)) {
        times.set(`${cluster} ${generation}`, time);
        clusters.add(cluster);
      }
      return clusters.size === clusterCount ? true : undefined;
    },
    roundLimitMs,
    100,
  );
  return ({ cluster, generation }) => times.get(`${cluster} ${generation}`) ?? null;
}

async function reportsOf({ events, clusterCount }: Stage, commit: string): Promise<readonly number[]> {
  if (!events) return [];
  const told = await until(
    'all clusters to report',
    () => {
      const of = events.arrived.filter(({ event }) => event.revisionId === commit);
      return of.length >= clusterCount ? of : undefined;
    },
    roundLimitMs,
    50,
  );
  return told.map(({ event, arrivedMs }) => arrivedMs - Date.parse(event.time));
}

/** Commits another tag of the base's image and follows it to every cluster. */
export async function runRound(stage: Stage, tag: string): Promise<Round> {
  const { bed, agents } = stage;
  const text = readFileSync(join(bed.folder, 'work', baseFile), 'utf8');
  await takenBy(agents);
  const commit = await bed.push({ [baseFile]: text.replace(/newTag: .*/, `newTag: ${tag}`) }, `shop: ${tag}`);
  const triggeredMs = Date.now();
  await bed.tell();
  const resolved = await bed.resolved(commit, roundLimitMs);
  const takenAt = await allTaken(stage);
  const assigned = await allApplied(stage, commit);
  const reportMs = await reportsOf(stage, commit);
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
    reportMs,
  };
}
