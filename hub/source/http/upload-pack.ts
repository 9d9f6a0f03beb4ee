/**
 * The client's half of Git's upload-pack service over HTTP: protocol version 2 where the server has it, else the first
 * (https://git-scm.com/docs/protocol-v2, https://git-scm.com/docs/pack-protocol).
 */
import type { FairwayError } from '../../../shared/error/error.ts';
import { sourceError } from '../source-error.ts';
import type { AdvertisedRef, Remote, RemoteContext } from './discover.ts';
import { statusError } from './discover.ts';
import { dropBody, type GitResponse, sendGitRequest } from './git-http.ts';
import { delimiterPacket, flushPacket, type Packet, packet, packetText, readPackets } from './pkt-line.ts';

const agent = 'agent=git/fairway';

async function post(
  remote: Remote,
  context: RemoteContext,
  body: string,
  bounds: { readonly timeoutMs: number; readonly bytesMax: number },
): Promise<GitResponse> {
  const url = new URL(remote.base);
  url.pathname = `${remote.base.pathname}/git-upload-pack`;
  const credentials = await context.credentials.forUrl(remote.base.href);
  const response = await sendGitRequest({
    url,
    method: 'POST',
    headers: {
      'content-type': 'application/x-git-upload-pack-request',
      accept: 'application/x-git-upload-pack-result',
      ...(remote.version === 2 ? { 'git-protocol': 'version=2' } : {}),
    },
    body: Buffer.from(body),
    credentials,
    ...bounds,
    signal: context.signal,
    clock: context.clock,
    subject: context.subject,
  });
  const error: FairwayError | undefined =
    statusError(response, context, credentials !== undefined) ??
    (response.contentType === 'application/x-git-upload-pack-result'
      ? undefined
      : sourceError('unavailable', 'BadAnswer', 'the answer is not one of Git', {
          subject: context.subject,
        }));
  if (!error) return response;
  await dropBody(response.body);
  throw error;
}

/** A request of protocol version 2: command and capabilities, then its arguments. */
function command(remote: Remote, name: string, args: readonly string[]): string {
  const capabilities = [
    `command=${name}\n`,
    `${agent}\n`,
    ...(remote.namesFormat ? ['object-format=sha1\n'] : []),
  ];
  return (
    capabilities.map(packet).join('') +
    delimiterPacket +
    args.map((text) => packet(`${text}\n`)).join('') +
    flushPacket
  );
}

/** An `ERR` packet is the server's refusal; its text is for people only, so it goes into the cause. */
function refuseError(data: Buffer, subject: string): void {
  if (data.subarray(0, 4).toString('latin1') !== 'ERR ') return;
  throw sourceError('unavailable', 'RemoteError', 'the server refused the request', {
    subject,
    cause: new Error(packetText(data.subarray(4)).slice(0, 500)),
  });
}

/** The refs under the prefixes, of a server of version 2: one request. */
export async function listRefs(
  remote: Remote,
  prefixes: readonly string[],
  context: RemoteContext,
): Promise<readonly AdvertisedRef[]> {
  const body = command(remote, 'ls-refs', [
    'peel',
    'symrefs',
    ...prefixes.map((prefix) => `ref-prefix ${prefix}`),
  ]);
  const response = await post(remote, context, body, {
    timeoutMs: context.requestTimeoutMs,
    bytesMax: context.advertisementBytesMax,
  });
  const refs: AdvertisedRef[] = [];
  for await (const data of readPackets(response.body, context.subject)) {
    if (!Buffer.isBuffer(data)) continue;
    refuseError(data, context.subject);
    const [oid, name, ...attributes] = packetText(data).split(' ');
    if (!oid || !name || !/^[0-9a-f]{40}$/.test(oid))
      throw sourceError('unavailable', 'BadAnswer', 'the list of refs cannot be read', {
        subject: context.subject,
      });
    const peeled = attributes.find((text) => text.startsWith('peeled:'))?.slice('peeled:'.length);
    refs.push({ name, oid, peeled });
  }
  return refs;
}

/** The pack's bytes out of side band 1; 2 is progress, 3 a fatal error (https://git-scm.com/docs/protocol-capabilities#_side_band_side_band_64k). */
async function* packBytes(
  packets: AsyncIterable<Packet>,
  version: 0 | 2,
  subject: string,
): AsyncGenerator<Buffer> {
  let inPack = version === 0;
  let ended = false;
  for await (const data of packets) {
    if (!Buffer.isBuffer(data)) {
      ended ||= inPack && data === 'flush';
      continue;
    }
    refuseError(data, subject);
    if (!inPack) {
      inPack = packetText(data) === 'packfile';
      continue;
    }
    const band = data[0];
    if (band === 1) yield data.subarray(1);
    else if (band === 3)
      throw sourceError('unavailable', 'RemoteError', 'the server failed while it sent the pack', {
        subject,
        cause: new Error(packetText(data.subarray(1)).slice(0, 500)),
      });
    // In the first protocol ACK and NAK lines come before the bands.
    else if (band !== 2 && version === 2)
      throw sourceError('unavailable', 'BadAnswer', 'the pack is not in side bands', { subject });
  }
  if (!ended)
    throw sourceError('unavailable', 'BadAnswer', 'the answer ended before the pack did', { subject });
}

/**
 * Asks for what `want` reaches and `haves` do not; one request. Deltas against objects outside the pack are not asked for, so that each pack
 * stands by itself. The bytes are not checked here.
 */
export async function requestPack(
  remote: Remote,
  want: string,
  haves: readonly string[],
  context: RemoteContext,
): Promise<AsyncIterable<Buffer>> {
  const body =
    remote.version === 2
      ? command(remote, 'fetch', [
          'no-progress',
          'ofs-delta',
          `want ${want}`,
          ...haves.map((oid) => `have ${oid}`),
          'done',
        ])
      : packet(`want ${want} side-band-64k ofs-delta no-progress ${agent}\n`) +
        flushPacket +
        haves.map((oid) => packet(`have ${oid}\n`)).join('') +
        packet('done\n');
  const response = await post(remote, context, body, {
    timeoutMs: context.packTimeoutMs,
    bytesMax: context.packBytesMax,
  });
  return packBytes(readPackets(response.body, context.subject), remote.version, context.subject);
}
