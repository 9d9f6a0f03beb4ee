/** The revert of a failed release in Git: whether one is to be written, what it says, and what became of it. Pure. */

import type { Revision } from '../model/revision.ts';
import { packClusters } from './cluster-states.ts';
import { isHeldBack } from './held-clusters.ts';
import type { RolloutChange, RolloutState } from './rollout-state.ts';

/** Of a rollout that was rolled back by itself. */
export interface RevertState {
  /** Pending: it is tried again. Nothing: Git holds none of it any more. */
  readonly state: 'pending' | 'written' | 'nothing' | 'failed';
  /** Failed so far. */
  readonly attempts: number;
  readonly nextAtMs?: number | undefined;
  /** Full name of what it was pushed to; empty: nothing was. */
  readonly ref: string;
  /** Empty: none was written. */
  readonly commit: string;
  /** Why it failed, or waits. */
  readonly message: string;
}

/** Attempts of one that others, or the network, hinder. */
export const revertAttemptsMax = 8;
const clustersNamedMax = 20;
const reasonMax = 500;
const subjectMax = 200;

/**
 * Only what failed by itself and is back: an operator who rolls back knows what is to become of Git. A failure after which the strategy rolls back pauses only once
 * that is done, for clusters that had no healthy Target to go back to.
 */
export function needsRevert(state: RolloutState): boolean {
  const { phase, stopped, strategy, revert } = state;
  const isBack = phase === 'RolledBack' || (phase === 'Paused' && strategy.onFailure === 'rollback');
  if (!isBack || stopped?.by !== 'failure' || isHeldBack(state)) return false;
  if ((strategy.revert ?? 'none') === 'none') return false;
  return revert === undefined || revert.state === 'pending';
}

/** The same for the same release, so that a hub that is started again finds it. Empty: the branch that is followed. */
export function revertBranch({ application, releaseId, strategy }: RolloutState): string {
  return strategy.revert === 'commit' ? '' : `fairway/revert/${application}-${releaseId.slice(0, 8)}`;
}

/** One line of a trailer's value. */
function line(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, reasonMax);
}

/** The first trailer tells this release's revert from every other. */
export function revertTrailers(state: RolloutState): readonly string[] {
  const { application, releaseId, revisionId, stopped, clusters } = state;
  const known = Object.entries(packClusters(clusters));
  const failed = known.filter(([, one]) => one.failure !== undefined);
  return [
    `Fairway-Rollout: ${releaseId}`,
    `Fairway-Application: ${application}`,
    `Fairway-Revision: ${revisionId}`,
    ...failed
      .slice(0, clustersNamedMax)
      .map(([cluster, { failure }]) => `Fairway-Cluster: ${cluster} (${failure?.reason ?? ''})`),
    `Fairway-Reason: ${line(stopped?.reason ?? '')}`,
  ];
}

/** As `git revert` words it, and why. */
export function revertMessage(
  { application, stopped }: Pick<RolloutState, 'application' | 'stopped'>,
  revision: Pick<Revision, 'commit'>,
  to: string,
): string {
  const { sha, message, parents } = revision.commit;
  const subject = (message.split('\n', 1)[0] ?? '').trim().slice(0, subjectMax);
  const one = parents.length === 1 && parents[0] === to;
  return [
    `Revert "${subject}"`,
    '',
    one ? `This reverts commit ${sha}.` : `This takes back what came after ${to} up to ${sha}.`,
    `The rollout of ${application} failed and was rolled back: ${line(stopped?.reason ?? '')}`,
  ].join('\n');
}

/** What is said of an attempt. */
export type RevertOutcome =
  | { readonly result: 'written' | 'found' | 'nothing'; readonly commit: string; readonly ref: string }
  /** `retryAtMs` undefined: another attempt would end the same. */
  | { readonly error: string; readonly retryAtMs: number | undefined };

/** The state after an attempt, and what happened. The same for an attempt that is told twice. */
export function noteRevert(
  state: RolloutState,
  outcome: RevertOutcome,
): { readonly state: RolloutState; readonly changes: readonly RolloutChange[] } {
  const attempts = state.revert?.attempts ?? 0;
  if ('result' in outcome) {
    const { result, commit, ref } = outcome;
    const kept = result === 'nothing' ? ('nothing' as const) : ('written' as const);
    const revert: RevertState = { state: kept, attempts, ref, commit, message: '' };
    const message = `its revert was written: commit ${commit.slice(0, 8)} on ${ref}`;
    const changes = kept === 'nothing' ? [] : [{ type: 'rollout.revert-written' as const, message }];
    return { state: { ...state, revert }, changes };
  }
  const { error, retryAtMs } = outcome;
  const again = retryAtMs !== undefined && attempts + 1 < revertAttemptsMax;
  const revert: RevertState = {
    ...{ state: again ? 'pending' : 'failed', attempts: attempts + 1, ref: '', commit: '', message: error },
    ...(again && { nextAtMs: retryAtMs }),
  };
  const message = `its revert was not written: ${error}`;
  return { state: { ...state, revert }, changes: again ? [] : [{ type: 'rollout.revert-failed', message }] };
}

/** One clause for people; empty: there is nothing to say. */
export function describeRevert({ revert }: Pick<RolloutState, 'revert'>): string {
  if (revert === undefined) return '';
  const { state, commit, ref, message } = revert;
  if (state === 'written')
    return `its revert is commit ${commit.slice(0, 8)} on ${ref.replace(/^refs\/heads\//, '')}`;
  if (state === 'nothing') return 'Git holds none of it any more';
  return state === 'failed'
    ? `its revert was not written: ${message}`
    : `its revert is tried again: ${message}`;
}
