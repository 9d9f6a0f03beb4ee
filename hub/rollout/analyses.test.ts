import { describe, expect, it } from 'vitest';
import { type AnalysisSpec, defaultStrategy, defaultWave } from '../model/strategy.ts';
import { analysesOf } from './analyses.ts';
import { addAnswer } from './apply-action.ts';
import type { Verdict } from './rollout-state.ts';
import { createScenario } from './testing/scenario.test-support.ts';

const intervalMs = 30_000;

/** The most that a strategy may ask for and bear. */
const atTheLimits: AnalysisSpec = {
  ...{ name: 'errors', intervalMs, count: 100, failureLimit: 100, inconclusiveLimit: 100 },
  provider: { type: 'http', url: 'http://web', status: 200 },
};

/** A wave that soaks, answered over and over; undefined: it is undecided after so many. */
function answered(spec: AnalysisSpec, verdicts: readonly Verdict[], max: number) {
  const strategy = { ...defaultStrategy, waves: [{ ...defaultWave, name: 'all', analysis: [spec] }] };
  const run = createScenario(['eu-1'], strategy);
  run.pass();
  run.healthy('eu-1');
  for (let count = 0; count < max; count += 1) {
    run.pass();
    if (run.state().phase !== 'Progressing') return { count, phase: run.state().phase, run };
    const verdict = verdicts[count % verdicts.length] ?? 'success';
    const { nowMs } = run.input();
    run.put((state) => addAnswer(state, 0, 'errors', { atMs: nowMs, verdict, detail: verdict }));
    run.wait(intervalMs);
  }
  return undefined;
}

describe('an analysis at the limits that a strategy may have', () => {
  it('fails with the first failure beyond them', () => {
    expect(answered(atTheLimits, ['failure'], 500)).toMatchObject({ count: 101, phase: 'Paused' });
  });

  it('is inconclusive with the first answer beyond them that says neither', () => {
    const found = answered(atTheLimits, ['inconclusive'], 500);
    expect(found).toMatchObject({ count: 101, phase: 'Paused' });
    expect(found?.run.report().message).toBe('wave all: analysis errors is inconclusive: inconclusive');
  });

  it('succeeds with the last answer that is wanted, however many others stand between', () => {
    const found = answered(atTheLimits, ['failure', 'inconclusive', 'success'], 500);
    expect(found).toMatchObject({ count: 300, phase: 'Complete' });
  });

  it('forgets no old failure for the sake of later answers', () => {
    const spec = { ...atTheLimits, failureLimit: 1 };
    const verdicts: readonly Verdict[] = [
      'failure',
      ...Array.from({ length: 99 }, () => 'inconclusive' as const),
      'success',
      'failure',
    ];
    expect(answered(spec, verdicts, 500)).toMatchObject({ count: 102, phase: 'Paused' });
  });

  it('keeps no more answers than can decide', () => {
    const spec = { ...atTheLimits, count: 1, failureLimit: 1, inconclusiveLimit: 1 };
    const run = createScenario(['eu-1'], {
      ...defaultStrategy,
      waves: [{ ...defaultWave, name: 'all', analysis: [spec] }],
    });
    for (let atMs = 0; atMs < 10; atMs += 1)
      run.put((state) => addAnswer(state, 0, 'errors', { atMs, verdict: 'failure', detail: '' }));
    const { analyses } = run.state().waves[0]!;
    expect(analyses?.['errors']?.map(({ atMs }) => atMs)).toEqual([6, 7, 8, 9]);
    expect(analysesOf([spec], run.state().waves[0]!, 0, 0).failed).toBe('analysis errors failed: ');
  });
});
