import { canonicalJson } from '../../shared/manifest/canonical.ts';
import { type FactValues, liveFactName, type UnownedField } from '../../shared/manifest/cluster-facts.ts';
import { isJsonObject, type Json, type JsonObject, type KubeObject } from '../../shared/manifest/object.ts';
import type { ParityDifference, ParitySide } from '../model/parity.ts';
import type { ExpectationBook } from './expectations.ts';
import { splitPath, withValueAt } from './field-path.ts';
import type { ClusterFacts, KnownGap } from './finding.ts';
import type { Normaliser } from './normalise.ts';
import type { ObjectPair, SideObject } from './object-pair.ts';
import { tellDifference } from './tell-difference.ts';

export interface UnownedRequest {
  readonly primary: string;
  readonly standby: string;
  /** What the group lists; empty: nothing is compared. */
  readonly fields: readonly UnownedField[];
  readonly facts: Readonly<Record<ParitySide, ClusterFacts | undefined>>;
  /** Those of the group, by application. */
  readonly pairs: Iterable<ObjectPair>;
  readonly normalisers: Readonly<Record<ParitySide, Normaliser>>;
  readonly book: ExpectationBook;
}

/** Differences told of one standby. */
const differencesMax = 1_000;
/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/: a manager's name has 128 at most. */
const managerCharactersMax = 128;

/**
 * Fields that nobody applies from Git, and that the group wants compared all the same: what is live here against what is live there, by what the agents say of them. An object that is on one side
 * alone is told as missing or extra. Pure.
 */
export function compareUnowned(request: UnownedRequest): readonly ParityDifference[] {
  const { fields, facts, pairs } = request;
  if (fields.length === 0) return [];
  const values = { primary: valuesOf(facts.primary), standby: valuesOf(facts.standby) };
  const unknown = sides.find((side) => values[side] === undefined);
  if (unknown) return [notKnown(unknown, request)];
  const kinds = new Set(fields.map(({ kind }) => kind));
  const found: ParityDifference[] = sides.flatMap((side) =>
    gapsOf(side, request)
      .filter(({ kind }) => kind === '' || kinds.has(kind))
      .map((gap) => notAll(side, gap, request)),
  );
  for (const pair of pairs) {
    if (!kinds.has(pair.origin.kind)) continue;
    const name = liveFactName(pair.application, pair.originId);
    const [mine, other] = [entryOf(values.primary, name), entryOf(values.standby, name)];
    // One that is not there is told as missing, or is on its way.
    if (mine && other) found.push(...comparePair(pair, mine, other, request));
  }
  return bounded(found, request);
}

/** What is declared is left out first, so that it hides nothing, but for something of each expectation; of the rest the first ones, and that there are more. */
function bounded(found: readonly ParityDifference[], request: UnownedRequest): readonly ParityDifference[] {
  if (found.length <= differencesMax) return found;
  const seen = new Set<string>();
  const open = found.filter((one) => {
    const isNews = one.class !== 'declared' || !seen.has(one.expectation);
    if (one.class === 'declared') seen.add(one.expectation);
    return isNews;
  });
  if (open.length <= differencesMax) return open;
  const more = tellOfAll('standby', request, '/unowned/more', {
    message: `and ${open.length - differencesMax + 1} more fields that nobody applies from Git differ`,
    action: 'mend or declare the ones that are told',
  });
  return [...open.slice(0, differencesMax - 1), more];
}

const sides = ['standby', 'primary'] as const;

function gapsOf(side: ParitySide, { facts }: UnownedRequest): readonly KnownGap[] {
  return facts[side]?.gaps.get('unowned') ?? [];
}

function valuesOf(facts: ClusterFacts | undefined): FactValues | undefined {
  return facts?.values.get('unowned');
}

function entryOf(values: FactValues | undefined, name: string): JsonObject | undefined {
  const entry = values && Object.hasOwn(values, name) ? values[name] : undefined;
  return isJsonObject(entry) ? entry : undefined;
}

function heldAt(entry: JsonObject, path: string, member: 'value' | 'manager'): Json | undefined {
  const held = Object.hasOwn(entry, path) ? entry[path] : undefined;
  return isJsonObject(held) ? held[member] : undefined;
}

/** Who has set a field; empty: nobody says. An agent may say anything. */
function managerAt(entry: JsonObject, path: string): string {
  const manager = heldAt(entry, path, 'manager');
  return typeof manager === 'string' ? manager.slice(0, managerCharactersMax) : '';
}

/** What is known of an object, for rules over both. */
function objectOf(side: SideObject | undefined, { origin }: ObjectPair, entry: JsonObject): KubeObject {
  const { kind, name, namespace } = side?.key ?? origin;
  let object: Json | undefined = {
    ...{ apiVersion: side?.apiVersion ?? '', kind },
    metadata: { name, ...(namespace !== '' && { namespace }) },
  };
  for (const path of Object.keys(entry))
    object = withValueAt(object, splitPath(path), heldAt(entry, path, 'value'));
  return object as unknown as KubeObject;
}

function comparePair(
  pair: ObjectPair,
  mine: JsonObject,
  other: JsonObject,
  { primary, standby, fields, normalisers, book }: UnownedRequest,
): readonly ParityDifference[] {
  return fields
    .filter(({ kind }) => kind === pair.origin.kind)
    .flatMap(({ path }) => {
      const values = { primary: heldAt(mine, path, 'value'), standby: heldAt(other, path, 'value') };
      const common = (side: ParitySide) => canonicalJson(normalisers[side](values[side] ?? null));
      const same = canonicalJson(values.primary ?? null) === canonicalJson(values.standby ?? null);
      if (same || common('primary') === common('standby')) return [];
      const { application, origin } = pair;
      const subject = {
        ...{ application, origin },
        primary: objectOf(pair.primary, pair, mine),
        standby: objectOf(pair.standby, pair, other),
      };
      const [hereBy, thereBy] = [managerAt(mine, path), managerAt(other, path)];
      const set = [thereBy && `in ${standby} by ${thereBy}`, hereBy && `in ${primary} by ${hereBy}`];
      const by = set.filter((one) => one !== '').join(', ');
      return [
        tellDifference(pair, standby, {
          ...{ aspect: 'field', path, values, class: 'drift' },
          answer: book.field(subject, { path, ...values }),
          message: `${path}, which nobody applies from Git, differs between ${primary} and ${standby}${by === '' ? '' : `: set ${by}`}`,
          owner: thereBy || hereBy,
          action: 'make both the same, or declare it in spec.expectations',
        }),
      ];
    });
}

/** Nothing is said of the whole of them: neither where nothing is known, nor where not all is. */
function tellOfAll(
  side: ParitySide,
  { standby }: UnownedRequest,
  originId: string,
  words: { readonly message: string; readonly action: string },
): ParityDifference {
  const key = { group: '', kind: '', namespace: '', name: '' };
  const nothing = {
    application: '',
    originId,
    origin: key,
    primary: undefined,
    standby: undefined,
  };
  return tellDifference(nothing, standby, { ...{ aspect: 'live', class: 'lagging', side }, ...words });
}

const clusterOf = (side: ParitySide, { primary, standby }: UnownedRequest) =>
  side === 'standby' ? standby : primary;

function notKnown(side: ParitySide, request: UnownedRequest): ParityDifference {
  const cluster = clusterOf(side, request);
  const [gap] = gapsOf(side, request);
  const why = gap ? `: ${gap.message}` : '';
  if (request.facts[side]?.untold?.includes('unowned'))
    return tellOfAll(side, request, '/unowned', {
      message: `the agent of ${cluster} is older than this hub, and says nothing of fields that nobody applies from Git`,
      action: `renew the agent of ${cluster}`,
    });
  return tellOfAll(side, request, '/unowned', {
    message: `the agent of ${cluster} has not said yet what fields are that nobody applies from Git${why}`,
    action: `wait; look at the agent of ${cluster} if this stays`,
  });
}

const actions: Readonly<Record<KnownGap['reason'], (cluster: string) => string>> = {
  denied: (cluster) =>
    `give the agent of ${cluster} that right, or take the kind out of spec.compare.unowned`,
  bound: () => 'list fewer kinds in spec.compare.unowned, or compare fewer applications',
  failed: (cluster) => `wait; look at the agent of ${cluster} if this stays`,
};

/** What nobody has said is a difference. */
function notAll(side: ParitySide, gap: KnownGap, request: UnownedRequest): ParityDifference {
  const cluster = clusterOf(side, request);
  const what = gap.kind === '' ? '' : ` of ${gap.kind}`;
  return tellOfAll(side, request, `/unowned/${side}/${gap.kind}`, {
    message: `the agent of ${cluster} does not tell all fields${what} that nobody applies from Git: ${gap.message}`,
    action: actions[gap.reason](cluster),
  });
}
