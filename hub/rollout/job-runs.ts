/**
 * An analysis by a Job: from the plan of a run to its verdict. A run is planned and kept before any agent is asked, and an agent's word that it was begun is
 * kept before it is asked again: whoever is killed in between asks the same question, and the Job's name sees to it that it is the same Job. Pure.
 */

import { digestJson } from '../../shared/manifest/canonical.ts';
import type { Json, JsonObject } from '../../shared/manifest/object.ts';
import type { RunState } from '../model/query.ts';
import type { AnalysisSpec } from '../model/strategy.ts';
import { clusterState } from './cluster-states.ts';
import { type AnalysisAnswer, putWave, type RolloutState, type WaveState } from './rollout-state.ts';

export interface JobInCluster {
  /** Planned: it may have been begun, but nobody has said so. Lost: how it ended is not known. */
  readonly state: 'planned' | 'begun' | 'succeeded' | 'failed' | 'lost';
  /** Why, and what it said last. */
  readonly detail: string;
}

/** One answer in the making. */
export interface JobRun {
  /** From 1, over the wave's life. */
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly lookedAtMs: number | undefined;
  /** By cluster. */
  readonly clusters: Readonly<Record<string, JobInCluster>>;
}

export type JobSpec = AnalysisSpec & {
  readonly provider: Extract<AnalysisSpec['provider'], { type: 'job' }>;
};

/** How often a run that is under way is looked at. */
export const lookAgainMs = 10_000;
/** A wave may have thousands. */
export const runClustersMax = 100;
/** Jobs that nobody put away go by themselves. */
const keptSeconds = 86_400;
const detailMax = 1_000;
/** Of one cluster: kept with the rollout until all have ended, and agents may say much. */
const wordsMax = 500;

/** Clusters that were counted: what has failed or is away proves nothing. */
export function countedIn(state: RolloutState, wave: WaveState): readonly string[] {
  return wave.clusters.filter((cluster) => {
    const known = clusterState(state.clusters, cluster);
    return known?.countedAtMs !== undefined && !known.failure && !known.excluded;
  });
}

/** The run that is to be looked at, planned now where there is none; undefined: no cluster could take it. */
export function planRun(
  state: RolloutState,
  index: number,
  { name, provider }: JobSpec,
  nowMs: number,
): JobRun | undefined {
  const wave = state.waves[index];
  if (wave === undefined) return undefined;
  const known = wave.runs?.[name];
  if (known !== undefined) return known;
  const some = countedIn(state, wave).slice(0, provider.clusters === 'one' ? 1 : runClustersMax);
  if (some.length === 0) return undefined;
  const last = wave.analyses?.[name]?.at(-1)?.attempt ?? 0;
  const clusters = Object.fromEntries(
    some.map((cluster) => [cluster, { state: 'planned', detail: '' }] as const),
  );
  return { attempt: last + 1, startedAtMs: nowMs, lookedAtMs: undefined, clusters };
}

export function putRun(
  state: RolloutState,
  index: number,
  name: string,
  run: JobRun | undefined,
): RolloutState {
  const { [name]: _, ...others } = state.waves[index]?.runs ?? {};
  const runs = run === undefined ? others : { ...others, [name]: run };
  return putWave(state, index, { runs: Object.keys(runs).length === 0 ? undefined : runs });
}

export function isOpen({ state }: JobInCluster): boolean {
  return state === 'planned' || state === 'begun';
}

/** What an agent said, or why it said nothing that helps. */
export type RunWord =
  | { readonly state: RunState; readonly message: string; readonly logTail: string }
  /** `passing`: it may be asked again. */
  | { readonly error: string; readonly passing: boolean };

export function foldWord(known: JobInCluster, word: RunWord): JobInCluster {
  if (!isOpen(known)) return known;
  if ('error' in word)
    return { state: word.passing ? known.state : 'lost', detail: word.error.slice(0, wordsMax) };
  const { state, message, logTail } = word;
  const said = message.slice(0, wordsMax / 2);
  // The end of a log is what tells.
  const words = state === 'running' ? [said] : [said, logTail.slice(-wordsMax / 2)];
  const detail = words.filter((text) => text !== '').join('; ');
  if (state === 'running') return { state: 'begun', detail };
  if (state === 'gone') return { state: 'lost', detail: 'the Job is gone, and how it ended is not known' };
  return { state, detail };
}

/** The answer of a run whose every Job has ended, or whose time is over; undefined: not yet. */
export function answerOf(run: JobRun, { provider }: JobSpec, nowMs: number): AnalysisAnswer | undefined {
  const all = Object.entries(run.clusters);
  const late = nowMs >= run.startedAtMs + provider.timeoutMs;
  const open = all.filter(([, one]) => isOpen(one));
  if (open.length > 0 && !late) return undefined;
  const tell = ([cluster, { detail }]: readonly [string, JobInCluster]) =>
    detail === '' ? cluster : `${cluster}: ${detail}`;
  const say = (verdict: AnalysisAnswer['verdict'], text: string): AnalysisAnswer => ({
    ...{ atMs: nowMs, verdict, attempt: run.attempt },
    detail: text.slice(0, detailMax),
  });
  const failed = all.filter(([, { state }]) => state === 'failed');
  if (failed.length > 0)
    return say(
      'failure',
      `failed in ${failed.length} of ${all.length} clusters: ${failed.map(tell).join('; ')}`,
    );
  const seconds = Math.round(provider.timeoutMs / 1_000);
  const begun = open.filter(([, { state }]) => state === 'begun');
  if (begun.length > 0) return say('failure', `not ended within ${seconds} s: ${begun.map(tell).join('; ')}`);
  const lost = all.filter(([, { state }]) => state !== 'succeeded');
  if (lost.length > 0) return say('inconclusive', lost.map(tell).join('; '));
  return say('success', all.map(tell).join('; '));
}

/** Each text of a value, filled in. */
function fillIn(value: Json, values: Readonly<Record<string, string>>): Json {
  if (typeof value === 'string')
    return value.replaceAll(/\{\{(application|wave|cluster)\}\}/g, (_, name: string) => values[name] ?? '');
  if (Array.isArray(value)) return value.map((item) => fillIn(item as Json, values));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, fillIn(item as Json, values)]);
  return Object.fromEntries(entries) as Json;
}

/**
 * The Job of a run in one cluster, as JSON. Its name follows from release, wave, analysis, cluster, attempt and when that was planned: a retried release counts its
 * attempts anew, and must not find the Job that failed. It ends by itself when its time is over, and goes by itself a day after its end
 * (https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/), should nobody put it away.
 */
export function jobOf(
  state: Pick<RolloutState, 'application' | 'releaseId'>,
  wave: Pick<WaveState, 'name'>,
  { name: analysis, provider }: JobSpec,
  { attempt, startedAtMs }: Pick<JobRun, 'attempt' | 'startedAtMs'>,
  cluster: string,
): string {
  const { application, releaseId } = state;
  const about = { application, releaseId, wave: wave.name, analysis, attempt, startedAtMs, cluster };
  const run = digestJson(about);
  const digits = run.replace(/^[^:]*:/, '').slice(0, 12);
  const name = `${`fairway-${analysis}`.slice(0, 40).replace(/-+$/, '')}-${digits}`;
  const spec = fillIn(provider.spec, { application, wave: wave.name, cluster }) as JsonObject;
  const limit = Math.max(1, Math.ceil(provider.timeoutMs / 1_000));
  const own = spec['activeDeadlineSeconds'];
  const template = (spec['template'] ?? {}) as JsonObject;
  const pod = (template['spec'] ?? {}) as JsonObject;
  return JSON.stringify({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      labels: { 'app.kubernetes.io/managed-by': 'fairway' },
      annotations: {
        'fairway.dev/analysis': run,
        'fairway.dev/release': releaseId,
        'fairway.dev/application': application,
      },
    },
    spec: {
      backoffLimit: 0,
      ...spec,
      activeDeadlineSeconds: typeof own === 'number' ? Math.min(own, limit) : limit,
      ttlSecondsAfterFinished: keptSeconds,
      template: { ...template, spec: { restartPolicy: 'Never', ...pod } },
    },
  });
}
