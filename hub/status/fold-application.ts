import type { Application } from '../model/fleet.ts';
import { describeProblem } from '../model/problem.ts';
import type { ApplicationView } from '../model/view.ts';
import type { Resolution } from '../store/repositories/fleet-repository.ts';
import { type FileProblems, ownProblems } from './file-problems.ts';
import { type Folded, isHealthy, partsOf } from './fold-placements.ts';
import { type Part, summariseParts } from './summarise.ts';

interface ApplicationFacts {
  readonly declared: Application | undefined;
  readonly resolution: Resolution | undefined;
  readonly fileProblems: FileProblems;
}

/** What is known of one application, with what its placements come to. */
export function foldApplication(
  name: string,
  facts: ApplicationFacts,
  placements: readonly Folded[],
  nowMs: number,
): ApplicationView {
  const { declared, resolution } = facts;
  const own = ownProblems(declared?.origin, facts.fileProblems);
  const staying = placements.filter(({ view }) => !view.removing);
  const whole: readonly Part[] = own.slice(0, 1).map((problem) => ({
    name,
    state: 'stalled',
    reason: 'InvalidManifest',
    message: `keeps an earlier text: ${describeProblem(problem)}`,
    sinceMs: 0,
  }));
  const problems = [...own.map((problem) => ({ cluster: '', problem })), ...(resolution?.problems ?? [])];
  const noun = whole.length > 0 ? 'part' : 'cluster';
  return {
    name,
    path: declared?.source.path ?? '',
    repository: declared?.source.repository ?? '',
    revisionId: resolution?.revisionId ?? placements[0]?.view.revisionId ?? '',
    clusters: staying.length,
    clustersHealthy: staying.filter(isHealthy).length,
    clustersUpToDate: staying.filter(({ view }) => view.upToDate).length,
    clustersDrifted: staying.filter(({ view }) => view.drifted).length,
    conditions: summariseParts([...whole, ...partsOf(placements, 'cluster')], noun, nowMs),
    problems: problems.map(({ cluster, problem: { file, line, field, message } }) => ({
      cluster,
      file,
      line,
      field,
      message,
    })),
    placements: placements.map(({ view }) => view),
  };
}
