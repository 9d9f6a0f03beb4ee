/** Brings one agent up to date: looks at the store, and writes what differs from what the agent holds and was last told. */
import { create } from '@bufbuild/protobuf';
import { ResyncDoneSchema, SessionResponseSchema } from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { FenceOrder } from '../../shared/manifest/fencing.ts';
import { fencesMessage, nothingFenced, withheldPauses } from './fencing.ts';
import { findPrunes, findRestored } from './find-confirmations.ts';
import { planSends } from './plan-session.ts';
import { sendAssignment } from './send-assignment.ts';
import { sendPauses } from './send-pauses.ts';
import type { SessionContext } from './session-context.ts';

/** Single flight: rounds until nothing has woken the session during the last. Never rejects: what fails ends the session. */
export async function updateAgent(context: SessionContext): Promise<void> {
  const { state, options } = context;
  if (state.updating) return;
  state.updating = true;
  try {
    while (!state.closed && (state.woken || state.resync)) {
      const finishing = state.resync;
      state.woken = false;
      state.resync = false;
      const whole = await round(context);
      if (!whole) state.resync ||= finishing;
      else if (finishing || state.batchOpen) sayDone(context);
    }
  } catch (caught) {
    if (!state.closed) options.end(caught);
  } finally {
    state.updating = false;
  }
}

function sayDone({ state, options }: SessionContext): void {
  state.batchOpen = false;
  const value = create(ResyncDoneSchema, { generation: BigInt(state.seenGeneration) });
  options.write(create(SessionResponseSchema, { message: { case: 'resyncDone', value } }));
}

/** One look at the store, and all that differs. False when it was woken before the end: what is left is judged anew. */
async function round(context: SessionContext): Promise<boolean> {
  const { state, options, cluster } = context;
  const { store } = options;
  const [epoch, assignments, pauses, confirmations] = await Promise.all([
    store.meta.epoch(),
    store.releases.assignments({ cluster }),
    store.releases.pauses(cluster),
    store.releases.confirmations(),
  ]);
  state.epoch = epoch;
  const restored = findRestored(confirmations);
  const { openedAtMs } = state;
  const order = (await options.fencing?.({ cluster, openedAtMs, assignments })) ?? nothingFenced;
  const prunes = findPrunes(confirmations, assignments);
  const tellPauses = (withheld: Iterable<string>) => {
    const all = [...pauses, ...withheldPauses(cluster, withheld, options.clock.now())];
    sendPauses(context, all, restored !== undefined, prunes);
  };
  // What is let go now is so only once its new Target is there.
  tellPauses(new Set([...(state.order?.withheld ?? []), ...order.withheld]));
  // Whatever this process has decided itself is no older than its start.
  const restoredAtMs = restored && Math.min(restored.createdAtMs, options.startedAtMs);
  const mayHave = assignments.filter(({ application }) => !order.withheld.includes(application));
  const sends = planSends({ assignments: mayHave, held: state.held, restoredAtMs });
  for (const [index, assignment] of sends.entries()) {
    if (state.closed) return true;
    if (state.woken) return false;
    await sendAssignment(context, assignment, index < sends.length - 1);
  }
  tellPauses(order.withheld);
  sendFences(context, order);
  return true;
}

function sendFences({ options, state }: SessionContext, order: FenceOrder): void {
  if (options.fencing === undefined || JSON.stringify(order) === JSON.stringify(state.order)) return;
  state.order = order;
  options.write(fencesMessage(order));
}
