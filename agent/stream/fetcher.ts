import { create } from '@bufbuild/protobuf';
import type { Client, ClientReadableStream } from '@grpc/grpc-js';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import {
  AgentService,
  type FetchBlobsRequest,
  FetchBlobsRequestSchema,
  type FetchBlobsResponse,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { Digest } from '../../shared/manifest/canonical.ts';
import { toMethodDefinition } from '../../shared/stream/service.ts';
import { digestFromWire, digestToWire } from '../../shared/stream/wire-base.ts';
import type { DesiredApplication } from '../model/desired.ts';
import { fromServiceError } from './channel.ts';
import type { DesiredStore } from './desired-store.ts';

/** Digests asked for in one call; the hub takes 1,000. */
const digestsMax = 500;
/** No object of Kubernetes is larger than etcd's requests (1.5 MiB). */
const blobBytesMax = 4 * 1024 * 1024;

export interface FetcherOptions {
  readonly client: Client;
  readonly desired: DesiredStore;
  readonly signal: AbortSignal;
  readonly onReady: (applications: readonly DesiredApplication[]) => void;
  readonly onLost: (applications: readonly DesiredApplication[]) => void;
  readonly onError: (error: FairwayError) => void;
}

/** The result fetches what waiting assignments lack until they lack nothing; one call at a time however often it is asked. */
export function createFetcher(options: FetcherOptions): () => void {
  let running = false;
  const run = async () => {
    for (;;) {
      const lacking = options.desired.lacking().slice(0, digestsMax);
      if (lacking.length === 0 || options.signal.aborted) return;
      const lost = await fetchBlobs(options, lacking);
      if (lost.size > 0) options.onLost(options.desired.giveUp(lost));
    }
  };
  return () => {
    if (running) return;
    running = true;
    run()
      .catch((caught: unknown) => options.onError(toFairwayError(caught)))
      .finally(() => {
        running = false;
      });
  };
}

/** Resolves to the digests that did not come, or not whole. */
function fetchBlobs(options: FetcherOptions, lacking: readonly Digest[]): Promise<ReadonlySet<Digest>> {
  const method = toMethodDefinition(AgentService.method.fetchBlobs);
  const request = create(FetchBlobsRequestSchema, { digests: lacking.map(digestToWire) });
  const call: ClientReadableStream<FetchBlobsResponse> = options.client.makeServerStreamRequest<
    FetchBlobsRequest,
    FetchBlobsResponse
  >(method.path, method.requestSerialize, method.responseDeserialize, request);
  const lost = new Set(lacking);
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const onAbort = () => call.cancel();
    options.signal.addEventListener('abort', onAbort, { once: true });
    const settle = (finish: () => void) => {
      options.signal.removeEventListener('abort', onAbort);
      finish();
    };
    const take = (message: FetchBlobsResponse) => {
      const digest = digestFromWire(message.digest);
      if (!message.missing) chunks.push(Buffer.from(message.chunk));
      bytes += message.chunk.length;
      if (bytes > blobBytesMax)
        throw new FairwayError('resource_exhausted', 'an object from the hub is too large');
      if (!message.last) return;
      const content = Buffer.concat(chunks).toString();
      chunks = [];
      bytes = 0;
      if (message.missing) return;
      options.onReady(keep(options.desired, lost, { digest, content }));
    };
    call.on('data', (message: FetchBlobsResponse) => {
      try {
        take(message);
      } catch (caught) {
        call.cancel();
        settle(() => reject(toFairwayError(caught)));
      }
    });
    call.on('error', (error) => settle(() => reject(fromServiceError(error))));
    call.on('end', () => settle(() => resolve(lost)));
  });
}

/** A blob that does not match its digest counts as one that did not come. */
function keep(
  desired: DesiredStore,
  lost: Set<Digest>,
  blob: { readonly digest: Digest; readonly content: string },
): readonly DesiredApplication[] {
  try {
    const ready = desired.addBlobs([blob]);
    lost.delete(blob.digest);
    return ready;
  } catch (caught) {
    if (caught instanceof FairwayError && caught.code === 'data_loss') return [];
    throw caught;
  }
}
