import { create } from '@bufbuild/protobuf';
import {
  ConfirmedPruneSchema,
  PauseSchema,
  PauseStateSchema,
  SessionResponseSchema,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import { digestToWire, encode, timeToWire } from '../../shared/stream/wire-base.ts';
import type { Assignment, Pause } from '../model/release.ts';
import type { SessionContext } from './session-context.ts';

/** Says what is paused, whether deletions are held, and which are confirmed all the same; nothing when the agent was told just that. */
export function sendPauses(
  { options, state }: SessionContext,
  pauses: readonly Pause[],
  deletionsHeld: boolean,
  prunes: readonly Assignment[],
): void {
  const now = options.clock.now();
  const current = pauses.filter(({ untilMs }) => untilMs === undefined || untilMs > now);
  const text = JSON.stringify([
    deletionsHeld,
    current.map((p) => [p.application, p.untilMs, p.reason]),
    prunes.map((one) => [one.application, one.targetDigest]),
  ]);
  if (text === state.pausesSent) return;
  state.pausesSent = text;
  const value = create(PauseStateSchema, {
    deletionsHeld,
    pauses: current.map(({ application, untilMs, reason }) =>
      encode(PauseSchema, { application, reason, remainingMs: timeToWire(untilMs && untilMs - now) }),
    ),
    prunes: prunes.map(({ application, targetDigest }) =>
      encode(ConfirmedPruneSchema, { application, targetDigest: digestToWire(targetDigest) }),
    ),
  });
  options.write(create(SessionResponseSchema, { message: { case: 'pauses', value } }));
}
