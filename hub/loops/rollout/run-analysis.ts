/** Runs the Jobs of an analysis by the agents of its clusters: each step looks once at every Job that has not ended, and keeps what was said. */
import type { Clock } from '../../../shared/clock/clock.ts';
import { errorTable, toFairwayError } from '../../../shared/error/error.ts';
import { projectOf } from '../../model/project.ts';
import type { Answer, AskOptions, Question } from '../../model/query.ts';
import { jobViolation } from '../../policy/check-project.ts';
import { addAnswer } from '../../rollout/apply-action.ts';
import {
  answerOf,
  foldWord,
  isOpen,
  type JobInCluster,
  type JobRun,
  type JobSpec,
  jobOf,
  planRun,
  putRun,
  type RunWord,
} from '../../rollout/job-runs.ts';
import type { AnalysisAnswer, RolloutState, WaveState } from '../../rollout/rollout-state.ts';
import type { Store } from '../../store/store.ts';
import { fleetOf } from '../fleet-rows.ts';

export interface RunAnalysisPorts {
  readonly ask: (cluster: string, question: Question, options: AskOptions) => Promise<Answer>;
  readonly clock: Clock;
  /** Why the application may run no Jobs; undefined: it may. */
  readonly forbidden: () => Promise<string | undefined>;
  /** Keeps a change of the rollout as it is now. Undefined: the rollout is another, and nothing was kept. */
  readonly amend: (change: (state: RolloutState) => RolloutState) => Promise<RolloutState | undefined>;
}

export interface RunSubject {
  readonly state: RolloutState;
  /** Position of the wave. */
  readonly index: number;
  readonly spec: JobSpec;
}

/** All are asked at once (`runClustersMax` at most), so that agents which say nothing hold up the rollout no longer than one of them. */
const askTimeoutMs = 10_000;

/** One look at a run; plans it where there is none. Resolves to the answer, once there is one. */
export async function stepRun(
  { state, index, spec }: RunSubject,
  ports: RunAnalysisPorts,
  signal: AbortSignal,
): Promise<AnalysisAnswer | undefined> {
  const { amend, clock } = ports;
  const known = state.waves[index]?.runs?.[spec.name];
  const why = known === undefined ? await ports.forbidden() : undefined;
  if (why !== undefined) {
    const answer = {
      atMs: clock.now(),
      verdict: 'failure',
      detail: `the Job may not be run: ${why}`,
    } as const;
    await amend((now) => addAnswer(now, index, spec.name, answer));
    return answer;
  }
  // Which clusters take part is kept before any of them is asked.
  const planned = await amend((now) => {
    if (!isAsked(now, index)) return now;
    const run = planRun(now, index, spec, clock.now());
    if (run !== undefined) return putRun(now, index, spec.name, run);
    const detail = 'no cluster of the wave is healthy, so none could run the Job';
    return addAnswer(now, index, spec.name, { atMs: clock.now(), verdict: 'inconclusive', detail });
  });
  const wave = planned?.waves[index];
  const run = wave?.runs?.[spec.name];
  if (!planned || !isAsked(planned, index) || wave === undefined || run === undefined) return undefined;
  const words = await lookAt({ state, spec, wave, run }, ports, signal);
  let answer: AnalysisAnswer | undefined;
  const kept = await amend((now) => {
    const known = now.waves[index]?.runs?.[spec.name];
    if (known?.attempt !== run.attempt) return now;
    const clusters: Record<string, JobInCluster> = { ...known.clusters };
    for (const [cluster, word] of words) {
      const before = clusters[cluster];
      if (before) clusters[cluster] = foldWord(before, word);
    }
    const next: JobRun = { ...known, clusters, lookedAtMs: clock.now() };
    answer = answerOf(next, spec, clock.now());
    if (answer === undefined) return putRun(now, index, spec.name, next);
    return addAnswer(putRun(now, index, spec.name, undefined), index, spec.name, answer);
  });
  if (kept === undefined || answer === undefined) return undefined;
  await putAway({ state, spec, wave, run }, ports, answer, words, signal);
  return answer;
}

/** Of a rollout that was stopped, or of a wave that has ended since, nothing is begun. */
function isAsked({ phase, waves }: RolloutState, index: number): boolean {
  return phase === 'Progressing' && waves[index]?.endedAtMs === undefined;
}

/** What the Project of an application has against a Job in its namespace. Of one that is not declared nothing is run. */
export async function forbiddenJob(store: Store, application: string): Promise<string | undefined> {
  const { applications, projects } = fleetOf(await store.fleet.load());
  const declared = applications.get(application);
  if (declared === undefined) return 'the application is in no file of the fleet any more';
  const project = projectOf(declared, projects);
  return project && jobViolation(project, declared.sync.namespace);
}

interface Looked {
  readonly state: RolloutState;
  readonly spec: JobSpec;
  readonly wave: WaveState;
  readonly run: JobRun;
}

async function lookAt(
  { state, spec, wave, run }: Looked,
  { ask }: RunAnalysisPorts,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, RunWord>> {
  const words = new Map<string, RunWord>();
  const open = Object.entries(run.clusters).filter(([, one]) => isOpen(one));
  await Promise.all(
    open.map(async ([cluster, known]) => {
      const job = jobOf(state, wave, spec, run, cluster);
      const begin = known.state === 'planned';
      const question = { type: 'run', application: state.application, job, begin, remove: false } as const;
      words.set(cluster, await askOne(ask(cluster, question, { timeoutMs: askTimeoutMs, signal }), signal));
    }),
  );
  return words;
}

async function askOne(asked: Promise<Answer>, signal: AbortSignal): Promise<RunWord> {
  try {
    const answer = await asked;
    if (answer.type === 'run') return answer;
    return { error: 'the agent answered something else', passing: false };
  } catch (caught) {
    signal.throwIfAborted();
    const { code, message } = toFairwayError(caught);
    const error =
      code === 'unsupported' ? 'the agent is of a version that runs no analyses: upgrade it' : message;
    return { error, passing: errorTable[code].retry };
  }
}

/** One that succeeded goes, and one that took too long is stopped; one that failed stays a day for people to look at. What cannot be reached goes by itself. */
async function putAway(
  { state, spec, wave, run }: Looked,
  { ask }: RunAnalysisPorts,
  { verdict }: AnalysisAnswer,
  words: ReadonlyMap<string, RunWord>,
  signal: AbortSignal,
): Promise<void> {
  const { application } = state;
  const gone = Object.keys(run.clusters).filter((cluster) => {
    const word = words.get(cluster);
    const ended = word !== undefined && 'state' in word ? word.state : 'succeeded';
    return verdict === 'success' || ended === 'running';
  });
  await Promise.allSettled(
    gone.map((cluster) => {
      const job = jobOf(state, wave, spec, run, cluster);
      const question = { type: 'run', application, job, begin: false, remove: true } as const;
      return ask(cluster, question, { timeoutMs: askTimeoutMs, signal });
    }),
  );
}
