/**
 * Parity: is the standby what its primary is? Two clusters hold the same object when it has the same origin (its identity before prefixes, suffixes and hashes). For
 * each, four things are known: what Git wants of it here and there, and what is there according to the agents' reports: the object that was applied with the open
 * drift laid over it. What counts is what is there: a pair is whole when both sides have equal values at every field, in words that both have in common, but for
 * what somebody declared. Each field that differs, the object's being there, and its health are told once, with the reason why they differ. All of it is pure; hub/loops
 * reads what agents report and keeps what comes of it.
 */
import type { Digest } from '../../shared/manifest/canonical.ts';
import { fingerprintValue, placeOfValue } from '../../shared/manifest/fingerprint.ts';
import type { Drift, FieldChange } from '../../shared/manifest/health.ts';
import { isSensitive } from '../../shared/manifest/masking.ts';
import { describeKey, type KubeObject } from '../../shared/manifest/object.ts';
import type { ParityDifference, ParitySide } from '../model/parity.ts';
import {
  compareFields,
  compareLiveFields,
  describeStuck,
  type FieldContext,
  stuckSide,
} from './compare-fields.ts';
import type { ExpectationBook, ExpectationSubject } from './expectations.ts';
import type { ListSchemaOf } from './leaves.ts';
import { fingerprintSecret, type SealedValues } from './mask.ts';
import type { Normaliser } from './normalise.ts';
import {
  type ContentOf,
  isBehind,
  type LiveState,
  liveStateOf,
  type ObjectPair,
  openDrift,
  type SideObject,
} from './object-pair.ts';
import { type Told, tellDifference } from './tell-difference.ts';

export interface PairContext extends FieldContext {
  /** The standby's name. */
  readonly standby: string;
  readonly primary: string;
  /** Parsed contents of digests that `wantedDigests` named. Undefined: it is gone. */
  readonly contentOf: ContentOf;
  readonly schemaOf: ListSchemaOf;
  readonly normalisers: Readonly<Record<ParitySide, Normaliser>>;
  readonly book: ExpectationBook;
  /** Keys the fingerprints of what may not be shown: the group's, as its agents have it. */
  readonly salt: Uint8Array;
  /** What an agent has said of a manifest's encrypted values. Undefined: nothing. */
  readonly sealedOf: (digest: Digest) => SealedValues;
  /** The live object as its agent gave it; undefined: it was not asked for yet, or could not be had. */
  readonly liveOf: (side: ParitySide, pair: ObjectPair) => KubeObject | undefined;
}

export interface PairResult {
  readonly differences: readonly ParityDifference[];
  /** More may differ than reports tell: only the live objects themselves do. */
  readonly ask: boolean;
}

/** Changes that agents tell of one object (agent/observe/projection.ts): there may be more. */
const changesToldMax = 50;

const whole: PairResult = { differences: [], ask: false };

/** Nothing can differ: both have what Git wants, which is the same, untouched and well. */
function isPlainlyEqual({ primary, standby }: ObjectPair): boolean {
  if (!primary || !standby || primary.wanted !== standby.wanted || primary.wanted === undefined) return false;
  return [primary, standby].every(
    ({ observed, wanted }) =>
      observed?.objectDigest === wanted &&
      observed?.syncStatus === 'Synced' &&
      observed.healthStatus === 'Current' &&
      openDrift(observed) === undefined &&
      observed.liveDigest !== '' &&
      observed.liveDigest === primary.observed?.liveDigest,
  );
}

/** Contents that comparing a pair needs. */
export function wantedDigests(pair: ObjectPair): readonly string[] {
  if (isPlainlyEqual(pair)) return [];
  return [pair.primary, pair.standby].flatMap((side) =>
    [side?.wanted, side?.observed?.objectDigest].filter(
      (digest): digest is string => digest !== undefined && digest !== '',
    ),
  );
}

/** All differences of one object between a primary and a standby, each classified once. Pure. */
export function compareObject(pair: ObjectPair, context: PairContext): PairResult {
  if (isPlainlyEqual(pair)) return whole;
  const fingerprint = (path: string, text: string) =>
    fingerprintValue(context.salt, placeOfValue(pair.application, pair.originId, path), text);
  const masked: ContentOf = (digest) => {
    const content = context.contentOf(digest);
    return content && fingerprintSecret(content, fingerprint, context.sealedOf(digest));
  };
  const [primary, standby] = [liveStateOf(pair.primary, masked), liveStateOf(pair.standby, masked)];
  const subject: ExpectationSubject = {
    application: pair.application,
    origin: pair.origin,
    primary: primary.type === 'known' ? primary.object : undefined,
    standby: standby.type === 'known' ? standby.object : undefined,
  };
  const say: Teller = (told) => tellDifference(pair, context.standby, told);
  const health = healthDifferences(pair, say);
  if (primary.type === 'known' && standby.type === 'known') {
    const fields = compareFields(pair, { primary, standby }, masked, subject, context);
    const differences = fields.map(({ path, ...rest }) => say({ aspect: 'field', path, ...rest }));
    const unseen = unseenOf(pair, context.contentOf);
    const isUnder =
      isBehind(pair.primary) !== isBehind(pair.standby) && fields.some(({ answer }) => !answer.covered);
    // What is on its way is told as that, and becomes something else in a moment.
    if (unseen === 'nothing' || isUnder) return { differences: [...differences, ...health], ask: false };
    const told = new Set(differences.map(({ path }) => path));
    const more = unseenDifferences(pair, unseen, told, context, say);
    return { differences: [...differences, ...more, ...health], ask: true };
  }
  const presence = presenceDifference(pair, primary, standby, subject, context, say);
  return { differences: presence ? [presence, ...health] : health, ask: false };
}

type Teller = (told: Told) => ParityDifference;

function presenceDifference(
  pair: ObjectPair,
  primary: LiveState,
  standby: LiveState,
  subject: ExpectationSubject,
  context: PairContext,
  say: Teller,
): ParityDifference | undefined {
  const wanted = { primary: pair.primary?.wanted !== undefined, standby: pair.standby?.wanted !== undefined };
  const name = describeKey((pair.primary ?? pair.standby)?.key ?? pair.origin);
  const held = stuckSide(pair);
  if (held && wanted.primary !== wanted.standby)
    return say({
      aspect: 'presence',
      class: 'lagging',
      side: held,
      message: describeStuck(pair, held, held === 'standby' ? context.standby : context.primary),
      action: 'mend what cannot be rendered',
    });
  if (wanted.primary !== wanted.standby) {
    const side: ParitySide = wanted.primary ? 'primary' : 'standby';
    const answer = context.book.presence(subject, side);
    const there = wanted.primary ? context.primary : context.standby;
    const lacking = wanted.primary ? context.standby : context.primary;
    return say({
      aspect: 'presence',
      class: wanted.primary ? 'missing' : 'extra',
      answer,
      message: `${name} is wanted in ${there} and not in ${lacking}`,
      action: `place it in ${lacking} too, take it out of ${there}, or declare it: only: ${side}`,
      severity: wanted.primary ? 'critical' : 'warning',
    });
  }
  for (const side of ['standby', 'primary'] as const) {
    const state = side === 'standby' ? standby : primary;
    const object = side === 'standby' ? pair.standby : pair.primary;
    const cluster = side === 'standby' ? context.standby : context.primary;
    const other = side === 'standby' ? primary : standby;
    if (state.type === 'absent' && state.drift && other.type !== 'absent')
      return say({
        aspect: 'presence',
        class: 'drift',
        side,
        message: `${name} was deleted in ${cluster}${byWhom(state.drift)}`,
        owner: ownerOf(state.drift),
        action: `it is made anew unless ${cluster} is paused or does not heal itself`,
        severity: side === 'standby' ? 'critical' : 'warning',
        sinceMs: state.drift.foundAtMs,
      });
    const lag = lagOf(state, object, name, cluster) ?? leftAlone(state, other, object, name, cluster);
    if (lag) return say({ ...lag, side });
  }
  return undefined;
}

/** There, and not in the other cluster any more, though Git wants the same of both: one of them is still to follow. */
function leftAlone(
  state: LiveState,
  other: LiveState,
  object: SideObject | undefined,
  name: string,
  cluster: string,
): Told | undefined {
  if (state.type !== 'known' || other.type !== 'absent') return undefined;
  return {
    ...{ aspect: 'revision', class: 'lagging', sinceMs: object?.assignedAtMs },
    message: `${name} is in ${cluster} alone: one of both clusters has not reached what Git wants`,
    action: `wait; fairway status ${cluster} says what it waits for`,
  };
}

function lagOf(
  state: LiveState,
  object: SideObject | undefined,
  name: string,
  cluster: string,
): Told | undefined {
  const sinceMs = object?.assignedAtMs;
  if (state.type === 'leftover')
    return {
      ...{ aspect: 'revision', class: 'lagging', sinceMs },
      message: `${name} is still in ${cluster}, though Git does not want it there any more`,
      action: `wait until it is deleted; fairway status ${cluster} says what that waits for`,
    };
  if (state.type !== 'pending') return undefined;
  const why = state.message === '' ? '' : `: ${state.message}`;
  return {
    ...{ aspect: 'revision', class: 'lagging', sinceMs },
    message: `${name} in ${cluster} ${state.failed ? 'cannot be applied' : 'has not reached what Git wants'}${why}`,
    action: state.failed
      ? 'mend the object, or what refuses it'
      : `wait; fairway status ${cluster} says what it waits for`,
    severity: state.failed ? 'critical' : 'warning',
  };
}

/**
 * What reports may not tell of a pair. `differs`: both applied the same, and their agents' digests of what it became (as it was applied, before any drift) differ, or somebody has set what was applied where it became something else; or more was changed by hand than
 * agents tell of one object. `perhaps`: they applied different things, in whatever words, so that those digests differ anyway. Digests of Secrets are keyed by each agent.
 */
function unseenOf({ primary, standby }: ObjectPair, contentOf: ContentOf): 'nothing' | 'perhaps' | 'differs' {
  const [left, right] = [primary?.observed, standby?.observed];
  if (!left || !right || left.key.kind === 'Secret') return 'nothing';
  // Agents key the digests of what they decrypted, and tell it masked: nothing comes of asking.
  if (contentOf(left.objectDigest)?.['sops'] !== undefined) return 'nothing';
  if (contentOf(right.objectDigest)?.['sops'] !== undefined) return 'nothing';
  if ([left, right].some((one) => (openDrift(one)?.fields.length ?? 0) >= changesToldMax)) return 'differs';
  if (left.liveDigest === '' || right.liveDigest === '') return 'nothing';
  if (left.objectDigest !== right.objectDigest) return 'perhaps';
  // Who sets by hand what was applied undoes what became of it by the apply.
  if ([left, right].some((one) => openDrift(one)?.fields.some(isAsApplied))) return 'differs';
  return left.liveDigest === right.liveDigest ? 'nothing' : 'differs';
}

const isAsApplied = ({ desired, live }: FieldChange) => desired !== undefined && desired === live;

function unseenDifferences(
  pair: ObjectPair,
  unseen: 'perhaps' | 'differs',
  told: ReadonlySet<string>,
  context: PairContext,
  say: Teller,
): readonly ParityDifference[] {
  const applied = [pair.primary, pair.standby].map((side) =>
    context.contentOf(side?.observed?.objectDigest ?? ''),
  );
  const [left, right] = [context.liveOf('primary', pair), context.liveOf('standby', pair)];
  const known = applied.filter((one) => one !== undefined);
  if (known.length < 2 || !left || !right) {
    if (unseen === 'perhaps') return [];
    return [
      say({
        aspect: 'live',
        class: 'drift',
        message: `${describeKey(pair.origin)} differs in ${context.primary} and ${context.standby}, though Git wants the same: where, only their agents can tell`,
        action: 'compare the versions and admission webhooks of both clusters',
      }),
    ];
  }
  if (isSensitive(left) || isSensitive(right)) return [];
  const live = { primary: left, standby: right };
  return compareLiveFields(known, live, told, pair, context).map(({ path, ...rest }) =>
    say({ aspect: 'field', path, ...rest }),
  );
}

function healthDifferences(pair: ObjectPair, say: Teller): readonly ParityDifference[] {
  return (['standby', 'primary'] as const).flatMap((side) => {
    const object = side === 'standby' ? pair.standby : pair.primary;
    const observed = object?.observed;
    if (!object || !observed || object.wanted === undefined) return [];
    const { healthStatus, message, syncStatus } = observed;
    if (syncStatus === 'Pending' || syncStatus === 'Failed') return [];
    if (healthStatus !== 'Failed' && healthStatus !== 'InProgress' && healthStatus !== 'Terminating')
      return [];
    const failed = healthStatus === 'Failed';
    return [
      say({
        aspect: 'health',
        class: 'unhealthy',
        side,
        message: `${describeKey(object.key)} is ${healthStatus}${message === '' ? '' : `: ${message}`}`,
        action: `fairway status ${observed.cluster}`,
        severity: side === 'primary' ? 'info' : failed ? 'critical' : 'warning',
      }),
    ];
  });
}

function byWhom({ managers }: Drift): string {
  const [first] = managers;
  return first ? ` by ${first.name}` : '';
}

function ownerOf({ managers }: Drift): string {
  return managers[0]?.name ?? '';
}
