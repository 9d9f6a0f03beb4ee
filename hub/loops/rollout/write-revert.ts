/** One attempt at writing the revert of a rolled back release into the root repository. */

import type { Clock } from '../../../shared/clock/clock.ts';
import type { Random } from '../../../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import { planBackoffMs } from '../../../shared/loop/backoff.ts';
import { listNames } from '../../../shared/text/list-names.ts';
import { type Revision, rootRepository, sourceKeyOf } from '../../model/revision.ts';
import {
  type RevertOutcome,
  revertBranch,
  revertMessage,
  revertTrailers,
} from '../../rollout/plan-revert.ts';
import type { RolloutState } from '../../rollout/rollout-state.ts';
import type { GitWriter } from '../../source/git-source.ts';
import { reasonOf } from '../../source/source-error.ts';
import type { Store } from '../../store/store.ts';
import { fleetOf } from '../fleet-rows.ts';
import { applicationSourceKey } from '../source/revision-of.ts';

export interface RevertPorts {
  readonly write: GitWriter['revert'];
  /** The root repository. */
  readonly url: string;
  readonly ref: string;
  /** Whose commits they are; undefined: the hub may write none. */
  readonly identity: { readonly name: string; readonly email: string } | undefined;
}

const pageSize = 100;
const revisionsMax = 2_000;
const backoff = { baseMs: 2_000, maxMs: 300_000 };
/** One attempt: shorter than a step of the loop may take, so that it is counted. */
const attemptMs = 90_000;

/** The one that the hub saw before it. */
async function revisionBefore(store: Store, id: string): Promise<Revision | undefined> {
  let cursor: string | undefined;
  let found = false;
  for (let seen = 0; seen < revisionsMax; seen += pageSize) {
    const { items, next } = await store.sources.revisions({ limit: pageSize, cursor });
    for (const revision of items) {
      if (found) return revision;
      found = revision.id === id;
    }
    if (next === undefined) return undefined;
    cursor = next;
  }
  return undefined;
}

const refuse = (message: string) => new FairwayError('failed_precondition', message);

/** What is taken back: from the revision's commit to the one before. @throws failed_precondition saying why nothing can be. */
async function rangeOf(store: Store, { revisionId, application }: RolloutState) {
  const revision = await store.sources.revision(revisionId);
  const before = revision && (await revisionBefore(store, revisionId));
  if (revision === undefined || before === undefined)
    throw refuse('the hub does not remember what came before this revision');
  const fleet = fleetOf(await store.fleet.load());
  const declared = fleet.applications.get(application);
  const root = sourceKeyOf(rootRepository, '');
  const key = declared === undefined ? root : applicationSourceKey(declared, fleet);
  const elsewhere = key !== root && revision.sources[key] !== before.sources[key];
  if (elsewhere || revision.commit.sha === before.commit.sha)
    throw refuse('the change came from another repository than the fleet repository, or from another branch');
  return { revision, to: before.commit.sha };
}

/** Never throws but for `signal`. */
export async function attemptRevert(
  state: RolloutState,
  ports: RevertPorts & { readonly store: Store; readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
): Promise<RevertOutcome> {
  const { store, clock, random, url, ref, identity, write } = ports;
  const late = new AbortController();
  const cancelLate = clock.after(attemptMs, () => late.abort());
  try {
    if (identity === undefined)
      throw refuse(
        "the hub's configuration names nobody for its commits: set commits.name and commits.email",
      );
    const { revision, to } = await rangeOf(store, state);
    return await write({
      ...{ url, ref, to, signal: AbortSignal.any([signal, late.signal]) },
      from: revision.commit.sha,
      branch: revertBranch(state),
      message: revertMessage(state, revision, to),
      trailers: revertTrailers(state),
      person: { ...identity, timeMs: clock.now() },
    });
  } catch (caught) {
    signal.throwIfAborted();
    const error = late.signal.aborted
      ? new FairwayError('deadline_exceeded', `it took longer than ${attemptMs / 1_000} s`)
      : toFairwayError(caught);
    const waitMs = planBackoffMs(state.revert?.attempts ?? 0, random, backoff);
    return {
      error: describe(error),
      retryAtMs: error.retry ? clock.now() + Math.max(waitMs, error.retryAfterMs ?? 0) : undefined,
    };
  } finally {
    cancelLate();
  }
}

const filesNamed = 5;

/** With the files that stand in the way, or what the server said. */
function describe(error: FairwayError): string {
  const files = error.details?.['files'];
  if (reasonOf(error) === 'MergeConflict' && Array.isArray(files))
    return `${error.message}: ${listNames(files, filesNamed)}`;
  const said = error.details?.['said'];
  return typeof said === 'string' && said !== '' ? `${error.message}: ${said}` : error.message;
}
