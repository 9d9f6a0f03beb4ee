/** Runs of the program, each input once: remembered by content, compared with a second one, bounded in what a bad chart may cost. */
import { createHash } from 'node:crypto';
import type { FairwayError } from '../../../shared/error/error.ts';
import type { RenderLimits } from '../limits.ts';
import { Lru } from '../lru.ts';
import { type Place, problemError, problemOf } from '../render-error.ts';
import type { TreeView } from '../tree-view.ts';
import { checkChart } from './check-chart.ts';
import { compareRuns } from './compare-runs.ts';
import type { HelmOutcome, HelmRequest, HelmRunner } from './helm-runner.ts';
import { withMovedClock } from './moved-clock.ts';
import { type OutputDocument, parseOutput } from './parse-output.ts';
import type { Chart } from './read-chart.ts';

export interface ChartRunsOptions {
  readonly runner: HelmRunner;
  readonly limits: RenderLimits;
  /** Told of each input that is new, and the tree that asks for it. */
  readonly onRun: (view: TreeView) => void;
}

/** The same object for the same input. */
export interface ChartOutput {
  readonly bytes: Uint8Array;
  readonly documents: readonly OutputDocument[];
}

export interface ChartRuns {
  /** @param where written as the reason for the run. @throws a Problem; AbortError. */
  run(
    asked: Omit<HelmRequest, 'chart'>,
    chart: Chart,
    view: TreeView,
    where: Partial<Place> & { readonly field?: string },
    signal: AbortSignal | undefined,
  ): Promise<ChartOutput>;
  /** What the chart gives, for comparison: run once, with values that nobody wrote. Undefined where it fails. @throws AbortError. */
  once(request: HelmRequest, signal: AbortSignal | undefined): Promise<Uint8Array | undefined>;
}

/** Output that is remembered, in bytes. */
const rememberedBytesMax = 128 * 1024 * 1024;
const failuresMax = 1_000;

export function createChartRuns({ runner, limits, onRun }: ChartRunsOptions): ChartRuns {
  const known = new Lru<ChartOutput>(rememberedBytesMax);
  const failures = new Lru<FairwayError>(failuresMax);
  const checked = new WeakSet<Chart['files']>();
  // A chart that ran into a limit for one cluster would do so for the next: of a thousand each would wait for the limit of time.
  const exhausted = new WeakMap<TreeView, Map<string, FairwayError>>();
  // Asked once a commit, not once a cluster.
  const versions = new WeakMap<TreeView, string>();

  const runTwice = async (
    request: HelmRequest,
    chart: Chart,
    view: TreeView,
    signal: AbortSignal | undefined,
  ): Promise<ChartOutput> => {
    onRun(view);
    const [outcome, second] = await bothOf(
      runner.template(request, signal),
      runner.template(withMovedClock(request), signal),
    );
    const bytes = outputOf(outcome, chart);
    // A chart that cannot do with another clock is run as it is: chance is found all the same.
    const again = second.ok ? second.output : outputOf(await runner.template(request, signal), chart);
    const documents = parseOutput(bytes, chart.folder, limits);
    if (Buffer.compare(bytes, again) !== 0) {
      const failure = compareRuns(documents, parseOutput(again, chart.folder, limits));
      if (failure !== undefined) throw failure;
    }
    return { bytes, documents };
  };

  const remember = (caught: unknown, key: string, chart: Chart, view: TreeView): void => {
    const code = problemOf(caught)?.code;
    if (code === undefined) return;
    if (code !== 'resource_exhausted') {
      failures.set(key, caught as FairwayError);
      return;
    }
    // What took too long or too much may do better with the next commit, or another time.
    const ofView = exhausted.get(view) ?? new Map<string, FairwayError>();
    exhausted.set(view, ofView.set(chart.digest, caught as FairwayError));
  };

  return {
    once: async (request, signal) => {
      const outcome = await runner.template(request, signal);
      return outcome.ok ? outcome.output : undefined;
    },
    run: async (asked, chart, view, where, signal) => {
      const version = versions.get(view) ?? (await runner.version(signal));
      if (version === undefined) throw withoutHelm(where);
      versions.set(view, version);
      if (!checked.has(chart.files)) checkChart(chart);
      checked.add(chart.files);
      const key = keyOf(asked, chart, version);
      const output = known.get(key);
      if (output !== undefined) return output;
      const failed = failures.get(key) ?? exhausted.get(view)?.get(chart.digest);
      if (failed !== undefined) throw failed;
      try {
        const made = await runTwice({ ...asked, chart: chart.files }, chart, view, signal);
        known.set(key, made, made.bytes.length * 5 + 1_024);
        return made;
      } catch (caught) {
        remember(caught, key, chart, view);
        throw caught;
      }
    },
  };
}

/** Both have ended when it comes back: nothing of a run that was given up is left. */
async function bothOf<A, B>(one: Promise<A>, other: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

/** Chart folders of the same content in two places differ in what messages say. */
function keyOf({ valueFiles, ...asked }: Omit<HelmRequest, 'chart'>, chart: Chart, version: string): string {
  const hash = createHash('sha256').update(JSON.stringify([version, chart.folder, chart.digest, asked]));
  for (const { name, bytes } of valueFiles) hash.update(`${name} ${bytes.length} `).update(bytes);
  return hash.digest('hex');
}

function withoutHelm(where: Partial<Place> & { readonly field?: string }): FairwayError {
  return problemError(
    'unsupported',
    where,
    'the helm program is not there: install Helm 4 on the PATH of the hub, or name it by helm.binary in its configuration',
  );
}

const codes = {
  missing: 'unsupported',
  failed: 'invalid_manifest',
  timeout: 'resource_exhausted',
  memory: 'resource_exhausted',
  output: 'resource_exhausted',
} as const;

/** @throws a Problem for a run that gave nothing. */
function outputOf(outcome: HelmOutcome, chart: Chart): Uint8Array {
  if (outcome.ok) return outcome.output;
  throw problemError(codes[outcome.reason], { file: chart.folder }, outcome.message);
}
