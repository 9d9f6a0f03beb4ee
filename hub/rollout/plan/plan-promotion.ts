/** What a revision changes in the queue of an application whose releases wait for another environment. Its rollouts are begun by the rollout's own passes. */
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { Release } from '../../model/release.ts';
import type { RolloutStrategy } from '../../model/strategy.ts';
import { noClusters } from '../cluster-states.ts';
import {
  addCandidate,
  addContent,
  dropBegun,
  emptyQueue,
  notePartner,
  type PromotionQueue,
  type SourceContent,
  targetsKey,
} from '../promotion.ts';
import type { RolloutState } from '../rollout-state.ts';

export interface PromotionInput {
  readonly application: string;
  readonly partner: string;
  readonly soakMs: number;
  readonly strategy: RolloutStrategy;
  readonly revisionId: string;
  /** As last kept. */
  readonly queue: PromotionQueue | undefined;
  /** What the revision wants, removals among it. */
  readonly wanted: ReadonlyMap<string, Digest>;
  /** What it wants of the partner; undefined where some of it could not be rendered. */
  readonly partnerWanted: ReadonlyMap<string, Digest> | undefined;
  /** Undefined: its source is not known. */
  readonly content: SourceContent | undefined;
  readonly partnerContent: SourceContent | undefined;
  /** By cluster, what it has now. */
  readonly assigned: ReadonlyMap<string, Digest>;
  readonly before: RolloutState | undefined;
  /** The rollout before goes on with what is wanted. */
  readonly continues: boolean;
  readonly newId: () => string;
  readonly nowMs: number;
}

export interface PlannedPromotion {
  readonly queue: PromotionQueue;
  /** One that is new. */
  readonly release: Release | undefined;
  /** Of an application that had no rollout. */
  readonly state: RolloutState | undefined;
}

/** The release in force; empty while the first one waits. */
export function releaseInForce(state: Pick<RolloutState, 'phase' | 'releaseId'> | undefined): string {
  return state === undefined || state.phase === 'Waiting' ? '' : state.releaseId;
}

function isInForce({ before, continues, wanted, assigned }: PromotionInput): boolean {
  if (before !== undefined && before.phase !== 'Waiting') return continues;
  return [...wanted].every(([cluster, digest]) => assigned.get(cluster) === digest);
}

function nextQueue(input: PromotionInput): PromotionQueue {
  const { application, partner, soakMs, before } = input;
  const known = input.queue ?? emptyQueue(application, partner, soakMs);
  const same = known.partner === partner;
  const kept: PromotionQueue = { ...known, partner, soakMs, seen: same ? known.seen : [] };
  const waiting = dropBegun(kept, releaseInForce(before));
  const targets = input.partnerWanted && targetsKey(input.partnerWanted);
  return input.partnerContent ? notePartner(waiting, input.partnerContent, targets) : waiting;
}

/**
 * A revision that wants what is in force empties the queue: what it takes back must not come later. One that wants what the last candidate wants is another
 * commit by which that may be proven.
 */
export function planPromotion(input: PromotionInput): PlannedPromotion {
  const { application, revisionId, nowMs, strategy, wanted, content, before } = input;
  const queue = nextQueue(input);
  const none = { release: undefined, state: undefined };
  const targets = targetsKey(wanted);
  if (targets === undefined || isInForce(input)) return { queue: { ...queue, candidates: [] }, ...none };
  const contents = content ? [{ commit: content.commit, tree: content.tree }] : [];
  if (queue.candidates.at(-1)?.targets === targets)
    return { queue: content ? addContent(queue, content) : queue, ...none };
  const release: Release = {
    ...{ id: input.newId(), application, revisionId, createdAtMs: nowMs },
    targets: Object.fromEntries(wanted),
  };
  const candidate = {
    ...{ releaseId: release.id, revisionId, createdAtMs: nowMs, targets, contents, strategy },
  };
  const state: RolloutState | undefined = before
    ? undefined
    : {
        ...{ version: 2, application, releaseId: release.id, revisionId, strategy, phase: 'Waiting' },
        ...{ startedAtMs: nowMs, waves: [], clusters: noClusters, held: [] },
      };
  return { queue: addCandidate(queue, candidate), release, state };
}
