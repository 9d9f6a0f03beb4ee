import { FairwayError } from '../../../shared/error/error.ts';
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { ManifestSet } from '../../../shared/manifest/target.ts';
import { readFleet } from '../../fleet/read-fleet.ts';
import type { Fleet } from '../../model/fleet.ts';
import { syncOf } from '../../model/project.ts';
import type { RenderedSet } from '../../model/rendered.ts';
import type { SourceKey } from '../../model/revision.ts';
import type { TreeReader } from '../../model/tree.ts';
import { checkFleet } from '../../policy/check-fleet.ts';
import type { FleetSide, PlacementState, SideProblem } from '../../preview/compare-fleets.ts';
import type { DiffSide } from '../../preview/report.ts';
import { createMountedTree } from '../../render/remote/mounted-tree.ts';
import type { Renderer } from '../../render/renderer.ts';
import type { Resolution } from '../../store/repositories/fleet-repository.ts';
import type { Store } from '../../store/store.ts';
import { loadTargets } from '../load-targets.ts';
import { createFleetRenderer, type FleetOutcome, placeAll } from '../resolve/render-fleet.ts';
import { basesOf, boundsOf } from '../resolve/tenancy.ts';
import { createRemoteBases } from '../source/remote-bases.ts';

/** One side of a comparison, with what its objects hold. */
export interface PreviewSide {
  readonly side: FleetSide;
  readonly fleet: Fleet;
  readonly sets: ReadonlyMap<Digest, Pick<RenderedSet, 'objects'>>;
  /** What rendering alone said, before policy refused some of it. */
  readonly rendered: FleetOutcome['rendered'];
  setOf(cluster: string, application: string): ManifestSet | undefined;
}

/** Gives everybody else their turn. Streams must not wait for a comparison. @throws cancelled when nobody wants the answer any more. */
export async function takeTurn(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (signal.aborted) throw new FairwayError('cancelled', 'cancelled', { cause: signal.reason });
}

export interface RenderSideRequest {
  readonly name: DiffSide;
  readonly tree: TreeReader;
  /** Files of the fleet folder that are to be read with these texts instead, by path. Undefined: none. */
  readonly edited?: ReadonlyMap<string, string> | undefined;
  /** Of the root repository, for remote bases that name it; empty: not known. */
  readonly rootUrl: string;
  readonly folder: string;
  /** What a file that cannot be read leaves in force, and who has an object already: the other side. Undefined: nothing. */
  readonly previous: Pick<PreviewSide, 'fleet' | 'setOf'> | undefined;
  readonly emptyFleet: Fleet;
  readonly renderer: Renderer;
  /** Of a repository that is not the root at this commit, an Application's or a remote base's. @throws not_found for one that cannot be had. */
  readonly treeOf: (key: SourceKey, fleet: Fleet) => Promise<TreeReader>;
  /** This cluster only. */
  readonly cluster: string | undefined;
  readonly signal: AbortSignal;
}

/** Reads the fleet of a tree, renders and checks it as the resolve loop does, and keeps nothing. */
export async function renderSide(request: RenderSideRequest): Promise<PreviewSide> {
  const { previous, signal, cluster } = request;
  const tree = withFiles(request.tree, request.edited);
  const before = previous?.fleet ?? request.emptyFleet;
  const fleet = await readFleet({ tree, folder: request.folder, previous: before, signal });
  const placements = new Map(
    [...placeAll(fleet)].map(([application, placed]) => [
      application,
      {
        clusters: placed.clusters.filter((name) => cluster === undefined || name === cluster),
        problems: placed.problems.filter((one) => cluster === undefined || one.cluster === cluster),
      },
    ]),
  );
  const outcome = await createFleetRenderer(request.renderer).render({
    fleet,
    placements,
    treeOf: openTrees(request, fleet),
    signal,
  });
  const checked = checkFleet({
    ...outcome,
    ...boundsOf(fleet),
    inForce: (name, application) => previous?.setOf(name, application),
  });
  const states = new Map<string, ReadonlyMap<string, PlacementState>>();
  const problems: SideProblem[] = fleet.problems.map((problem) => ({
    application: '',
    cluster: '',
    problem,
  }));
  for (const [name, application] of fleet.applications) {
    const settings = { ...application, sync: syncOf(application, fleet.projects) };
    const outcomes = [...(checked.get(name) ?? [])].map(
      ([placed, result]) => [placed, 'set' in result ? { ...result, settings } : result] as const,
    );
    states.set(name, new Map(outcomes));
    for (const warning of placements.get(name)?.problems ?? [])
      problems.push({ application: name, ...warning });
  }
  const side = { side: request.name, placements: states, problems };
  return { side, fleet, sets: outcome.sets, rendered: outcome.rendered, setOf: setFinder(states) };
}

/** With the remote bases in them. */
export function openTrees(
  { tree, treeOf, rootUrl }: Pick<RenderSideRequest, 'tree' | 'treeOf' | 'rootUrl'>,
  fleet: Fleet,
) {
  const bases = createRemoteBases({ rootUrl, fleet, treeOf: (base) => treeOf(base.key, fleet) });
  return async (key: SourceKey, project: string | undefined): Promise<TreeReader> =>
    createMountedTree(key === '@' ? tree : await treeOf(key, fleet), basesOf(bases, fleet, project));
}

/** What is rendered is read from Git all the same: an edit is one of the fleet folder alone. */
function withFiles(tree: TreeReader, edited: ReadonlyMap<string, string> | undefined): TreeReader {
  if (edited === undefined) return tree;
  return {
    ...{ name: tree.name, commit: tree.commit, entry: tree.entry, list: tree.list },
    async read(path) {
      const text = edited.get(path);
      return text === undefined ? tree.read(path) : Buffer.from(text);
    },
  };
}

function setFinder(states: FleetSide['placements']): PreviewSide['setOf'] {
  return (cluster, application) => {
    const state = states.get(application)?.get(cluster);
    return state && 'set' in state ? state.set : undefined;
  };
}

/** What is assigned now, as a side. */
export async function loadRunningSide(
  store: Store,
  fleet: Fleet,
  cluster: string | undefined,
  signal: AbortSignal,
): Promise<PreviewSide> {
  const assignments = (await store.releases.assignments({ cluster })).filter(({ removed }) => !removed);
  const digests = assignments.map(({ targetDigest }) => targetDigest);
  const targets = await loadTargets(store, digests, () => takeTurn(signal));
  const states = new Map<string, Map<string, PlacementState>>();
  for (const assignment of assignments) {
    const target = targets.get(assignment.targetDigest);
    if (!target) continue;
    const clusters = states.get(assignment.application) ?? new Map<string, PlacementState>();
    clusters.set(assignment.cluster, { set: target.set, settings: target });
    states.set(assignment.application, clusters);
  }
  const problems: SideProblem[] = [
    ...fleet.problems.map((problem) => ({ application: '', cluster: '', problem })),
    ...(await store.fleet.resolutions()).flatMap((resolution) => warningsOf(resolution, cluster)),
  ];
  const side: FleetSide = { side: { name: 'running', commit: null }, placements: states, problems };
  return { side, fleet, sets: new Map(), rendered: new Map(), setOf: setFinder(states) };
}

/** What keeps a cluster at what it had is there before any change that is looked at. */
function warningsOf(
  { application, problems }: Resolution,
  cluster: string | undefined,
): readonly SideProblem[] {
  return problems
    .filter((one) => cluster === undefined || one.cluster === cluster || one.cluster === '')
    .map((one) => ({ application, ...one }));
}

export interface PreviewFilter {
  readonly application: string | undefined;
  readonly cluster: string | undefined;
}

/** A name that neither side knows is a slip: "no difference" would be no answer to it. @throws not_found */
export function checkFilter(sides: readonly PreviewSide[], { application, cluster }: PreviewFilter): void {
  const knowsApplication = ({ fleet, side }: PreviewSide) =>
    application === undefined || fleet.applications.has(application) || side.placements.has(application);
  const knowsCluster = ({ fleet, side }: PreviewSide) =>
    cluster === undefined ||
    fleet.clusters.has(cluster) ||
    [...side.placements.values()].some((clusters) => clusters.has(cluster));
  const [kind, name] = sides.some(knowsApplication) ? ['Cluster', cluster] : ['Application', application];
  if (!sides.some(knowsApplication) || !sides.some(knowsCluster))
    throw new FairwayError('not_found', `There is no ${kind} ${name} on either side.`);
}

/** This application only. Everything was rendered: a conflict with another application is found all the same. */
export function onlyApplication(side: FleetSide, application: string | undefined): FleetSide {
  return application === undefined ? side : selectApplications(side, (name) => name === application);
}

/** The same for all that `selects` says yes to. */
export function selectApplications(side: FleetSide, selects: (application: string) => boolean): FleetSide {
  return {
    ...side,
    placements: new Map([...side.placements].filter(([name]) => selects(name))),
    problems: side.problems.filter((one) => one.application === '' || selects(one.application)),
  };
}
