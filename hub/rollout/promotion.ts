/**
 * Promotion between environments: a release of one Application begins only once the same revision was healthy in another, its partner, for the soak.
 *
 * Two records, so that none overwrites the other. The queue is written with each plan of a revision: what the partner wanted at which of its source
 * commits, and the releases that wait; a release that begins leaves it, and whoever has read it before that has to read it again. The watch is part of the rollout's state, and written by its passes: since when the partner
 * has been healthy with what it runs, and with what it was for long enough.
 *
 * Two source commits are the same revision when they are the same commit, or commits with the same tree: a merge or a cherry-pick that brings nothing of
 * its own. An ancestor of a proven commit is not proven: what it holds alone may never have run anywhere.
 */
import { type Digest, digestJson } from '../../shared/manifest/canonical.ts';
import type { RolloutStrategy } from '../model/strategy.ts';

/** What an application was rendered from: its own source, whichever repository and ref that is. */
export interface SourceContent {
  readonly commit: string;
  readonly tree: string;
}

/** What the partner wanted of its clusters at a commit of its source. */
interface SeenContent extends SourceContent {
  readonly targets: Digest;
}

/** A release that has not begun. */
export interface Candidate {
  readonly releaseId: string;
  readonly revisionId: string;
  readonly createdAtMs: number;
  /** Of what it wants, by cluster. */
  readonly targets: Digest;
  /** Every source commit that wanted just this, oldest first. */
  readonly contents: readonly SourceContent[];
  readonly strategy: RolloutStrategy;
}

export interface PromotionQueue {
  readonly kind: 'promotion';
  readonly version: 1;
  readonly application: string;
  readonly partner: string;
  readonly soakMs: number;
  /** Oldest first. */
  readonly seen: readonly SeenContent[];
  /** Oldest first. */
  readonly candidates: readonly Candidate[];
}

/** What a rollout remembers of its partner. */
export interface PromotionWatch {
  readonly partner: string;
  /** With what it has been healthy since when, the time apart of which nothing is known; undefined: it is not. */
  readonly healthy?:
    | {
        readonly targets: Digest;
        readonly sinceMs: number;
        /** Since when nothing is known of some cluster; undefined: all of them say something. */
        readonly unknownAtMs?: number | undefined;
      }
    | undefined;
  /** With what it was healthy for the soak, oldest first. */
  readonly proven: readonly Digest[];
}

/** How the partner does at this moment. */
export interface PartnerHealth {
  /** Of what its clusters are assigned. */
  readonly targets: Digest;
  /** Unknown: nothing bad is said, but not everybody says something. */
  readonly health: 'healthy' | 'unknown' | 'unhealthy';
  /** When the last of its clusters became healthy with it. */
  readonly healthyAtMs: number;
  /** Why it is not healthy, for people. */
  readonly message: string;
}

export const seenMax = 100;
export const candidatesMax = 50;
const contentsMax = 20;
const provenMax = 50;

/** The key of an application's queue among the rollouts; no application has such a name. */
export function promotionKey(application: string): string {
  return `promotion/${application}`;
}

export function isPromotionQueue(value: unknown): value is PromotionQueue {
  const row = value as Partial<PromotionQueue> | null | undefined;
  return typeof row === 'object' && row?.kind === 'promotion' && row.version === 1;
}

/** One digest for what every cluster of an application has or wants; undefined: it is in no cluster. */
export function targetsKey(targets: ReadonlyMap<string, Digest>): Digest | undefined {
  if (targets.size === 0) return undefined;
  return digestJson(Object.fromEntries([...targets].sort(([a], [b]) => (a < b ? -1 : 1))));
}

function isSame(a: SourceContent, b: SourceContent): boolean {
  return a.commit === b.commit || a.tree === b.tree;
}

export function emptyQueue(application: string, partner: string, soakMs: number): PromotionQueue {
  return { kind: 'promotion', version: 1, application, partner, soakMs, seen: [], candidates: [] };
}

/** Remembers what the partner wants at a commit; the newest word on a commit counts. What no candidate needs is forgotten first. */
export function notePartner(
  queue: PromotionQueue,
  content: SourceContent,
  targets: Digest | undefined,
): PromotionQueue {
  if (targets === undefined) return queue;
  const last = queue.seen.findLast((one) => isSame(one, content));
  if (last?.targets === targets && last.commit === content.commit) return queue;
  const seen = [
    ...queue.seen.filter(({ commit }) => commit !== content.commit),
    { commit: content.commit, tree: content.tree, targets },
  ];
  if (seen.length > seenMax) {
    const idle = seen.findIndex(
      (one, index) =>
        index < seen.length - 1 &&
        !queue.candidates.some(({ contents }) => contents.some((known) => isSame(known, one))),
    );
    seen.splice(Math.max(0, idle), 1);
  }
  return { ...queue, seen };
}

/** The release that is in force, and those before it, wait no more. */
export function dropBegun(queue: PromotionQueue, releaseId: string): PromotionQueue {
  const index = queue.candidates.findIndex((candidate) => candidate.releaseId === releaseId);
  return index < 0 ? queue : { ...queue, candidates: queue.candidates.slice(index + 1) };
}

/**
 * Puts a release at the end. Full: the one before the last goes, so that neither the oldest, which is nearest to being proven, nor the newest is lost.
 */
export function addCandidate(queue: PromotionQueue, candidate: Candidate): PromotionQueue {
  const { candidates } = queue;
  const kept = candidates.length >= candidatesMax ? candidates.slice(0, candidatesMax - 1) : candidates;
  return { ...queue, candidates: [...kept, candidate] };
}

/** Another commit wants what the last candidate wants. */
export function addContent(queue: PromotionQueue, content: SourceContent): PromotionQueue {
  const last = queue.candidates.at(-1);
  if (last === undefined || last.contents.some(({ commit }) => commit === content.commit)) return queue;
  const contents = [...last.contents, content].slice(-contentsMax);
  return { ...queue, candidates: [...queue.candidates.slice(0, -1), { ...last, contents }] };
}

/** With what the partner must have been healthy for a candidate, one for each of its commits that the partner had. */
function wantedOfPartner(queue: PromotionQueue, { contents }: Candidate): readonly Digest[] {
  return contents.flatMap((content) => {
    const seen = queue.seen.findLast((one) => isSame(one, content));
    return seen === undefined ? [] : [seen.targets];
  });
}

/**
 * The watch after a look at the partner. A soak that was broken begins anew. Time in which nothing is known of a cluster does not count: what was said of it last
 * may be old still when its agent is there again.
 */
export function watchPartner(
  watch: PromotionWatch | undefined,
  queue: PromotionQueue,
  now: PartnerHealth | undefined,
  nowMs: number,
): { readonly watch: PromotionWatch; readonly nextAtMs: number | undefined } {
  const before = watch?.partner === queue.partner ? watch : undefined;
  const known = before ?? { partner: queue.partner, proven: [] };
  const same = known.healthy !== undefined && known.healthy.targets === now?.targets;
  const lost = now === undefined || now.health === 'unhealthy' || (now.health === 'unknown' && !same);
  if (lost) {
    if (before && known.healthy === undefined) return { watch: before, nextAtMs: undefined };
    return { watch: { partner: known.partner, proven: known.proven }, nextAtMs: undefined };
  }
  const healthy = healthySince(before, known, now, nowMs);
  const endsAtMs = healthy.sinceMs + queue.soakMs;
  const proves = now.health === 'healthy' && nowMs >= endsAtMs;
  const proven =
    proves && !known.proven.includes(now.targets)
      ? [...known.proven, now.targets].slice(-provenMax)
      : known.proven;
  const unchanged = before !== undefined && healthy === known.healthy && proven === known.proven;
  return {
    watch: unchanged ? before : { partner: queue.partner, healthy, proven },
    nextAtMs: nowMs < endsAtMs && healthy.unknownAtMs === undefined ? endsAtMs : undefined,
  };
}

type Healthy = NonNullable<PromotionWatch['healthy']>;

/** At the first look the agents know since when; afterwards this watch does, unless it was assigned anew and came back between two looks. */
function healthySince(
  before: PromotionWatch | undefined,
  known: PromotionWatch,
  now: PartnerHealth,
  nowMs: number,
): Healthy {
  const had = known.healthy;
  if (had?.targets === now.targets && now.healthyAtMs <= had.sinceMs) return knownAgain(had, now, nowMs);
  const regained = before !== undefined && had === undefined;
  return { targets: now.targets, sinceMs: regained ? nowMs : Math.min(now.healthyAtMs, nowMs) };
}

function knownAgain(had: Healthy, { health }: PartnerHealth, nowMs: number): Healthy {
  const { targets, sinceMs, unknownAtMs } = had;
  if (health === 'unknown') return unknownAtMs === undefined ? { ...had, unknownAtMs: nowMs } : had;
  return unknownAtMs === undefined ? had : { targets, sinceMs: sinceMs + Math.max(0, nowMs - unknownAtMs) };
}

/** What is proven, and not broken at this moment: a partner that fails after its soak has something to say still. */
function holds(watch: PromotionWatch, now: PartnerHealth | undefined, targets: Digest): boolean {
  const broken = now?.targets === targets && now.health === 'unhealthy';
  return watch.proven.includes(targets) && !broken;
}

/** The newest release that may begin, of those after the one in force. Undefined: none. */
export function chooseProven(
  queue: PromotionQueue,
  watch: PromotionWatch | undefined,
  now: PartnerHealth | undefined,
  releaseId: string,
): Candidate | undefined {
  if (watch?.partner !== queue.partner) return undefined;
  return waitingIn(queue, releaseId).findLast((candidate) =>
    wantedOfPartner(queue, candidate).some((targets) => holds(watch, now, targets)),
  );
}

/** Releases that are newer than the one in force. */
export function waitingIn(queue: PromotionQueue, releaseId: string): readonly Candidate[] {
  return dropBegun(queue, releaseId).candidates;
}

/** In words what a candidate waits for. */
export function describeCandidate(
  queue: PromotionQueue,
  watch: PromotionWatch | undefined,
  candidate: Candidate,
  partner: PartnerHealth | undefined,
  nowMs: number,
): string {
  const name = queue.partner;
  const [wanted] = wantedOfPartner(queue, candidate).toReversed();
  const commit = candidate.contents.at(-1)?.commit.slice(0, 8) ?? '';
  if (wanted === undefined)
    return `commit ${commit} was never in ${name}: it must be the same commit there, or one with the same content`;
  if (watch && wantedOfPartner(queue, candidate).some((one) => holds(watch, partner, one))) return '';
  if (partner?.targets !== wanted) {
    const why = partner?.message ? ` (${partner.message})` : '';
    return `${name} does not run commit ${commit} in all its clusters${why}`;
  }
  if (partner.health !== 'healthy' || watch?.proven.includes(wanted))
    return `${name} is not healthy${partner.message ? `: ${partner.message}` : ''}`;
  const until = (watch?.healthy?.targets === wanted ? watch.healthy.sinceMs : nowMs) + queue.soakMs;
  return `${name} has been healthy with commit ${commit}, and soaks until ${new Date(until).toISOString()}`;
}
