import { canonicalJson } from '../../shared/manifest/canonical.ts';
import type { Drift } from '../../shared/manifest/health.ts';
import { ignoredPaths, omitPaths } from '../../shared/manifest/ignore.ts';
import { type Json, type KubeObject, keyOf } from '../../shared/manifest/object.ts';
import type { IgnoreRule } from '../../shared/manifest/target.ts';
import type { DifferenceClass, ParityDifference, ParitySide } from '../model/parity.ts';
import type { ExpectationAnswer, ExpectationBook, ExpectationSubject } from './expectations.ts';
import { type FieldPath, isWithin } from './field-path.ts';
import { type Leaves, type ListSchemaOf, leavesOf } from './leaves.ts';
import { isSealed } from './mask.ts';
import type { Normaliser } from './normalise.ts';
import { type ContentOf, isBehind, type LiveState, type ObjectPair } from './object-pair.ts';
import { withoutEqual } from './without-equal.ts';

export interface FieldContext {
  readonly primary: string;
  readonly standby: string;
  readonly schemaOf: ListSchemaOf;
  readonly normalisers: Readonly<Record<ParitySide, Normaliser>>;
  readonly book: ExpectationBook;
  /** Fields that the application leaves to others in either cluster: they are not applied, and not compared. */
  readonly ignore: readonly IgnoreRule[];
}

export interface FoundField {
  readonly path: FieldPath;
  readonly class: DifferenceClass;
  readonly side: ParityDifference['side'];
  readonly values: Readonly<Record<ParitySide, Json | undefined>>;
  readonly answer: ExpectationAnswer;
  readonly message: string;
  readonly owner: string;
  readonly action: string;
  readonly severity: ParityDifference['severity'];
  readonly sinceMs: number | undefined;
}

type Known = Extract<LiveState, { readonly type: 'known' }>;

/** A side's leaves by paths that both sides have in common, with what is really there and what it is in common words. */
interface SideLeaf {
  readonly value: Json;
  readonly common: string;
}

/** Differences of one object told; one of more says so in the last that nobody declared. */
export const fieldsMax = 200;

function commonLeaves(leaves: Leaves, normalise: Normaliser): ReadonlyMap<FieldPath, SideLeaf> {
  const common = new Map<FieldPath, SideLeaf>();
  for (const [path, value] of leaves)
    common.set(String(path.includes('[') ? normalise(path) : path), {
      value,
      common: canonicalJson(normalise(value)),
    });
  return common;
}

function withoutIgnored(object: KubeObject, rules: readonly IgnoreRule[]): KubeObject {
  const paths = rules.length === 0 ? [] : ignoredPaths(rules, keyOf(object));
  return paths.length === 0 ? object : omitPaths(object, paths);
}

interface Differing {
  readonly path: FieldPath;
  readonly primary: Json | undefined;
  readonly standby: Json | undefined;
}

/** Equal as they are, or in words that both have in common. */
function differingLeaves(
  primary: KubeObject,
  standby: KubeObject,
  { schemaOf, normalisers, ignore }: FieldContext,
  only?: ReadonlySet<FieldPath>,
): readonly Differing[] {
  const [mine, other] = withoutEqual(withoutIgnored(primary, ignore), withoutIgnored(standby, ignore));
  const [left, right] = [
    commonLeaves(leavesOf(mine, schemaOf(primary.apiVersion, primary.kind)), normalisers.primary),
    commonLeaves(leavesOf(other, schemaOf(standby.apiVersion, standby.kind)), normalisers.standby),
  ];
  const found: Differing[] = [];
  for (const path of new Set([...left.keys(), ...right.keys()])) {
    if (only && !only.has(path)) continue;
    const [a, b] = [left.get(path), right.get(path)];
    if (a && b && (a.common === b.common || canonicalJson(a.value) === canonicalJson(b.value))) continue;
    if ((a && !b && isOnlyEmpty(path, a.value, right)) || (b && !a && isOnlyEmpty(path, b.value, left)))
      continue;
    found.push({ path, primary: a?.value, standby: b?.value });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `{}` where the other side has members: each of those is told. */
function isOnlyEmpty(path: FieldPath, value: Json, others: ReadonlyMap<FieldPath, SideLeaf>): boolean {
  if (typeof value !== 'object' || value === null || Object.keys(value).length > 0) return false;
  for (const other of others.keys()) if (other.startsWith(`${path}/`)) return true;
  return false;
}

/** Fields of an object that is there on both sides, with why they differ. */
export function compareFields(
  pair: ObjectPair,
  live: Readonly<Record<ParitySide, Known>>,
  contentOf: ContentOf,
  subject: ExpectationSubject,
  context: FieldContext,
): readonly FoundField[] {
  const differing = differingLeaves(live.primary.object, live.standby.object, context);
  if (differing.length === 0) return [];
  const wanted = wantedDifferences(pair, contentOf, context);
  return bounded(
    differing.map((field): FoundField => {
      const answer = context.book.field(subject, field);
      const values = { primary: field.primary, standby: field.standby };
      return { path: field.path, values, answer, ...explain(field, pair, live, wanted, context) };
    }),
  );
}

/** What is declared hides nothing, and the first that an expectation has a word on is told however many there are: else it would seem to cover nothing. */
function bounded(found: readonly FoundField[]): readonly FoundField[] {
  if (found.length <= fieldsMax) return found;
  const known = new Set<string>();
  const firsts = new Set<FoundField>();
  for (const one of found)
    for (const name of expectationsOf(one.answer))
      if (!known.has(name)) {
        known.add(name);
        firsts.add(one);
      }
  const open = found.filter(({ answer }) => !answer.covered);
  const told = open.filter((one, at) => at < fieldsMax || firsts.has(one));
  const declared = found
    .filter(({ answer }) => answer.covered)
    .filter((one, at) => at < fieldsMax - told.length || firsts.has(one));
  const more = open.length - told.length;
  const last = more === 0 ? undefined : told.at(-1);
  const chosen = new Set([...told, ...declared]);
  return found
    .filter((one) => chosen.has(one))
    .map((one) => (one === last ? { ...one, message: `${one.message} (and ${more} more fields)` } : one));
}

function expectationsOf(answer: ExpectationAnswer): Iterable<string> {
  return answer.covered ? [answer.expectation.name] : answer.broken.keys();
}

/** Paths at which Git wants different things; undefined: what it wants is not at hand. */
function wantedDifferences(
  { primary, standby }: ObjectPair,
  contentOf: ContentOf,
  context: FieldContext,
): ReadonlySet<FieldPath> | undefined {
  if (primary?.wanted === undefined || standby?.wanted === undefined) return undefined;
  if (primary.wanted === standby.wanted) return new Set();
  const [left, right] = [contentOf(primary.wanted), contentOf(standby.wanted)];
  if (!left || !right) return undefined;
  return new Set(differingLeaves(left, right, context).map(({ path }) => path));
}

type Explained = Omit<FoundField, 'path' | 'values' | 'answer'>;

function explain(
  { path, ...values }: Differing,
  pair: ObjectPair,
  live: Readonly<Record<ParitySide, Known>>,
  wanted: ReadonlySet<FieldPath> | undefined,
  { primary, standby }: FieldContext,
): Explained {
  for (const side of ['standby', 'primary'] as const) {
    const drift = live[side].drift;
    if (drift && touches(drift, path))
      return drifted(drift, path, side, side === 'standby' ? standby : primary);
  }
  const sealed = (['standby', 'primary'] as const).find((side) => isSealed(values[side]));
  if (sealed) return stillSealed(path, sealed, sealed === 'standby' ? standby : primary);
  const held = stuckSide(pair);
  if (held)
    return {
      class: 'lagging',
      side: held,
      message: describeStuck(pair, held, held === 'standby' ? standby : primary),
      owner: '',
      action: 'mend what cannot be rendered',
      severity: 'warning',
      sinceMs: undefined,
    };
  if (wanted?.has(path))
    return {
      class: 'overlay',
      side: 'both',
      message: `Git wants ${path} to differ between ${primary} and ${standby}`,
      owner: '',
      action: 'make both say the same, or declare it in spec.expectations',
      severity: 'warning',
      sinceMs: undefined,
    };
  const behind = isBehind(pair.standby) ? 'standby' : isBehind(pair.primary) ? 'primary' : undefined;
  if (behind) {
    const cluster = behind === 'standby' ? standby : primary;
    return {
      class: 'lagging',
      side: behind,
      message: `${cluster} has not reached what Git wants at ${path}`,
      owner: '',
      action: `wait; fairway status ${cluster} says what it waits for`,
      severity: 'warning',
      sinceMs: (behind === 'standby' ? pair.standby : pair.primary)?.assignedAtMs,
    };
  }
  return unexplained(path);
}

/** The side that cannot have the newest revision. */
export function stuckSide({ stuck }: ObjectPair): ParitySide | undefined {
  if (stuck?.standby !== undefined) return 'standby';
  return stuck?.primary === undefined ? undefined : 'primary';
}

export function describeStuck({ stuck }: ObjectPair, side: ParitySide, cluster: string): string {
  return `${cluster} stays at what it had: ${stuck?.[side] ?? ''}`;
}

function unexplained(path: FieldPath): Explained {
  return {
    class: 'drift',
    side: 'both',
    message: `${path} differs though Git wants the same: an API server or an admission webhook has made something else of it`,
    owner: '',
    action: 'compare the versions and admission webhooks of both clusters',
    severity: 'warning',
    sinceMs: undefined,
  };
}

/** Ciphertexts differ though the values may not: only the agent can tell. */
function stillSealed(path: FieldPath, side: ParitySide, cluster: string): Explained {
  return {
    ...{ class: 'lagging', side, owner: '', severity: 'warning', sinceMs: undefined },
    message: `the agent of ${cluster} has not said yet whether ${path}, which is encrypted, is the same`,
    action: `wait; look at the agent of ${cluster} if this stays`,
  };
}

function touches({ fields }: Drift, path: FieldPath): boolean {
  return fields.some((field) => isWithin(path, field.path) || isWithin(field.path, path));
}

function drifted(drift: Drift, path: FieldPath, side: ParitySide, cluster: string): Explained {
  const [manager] = drift.managers;
  const when = manager?.timeMs === undefined ? '' : ` at ${new Date(manager.timeMs).toISOString()}`;
  return {
    class: 'drift',
    side,
    message: `${path} was changed in ${cluster}${manager ? ` by ${manager.name} (${manager.operation})` : ''}${when}`,
    owner: manager?.name ?? '',
    action: `it is undone unless ${cluster} is paused or does not heal itself; put what is wanted in Git`,
    severity: 'warning',
    sinceMs: drift.foundAtMs,
  };
}

/**
 * Fields of what was applied whose live values differ, as the agents gave both objects.
 * @param applied in either cluster.
 * @param told paths of which something is said already.
 */
export const compareLiveFields = (
  applied: readonly KubeObject[],
  live: Readonly<Record<ParitySide, KubeObject>>,
  told: ReadonlySet<FieldPath>,
  pair: ObjectPair,
  context: FieldContext,
): readonly FoundField[] => {
  const own = new Set<FieldPath>();
  for (const one of applied)
    for (const path of leavesOf(one, context.schemaOf(one.apiVersion, one.kind)).keys())
      for (const side of ['primary', 'standby'] as const)
        own.add(String(path.includes('[') ? context.normalisers[side](path) : path));
  for (const path of told) own.delete(path);
  const subject: ExpectationSubject = {
    application: pair.application,
    origin: pair.origin,
    primary: live.primary,
    standby: live.standby,
  };
  return bounded(
    differingLeaves(live.primary, live.standby, context, own).map((field) => ({
      path: field.path,
      values: { primary: field.primary, standby: field.standby },
      answer: context.book.field(subject, field),
      ...unexplained(field.path),
    })),
  );
};
