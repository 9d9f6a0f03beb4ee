/** What hub and agent agree on beside the messages. Additive: a value changes only together with `protocolMinor`. */

/** Minor version of fairway.v1 spoken here. Each end takes one below and one above its own. */
export const protocolMinor = 1;

/** The DNS name that every hub's serving certificate carries; agents verify it whatever address they dial. */
export const hubServerName = 'fairway-hub';

/** Largest message either end takes, in bytes. */
export const messageBytesMax = 8 * 1024 * 1024;

/** A report batch above this many bytes is sent in halves. */
export const reportBytesMax = 2 * 1024 * 1024;

/** Blobs sent along with one assignment; the rest is fetched. */
export const inlineBlobBytesMax = 256 * 1024;

/** A fetched blob travels in chunks of at most this. */
export const blobChunkBytes = 256 * 1024;

/** Digests that one FetchBlobs may name. */
export const fetchDigestsMax = 1_000;

/** HTTP/2 PING when nothing else is heard, and the wait for its answer, both ways. */
export const keepaliveMs = 20_000;
export const keepaliveTimeoutMs = 10_000;

/** How often an agent says what it holds (jittered there). */
export const summaryIntervalMs = 300_000;

/** The agent's name within a certificate, as a SPIFFE-like URI: the cluster it speaks for. */
export function clusterUri(cluster: string): string {
  return `spiffe://fairway/cluster/${cluster}`;
}
