import { create } from '@bufbuild/protobuf';
import { FairwayError } from '../../shared/error/error.ts';
import { type FetchBlobsResponse, FetchBlobsResponseSchema } from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { Digest } from '../../shared/manifest/canonical.ts';
import { blobChunkBytes, fetchDigestsMax } from '../../shared/stream/protocol.ts';
import { digestFromWire, digestToWire } from '../../shared/stream/wire-base.ts';
import type { Store } from '../store/store.ts';

/** Objects in memory at once. */
const loadedMax = 32;

/**
 * Sends the asked objects in chunks. A digest that no Target assigned to this cluster names is answered as missing, whether it exists or
 * not, so nothing can be learned of other clusters.
 * @param send resolves when there is room for more.
 * @throws invalid_argument for more than 1,000 digests or one that is none.
 */
export async function serveBlobs(
  content: Store['content'],
  cluster: string,
  wanted: readonly Uint8Array[],
  send: (message: FetchBlobsResponse) => Promise<void>,
): Promise<void> {
  if (wanted.length > fetchDigestsMax)
    throw new FairwayError('invalid_argument', `at most ${fetchDigestsMax} digests a call`);
  const digests = [...new Set(wanted.map((bytes) => digestFromWire(bytes)))];
  const unreachable = new Set(await content.unreachable(cluster, digests));
  for (const digest of unreachable) await sendMissing(send, digest);
  const allowed = digests.filter((digest) => !unreachable.has(digest));
  for (let start = 0; start < allowed.length; start += loadedMax) {
    const part = allowed.slice(start, start + loadedMax);
    const objects = await content.objects(part);
    for (const digest of part) {
      const object = objects.get(digest);
      if (object) await sendBlob(send, digest, Buffer.from(object.content));
      else await sendMissing(send, digest);
    }
  }
}

function sendMissing(send: (message: FetchBlobsResponse) => Promise<void>, digest: Digest): Promise<void> {
  return send(create(FetchBlobsResponseSchema, { digest: digestToWire(digest), missing: true, last: true }));
}

async function sendBlob(
  send: (message: FetchBlobsResponse) => Promise<void>,
  digest: Digest,
  content: Buffer,
): Promise<void> {
  for (let start = 0; start === 0 || start < content.length; start += blobChunkBytes) {
    const chunk = content.subarray(start, start + blobChunkBytes);
    const last = start + blobChunkBytes >= content.length;
    await send(create(FetchBlobsResponseSchema, { digest: digestToWire(digest), chunk, last }));
  }
}
