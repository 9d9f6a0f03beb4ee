/**
 * Two agents of one cluster, by mistake: a second replica, or one that was thought dead. At the hub the newest session wins and the other waits, so
 * one of them may hold older Targets. It must not undo what the newer one does. So the parent of each application bears the mark of the newest target that
 * was applied, written before the target is; and before an agent deletes or heals it reads that mark. Whoever finds a newer one than its own stands back
 * from this application until the hub tells it more. Two that hold the same targets apply the same under the same name, which changes nothing.
 */
import { FairwayError } from '../../shared/error/error.ts';
import type { Epoch } from '../../shared/manifest/target.ts';
import { loadParent } from '../apply/parent.ts';
import type { DesiredApplication } from '../model/desired.ts';
import type { AgentContext, ApplicationState } from './context.ts';

const lookAgainMs = 60_000;

export function formatMark({
  epoch,
  generation,
}: {
  readonly epoch: Epoch;
  readonly generation: number;
}): string {
  return `${epoch.id}/${epoch.counter}/${generation}`;
}

/** Generations can be compared within one life of the hub only: a new hub begins anew, and counts. */
export function isNewer(mark: string | undefined, own: string): boolean {
  const cut = (text: string) =>
    [text.slice(0, text.lastIndexOf('/')), Number(text.slice(text.lastIndexOf('/') + 1))] as const;
  const [epoch, generation] = cut(mark ?? '');
  const [ownEpoch, ownGeneration] = cut(own);
  return epoch === ownEpoch && generation > ownGeneration;
}

/** Reads who was last at work here. One request. @throws failed_precondition, to be tried again in a minute, when another agent applies a newer target. */
export async function assertNewest(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<void> {
  const live = await loadParent(context.kube, desired.application, context.namespace, signal);
  const own = formatMark(desired);
  if (live && state.parent) state.parent = { ...state.parent, mark: live.mark };
  if (!isNewer(live?.mark, own)) return;
  throw new FairwayError(
    'failed_precondition',
    'another agent of this cluster applies a newer target of this application; this one stands back',
    { retry: true, retryAfterMs: lookAgainMs, details: { mark: live?.mark, own } },
  );
}

/** The same without a request where the mark that was last seen is no newer. */
export async function assertNotOutdated(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<void> {
  if (isNewer(state.parent?.mark, formatMark(desired))) await assertNewest(context, desired, state, signal);
}
