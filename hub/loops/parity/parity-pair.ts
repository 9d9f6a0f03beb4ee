/** One standby against its primary, kept in memory: what was compared stays until what it was compared from changes. */
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import type { IgnoreRule, Target } from '../../../shared/manifest/target.ts';
import type { ObjectObservation } from '../../model/observation.ts';
import type { ParityDifference, ParitySide } from '../../model/parity.ts';
import {
  compareObject,
  type PairContext,
  type PairResult,
  wantedDigests,
} from '../../parity/compare-object.ts';
import { createNormaliser } from '../../parity/normalise.ts';
import type { ObjectPair, SideObject } from '../../parity/object-pair.ts';
import { type ApplicationSide, joinSides, renamedObjects, sideObjects } from '../../parity/pair-objects.ts';
import type { Placed } from './parity-inputs.ts';

/** Objects compared before others get their turn. */
const comparedAtOnce = 100;

export interface ApplicationPairPorts {
  readonly contents: (digests: ReadonlySet<Digest>) => Promise<ReadonlyMap<Digest, KubeObject>>;
  readonly turn: () => Promise<void>;
}

export interface SideInput {
  readonly placed: Placed | undefined;
  readonly targets: ReadonlyMap<Digest, Target>;
  readonly observed: Map<string, ObjectObservation>;
}

/** What of an application is compared by these digests; the same again need not be paired anew. */
export function versionOf(primary: Placed | undefined, standby: Placed | undefined): string {
  return [primary, standby]
    .flatMap((one) => [
      one?.wantedDigest,
      one?.assignment?.targetDigest,
      one?.assignment?.assignedAtMs,
      one?.assignment?.removed,
      one?.stuck,
    ])
    .join(' ');
}

interface Asked {
  readonly size: number;
  values(): Iterable<ObjectPair>;
}

export interface ApplicationPair {
  readonly version: string;
  readonly objects: number;
  /** Of objects that Git wants in the primary: alone, and with each kind (`apps/v1 Deployment`). */
  readonly apiVersions: ReadonlySet<string>;
  /** Where it has objects, on each side. */
  readonly namespaces: Readonly<Record<ParitySide, ReadonlySet<string>>>;
  /** Of objects that differ. */
  results(): Iterable<PairResult>;
  /** Objects that only their live contents tell of; looked at for each object that changes, so it is kept and not searched for. */
  asking(): Asked;
  /** Those of them that were compared without. */
  unseen(): Asked;
  /** An object was reported anew, or is gone (undefined). False: it has no place yet, and all has to be paired anew. */
  observe(
    side: 'primary' | 'standby',
    key: string,
    row: ObjectObservation | undefined,
  ): ObjectPair | undefined;
  compare(pairs: readonly ObjectPair[]): Promise<void>;
  all(): readonly ObjectPair[];
}

export type ContextOf = (parts: Pick<PairContext, 'contentOf' | 'normalisers' | 'ignore'>) => PairContext;

export interface ApplicationPairRequest {
  readonly application: string;
  readonly primary: SideInput;
  readonly standby: SideInput;
  readonly variables: Readonly<Record<'primary' | 'standby', ReadonlyMap<string, string>>>;
  readonly contextOf: ContextOf;
  readonly ports: ApplicationPairPorts;
}

/** What the application leaves to others, here or there: no side has to say the same of it. */
function ignoredBy(sides: readonly SideInput[]): readonly IgnoreRule[] {
  return sides.flatMap(({ placed, targets }) =>
    [...new Set([placed?.wantedDigest, placed?.assignment?.targetDigest])].flatMap(
      (digest) => (digest === undefined ? undefined : targets.get(digest)?.sync.ignore) ?? [],
    ),
  );
}

function namespacesOf({ placed, targets }: SideInput): ReadonlySet<string> {
  const found = new Set<string>();
  for (const digest of [placed?.wantedDigest, placed?.assignment?.targetDigest]) {
    const target = digest === undefined ? undefined : targets.get(digest);
    if (!target) continue;
    for (const { key } of target.set.entries) found.add(key.namespace || target.sync.namespace);
  }
  return found;
}

function sideOf({ placed, targets, observed }: SideInput): ApplicationSide {
  const { assignment, wantedDigest } = placed ?? {};
  return {
    wanted: wantedDigest === undefined ? undefined : targets.get(wantedDigest)?.set,
    assigned: assignment && targets.get(assignment.targetDigest)?.set,
    assignedAtMs: assignment?.assignedAtMs,
    stuck: placed?.stuck,
    observed,
  };
}

/** Others get their turn between two steps over everything. */
async function pairInTurns(
  { application, ports }: ApplicationPairRequest,
  primary: ApplicationSide,
  standby: ApplicationSide,
): Promise<Map<string, ObjectPair>> {
  const left = sideObjects(primary);
  if (left.size > comparedAtOnce) await ports.turn();
  const right = sideObjects(standby);
  if (right.size > comparedAtOnce) await ports.turn();
  return joinSides(application, { primary, standby }, left, right);
}

/** The same of the same content, whoever compares it. */
type Contents = Awaited<ReturnType<ApplicationPairPorts['contents']>>;

export async function createApplicationPair(request: ApplicationPairRequest): Promise<ApplicationPair> {
  const { primary, standby, variables, contextOf, ports } = request;
  const pairs = await pairInTurns(request, sideOf(primary), sideOf(standby));
  const ignore = ignoredBy([primary, standby]);
  const names = renamedObjects(pairs.values());
  const normalisers = {
    primary: createNormaliser({ variables: variables.primary, names: names.primary }),
    standby: createNormaliser({ variables: variables.standby, names: names.standby }),
  };
  // Only objects that change are looked up.
  const byKey: Partial<Record<ParitySide, ReadonlyMap<string, string>>> = {};
  const results = new Map<string, PairResult>();
  const asking = new Map<string, ObjectPair>();
  const unseen = new Map<string, ObjectPair>();

  const load = (chunk: readonly ObjectPair[]) => ports.contents(new Set(chunk.flatMap(wantedDigests)));
  const compareChunk = (chunk: readonly ObjectPair[], contents: Contents): void => {
    const context = contextOf({ contentOf: (digest) => contents.get(digest), normalisers, ignore });
    for (const pair of chunk) {
      const result = compareObject(pair, context);
      if (result.differences.length === 0 && !result.ask) results.delete(pair.originId);
      else results.set(pair.originId, result);
      note(asking, pair, result.ask);
      note(unseen, pair, result.ask && !(context.liveOf('primary', pair) && context.liveOf('standby', pair)));
    }
  };

  return {
    version: versionOf(primary.placed, standby.placed),
    apiVersions: new Set(
      [...pairs.values()].flatMap(({ primary: one }) =>
        one?.wanted ? [one.apiVersion, `${one.apiVersion} ${one.key.kind}`] : [],
      ),
    ),
    namespaces: { primary: namespacesOf(primary), standby: namespacesOf(standby) },
    get objects() {
      return pairs.size;
    },
    results: () => results.values(),
    asking: () => asking,
    unseen: () => unseen,
    observe(side, key, row) {
      byKey[side] ??= indexOf(pairs, side);
      const originId = byKey[side]?.get(key);
      const pair = originId === undefined ? undefined : pairs.get(originId);
      const before = pair?.[side];
      // What Git does not want any more is paired by what is there: it comes and goes with it.
      if (!pair || !before || before.wanted === undefined) return undefined;
      const { observed: _before, ...rest } = before;
      const after: SideObject = { ...rest, observed: row };
      const next: ObjectPair = { ...pair, [side]: after };
      pairs.set(pair.originId, next);
      // What its live contents are is not known any more.
      for (const noted of [asking, unseen]) note(noted, next, asking.has(pair.originId));
      return next;
    },
    async compare(chosen) {
      const chunkAt = (at: number) => chosen.slice(at, at + comparedAtOnce);
      let loading = load(chunkAt(0));
      for (let at = 0; at < chosen.length; at += comparedAtOnce) {
        if (at > 0) await ports.turn();
        const contents = await loading;
        // The store reads what comes next while this is compared.
        loading = at + comparedAtOnce < chosen.length ? load(chunkAt(at + comparedAtOnce)) : loading;
        // Should comparing fail, that is what is told; whether the store failed as well makes no difference to it.
        loading.catch(() => undefined);
        compareChunk(chunkAt(at), contents);
      }
    },
    all: () => [...pairs.values()],
  };
}

function note(noted: Map<string, ObjectPair>, pair: ObjectPair, isOne: boolean): void {
  if (isOne) noted.set(pair.originId, pair);
  else noted.delete(pair.originId);
}

function indexOf(
  pairs: ReadonlyMap<string, ObjectPair>,
  side: 'primary' | 'standby',
): ReadonlyMap<string, string> {
  const index = new Map<string, string>();
  for (const [originId, pair] of pairs) {
    const key = pair[side]?.key;
    if (key) index.set(`${key.group}/${key.kind}/${key.namespace}/${key.name}`, originId);
  }
  return index;
}

/** Every difference of applications, in a stable order. */
export function differencesOf(applications: Iterable<ApplicationPair>): readonly ParityDifference[] {
  return [...applications].flatMap((one) => [...one.results()].flatMap(({ differences }) => differences));
}
