/** What the analyses of a wave have said so far, and which are to be asked now. */
import type { AnalysisSpec } from '../model/strategy.ts';
import { lookAgainMs } from './job-runs.ts';
import type { AnalysisAnswer, AnalysisQuestion, WaveState } from './rollout-state.ts';

export interface AnalysisSummary {
  /** Every analysis has its answers. */
  readonly done: boolean;
  /** Why the wave has failed; undefined: it has not. */
  readonly failed: string | undefined;
  readonly questions: readonly AnalysisQuestion[];
  readonly nextAtMs: number | undefined;
}

function tally(answers: readonly AnalysisAnswer[]) {
  const count = (verdict: string) => answers.filter((answer) => answer.verdict === verdict).length;
  return { good: count('success'), bad: count('failure'), unsure: count('inconclusive') };
}

/**
 * Answers of one analysis that are kept, the newest: as many as its limits and its count bear decide it whatever they are, and one more stands beside them where it came too late.
 */
export function answersMax({ count, failureLimit, inconclusiveLimit }: AnalysisSpec): number {
  return count + failureLimit + inconclusiveLimit + 1;
}

export function analysesOf(
  specs: readonly AnalysisSpec[],
  wave: WaveState,
  index: number,
  nowMs: number,
): AnalysisSummary {
  const questions: AnalysisQuestion[] = [];
  let nextAtMs: number | undefined;
  let done = true;
  for (const { name, count, failureLimit, inconclusiveLimit, intervalMs } of specs) {
    const answers = wave.analyses?.[name] ?? [];
    const { good, bad, unsure } = tally(answers);
    const last = answers.at(-1);
    if (bad > failureLimit)
      return {
        done,
        failed: `analysis ${name} failed: ${last?.detail ?? ''}`,
        questions: [],
        nextAtMs: undefined,
      };
    if (unsure > inconclusiveLimit)
      return {
        done,
        failed: `analysis ${name} is inconclusive: ${last?.detail ?? ''}`,
        questions: [],
        nextAtMs: undefined,
      };
    if (good >= count) continue;
    done = false;
    const run = wave.runs?.[name];
    const next = last === undefined ? nowMs : last.atMs + intervalMs;
    const dueAtMs = run === undefined ? next : (run.lookedAtMs ?? nowMs - lookAgainMs) + lookAgainMs;
    if (dueAtMs <= nowMs) questions.push({ wave: index, name });
    else nextAtMs = Math.min(nextAtMs ?? dueAtMs, dueAtMs);
  }
  return { done, failed: undefined, questions, nextAtMs };
}
