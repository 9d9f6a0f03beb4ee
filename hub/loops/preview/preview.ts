/**
 * What is asked about the fleet without changing it: here what a change would do (hub/preview compares), beside it why a field has its value (explain.ts) and how a revision
 * would roll out (plan-rollouts.ts). Each answers from the store and from commits, and keeps nothing.
 */
import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { ManifestSet } from '../../../shared/manifest/target.ts';
import { emptyFleet, type Fleet } from '../../model/fleet.ts';
import { describeProblem } from '../../model/problem.ts';
import { rootRepository, type SourceKey, sourceKeyOf } from '../../model/revision.ts';
import type { TreeReader } from '../../model/tree.ts';
import { type CompareLimits, compareFleets, type FleetSide } from '../../preview/compare-fleets.ts';
import { schemaOf } from '../../preview/merge-keys.ts';
import type { DiffReport } from '../../preview/report.ts';
import type { Renderer } from '../../render/renderer.ts';
import type { GitSource } from '../../source/git-source.ts';
import type { Store } from '../../store/store.ts';
import { fleetOf } from '../fleet-rows.ts';
import { findCommit } from '../source/find-commit.ts';
import type { FollowedSource } from '../source/source-loop.ts';
import {
  checkFilter,
  loadRunningSide,
  onlyApplication,
  type PreviewSide,
  renderSide,
  selectApplications,
  takeTurn,
} from './preview-side.ts';

/** The revision that is no revision: what is assigned now. */
export const running = 'running';

export interface DiffRequest {
  /** `running`, or a revision of the root repository as findCommit takes it. */
  readonly from: string;
  readonly to: string;
  readonly application: string | undefined;
  readonly cluster: string | undefined;
  /** Of the applications that it says yes to alone. Undefined: of all. */
  readonly selects?: ((application: string) => boolean) | undefined;
  /** Files of the fleet folder that `to` is to have besides, by path. Undefined: none. */
  readonly edited?: ReadonlyMap<string, string> | undefined;
}

export interface ManifestsRequest {
  /** As in DiffRequest. */
  readonly revision: string;
  readonly application: string;
  readonly cluster: string;
}

/** What a cluster would have of an application. */
export interface RenderedManifests {
  /** Empty for what is assigned now. */
  readonly commit: string;
  readonly set: ManifestSet;
  readonly contents: ReadonlyMap<Digest, string>;
}

export interface Preview {
  /** @throws as diff; invalid_manifest for what cannot be rendered. */
  manifests(request: ManifestsRequest, signal: AbortSignal): Promise<RenderedManifests>;
  /** @throws not_found for a revision that is nowhere, resource_exhausted while too many others compare, cancelled. */
  diff(request: DiffRequest, signal: AbortSignal): Promise<DiffReport>;
  /** Renders a revision beside what runs, and hands both to what else is to be told of them. @throws as diff. */
  look<T>(revision: string, use: (looked: Looked) => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** What runs, a revision, and how to compare parts of them. */
export interface Looked {
  readonly from: PreviewSide;
  readonly to: PreviewSide;
  /** Of the root repository. */
  readonly commit: string;
  compare(from: FleetSide, to: FleetSide, limits?: Partial<CompareLimits>): Promise<DiffReport>;
}

export interface PreviewOptions {
  readonly store: Store;
  readonly source: GitSource;
  readonly renderer: Renderer;
  readonly root: FollowedSource;
  readonly folder: string;
  /** Comparisons at a time: each holds two rendered fleets. Default 2. */
  readonly atOnceMax?: number;
}

/** Objects asked of the store in one call. */
const objectsAtOnce = 1_000;

/** Renders revisions beside the resolve loop, with the same renderer, and keeps nothing of it. */
export function createPreview(options: PreviewOptions): Preview {
  const { store, source, renderer, root, folder, atOnceMax = 2 } = options;
  let working = 0;

  const open = async (
    name: string,
    previous: PreviewSide | undefined,
    request: Pick<DiffRequest, 'cluster' | 'edited'>,
    signal: AbortSignal,
  ) => {
    const stored = fleetOf(await store.fleet.load());
    if (name === running) return loadRunningSide(store, stored, request.cluster, signal);
    const commit = await findCommit({ source, url: root.url, revision: name, signal });
    return renderSide({
      name: { name: name === '' ? 'HEAD' : name, commit },
      tree: await source.tree(root.url, commit),
      edited: previous && request.edited,
      folder,
      previous,
      emptyFleet,
      renderer,
      rootUrl: root.url,
      treeOf: (key, fleet) => openTree(key, fleet, stored, signal),
      cluster: request.cluster,
      signal,
    });
  };

  /**
   * Other repositories count as they are now, on both sides. Only those that the hub follows already: a commit that nobody has taken over must not make it
   * read others with its credentials.
   */
  const openTree = async (
    key: SourceKey,
    fleet: Fleet,
    stored: Fleet,
    signal: AbortSignal,
  ): Promise<TreeReader> => {
    const at = key.indexOf('@');
    const [repository, ref] = [key.slice(0, at), key.slice(at + 1)];
    const url = repository === rootRepository ? root.url : fleet.repositories.get(repository)?.url;
    const followed = [root.url, ...[...stored.repositories.values()].map((one) => one.url)];
    if (url === undefined || !followed.includes(url))
      throw new FairwayError(
        'not_found',
        `Repository ${repository} is not followed yet: it can be shown once the change is merged`,
      );
    const status = await store.sources.get(sourceKeyOf(repository, ref));
    const head = status?.url === url ? status.head : undefined;
    return source.tree(url, head ?? (await source.fetch({ url, ref, signal })).head);
  };

  const compare = async (request: DiffRequest, signal: AbortSignal): Promise<DiffReport> => {
    const from = await open(request.from, undefined, request, signal);
    const to = await open(request.to, from, request, signal);
    checkFilter([from, to], request);
    const { application, selects } = request;
    const sideOf = (whole: PreviewSide) => {
      const side = onlyApplication(whole.side, application);
      return selects ? selectApplications(side, selects) : side;
    };
    return createComparison(from, to, signal)(sideOf(from), sideOf(to));
  };

  const createComparison =
    (from: PreviewSide, to: PreviewSide, signal: AbortSignal): Looked['compare'] =>
    (before, after, limits = {}) =>
      compareFleets({
        ...{ from: before, to: after, schemaOf, limits },
        contents: (digests, setBefore, setAfter) =>
          loadContents(digests, [
            [from, setBefore],
            [to, setAfter],
          ]),
        turn: () => takeTurn(signal),
      });

  const look: Preview['look'] = async (revision, use, signal) => {
    if (revision === running)
      throw new FairwayError('invalid_argument', '`running` is what there is: give a branch, tag or commit.');
    const whole = { cluster: undefined };
    const from = await open(running, undefined, whole, signal);
    const to = await open(revision, from, whole, signal);
    const commit = to.side.side.commit ?? '';
    return use({ from, to, commit, compare: createComparison(from, to, signal) });
  };

  const loadContents = async (
    digests: readonly Digest[],
    places: readonly (readonly [PreviewSide, ManifestSet])[],
  ): Promise<ReadonlyMap<Digest, string>> => {
    const found = contentsOf(digests, places);
    const missing = digests.filter((digest) => !found.has(digest));
    for (let at = 0; at < missing.length; at += objectsAtOnce)
      for (const [digest, { content }] of await store.content.objects(missing.slice(at, at + objectsAtOnce)))
        found.set(digest, content);
    return found;
  };

  const render = async (request: ManifestsRequest, signal: AbortSignal): Promise<RenderedManifests> => {
    const side = await open(request.revision, undefined, request, signal);
    checkFilter([side], request);
    const { application, cluster } = request;
    const state = side.side.placements.get(application)?.get(cluster);
    if (state === undefined)
      throw new FairwayError(
        'not_found',
        `Application "${application}" is not placed on "${cluster}" there.`,
      );
    if ('problems' in state)
      throw new FairwayError('invalid_manifest', state.problems.map(describeProblem).join('\n'));
    const digests = state.set.entries.map(({ objectDigest }) => objectDigest);
    const contents = await loadContents(digests, [[side, state.set]]);
    return { commit: side.side.side.commit ?? '', set: state.set, contents };
  };

  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (working >= atOnceMax)
      throw new FairwayError('resource_exhausted', 'The hub compares other revisions already; try again.', {
        retryAfterMs: 2_000,
      });
    working += 1;
    try {
      return await work();
    } catch (caught) {
      throw toFairwayError(caught);
    } finally {
      working -= 1;
    }
  };

  return {
    diff: (request, signal) => inTurn(() => compare(request, signal)),
    manifests: (request, signal) => inTurn(() => render(request, signal)),
    look: (revision, use, signal) => inTurn(() => look(revision, use, signal)),
  };
}

/** Contents that a rendered side holds. */
export function contentsOf(
  digests: readonly Digest[],
  places: readonly (readonly [Pick<PreviewSide, 'sets'>, ManifestSet])[],
): Map<Digest, string> {
  const found = new Map<Digest, string>();
  for (const digest of digests)
    for (const [{ sets }, set] of places) {
      const content = sets.get(set.digest)?.objects.get(digest)?.content;
      if (content !== undefined) found.set(digest, content);
    }
  return found;
}
