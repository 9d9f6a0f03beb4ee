/** Jobs as analyses, by simulated agents: hubs that are killed at any point, agents that are away, Jobs that people delete. */
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Answer, Question, RunQuestion } from '../../model/query.ts';
import { defaultStrategy, defaultWave } from '../../model/strategy.ts';
import { analysesOf } from '../../rollout/analyses.ts';
import { applyAction } from '../../rollout/apply-action.ts';
import { clusterStates, noClusters, withClusters } from '../../rollout/cluster-states.ts';
import { type JobSpec, lookAgainMs } from '../../rollout/job-runs.ts';
import { packState, type RolloutState, type StoredState, unpackState } from '../../rollout/rollout-state.ts';
import { stepRun } from './run-analysis.ts';

const container = { name: 'smoke', image: 'smoke:1', args: ['--app={{application}}', '--in={{cluster}}'] };
const specOf = (clusters: 'one' | 'each' = 'one', count = 1): JobSpec => ({
  ...{ name: 'smoke', intervalMs: 1_000, count, failureLimit: 0, inconclusiveLimit: 1 },
  provider: {
    type: 'job',
    clusters,
    timeoutMs: 600_000,
    spec: { template: { spec: { containers: [container] } } },
  },
});

function stateOf(spec: JobSpec, clusters: readonly string[]): RolloutState {
  const counted = { assignedAtMs: 0, countedAtMs: 0 };
  return {
    ...{ version: 2, application: 'web', releaseId: 'rel-1', revisionId: 'c1', phase: 'Progressing' },
    strategy: { ...defaultStrategy, waves: [{ ...defaultWave, name: 'canary', analysis: [spec] }] },
    startedAtMs: 0,
    waves: [{ name: 'canary', spec: 0, clusters, startedAtMs: 0, settledAtMs: 0 }],
    clusters: withClusters(
      noClusters,
      clusters.map((name) => [name, counted]),
    ),
    held: [],
  };
}

/** API servers, one a cluster, with the Jobs in them. */
function createAgents(away: (cluster: string) => boolean = () => false) {
  const jobs = new Map<
    string,
    { state: 'running' | 'succeeded' | 'failed'; body: Record<string, unknown> }
  >();
  const created: string[] = [];
  const ask = async (cluster: string, question: Question): Promise<Answer> => {
    if (away(cluster)) throw new FairwayError('unavailable', `the agent of ${cluster} is not connected`);
    const { job, begin, remove } = question as RunQuestion;
    const body = JSON.parse(job) as { metadata: { name: string } };
    const id = `${cluster}/${body.metadata.name}`;
    if (begin && !remove && !jobs.has(id)) {
      jobs.set(id, { state: 'running', body });
      created.push(id);
    }
    const found = jobs.get(id);
    if (remove) jobs.delete(id);
    const logTail = found && found.state !== 'running' ? `${cluster} says ${found.state}` : '';
    return { type: 'run', state: found?.state ?? 'gone', message: '', logTail };
  };
  const end = (state: 'succeeded' | 'failed') => {
    for (const one of jobs.values()) one.state = state;
  };
  return { ask, jobs, created, end };
}

function createHub(
  spec: JobSpec,
  clusters: readonly string[],
  agents: ReturnType<typeof createAgents>,
  forbidden?: string,
) {
  const clock = createFakeClock(1_000);
  let state = stateOf(spec, clusters);
  const hub = {
    clock,
    state: () => state,
    put: (next: RolloutState) => {
      state = next;
    },
    /** One look, as the loop takes it. `dies` is asked after each write and each question whether the hub is killed there. */
    async look(dies: () => boolean = () => false) {
      let dead = false;
      const perish = () => {
        dead ||= dies();
        if (dead) throw new FairwayError('cancelled', 'killed');
      };
      return stepRun(
        { state, index: 0, spec },
        {
          clock,
          forbidden: async () => forbidden,
          ask: async (cluster, question) => {
            const answer = await agents.ask(cluster, question);
            perish();
            return answer;
          },
          amend: async (change) => {
            perish();
            // Through the store and back.
            state = unpackState(JSON.parse(JSON.stringify(packState(change(state)))) as StoredState);
            perish();
            return state;
          },
        },
        new AbortController().signal,
      );
    },
    answers: () => state.waves[0]?.analyses?.['smoke'] ?? [],
    due: () => analysesOf([spec], state.waves[0]!, 0, clock.now()),
  };
  return hub;
}

describe('an analysis by a Job', () => {
  it('begins one in one healthy cluster, looks again, and keeps how it ended and what it said', async () => {
    const agents = createAgents();
    const hub = createHub(specOf(), ['eu-1', 'us-1'], agents);
    expect(hub.due().questions).toEqual([{ wave: 0, name: 'smoke' }]);
    expect(await hub.look()).toBeUndefined();
    expect(agents.created).toHaveLength(1);
    expect(agents.created[0]).toMatch(/^eu-1\/fairway-smoke-[0-9a-f]{12}$/);
    expect(hub.due()).toMatchObject({ questions: [], nextAtMs: 1_000 + lookAgainMs });
    await hub.clock.advance(lookAgainMs);
    agents.end('succeeded');
    expect(await hub.look()).toMatchObject({
      verdict: 'success',
      detail: 'eu-1: eu-1 says succeeded',
      attempt: 1,
    });
    expect(hub.due().done).toBe(true);
    expect(hub.state().waves[0]?.runs).toBeUndefined();
    expect(agents.jobs.size).toBe(0);
  });

  it('is a Job that ends by itself, filled in for its cluster', async () => {
    const agents = createAgents();
    await createHub(specOf(), ['eu-1'], agents).look();
    const [{ body } = { body: {} }] = [...agents.jobs.values()];
    expect(body).toMatchObject({
      ...{ apiVersion: 'batch/v1', kind: 'Job' },
      metadata: { annotations: { 'fairway.dev/release': 'rel-1', 'fairway.dev/application': 'web' } },
      spec: {
        ...{ backoffLimit: 0, activeDeadlineSeconds: 600, ttlSecondsAfterFinished: 86_400 },
        template: { spec: { restartPolicy: 'Never', containers: [{ args: ['--app=web', '--in=eu-1'] }] } },
      },
    });
  });

  it('fails where one of many fails, and leaves the Jobs for people to look at', async () => {
    const agents = createAgents();
    const hub = createHub(specOf('each'), ['eu-1', 'us-1'], agents);
    await hub.look();
    expect(agents.created).toHaveLength(2);
    agents.end('succeeded');
    const [first] = agents.jobs.values();
    if (first) first.state = 'failed';
    expect(await hub.look()).toMatchObject({
      verdict: 'failure',
      detail: 'failed in 1 of 2 clusters: eu-1: eu-1 says failed',
    });
    expect(agents.jobs.size).toBe(2);
    expect(hub.due().failed).toContain('analysis smoke failed: failed in 1 of 2 clusters');
  });

  it('waits for an agent that is away, and says so when its time is over', async () => {
    let isAway = true;
    const agents = createAgents(() => isAway);
    const hub = createHub(specOf(), ['eu-1'], agents);
    await hub.look();
    expect(hub.answers()).toEqual([]);
    isAway = false;
    await hub.look();
    expect(agents.created).toHaveLength(1);
    isAway = true;
    await hub.clock.advance(600_000);
    expect(await hub.look()).toMatchObject({
      verdict: 'failure',
      detail: expect.stringContaining('not ended within 600 s'),
    });
  });

  it('does not begin again what somebody deleted: how it ended is not known', async () => {
    const agents = createAgents();
    const hub = createHub(specOf(), ['eu-1'], agents);
    await hub.look();
    agents.jobs.clear();
    expect(await hub.look()).toMatchObject({
      verdict: 'inconclusive',
      detail: expect.stringContaining('the Job is gone'),
    });
    expect(agents.created).toHaveLength(1);
  });

  it('is not run where the Project of the application does not allow Jobs', async () => {
    const agents = createAgents();
    const hub = createHub(specOf(), ['eu-1'], agents, 'Job.batch is among kinds.deny');
    expect(await hub.look()).toMatchObject({
      ...{ verdict: 'failure', detail: 'the Job may not be run: Job.batch is among kinds.deny' },
    });
    expect(agents.created).toEqual([]);
    expect(hub.due().failed).toContain('may not be run');
  });

  it('is held up by a hundred agents that say nothing no longer than by one, and ends when its time is over', async () => {
    const clusters = Array.from({ length: 100 }, (_, index) => `eu-${index}`);
    const agents = createAgents();
    const ask = (): Promise<Answer> =>
      new Promise((_, reject) => {
        hub.clock.after(20_000, () => reject(new FairwayError('deadline_exceeded', 'no answer')));
      });
    const hub = createHub(specOf('each'), clusters, { ...agents, ask });
    const look = async () => {
      let ended = false;
      const looked = hub.look().finally(() => {
        ended = true;
      });
      for (let step = 0; step < 3; step += 1) await hub.clock.advance(10_000);
      expect(ended).toBe(true);
      return looked;
    };
    expect(await look()).toBeUndefined();
    await hub.clock.advance(600_000);
    expect(await look()).toMatchObject({ verdict: 'inconclusive' });
  });

  it('asks for another Job for the next answer', async () => {
    const agents = createAgents();
    const hub = createHub(specOf('one', 2), ['eu-1'], agents);
    await hub.look();
    agents.end('succeeded');
    await hub.look();
    await hub.clock.advance(1_000);
    await hub.look();
    expect(new Set(agents.created).size).toBe(2);
  });

  it('is another Job after a retry: the one that failed is there still, for people to look at', async () => {
    for (const phase of ['Paused', 'RolledBack'] as const) {
      const agents = createAgents();
      const hub = createHub(specOf(), ['eu-1'], agents);
      await hub.look();
      agents.end('failed');
      expect(await hub.look()).toMatchObject({ verdict: 'failure' });
      await hub.clock.advance(60_000);
      const said = { actor: 'ann', reason: 'the probe was wrong', atMs: hub.clock.now() };
      const stopped = { ...said, by: 'failure' } as const;
      hub.put(applyAction({ ...hub.state(), phase, stopped }, { type: 'retry', cluster: '' }, said));
      hub.put({ ...hub.state(), clusters: clusterStates({ 'eu-1': { assignedAtMs: 0, countedAtMs: 0 } }) });
      expect(await hub.look()).toBeUndefined();
      expect(new Set(agents.created).size).toBe(2);
      expect(hub.due().failed).toBeUndefined();
    }
  });

  it('begins nothing of a rollout that was stopped meanwhile', async () => {
    const agents = createAgents();
    const hub = createHub(specOf(), ['eu-1'], agents);
    hub.put({ ...hub.state(), phase: 'RollingBack' });
    expect(await hub.look()).toBeUndefined();
    expect(agents.created).toEqual([]);
    expect(hub.state().waves[0]?.runs).toBeUndefined();
    expect(hub.answers()).toEqual([]);
  });

  it('keeps of what an agent says no more than it would show', async () => {
    const agents = createAgents();
    const ask = async (cluster: string, question: Question): Promise<Answer> => {
      const answer = await agents.ask(cluster, question);
      const logTail = `${'l'.repeat(100_000)} the end`;
      return { ...answer, message: 'm'.repeat(100_000), logTail } as Answer;
    };
    const hub = createHub(specOf('each'), ['eu-1', 'us-1'], { ...agents, ask });
    await hub.look();
    expect(JSON.stringify(packState(hub.state())).length).toBeLessThan(10_000);
    const [first] = agents.jobs.values();
    if (first) first.state = 'failed';
    await hub.look();
    expect(JSON.stringify(packState(hub.state())).length).toBeLessThan(10_000);
    agents.end('failed');
    expect((await hub.look())?.detail).toContain('the end');
  });

  it('is inconclusive where the agent knows no runs, and where no cluster is healthy', async () => {
    const agents = createAgents();
    const old = { ...agents, ask: () => Promise.reject(new FairwayError('unsupported', 'does not know')) };
    expect(await createHub(specOf(), ['eu-1'], old).look()).toMatchObject({
      ...{
        verdict: 'inconclusive',
        detail: 'eu-1: the agent is of a version that runs no analyses: upgrade it',
      },
    });
    const hub = createHub(specOf(), ['eu-1'], agents);
    hub.put({ ...hub.state(), clusters: noClusters });
    await hub.look();
    expect(hub.answers()).toMatchObject([{ verdict: 'inconclusive' }]);
  });

  const runs = 300;
  it(`begins each Job once, whenever the hub is killed, in ${runs} runs`, async () => {
    for (let seed = 1; seed <= runs; seed += 1) {
      const random = createSeededRandom(seed);
      const agents = createAgents(() => random.next() < 0.2);
      const count = 1 + (seed % 3);
      const hub = createHub(specOf(seed % 2 === 0 ? 'each' : 'one', count), ['eu-1', 'eu-2', 'us-1'], agents);
      for (let step = 0; step < 200 && !hub.due().done; step += 1) {
        const failed = await hub.look(() => random.next() < 0.15).catch((caught: unknown) => caught);
        if (failed instanceof Error) expect(failed).toMatchObject({ code: 'cancelled' });
        if (random.next() < 0.5) agents.end('succeeded');
        await hub.clock.advance(1_000);
      }
      expect(hub.due(), `seed ${seed}`).toMatchObject({ done: true, failed: undefined });
      expect(agents.created, `seed ${seed}`).toHaveLength(new Set(agents.created).size);
      expect(agents.created, `seed ${seed}`).toHaveLength(count * (seed % 2 === 0 ? 3 : 1));
    }
  });
});
