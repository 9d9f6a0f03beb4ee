/**
 * A parity group from files to words, by the pure stages alone: the fleet is read, both clusters are rendered, what agents would say of it is made by a recipe, and
 * parity compares and judges. Who wrote a line is made up from its file; all else is what the hub does.
 */
import { readFleet } from '../../../hub/fleet/read-fleet.ts';
import { variablesOf } from '../../../hub/loops/parity/parity-inputs.ts';
import { createFieldSources } from '../../../hub/loops/parity/parity-sources.ts';
import { explainTree } from '../../../hub/loops/preview/explain-tree.ts';
import type { Blame, BlameFile } from '../../../hub/model/blame.ts';
import { type Application, type Cluster, emptyFleet, type Fleet } from '../../../hub/model/fleet.ts';
import type { ObjectObservation } from '../../../hub/model/observation.ts';
import type {
  ParityDifference,
  ParityGroup,
  ParityReport,
  ParitySide,
  ParityState,
} from '../../../hub/model/parity.ts';
import type { RenderedObject, RenderedSet } from '../../../hub/model/rendered.ts';
import type { TreeReader } from '../../../hub/model/tree.ts';
import { assessReadiness } from '../../../hub/parity/assess-readiness.ts';
import { compareFacts } from '../../../hub/parity/compare-facts.ts';
import { compareObject, type PairContext } from '../../../hub/parity/compare-object.ts';
import { describeOwners } from '../../../hub/parity/describe-owners.ts';
import { createExpectationBook } from '../../../hub/parity/expectations.ts';
import type { ClusterFacts } from '../../../hub/parity/finding.ts';
import { nextState } from '../../../hub/parity/next-state.ts';
import { createNormaliser } from '../../../hub/parity/normalise.ts';
import { type ApplicationSide, pairObjects, renamedObjects } from '../../../hub/parity/pair-objects.ts';
import { schemaOf } from '../../../hub/preview/merge-keys.ts';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import { createRenderer } from '../../../hub/render/renderer.ts';
import type { FactSection, FactValues } from '../../../shared/manifest/cluster-facts.ts';
import { type KubeObject, keyText } from '../../../shared/manifest/object.ts';

type Files = Readonly<Record<string, string>>;

export interface Scene {
  /** The fleet repository. */
  readonly files: Files;
  /** What it was before; the cluster of this side has it still. */
  readonly behind?: { readonly side: ParitySide; readonly files: Files };
  /** What agents say otherwise than that all is as it was applied. */
  readonly report?: (row: ObjectObservation, side: ParitySide) => ObjectObservation;
  /** What the clusters are besides. Default: not known. */
  readonly facts?: Readonly<Record<ParitySide, Readonly<Partial<Record<FactSection, FactValues>>>>>;
  /** All of it was assigned and seen so long ago. Default: assigned a minute ago, and seen now. */
  readonly afterMs?: number;
}

export interface Played {
  readonly group: ParityGroup;
  readonly differences: readonly ParityDifference[];
  readonly report: ParityReport;
}

export const sceneMs = Date.parse('2026-11-21T12:00:00Z');
const key = new Uint8Array(32);

interface Stage {
  readonly fleet: Fleet;
  readonly tree: TreeReader;
  readonly application: Application;
  readonly group: ParityGroup;
}

async function openStage(files: Files): Promise<Stage> {
  const tree = createMemoryTree(files);
  const fleet = await readFleet({ tree, previous: emptyFleet });
  if (fleet.problems.length > 0) throw new Error(JSON.stringify(fleet.problems));
  const [application] = fleet.applications.values();
  const [group] = fleet.parityGroups.values();
  if (!application || !group) throw new Error('the scene has no application, or no group');
  return { fleet, tree, application, group };
}

const renderer = createRenderer({ digestKey: key });

async function renderFor({ application, tree }: Stage, cluster: Cluster): Promise<RenderedSet> {
  const result = await renderer.render({ source: application.source, cluster, tree });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.rendered;
}

function rowsOf(cluster: string, application: string, { set }: RenderedSet): readonly ObjectObservation[] {
  return set.entries.map(({ key: object, objectDigest }) => ({
    ...{ cluster, application, key: object, objectDigest, liveDigest: objectDigest, drift: undefined },
    ...{ syncStatus: 'Synced', healthStatus: 'Current', reason: '', message: '', lastAction: 'created' },
    ...{ generation: 1, timeMs: sceneMs - 60_000 },
  }));
}

/** Ada wrote the base, Grace what is laid over it. */
function blame(files: readonly BlameFile[]): Blame {
  const authorOf = (path: string) => (path.includes('/base/') ? 'Ada' : 'Grace');
  return new Map(
    files.map(({ path, lines }) => {
      const name = authorOf(path);
      const person = { name, email: `${name.toLowerCase()}@example.com`, timeMs: 0 };
      const commit = { sha: '1'.repeat(40), author: person, committer: person, message: 'm', parents: [] };
      return [path, new Map(lines.map((line) => [line, { commit, path, line }]))];
    }),
  );
}

/** The layer, file, line and author of each side of what Git wants to differ. */
async function withSources(
  found: readonly ParityDifference[],
  stage: Stage,
  primary: string,
): Promise<readonly ParityDifference[]> {
  const { fleet, application, tree } = stage;
  const sources = createFieldSources(
    async ({ cluster: name, object, field }, signal) => {
      const cluster = fleet.clusters.get(name);
      if (!cluster) throw new Error(`no cluster ${name}`);
      return explainTree({
        ...{ tracer: renderer, source: application.source, cluster, tree, object, field, signal },
        subject: {
          ...{ application: application.name, cluster: name },
          revision: { name: '', commit: 'memory', repository: '' },
        },
        authors: {
          onDisk: false,
          blame: async (_, files) => blame(files),
          readFleetFile: async () => undefined,
        },
      });
    },
    (error) => {
      throw error;
    },
  );
  const { signal } = new AbortController();
  for (let more = true; more; ) ({ more } = await sources.learn(found, primary, 1, signal));
  return found.map((difference) => sources.describe(difference, primary));
}

function compareScene(
  { facts }: Scene,
  names: Readonly<Record<ParitySide, string>>,
  { freshness }: ParityGroup,
  { book, normalisers }: PairContext,
): readonly ParityDifference[] {
  const known = (side: ParitySide): ClusterFacts | undefined =>
    facts && {
      values: new Map(Object.entries(facts[side])) as ReadonlyMap<FactSection, FactValues>,
      ...{ gaps: new Map(), saltedFor: 'eu' },
    };
  const both = { primary: known('primary'), standby: known('standby') };
  return compareFacts({
    ...{
      ...names,
      facts: both,
      used: new Set(['v1', 'apps/v1']),
      book,
      normalisers,
      freshness,
      nowMs: sceneMs,
    },
  });
}

/** All that parity says of the scene. */
export async function playScene(scene: Scene): Promise<Played> {
  const stage = await openStage(scene.files);
  const before = scene.behind && (await openStage(scene.behind.files));
  const { fleet, group, application } = stage;
  const [standby = ''] = group.standbys.clusters;
  const names = { primary: group.primary, standby };
  const objects = new Map<string, RenderedObject>();
  const sideOf = async (side: ParitySide): Promise<ApplicationSide> => {
    const cluster = fleet.clusters.get(names[side]);
    if (!cluster) throw new Error(`no cluster ${names[side]}`);
    const wanted = await renderFor(stage, cluster);
    const applied = before && scene.behind?.side === side ? await renderFor(before, cluster) : wanted;
    for (const one of [wanted, applied])
      for (const [digest, object] of one.objects) objects.set(digest, object);
    const rows = rowsOf(cluster.name, application.name, applied);
    const reported = rows.map((row) => scene.report?.(row, side) ?? row);
    return {
      ...{ wanted: wanted.set, assigned: wanted.set, assignedAtMs: sceneMs - (scene.afterMs ?? 60_000) },
      observed: new Map(reported.map((row) => [keyText(row.key), row])),
    };
  };
  const pairs = pairObjects(application.name, await sideOf('primary'), await sideOf('standby'));
  const renamed = renamedObjects(pairs.values());
  const normaliserOf = (side: ParitySide) =>
    createNormaliser({
      variables: variablesOf(group, fleet.clusters.get(names[side])),
      names: renamed[side],
    });
  const counting = group.expectations.filter(({ expiresAtMs }) => (expiresAtMs ?? Infinity) > sceneMs);
  const context: PairContext = {
    ...{ ...names, schemaOf, book: createExpectationBook(counting), ignore: [], liveOf: () => undefined },
    contentOf(digest) {
      const content = objects.get(digest)?.content;
      return content === undefined ? undefined : (JSON.parse(content) as KubeObject);
    },
    normalisers: { primary: normaliserOf('primary'), standby: normaliserOf('standby') },
    ...{ salt: key, sealedOf: () => undefined },
  };
  const found = [...pairs.values()].flatMap((pair) => compareObject(pair, context).differences);
  const besides = compareScene(scene, names, group, context);
  const differences = await withSources([...found, ...besides], stage, group.primary);
  const presence = [group.primary, standby].map((cluster) => ({
    ...{ cluster, connected: true, lastSeenAtMs: sceneMs },
  }));
  const assess = (before: ParityState | undefined, nowMs: number, told = differences) =>
    assessReadiness({
      ...{ group, problems: [], before, nowMs },
      pairs: [{ standby, objects: pairs.size, differences: told, presence, catchUpMs: undefined }],
    });
  const { afterMs = 0 } = scene;
  const seenMs = sceneMs - afterMs;
  // It was whole before anything came to differ.
  const whole = nextState(undefined, assess(undefined, seenMs - 1, []), [], seenMs - 1).state;
  const seen = nextState(whole, assess(whole, seenMs), differences, seenMs).state;
  const report = assess(afterMs === 0 ? whole : seen, sceneMs);
  return { group, ...describeOwners(report, differences) };
}
