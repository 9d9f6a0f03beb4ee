/**
 * The client's half of Git's receive-pack service over HTTP, as far as one new commit on one branch needs it (https://git-scm.com/docs/gitprotocol-pack#_pushing_data_to_a_server).
 * The server moves the branch only from the commit that it is told to be at: nobody else's work is ever overwritten.
 */
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import type { FairwayError } from '../../../shared/error/error.ts';
import { sourceError } from '../source-error.ts';
import type { NewObject } from '../write/merge-trees.ts';
import { type AdvertisedRef, discover, type Remote, type RemoteContext, statusError } from './discover.ts';
import { dropBody, sendGitRequest } from './git-http.ts';
import { flushPacket, packet, packetText, readPackets } from './pkt-line.ts';

export const noCommit = '0'.repeat(40);
const answerBytesMax = 1024 * 1024;
const typeNumbers: Readonly<Record<NewObject['type'], number>> = { commit: 1, tree: 2, blob: 3 };

/** Where a push goes, and what is there. */
export interface PushTarget {
  readonly remote: Remote;
  readonly refs: readonly AdvertisedRef[];
  readonly reports: boolean;
}

/** @throws what a fetch throws; unauthenticated or permission_denied where the credential may not push. */
export async function discoverPush(context: RemoteContext): Promise<PushTarget> {
  const { remote, refs, capabilities } = await discover(context, 'git-receive-pack');
  return { remote, refs: refs ?? [], reports: capabilities.includes('report-status') };
}

/** Type and length of a packed object (https://git-scm.com/docs/pack-format#_pack_pack_files_have_the_following_format). */
function entryHead(type: number, length: number): Buffer {
  const bytes: number[] = [];
  let rest = Math.floor(length / 16);
  let byte = (type << 4) | (length % 16);
  while (rest > 0) {
    bytes.push(byte | 0x80);
    byte = rest % 128;
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, byte]);
}

function writePack(objects: readonly NewObject[]): Buffer {
  const head = Buffer.alloc(12);
  head.write('PACK', 'latin1');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(objects.length, 8);
  const entries = objects.flatMap(({ type, bytes }) => [
    entryHead(typeNumbers[type], bytes.length),
    deflateSync(bytes),
  ]);
  const body = Buffer.concat([head, ...entries]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

export interface PushRequest {
  /** Full name. */
  readonly ref: string;
  /** What the ref has to be at; `noCommit`: not there. */
  readonly from: string;
  readonly to: string;
  readonly objects: readonly NewObject[];
}

/** The words of a server are for people. */
const wordsMax = 200;

/**
 * Resolves once the server says that the branch is at `to`.
 * @throws conflict (PushRejected) when the server did not move the branch, its words in `details.said`: somebody else may have, or a rule forbids it.
 */
export async function push(
  { remote, reports }: PushTarget,
  { ref, from, to, objects }: PushRequest,
  context: RemoteContext,
): Promise<void> {
  const url = new URL(remote.base);
  url.pathname = `${remote.base.pathname}/git-receive-pack`;
  const credentials = await context.credentials.forUrl(remote.base.href);
  const capabilities = [reports ? 'report-status' : '', 'agent=git/fairway'].filter((text) => text !== '');
  const command = packet(`${from} ${to} ${ref}\0 ${capabilities.join(' ')}\n`);
  const response = await sendGitRequest({
    url,
    method: 'POST',
    headers: {
      'content-type': 'application/x-git-receive-pack-request',
      accept: 'application/x-git-receive-pack-result',
    },
    body: Buffer.concat([Buffer.from(command + flushPacket), writePack(objects)]),
    credentials,
    timeoutMs: context.packTimeoutMs,
    bytesMax: answerBytesMax,
    signal: context.signal,
    clock: context.clock,
    subject: context.subject,
  });
  const error: FairwayError | undefined =
    statusError(response, context, credentials !== undefined) ??
    (response.contentType === 'application/x-git-receive-pack-result'
      ? undefined
      : sourceError('unavailable', 'BadAnswer', 'the answer is not one of Git', {
          subject: context.subject,
        }));
  if (error) {
    await dropBody(response.body);
    throw error;
  }
  const lines: string[] = [];
  for await (const data of readPackets(response.body, context.subject))
    if (Buffer.isBuffer(data)) lines.push(packetText(data));
  // A server that reports nothing has closed the connection well: whoever looks afterwards sees whether it moved.
  if (!reports || lines.includes(`ok ${ref}`)) return;
  const said = lines
    .filter((line) => !line.startsWith('unpack ok'))
    .join('; ')
    .slice(0, wordsMax);
  throw sourceError('conflict', 'PushRejected', 'the server did not move the branch', {
    subject: context.subject,
    details: { ref, said },
  });
}
