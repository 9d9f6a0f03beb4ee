import { create } from '@bufbuild/protobuf';
import { AssignmentSchema, SessionResponseSchema } from '../../shared/gen/fairway/v1/agent_pb.ts';
import { BlobSchema } from '../../shared/gen/fairway/v1/common_pb.ts';
import type { Target } from '../../shared/manifest/target.ts';
import { inlineBlobBytesMax } from '../../shared/stream/protocol.ts';
import { epochToWire, targetToWire } from '../../shared/stream/wire.ts';
import { digestToWire, encode } from '../../shared/stream/wire-base.ts';
import type { Assignment } from '../model/release.ts';
import { planLacking } from './plan-session.ts';
import type { SessionContext } from './session-context.ts';

/** Lacking blobs looked at for sending along; an object has some hundred bytes at least. */
const inlineBlobsMax = 200;

/**
 * Writes one assignment with the objects the agent lacks, then waits for room. `more`: others follow at once. A Target that the store has lost is
 * logged and passed over.
 */
export async function sendAssignment(
  context: SessionContext,
  assignment: Assignment,
  more: boolean,
): Promise<void> {
  const { options, state } = context;
  const { application, targetDigest, generation, releaseId } = assignment;
  const target = await options.store.content.target(targetDigest);
  if (!target) {
    const fields = { cluster: context.cluster, application, targetDigest, generation };
    options.log.error('an assigned target is not in the store', fields);
    return;
  }
  const value = encode(AssignmentSchema, {
    application,
    generation: BigInt(generation),
    epoch: epochToWire(state.epoch),
    releaseId,
    reason: assignment.reason,
    revisionId: assignment.revisionId,
    target: targetToWire(target),
    blobs: await loadInlineBlobs(context, application, target),
    more,
  });
  if (state.closed) return;
  const hasRoom = options.write(create(SessionResponseSchema, { message: { case: 'assignment', value } }));
  state.held.set(application, { targetDigest, generation, releaseId });
  state.batchOpen = more;
  if (!hasRoom) await options.drained();
}

/** What the agent lacks by what it holds of this application, while it fits; it fetches the rest. */
async function loadInlineBlobs({ options, state }: SessionContext, application: string, target: Target) {
  const heldDigest = state.held.get(application)?.targetDigest;
  if (heldDigest === target.digest) return [];
  const before = heldDigest === undefined ? undefined : await options.store.content.target(heldDigest);
  const lacking = planLacking(before?.set.entries ?? [], target.set.entries).slice(0, inlineBlobsMax);
  if (lacking.length === 0) return [];
  const objects = await options.store.content.objects(lacking);
  const blobs = [];
  let left = inlineBlobBytesMax;
  for (const digest of lacking) {
    const content = Buffer.from(objects.get(digest)?.content ?? '');
    if (content.length === 0 || content.length > left) continue;
    left -= content.length;
    blobs.push(encode(BlobSchema, { digest: digestToWire(digest), content }));
  }
  return blobs;
}
