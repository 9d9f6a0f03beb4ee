/**
 * A session's share of fencing. The order of what an agent is told matters: first that it must leave alone what is withheld, then what is assigned, and last the word by
 * which it may let go what is fenced.
 */
import { create } from '@bufbuild/protobuf';
import {
  FenceContactAnswerSchema,
  type SessionResponse,
  SessionResponseSchema,
  type FenceContact as WireContact,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { FenceOrder } from '../../shared/manifest/fencing.ts';
import type { FenceContact } from '../model/fencing.ts';
import type { Assignment, Pause } from '../model/release.ts';
import { fenceOrderToWire, promisesFromWire } from './fence-wire.ts';

/** What an agent of this cluster may have, whose session was written down as open then. */
export type AskFencing = (question: {
  readonly cluster: string;
  readonly openedAtMs: number;
  readonly assignments: readonly Pick<Assignment, 'application' | 'removed'>[];
}) => Promise<FenceOrder>;

export const nothingFenced: FenceOrder = { rules: [], withheld: [] };

/** In the words of a pause, which agents of any version understand. */
export function withheldPauses(cluster: string, withheld: Iterable<string>, nowMs: number): readonly Pause[] {
  return [...withheld].map((application) => ({
    ...{ cluster, application, untilMs: undefined, createdAtMs: nowMs, actor: 'hub' },
    reason: 'a failover is under way: waits for its new Target',
  }));
}

export function fencesMessage(order: FenceOrder): SessionResponse {
  return create(SessionResponseSchema, { message: { case: 'fences', value: fenceOrderToWire(order) } });
}

/**
 * Takes down a contact and says whether it may be answered. Written down first: a failover that begins meanwhile sees that the agent is about to take up what was fenced,
 * or this sees the failover.
 */
export async function takeContact(
  message: WireContact,
  context: {
    readonly atMs: number;
    readonly instanceId: string;
    readonly before: FenceContact | undefined;
    readonly save: (contact: FenceContact) => Promise<void>;
    readonly withheld: () => Promise<readonly string[]>;
  },
): Promise<SessionResponse | undefined> {
  const { atMs, instanceId, before, save, withheld } = context;
  const promises = promisesFromWire(message);
  await save({ atMs, instanceId, promises });
  const fencedNow = new Set(promises.flatMap(({ fenced }) => fenced));
  const letGo = (before?.promises ?? []).flatMap(({ fenced }) => fenced).filter((one) => !fencedNow.has(one));
  if (letGo.length > 0) {
    const held = new Set(await withheld());
    if (letGo.some((one) => held.has(one))) return undefined;
  }
  const value = create(FenceContactAnswerSchema, { sequence: message.sequence });
  return create(SessionResponseSchema, { message: { case: 'contact', value } });
}
