/** What left the set is deleted, when that is safe, in reverse order, each wave when the one above it is gone. */
import { keyText } from '../../../shared/manifest/object.ts';
import { defaultPruneLimit } from '../../../shared/manifest/target.ts';
import { describeLeaving } from '../../apply/describe-leaving.ts';
import { loadParent } from '../../apply/parent.ts';
import { isBeyondLimit, leavingLimitMs, type PrunePlan } from '../../apply/plan-prune.ts';
import type { DesiredApplication } from '../../model/desired.ts';
import { parentName, pruneConfirmedAnnotation } from '../../model/inventory.ts';
import type { ObservedObject } from '../../model/record.ts';
import type { AgentContext, ApplicationState, ObjectState } from '../context.ts';
import { assertNewest } from '../fence.ts';
import type { ReleaseSummary } from '../release/release.ts';
import { contentOf, writeParent } from './inventory.ts';
import {
  executePlannedPrune,
  forgetObject,
  planApplicationPrune,
  pruneBlocked,
  retain,
  watchInventory,
} from './prune-phase.ts';

export interface PruneReport {
  /** Why nothing of what is to go is deleted. */
  readonly blocked: string | undefined;
  /** What is on its way and has not gone yet. */
  readonly note: string | undefined;
  /** When to look again though nothing wakes the application, in milliseconds. */
  readonly againMs: number | undefined;
}

/** A confirmation by annotation wakes nobody. */
const confirmationAgainMs = 15_000;

/** What an operator writes to confirm exactly this deletion. It stays on the parent: the same target, assigned once more, deletes other things. */
function confirmationOf({ target, generation }: DesiredApplication): string {
  return `${target.digest.slice(0, 12)}-${generation}`;
}

/** Why so many are not deleted without a word; undefined: they are not too many, or somebody has said it, by the hub or in the cluster. */
async function findUnconfirmed(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  plan: PrunePlan,
  kept: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const percent = desired.target.sync.pruneLimit ?? defaultPruneLimit;
  const going = plan.deletes.length + plan.later.length;
  // What this very sync has made was no part of the inventory that shrinks.
  const others = [...kept].filter((text) => {
    const object = state.objects.get(text);
    return object !== undefined && object.action !== 'created' && object.action !== 'skipped';
  }).length;
  const before = state.parent?.objectsBefore;
  const staying = before === undefined ? others + plan.retained.length : Math.max(0, before - going);
  if (!isBeyondLimit(going, staying, percent)) return undefined;
  const { digest } = desired.target;
  if (context.desired.prunesConfirmed().get(state.application) === digest) return undefined;
  const word = confirmationOf(desired);
  const parent = await loadParent(context.kube, state.application, context.namespace, signal);
  if (parent?.pruneConfirmed === word) return undefined;
  const name = parentName(state.application);
  const total = going + staying;
  holdPrune(context, desired, state, going, total);
  return `${going} of ${total} objects left the set, more than ${percent} %: raise spec.sync.pruneLimit, or confirm: fairway get confirmations; without the hub: kubectl -n ${context.namespace} annotate configmap ${name} ${pruneConfirmedAnnotation}=${word} --overwrite`;
}

/** Told to the hub for as long as it is so, and once as an event. */
function holdPrune(
  context: AgentContext,
  { target, generation }: DesiredApplication,
  state: ApplicationState,
  objects: number,
  total: number,
): void {
  const { application, pruneHeld: before } = state;
  const same = before?.targetDigest === target.digest;
  const sinceMs = same ? before.sinceMs : context.clock.now();
  state.pruneHeld = { objects, total, sinceMs, targetDigest: target.digest };
  if (same) return;
  context.reports.event({
    id: `prune-${application}-${generation}-${target.digest.slice(0, 16)}`,
    type: 'removal.held',
    application,
    key: undefined,
    message: `${objects} of ${total} objects left the set of ${application}: nothing is deleted until somebody confirms it`,
    timeMs: sinceMs,
    drift: undefined,
  });
}

/** Tells of what has been deleted and is still there, by what holds it. */
function tellLeaving(
  context: AgentContext,
  state: ApplicationState,
  leaving: readonly ObservedObject[],
): Pick<PruneReport, 'note' | 'againMs'> {
  const nowMs = context.clock.now();
  const notes: string[] = [];
  const times: number[] = [];
  for (const object of leaving) {
    const { key, finalizers } = object;
    const sinceMs = object.deletedAtMs ?? nowMs;
    const message = describeLeaving({ key, finalizers, sinceMs });
    const leftMs = sinceMs + leavingLimitMs - nowMs;
    retain(context, state, object, message, leftMs > 0 ? 'Terminating' : 'StuckTerminating');
    notes.push(message);
    if (leftMs > 0) times.push(leftMs);
  }
  const [first] = notes;
  return {
    note: first && first + (notes.length > 1 ? ` (and ${notes.length - 1} more)` : ''),
    againMs: times.length === 0 ? undefined : Math.min(...times),
  };
}

/** Rows and records of what is neither desired nor there. */
function forgetGone(context: AgentContext, state: ApplicationState, told: ReadonlySet<string>): void {
  const untold = [...state.objects].filter(([text]) => !told.has(text));
  const stays = ({ status }: ObjectState) => status === 'Retained' || status === 'Failed';
  const members = untold.some(([, object]) => stays(object))
    ? new Set(context.observer.members(state.applySetId).map(({ key }) => keyText(key)))
    : undefined;
  for (const [text, object] of untold)
    if (!(stays(object) && members?.has(text))) forgetObject(context, state, text);
  for (const text of state.records.keys()) if (!state.objects.has(text)) state.records.delete(text);
}

export async function pruneSet(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  release: ReleaseSummary,
  signal: AbortSignal,
): Promise<PruneReport> {
  const { desired: keys, told, applied } = release;
  // Definitions that were just made are served only now.
  await watchInventory(context, state, signal);
  const unfinished = [...applied].some((text) => {
    const status = state.objects.get(text)?.status;
    return status === 'Failed' || status === 'Pending';
  });
  const plan = planApplicationPrune(context, state, keys, desired.target.sync.prune, told);
  let blocked = pruneBlocked(context, state) ?? (unfinished ? 'not everything is applied yet' : undefined);
  let unconfirmed = false;
  // Also while what is in a higher wave leaves, though nothing is to be deleted in this step.
  if (blocked === undefined && plan.deletes.length + plan.later.length > 0) {
    blocked = await findUnconfirmed(context, desired, state, plan, keys, signal);
    unconfirmed = blocked !== undefined;
  }
  if (!unconfirmed) state.pruneHeld = undefined;
  let tried = 0;
  if (blocked === undefined) {
    if (plan.deletes.length > 0) await assertNewest(context, desired, state, signal);
    ({ tried } = await executePlannedPrune(context, desired, state, plan.deletes, 'delete', signal));
    for (const { object, reason } of plan.retained) retain(context, state, object, reason);
  }
  const { note, againMs } = tellLeaving(context, state, plan.leaving);
  forgetGone(context, state, told);
  const isDone = blocked === undefined && plan.deletes.length + plan.later.length === 0;
  if (isDone && plan.retained.length + plan.leaving.length === 0)
    await writeParent(context, state, contentOf(context, desired, state), signal);
  else if ((isDone || tried > 0) && state.parent?.objectsBefore !== undefined)
    // What was to be confirmed goes or has gone: the next target, which may come any moment, is measured by what is there then.
    await writeParent(context, state, { ...state.parent, objectsBefore: undefined }, signal);
  return {
    blocked: plan.deletes.length > 0 || unconfirmed ? blocked : undefined,
    note,
    againMs: unconfirmed ? confirmationAgainMs : againMs,
  };
}
