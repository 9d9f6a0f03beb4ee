/** `rollout plan`: what a revision that nobody has merged would do, wave by wave. Rendered as a preview, planned as a revision, and nothing of it is kept. */
import type { Clock } from '../../../shared/clock/clock.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import type { RolloutPlan, RolloutPlanPort } from '../../api/ports.ts';
import type { Revision } from '../../model/revision.ts';
import type { FleetSide } from '../../preview/compare-fleets.ts';
import type { ApplicationReport, DiffReport } from '../../preview/report.ts';
import { type AheadApplication, planAheadSteps } from '../../rollout/report/plan-ahead.ts';
import type { GitSource } from '../../source/git-source.ts';
import type { Store } from '../../store/store.ts';
import { loadTargets } from '../load-targets.ts';
import { inTurns } from '../resolve/in-turns.ts';
import { loadContents } from '../resolve/promotion-contents.ts';
import { placeAll } from '../resolve/render-fleet.ts';
import { headsOf } from '../resolve/resolve-loop.ts';
import { loadWaves } from '../rollout/rollout-inputs.ts';
import { createRevision, followedSources } from '../source/revision-of.ts';
import type { FollowedSource } from '../source/source-loop.ts';
import type { Looked, Preview } from './preview.ts';
import { takeTurn } from './preview-side.ts';

export interface RolloutPlannerOptions {
  readonly store: Store;
  readonly source: GitSource;
  readonly preview: Preview;
  readonly root: FollowedSource;
  readonly confirmAbove: number;
  readonly clock: Clock;
}

/** Different changes told of a plan, over all waves. */
const variantsMax = 2_000;

export function createRolloutPlanner(options: RolloutPlannerOptions): RolloutPlanPort {
  const { store, preview, clock } = options;

  const planOf = async (looked: Looked, signal: AbortSignal): Promise<readonly AheadApplication[]> => {
    const { fleet } = looked.to;
    const waves = await loadWaves(store, fleet);
    const assignments = await store.releases.assignments({});
    const digests = assignments.map(({ targetDigest }) => targetDigest);
    const targets = await loadTargets(store, digests, () => takeTurn(signal));
    const revision = await openRevision(looked);
    const steps = planAheadSteps({
      ...{ revision, fleet, assignments, targets, waves },
      previousFleet: looked.from.fleet,
      resolutions: await store.fleet.resolutions(),
      placements: placeAll(fleet),
      rendered: looked.to.side.placements,
      confirmations: await store.releases.confirmations(),
      pauses: await store.releases.pauses(),
      contents: await loadContents({
        ...{ fleet, revision, source: options.source, root: options.root },
        followed: followedSources(options.root, fleet),
      }),
      thresholds: { confirmAbove: options.confirmAbove },
      nowMs: clock.now(),
    });
    return inTurns(steps, signal);
  };

  /** As if it had been merged, with other repositories as they are now. */
  const openRevision = async ({ to: { fleet }, commit }: Looked): Promise<Revision> => {
    const { root, source } = options;
    const known = new Map((await store.sources.list()).map((one) => [one.key, one]));
    return createRevision({
      commit: await source.commit(root.url, commit),
      heads: headsOf(followedSources(root, fleet), known),
      ...{ ref: root.ref, fleet, remotes: [], seenAtMs: clock.now() },
    });
  };

  return {
    plan: ({ revision, application }, signal) =>
      preview.look(
        revision,
        async (looked) => {
          if (application !== undefined) checkApplication(application, looked);
          const ahead = await planOf(looked, signal);
          const told = ahead.filter((one) => application === undefined || one.application === application);
          return reportPlan(looked, told, clock.now());
        },
        signal,
      ),
  };
}

function checkApplication(application: string, { from, to }: Looked): void {
  const known = [from, to].some(
    ({ fleet, side }) => fleet.applications.has(application) || side.placements.has(application),
  );
  if (!known) throw new FairwayError('not_found', `There is no Application ${application} on either side.`);
}

/** No application has such a name, so that each wave is compared by itself with what is remembered of the others. */
function waveKey(application: string, wave: string): string {
  return `${application}\n${wave}`;
}

async function reportPlan(
  { from, to, compare }: Looked,
  ahead: readonly AheadApplication[],
  plannedAtMs: number,
): Promise<RolloutPlan> {
  const report = await compare(sideByWave(from.side, ahead), sideByWave(to.side, ahead), { variantsMax });
  const changes = changesByWave(report);
  const problems = report.problems.map((one) => ({
    ...one,
    application: one.application.split('\n', 1)[0] ?? '',
  }));
  return {
    ...{ revision: report.to, plannedAtMs, problems, omitted: report.omitted },
    applications: ahead.map(({ waves, ...rest }) => ({
      ...rest,
      waves: waves.map((wave) => ({ ...wave, changes: changes.get(waveKey(rest.application, wave.name)) })),
    })),
  };
}

function changesByWave({ applications }: DiffReport): ReadonlyMap<string, ApplicationReport> {
  return new Map(
    applications.map((report) => [report.name, { ...report, name: report.name.split('\n', 1)[0] ?? '' }]),
  );
}

/** The clusters of each wave as if each wave were an application. What takes no part is not compared. */
function sideByWave(side: FleetSide, ahead: readonly AheadApplication[]): FleetSide {
  const placements = new Map<
    string,
    FleetSide['placements'] extends ReadonlyMap<string, infer P> ? P : never
  >();
  for (const { application, waves } of ahead) {
    const all = side.placements.get(application);
    for (const { name, clusters } of waves) {
      const members = clusters.flatMap((cluster) => {
        const state = all?.get(cluster);
        return state === undefined ? [] : [[cluster, state] as const];
      });
      placements.set(waveKey(application, name), new Map(members));
    }
  }
  return { ...side, placements };
}
