import { toFairwayError } from '../../shared/error/error.ts';
import type { Assignment as WireAssignment } from '../../shared/gen/fairway/v1/agent_pb.ts';
import { digestFromWire } from '../../shared/stream/wire-base.ts';
import type { DesiredApplication } from '../model/desired.ts';
import { type LinkContext, say } from './link-context.ts';
import { acknowledgementToWire, assignmentFromWire } from './wire.ts';

/** Takes an assignment, or says why it is refused; the session goes on either way. */
export function takeAssignment(context: LinkContext, wire: WireAssignment): void {
  const { desired, log } = context;
  try {
    let read: ReturnType<typeof assignmentFromWire>;
    try {
      read = assignmentFromWire(wire);
    } catch (caught) {
      desired.reject(wire.application, wire.more);
      throw caught;
    }
    const lacking = desired.assign(read.assigned, read.blobs);
    const { application, generation } = read.assigned;
    log.debug('assignment taken', { application, generation, lacking: lacking.length });
    if (lacking.length === 0) sayReceived(context, [read.assigned]);
    else context.fetch();
  } catch (caught) {
    const error = toFairwayError(caught);
    const { application } = wire;
    log.warn('assignment refused', { application, code: error.code, error: error.message });
    context.acknowledgements.put({
      application,
      generation: Number(wire.generation),
      targetDigest: digestFromWire(wire.target?.digest ?? new Uint8Array(), true),
      stage: 'refused',
      message: error.message,
      timeMs: context.clock.now(),
    });
    sendAcknowledgements(context);
  }
}

/** Only when they are written down: after that the hub counts on it. */
export function sayReceived(context: LinkContext, applications: readonly DesiredApplication[]): void {
  context.desired.flush().then(
    () => {
      for (const application of applications) acknowledge(context, application, 'received', '');
    },
    (caught: unknown) => context.log.warn('received but not written', { error: toFairwayError(caught) }),
  );
}

/** Puts it down and says it, or says it once the hub has welcomed this link. */
export function acknowledge(
  context: LinkContext,
  { application, generation, target }: DesiredApplication,
  stage: 'received' | 'failed',
  message: string,
): void {
  const timeMs = context.clock.now();
  const targetDigest = target.digest;
  context.acknowledgements.put({ application, generation, targetDigest, stage, message, timeMs });
  sendAcknowledgements(context);
}

/** All that has not been said in this link. */
export function sendAcknowledgements(context: LinkContext): void {
  if (!context.welcomed || context.abort.signal.aborted) return;
  for (const ack of context.acknowledgements.takeUnsent())
    say(context, 'acknowledgement', acknowledgementToWire(ack));
}
