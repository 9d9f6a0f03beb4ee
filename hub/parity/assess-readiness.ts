/**
 * What the differences come to: may the group fail over to this standby? `NotReady` where something critical is known; else `Unknown` where a cluster has not been heard
 * of for longer than the group allows, nothing could be compared, or not all was looked at; else `Degraded` where anything else is amiss; else `Ready`. What is declared, and what is
 * wrong with the primary alone, leaves the verdict as it is.
 *
 * Score: each object counts one, and loses all of it by a critical difference, half by a warning, nothing by what is declared or told for information; 100 x what is
 * left / objects, rounded down, so that 100 means that nothing was lost; never below 0. What differs between the clusters themselves counts like an object. 0 where not all is known: a cluster is unknown, an application was not compared, a bound has cut. A group's score is that of its worst standby.
 */
import { type FactSection, factSections } from '../../shared/manifest/cluster-facts.ts';
import {
  type DifferenceClass,
  differenceClasses,
  type Expectation,
  type ParityDifference,
  type ParityFreshness,
  type ParityGroup,
  type ParityPairReport,
  type ParityReason,
  type ParityReport,
  type ParitySeverity,
  type ParityState,
  type ParityVerdict,
} from '../model/parity.ts';
import { mayCoverUnseen, type Unseen } from './may-cover-unseen.ts';

/** What is known of a cluster's agent. */
export interface ClusterPresence {
  readonly cluster: string;
  readonly connected: boolean;
  readonly lastSeenAtMs: number | undefined;
}

export interface PairFindings extends Unseen {
  readonly standby: string;
  readonly differences: readonly ParityDifference[];
  readonly presence: readonly ClusterPresence[];
  /** Objects whose live contents are still to be looked at. Default none. */
  readonly unseen?: number;
  /** By cluster: what its agent has no word for. Default none. */
  readonly untold?: ReadonlyMap<string, readonly FactSection[]>;
  /** As ParityPairReport. */
  readonly catchUpMs: number | undefined;
}

export interface ReadinessInput {
  readonly group: ParityGroup;
  readonly pairs: readonly PairFindings[];
  /** What is wrong with the group itself, in words: clusters that are not there. */
  readonly problems: readonly string[];
  /** What was told last. Undefined: nothing yet. */
  readonly before: Pick<ParityState, 'firstSeen' | 'report' | 'lastWholeAtMs'> | undefined;
  readonly nowMs: number;
}

/** Reasons told of a group. */
const reasonsMax = 200;

const rank: Readonly<Record<ParitySeverity, number>> = { info: 0, warning: 1, critical: 2 };
const loss: Readonly<Record<ParitySeverity, number>> = { info: 0, warning: 0.5, critical: 1 };

/** Differences whose first sight is remembered. */
export const firstSeenMax = 1_000;

/** A release on its way to both clusters is nothing amiss: what lags for less is told for information. A standby that has never been whole lacks more than a release. */
const lagGraceMs = 10_000;

/** Told so long before an expectation that covers something is over. */
const expiringMs = 7 * 86_400_000;

/** What the age of a difference is measured by. */
export interface AgeInput {
  readonly nowMs: number;
  /** When differences were first seen, by id; one that is not in it is seen now. */
  readonly firstSeen: Readonly<Record<string, number>>;
  readonly freshness: ParityFreshness;
  /** More differ than are remembered: one that is not among them is no newcomer for that. */
  readonly full: boolean;
  /** Standbys that were whole before now. */
  readonly replicas: ReadonlySet<string>;
}

/** @param before what was told last. Undefined: nothing yet. */
export function createAgeInput(
  freshness: ParityFreshness,
  before: ReadinessInput['before'],
  nowMs: number,
): AgeInput {
  const firstSeen = before?.firstSeen ?? {};
  const replicas = (before?.report.pairs ?? []).filter(
    ({ everWhole = before?.lastWholeAtMs !== undefined }) => everWhole,
  );
  return {
    ...{ freshness, firstSeen, nowMs, full: Object.keys(firstSeen).length >= firstSeenMax },
    replicas: new Set(replicas.map(({ standby }) => standby)),
  };
}

/** A difference as it is now: what lags for longer than the group allows is critical, what has just begun to is no warning yet. */
export function ageDifference(
  difference: ParityDifference,
  { freshness: { lagWithinMs }, firstSeen, nowMs, full, replicas }: AgeInput,
): ParityDifference {
  const { sinceMs, severity, id, standby } = difference;
  if (difference.class !== 'lagging' || severity === 'critical') return difference;
  const seenMs = nowMs - (firstSeen[id] ?? (full ? 0 : nowMs));
  if (replicas.has(standby) && seenMs < lagGraceMs) return { ...difference, severity: 'info' };
  if (difference.side === 'primary') return difference;
  const late = sinceMs !== undefined && nowMs - sinceMs > lagWithinMs;
  return late ? { ...difference, severity: 'critical' } : difference;
}

/** Pure. */
export function assessReadiness(input: ReadinessInput): ParityReport {
  const { group, nowMs } = input;
  const age = createAgeInput(group.freshness, input.before, nowMs);
  const reasons: ParityReason[] = input.problems.map((message) => ({
    ...{ type: 'problem' as const, standby: '', severity: 'critical' as const, owner: group.owner },
    ...{ message, action: `mend ${group.origin.file}:${group.origin.line}`, count: 1 },
  }));
  const pairs = input.pairs.map((pair) => {
    const own = [
      ...reasonsOf(pair, age),
      ...besidesReasons(pair, input.before?.report),
      ...unseenReasons(pair, group.primary),
    ];
    reasons.push(...own);
    return pairReport(pair, own, age);
  });
  if (pairs.length === 0 && input.problems.length === 0)
    reasons.push(
      reason('not-compared', '', 'critical', 'the group has no standby', 'add one to spec.standbys'),
    );
  const { stale, expired } = expectationReasons(input, reasons);
  const verdict = pairs.some((pair) => pair.verdict === 'NotReady')
    ? 'NotReady'
    : verdictOf([...reasons, ...pairs.map(unknownReason)].filter((one) => one !== undefined));
  return {
    group: group.name,
    primary: group.primary,
    owner: group.owner,
    verdict,
    score: pairs.length === 0 ? 0 : Math.min(...pairs.map(({ score }) => score)),
    whole: pairs.length > 0 && pairs.every((pair) => pair.whole) && input.problems.length === 0,
    pairs,
    reasons: bounded(reasons),
    staleExpectations: stale,
    expiredExpectations: expired,
  };
}

function reason(
  type: ParityReason['type'],
  standby: string,
  severity: ParitySeverity,
  message: string,
  action: string,
  owner = '',
): ParityReason {
  return { type, standby, severity, owner, message, action, count: 1 };
}

function unknownReason(pair: ParityPairReport): ParityReason | undefined {
  return pair.verdict === 'Unknown' ? reason('agent-away', pair.standby, 'warning', '', '') : undefined;
}

const leavesUnknown: ReadonlySet<ParityReason['type']> = new Set(['agent-away', 'not-compared']);

function verdictOf(reasons: readonly ParityReason[]): ParityVerdict {
  if (reasons.some(({ severity }) => severity === 'critical')) return 'NotReady';
  if (reasons.some(({ type }) => leavesUnknown.has(type))) return 'Unknown';
  return reasons.some(({ severity }) => severity === 'warning') ? 'Degraded' : 'Ready';
}

function pairReport(pair: PairFindings, reasons: readonly ParityReason[], age: AgeInput): ParityPairReport {
  const { standby, objects, differences, catchUpMs } = pair;
  const counts = Object.fromEntries(differenceClasses.map((name) => [name, 0])) as Record<
    DifferenceClass,
    number
  >;
  const worst = new Map<string, ParitySeverity>();
  for (const difference of differences) {
    counts[difference.class] += 1;
    const { severity, application, originId } = ageDifference(difference, age);
    const id = `${application} ${originId}`;
    const before = worst.get(id);
    if (before === undefined || rank[severity] > rank[before]) worst.set(id, severity);
  }
  const known = verdictOf(reasons);
  const isCut = differences.some(({ leavesUnknown, class: name }) => leavesUnknown && name !== 'declared');
  const verdict = isCut && known !== 'NotReady' ? 'Unknown' : known;
  const lost = [...worst.values()].reduce((sum, severity) => sum + loss[severity], 0);
  const unknown = reasons.some(({ type }) => leavesUnknown.has(type));
  const score = unknown || isCut || objects === 0 ? 0 : Math.max(0, Math.floor(100 * (1 - lost / objects)));
  const whole = !unknown && differences.every((one) => one.class === 'declared' || !isOfObjects(one));
  const everWhole = whole || age.replicas.has(standby);
  return { standby, verdict, score, whole, everWhole, objects, counts, catchUpMs };
}

/** That the primary is unwell is what the standby is for, and what clusters are besides their applications is no difference of objects. */
function isOfObjects({ class: name, side }: ParityDifference): boolean {
  return name !== 'environment' && !(name === 'unhealthy' && side === 'primary');
}

function isAway(
  { connected, lastSeenAtMs = -Infinity }: ClusterPresence,
  { reportWithinMs }: ParityFreshness,
  nowMs: number,
): boolean {
  return !connected && nowMs - lastSeenAtMs > reportWithinMs;
}

function reasonsOf(pair: PairFindings, age: AgeInput): readonly ParityReason[] {
  const { freshness, nowMs } = age;
  const reasons: ParityReason[] = [];
  for (const { cluster, lastSeenAtMs } of pair.presence.filter((one) => isAway(one, freshness, nowMs))) {
    const message =
      lastSeenAtMs === undefined
        ? `nothing was ever heard of ${cluster}`
        : `nothing is heard of ${cluster} since ${new Date(lastSeenAtMs).toISOString()}`;
    reasons.push(reason('agent-away', pair.standby, 'warning', message, `look at the agent of ${cluster}`));
  }
  if (pair.objects === 0 && (pair.failures?.size ?? 0) === 0)
    reasons.push(
      reason(
        'not-compared',
        pair.standby,
        'warning',
        `no object of the group is in ${pair.standby} or its primary`,
        'look at spec.applications and the placement of the applications',
      ),
    );
  for (const [application, why] of [...(pair.failures ?? [])].slice(0, reasonsMax)) {
    const message = `${application} cannot be compared: ${why}`;
    reasons.push(reason('not-compared', pair.standby, 'warning', message, 'look at the log of the hub'));
  }
  return [...reasons, ...oldAgentReasons(pair), ...differenceReasons(pair, age)];
}

/** An agent of an older release: what it says nothing of may differ, so its group is not Ready. One that tells nothing of its cluster at all leaves it unknown. */
function oldAgentReasons({ standby, untold = new Map() }: PairFindings): readonly ParityReason[] {
  return [...untold].flatMap(([cluster, sections]): readonly ParityReason[] => {
    if (sections.length === 0) return [];
    const all = factSections.every((section) => sections.includes(section));
    const what = all ? 'what it is besides its applications' : sections.join(', ');
    const message = `the agent of ${cluster} is older than this hub, and has no word for ${what}`;
    const type = all ? 'not-compared' : 'agent-old';
    return [reason(type, standby, 'warning', message, `renew the agent of ${cluster}`)];
  });
}

/** What was found of a cluster stands until its agent has said it again: a hub that starts anew knows it no better. */
function besidesReasons(
  { standby, factsUnknown = [] }: PairFindings,
  before: ParityReport | undefined,
): readonly ParityReason[] {
  if (factsUnknown.length === 0) return [];
  const known = (before?.reasons ?? []).filter(
    (one) => one.type === 'environment' && one.standby === standby,
  );
  const message = `what ${factsUnknown.join(' and ')} ${factsUnknown.length > 1 ? 'are' : 'is'} besides its applications is not known yet`;
  const action = `look at the agent of ${factsUnknown.join(' and ')} if this stays`;
  return [...known, reason('not-told', standby, 'info', message, action)];
}

/** What an admission webhook may have made of them no report tells. */
function unseenReasons({ standby, unseen = 0 }: PairFindings, primary: string): readonly ParityReason[] {
  if (unseen === 0) return [];
  const objects = unseen === 1 ? 'one object' : `${unseen} objects`;
  const message = `${objects} in ${primary} and ${standby} ${unseen === 1 ? 'is' : 'are'} compared by what was applied: the live contents are not known yet`;
  const action = `look at the agents of ${primary} and ${standby} if this stays`;
  return [{ ...reason('not-told', standby, 'info', message, action), count: unseen }];
}

/** Differences of one class, weight, application and owner are one reason. */
function differenceReasons({ standby, differences }: PairFindings, age: AgeInput): readonly ParityReason[] {
  const groups = new Map<string, ParityReason>();
  for (const difference of differences) {
    const { class: type, severity, application, owner, message, action } = ageDifference(difference, age);
    if (type === 'declared') continue;
    const id = [type, severity, application, owner].join('\n');
    const before = groups.get(id);
    const first = before ?? {
      type,
      standby,
      severity,
      owner,
      message: application === '' ? message : `${application}: ${message}`,
      action,
    };
    groups.set(id, { ...first, count: (before?.count ?? 0) + 1 });
  }
  return [...groups.values()].map((one) =>
    one.count > 1 ? { ...one, message: `${one.message} (and ${one.count - 1} more)` } : one,
  );
}

function expectationReasons(
  { group, nowMs, pairs }: ReadinessInput,
  reasons: ParityReason[],
): { readonly stale: readonly string[]; readonly expired: readonly string[] } {
  const matched = new Set<string>();
  for (const { differences } of pairs)
    for (const { expectation, broken = [] } of differences)
      for (const name of [expectation, ...broken]) matched.add(name);
  const isUnseen = (expectation: Expectation) =>
    pairs.some(
      (pair) =>
        mayCoverUnseen(expectation, pair) ||
        [...(pair.untold?.values() ?? [])].some((gaps) =>
          mayCoverUnseen(expectation, { objects: 1, gaps }),
        ) ||
        pair.presence.some((one) => isAway(one, group.freshness, nowMs)),
    );
  const stale: string[] = [];
  const expired: string[] = [];
  for (const expectation of group.expectations) {
    const { name, owner, expiresAtMs } = expectation;
    const takeOut = `take it out of ${group.origin.file}`;
    const say = (type: 'stale' | 'expiring' | 'expired', message: string, action = takeOut) =>
      reasons.push(reason(type, '', 'info', message, action, owner));
    if (expiresAtMs !== undefined && expiresAtMs <= nowMs) {
      expired.push(name);
      say('expired', `expectation ${name} is over since ${new Date(expiresAtMs).toISOString()}`);
    } else if (!matched.has(name) && pairs.length > 0 && !isUnseen(expectation)) {
      stale.push(name);
      say('stale', `expectation ${name} covers nothing any more`);
    } else if (expiresAtMs !== undefined && expiresAtMs - nowMs <= expiringMs) {
      const message = `expectation ${name} is over at ${new Date(expiresAtMs).toISOString()}: what it covers is a difference then`;
      say('expiring', message, `make both clusters the same, or put off its end in ${group.origin.file}`);
    }
  }
  return { stale, expired };
}

/** The gravest first. */
function bounded(reasons: readonly ParityReason[]): readonly ParityReason[] {
  const sorted = [...reasons].sort((a, b) => rank[b.severity] - rank[a.severity]);
  if (sorted.length <= reasonsMax) return sorted;
  const more = sorted.length - reasonsMax + 1;
  const last = reason('problem', '', 'info', `and ${more} more reasons: mend the first ones`, '');
  return [...sorted.slice(0, reasonsMax - 1), last];
}
