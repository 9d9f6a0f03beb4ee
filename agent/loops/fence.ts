/**
 * Two agents of one cluster, by mistake: a second replica, or one that was thought dead. At the hub the newest session wins and the other waits, so
 * one of them may hold older Targets. It must not undo what the newer one does. So there is a mark of the newest target of each application, written before the
 * target is applied: with the cached state where that lies in the cluster, else on the application's parent; and before an agent deletes or heals it reads both. Whoever finds a newer one than its own stands back
 * from this application until the hub tells it more. Two that hold the same targets apply the same under the same name, which changes nothing.
 */
import { FairwayError } from '../../shared/error/error.ts';
import { loadParent } from '../apply/parent.ts';
import type { DesiredApplication } from '../model/desired.ts';
import { formatMark, isNewer } from '../model/marks.ts';
import type { AgentContext, ApplicationState } from './context.ts';

const lookAgainMs = 60_000;

/** The marks that were last read, but for those on parents. */
export interface SeenMarks {
  marks: ReadonlyMap<string, string>;
}

/** Reads who was last at work here. A request for each place of marks. @throws failed_precondition, to be tried again in a minute, when another agent applies a newer target. */
export async function assertNewest(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<void> {
  const { application } = desired;
  const [live, marks] = await Promise.all([
    loadParent(context.kube, application, context.namespace, signal),
    context.marks?.read(signal),
  ]);
  if (marks) context.seenMarks.marks = marks;
  const own = formatMark(desired);
  if (live && state.parent) state.parent = { ...state.parent, mark: live.mark };
  const mark = [live?.mark, marks?.get(application)].find((one) => isNewer(one, own));
  if (mark === undefined) return;
  throw new FairwayError(
    'failed_precondition',
    'another agent of this cluster applies a newer target of this application; this one stands back',
    { retry: true, retryAfterMs: lookAgainMs, details: { mark, own } },
  );
}

/** The same without a request where the marks that were last seen are no newer. */
export async function assertNotOutdated(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<void> {
  const seen = [state.parent?.mark, context.seenMarks.marks.get(desired.application)];
  const own = formatMark(desired);
  if (seen.some((mark) => isNewer(mark, own))) await assertNewest(context, desired, state, signal);
}
