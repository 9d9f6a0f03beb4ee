/**
 * Preview: what a change would do to the whole fleet before it does it. Two sides (what is assigned, or any revision rendered) are compared object by
 * object and field by field, and what is the same in many clusters is told once. Pure but for the contents, which come through a port. Values of
 * Secrets take part in the comparison and never leave it.
 */
import { canonicalJson, type Digest, digestJson } from '../../shared/manifest/canonical.ts';
import { isSecret, type Json, type KubeObject, keyText } from '../../shared/manifest/object.ts';
import { createManifestSet, type ManifestSet, type Target } from '../../shared/manifest/target.ts';
import type { Problem } from '../model/problem.ts';
import { compareEntries, matchEntries, type ObjectChange, wantedContents } from './compare-sets.ts';
import { defaultFieldLimits, describeFields, type FieldLimits } from './describe-fields.ts';
import { diffFields } from './diff-fields.ts';
import { createGrouping, type PreparedChange } from './group-changes.ts';
import type { SchemaOf } from './list-keys.ts';
import type { DiffReport, DiffSide } from './report.ts';

/** What of an Application goes to a cluster beside its objects. */
export type PlacementSettings = Pick<Target, 'sync' | 'health' | 'dependsOn' | 'deletionPolicy'>;

/** An application in a cluster, on one side. */
export type PlacementState =
  | { readonly set: ManifestSet; readonly settings: PlacementSettings }
  | { readonly problems: readonly Problem[] };

export interface FleetSide {
  readonly side: DiffSide;
  /** Application, then cluster. */
  readonly placements: ReadonlyMap<string, ReadonlyMap<string, PlacementState>>;
  /** Beside those of placements that could not be rendered: the fleet folder's (no application), and warnings. */
  readonly problems: readonly SideProblem[];
}

export interface SideProblem {
  readonly application: string;
  /** Empty: of no cluster in particular. */
  readonly cluster: string;
  readonly problem: Problem;
}

export interface CompareLimits extends FieldLimits {
  /** Different changes told. Default 500. */
  readonly variantsMax: number;
  /** Default 100. */
  readonly problemsMax: number;
  /** Names of clusters told of one change; the rest is counted. Default 50. */
  readonly clusterNamesMax: number;
  /** All values together. Default 2,000,000. */
  readonly charactersMax: number;
}

const defaultCompareLimits: CompareLimits = {
  ...defaultFieldLimits,
  variantsMax: 500,
  problemsMax: 100,
  clusterNamesMax: 50,
  charactersMax: 2_000_000,
};

export interface CompareFleetsRequest {
  readonly from: FleetSide;
  readonly to: FleetSide;
  readonly schemaOf: SchemaOf;
  /** Canonical JSON by digest, of objects in one of the two sets. */
  readonly contents: (
    digests: readonly Digest[],
    before: ManifestSet,
    after: ManifestSet,
  ) => Promise<ReadonlyMap<Digest, string>>;
  /** Awaited between pieces of work, so that others get their turn. @throws to stop. */
  readonly turn: () => Promise<void>;
  readonly limits?: Partial<CompareLimits>;
}

const emptySet = createManifestSet([]);

/** Compares. @throws what `contents` and `turn` throw. */
export async function compareFleets(request: CompareFleetsRequest): Promise<DiffReport> {
  const { from, to, turn } = request;
  const limits: CompareLimits = { ...defaultCompareLimits, ...request.limits };
  const grouping = createGrouping(limits);
  const compareOnce = createSetComparison(request, limits);
  for (const [side, { problems }] of [['from', from] as const, ['to', to] as const])
    for (const { application, cluster, problem } of problems)
      grouping.addProblem(side, application, cluster, problem);
  for (const application of sortedUnion(from.placements.keys(), to.placements.keys())) {
    const [befores, afters] = [from.placements.get(application), to.placements.get(application)];
    for (const cluster of sortedUnion(befores?.keys() ?? [], afters?.keys() ?? [])) {
      const [before, after] = [befores?.get(cluster), afters?.get(cluster)];
      for (const [side, state] of [['from', before] as const, ['to', after] as const])
        if (state && 'problems' in state)
          for (const problem of state.problems) grouping.addProblem(side, application, cluster, problem);
      if ((before && 'problems' in before) || (after && 'problems' in after)) continue;
      const changes = await compareOnce(before?.set ?? emptySet, after?.set ?? emptySet);
      const settings = before && after ? compareSettings(before.settings, after.settings, limits) : undefined;
      const placement = before ? (after ? 'kept' : 'withdrawn') : 'placed';
      grouping.add({ application, cluster, placement, changes, settings });
      await turn();
    }
  }
  return grouping.report(from.side, to.side);
}

function sortedUnion(a: Iterable<string>, b: Iterable<string>): readonly string[] {
  return [...new Set([...a, ...b])].sort();
}

/** Objects compared before others have their turn. */
const pairsAtOnce = 200;
/** Comparisons of two sets that are remembered. A fleet in which every cluster has sets of its own gains nothing by more. */
const comparisonsKept = 2_000;

/** Clusters with the same two sets are compared once. */
function createSetComparison({ contents, schemaOf, turn }: CompareFleetsRequest, limits: CompareLimits) {
  const known = new Map<string, readonly PreparedChange[]>();
  let charactersLeft = limits.charactersMax;

  const prepare = (change: ObjectChange): PreparedChange => {
    const { action, key, keyBefore, originId } = change;
    const described = describeFields(change.fields, isSecret(key), limits);
    const size = canonicalJson(described.fields).length;
    const fits = size <= charactersLeft;
    if (fits) charactersLeft -= size;
    const { fields, fieldsOmitted } = fits ? described : { fields: [], fieldsOmitted: change.fields.length };
    return {
      objectId: `${key.group}/${key.kind} ${originId}`,
      // Of the whole values, masked ones as well: clusters are told together only when they really are the same.
      variantId: digestJson([action, change.fields]),
      variant: { action, key, keyBefore: keyBefore ?? null, fields, fieldsOmitted },
    };
  };

  return async (before: ManifestSet, after: ManifestSet): Promise<readonly PreparedChange[]> => {
    const id = `${before.digest} ${after.digest}`;
    const found = known.get(id);
    if (found) return found;
    const pairs = matchEntries(before, after);
    const prepared: PreparedChange[] = [];
    for (let at = 0; at < pairs.length; at += pairsAtOnce) {
      const some = pairs.slice(at, at + pairsAtOnce);
      const wanted = wantedContents(some);
      const texts = wanted.length === 0 ? new Map<Digest, string>() : await contents(wanted, before, after);
      await turn();
      const contentOf = (digest: Digest): KubeObject | undefined => {
        const text = texts.get(digest);
        return text === undefined ? undefined : (JSON.parse(text) as KubeObject);
      };
      prepared.push(...compareEntries(some, contentOf, schemaOf).map(prepare));
    }
    const changes = tellTwinsApart(prepared);
    for (const oldest of known.keys()) {
      if (known.size < comparisonsKept) break;
      known.delete(oldest);
    }
    known.set(id, changes);
    return changes;
  };
}

/** One base built twice in a cluster, under two prefixes, gives two objects of one origin: each is told by itself. */
function tellTwinsApart(changes: readonly PreparedChange[]): readonly PreparedChange[] {
  const groups = Map.groupBy(changes, ({ objectId }) => objectId);
  return changes.map((change) =>
    groups.get(change.objectId)?.length === 1
      ? change
      : { ...change, objectId: `${change.objectId} ${keyText(change.variant.key)}` },
  );
}

function compareSettings(before: PlacementSettings, after: PlacementSettings, limits: CompareLimits) {
  const pick = ({ sync, health, dependsOn, deletionPolicy }: PlacementSettings) =>
    ({ sync, health, dependsOn, deletionPolicy }) as unknown as Json;
  const diffs = diffFields(pick(before), pick(after));
  if (diffs.length === 0) return undefined;
  return { variantId: digestJson(diffs), ...describeFields(diffs, false, limits) };
}
