import type { StepResult } from '../../../shared/loop/loop.ts';
import { describeKey, type ObjectKey } from '../../../shared/manifest/object.ts';
import { describeLeaving } from '../../apply/describe-leaving.ts';
import { findLive } from '../../apply/find-live.ts';
import { forEachBounded } from '../../apply/parallel.ts';
import { deleteParent } from '../../apply/parent.ts';
import { isOurs } from '../../apply/plan-prune.ts';
import type { DesiredApplication } from '../../model/desired.ts';
import { partOfLabel } from '../../model/inventory.ts';
import type { ObservedObject } from '../../model/record.ts';
import type { AgentContext, ApplicationState } from '../context.ts';
import { assertNewest } from '../fence.ts';
import { releaseHookFinalizers } from '../hooks/hook-sweep.ts';
import { reportPhase } from '../report-phase.ts';
import { refOf } from '../resources.ts';
import {
  executePlannedPrune,
  forgetObject,
  planApplicationPrune,
  pruneBlocked,
  watchInventory,
} from './prune-phase.ts';

const lookAgainMs = 30_000;
const parallelMax = 8;

/** What is left to wait for, once this step has done what it may. */
interface Remaining {
  readonly message: string;
  readonly retry: boolean;
}

/** The one that has been leaving longest, by what holds it, and how many more there are. */
function describeLeft(objects: readonly ObservedObject[], nowMs: number): string {
  const [first] = [...objects].sort((a, b) => (a.deletedAtMs ?? nowMs) - (b.deletedAtMs ?? nowMs));
  if (!first) return '';
  const { key, finalizers, deletedAtMs } = first;
  const more = objects.length > 1 ? ` (and ${objects.length - 1} more)` : '';
  if (deletedAtMs === undefined) return `waits for ${describeKey(key)} to go${more}`;
  return describeLeaving({ key, finalizers, sinceMs: deletedAtMs }) + more;
}

/** What was applied and no watch has shown yet, though it is there: an agent that is faster than its watch must leave nothing behind. */
async function findUnseen(
  { observer, claims, resources, kube }: AgentContext,
  { records, application, applySetId }: ApplicationState,
  signal: AbortSignal,
): Promise<readonly ObjectKey[]> {
  const unseen = [...records].filter(
    ([text, { key }]) =>
      observer.get(key.group, key.kind, text) === undefined &&
      claims.claimedBy(text, application) === undefined,
  );
  const there: ObjectKey[] = [];
  await forEachBounded(unseen, parallelMax, async ([, record]) => {
    const ref = refOf(resources, record);
    const live = ref && (await findLive(kube, ref, signal));
    if (live?.metadata.labels?.[partOfLabel] === applySetId) there.push(record.key);
  });
  return there;
}

/**
 * Prunes what may go and lets go of the rest: with policy orphan everything, with prune the guarded objects (a Namespace the application made
 * stays, with what others put in it, unless it is annotated `fairway.dev/prune: allowed`). What another application desires is left to it.
 */
async function clear(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<Remaining | undefined> {
  const blocked = pruneBlocked(context, state);
  if (blocked !== undefined) return { message: `nothing is deleted: ${blocked}`, retry: true };
  const prune = desired.target.deletionPolicy === 'prune';
  const plan = planApplicationPrune(context, state, new Set(), prune);
  if (plan.deletes.length + plan.retained.length > 0) await assertNewest(context, desired, state, signal);
  const deleted = await executePlannedPrune(context, desired, state, plan.deletes, 'delete', signal);
  const guarded = plan.retained.map(({ object }) => object);
  const released = await executePlannedPrune(context, desired, state, guarded, 'release', signal);
  const halted = deleted.halted ?? released.halted;
  if (halted !== undefined) return { message: `nothing more is deleted: ${halted}`, retry: true };
  const failed = deleted.failed + released.failed;
  if (failed > 0) return { message: `${failed} objects could not be removed`, retry: true };
  const left = context.observer.members(state.applySetId).filter(isOurs);
  if (left.length > 0) return { message: describeLeft(left, context.clock.now()), retry: false };
  const [unseen, ...others] = await findUnseen(context, state, signal);
  if (unseen === undefined) return undefined;
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return { message: `waits for the watch to show ${describeKey(unseen)}${more}`, retry: true };
}

/** A Target that takes the application out of the cluster: objects, then parent, then the memory of it. */
export async function removeApplication(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<StepResult | undefined> {
  await watchInventory(context, state, signal);
  await releaseHookFinalizers(context, state, signal);
  state.settled = true;
  const remaining = await clear(context, desired, state, signal);
  if (remaining) {
    reportPhase(context, desired, state, { message: remaining.message, done: false });
    return { requeueAfterMs: remaining.retry ? 5_000 : lookAgainMs };
  }
  if (state.parent) await deleteParent(context.kube, desired.application, context.namespace, signal);
  state.parent = undefined;
  for (const text of [...state.objects.keys()]) forgetObject(context, state, text);
  reportPhase(context, desired, state, { done: true });
  context.states.delete(desired.application);
  await context.desired.forget(desired.application, desired.generation);
  return undefined;
}
