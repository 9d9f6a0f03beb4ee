/** Trading a token for an identity. The token pins the hub's CA, so its secret is only ever told to that hub. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { create } from '@bufbuild/protobuf';
import { Client } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import {
  EnrolmentService,
  type EnrolRequest,
  EnrolRequestSchema,
  type EnrolResponse,
} from '../../shared/gen/fairway/v1/enrolment_pb.ts';
import { hubServerName } from '../../shared/stream/protocol.ts';
import { toMethodDefinition } from '../../shared/stream/service.ts';
import { channelOptions, createCredentials, fromServiceError } from './channel.ts';
import type { Identity, PendingKeys } from './identity-store.ts';
import { createKeyPair, type KeyPair, restoreKeyPair, toCertificatePem } from './key-pair.ts';
import { findProxy, openSocket, parseAddress } from './proxy.ts';

export interface EnrolOptions {
  /** `fw1.<id>.<secret>.<pin>`. */
  readonly token: string;
  /** The hub's enrolment listener, `host:port`. */
  readonly enrolmentAddress: string;
  readonly agentVersion: string;
  /** Where the new key is kept before the hub hears of it, so that a repeat asks for the same key. */
  readonly pendingKeys: PendingKeys;
  /** For the proxy's variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
  /** Wait for the whole exchange. Default 30,000. */
  readonly timeoutMs?: number;
}

/**
 * Enrols with a token. The result is not kept anywhere: save it before use. Cut off anywhere before that, by a lost answer or the end of the process,
 * it may be called again with the same token and pending keys while the token lasts: the hub certifies the same key again, and no other.
 * @throws invalid_argument for what is no token, unauthenticated when the hub refuses it or is not the hub the token pins,
 * unavailable, deadline_exceeded.
 */
export async function enrol(options: EnrolOptions): Promise<Identity> {
  const { enrolmentAddress, clock, random, timeoutMs = 30_000 } = options;
  const [version, tokenId, , pin] = options.token.trim().split('.');
  if (version !== 'fw1' || tokenId === undefined || pin === undefined)
    throw new FairwayError('invalid_argument', 'this is not an enrolment token');
  const timeout = new AbortController();
  const cancelTimeout = clock.after(timeoutMs, () =>
    timeout.abort(new FairwayError('deadline_exceeded', 'the enrolment took too long')),
  );
  const signal = options.signal ? AbortSignal.any([options.signal, timeout.signal]) : timeout.signal;
  try {
    const ca = await findAuthority(enrolmentAddress, pin, options.env, signal);
    const caPem = toCertificatePem(ca);
    const { privateKeyPem, csr } = await findKeyPair(options.pendingKeys, tokenId);
    const response = await callEnrol(options, caPem, csr, signal);
    return {
      cluster: response.cluster,
      privateKeyPem,
      certificateChainPem: response.certificateChain.map(toCertificatePem).join(''),
      caPem,
      hubAddresses: response.hubAddresses,
      serverName: response.serverName || hubServerName,
      cacheKey: Buffer.from(random.bytes(32)).toString('base64'),
    };
  } finally {
    cancelTimeout();
  }
}

/** The key that this token may have been used for already, else a new one, kept before it is used. */
async function findKeyPair(pendingKeys: PendingKeys, tokenId: string): Promise<KeyPair> {
  const pending = await pendingKeys.loadPending();
  if (pending?.tokenId === tokenId) return restoreKeyPair(pending.privateKeyPem);
  const made = await createKeyPair();
  await pendingKeys.savePending({ tokenId, privateKeyPem: made.privateKeyPem });
  return made;
}

/** Looks at the chain the server shows, trusting nothing, for the one certificate whose digest the token pins. Nothing is sent. */
async function findAuthority(
  address: string,
  pin: string,
  env: EnrolOptions['env'],
  signal: AbortSignal,
): Promise<Uint8Array> {
  const target = parseAddress(address);
  const socket = await openSocket(target, findProxy(env, target.host), signal);
  const chain = await readChain(socket, signal);
  const wanted = Buffer.from(pin, 'base64url');
  for (const certificate of chain) {
    const digest = createHash('sha256').update(certificate).digest();
    if (wanted.length === digest.length && timingSafeEqual(wanted, digest)) return certificate;
  }
  throw new FairwayError(
    'unauthenticated',
    'this is not the hub that made the token: its authority is another',
  );
}

function readChain(socket: Duplex, signal: AbortSignal): Promise<readonly Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      signal.removeEventListener('abort', onAbort);
      secure.destroy();
      settle();
    };
    const onAbort = () => finish(() => reject(toFairwayError(signal.reason)));
    const secure = connect(
      {
        socket,
        servername: hubServerName,
        ALPNProtocols: ['h2'],
        minVersion: 'TLSv1.3',
        // Only the chain is read here; the call that carries the token verifies it.
        rejectUnauthorized: false,
      },
      () => {
        const chain: Uint8Array[] = [];
        let next: DetailedPeerCertificate | undefined = secure.getPeerCertificate(true);
        while (next?.raw && chain.length < 8) {
          chain.push(next.raw);
          next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
        }
        finish(() => resolve(chain));
      },
    );
    secure.once('error', (caught) => finish(() => reject(toFairwayError(caught))));
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

function callEnrol(
  { token, enrolmentAddress, agentVersion }: EnrolOptions,
  caPem: string,
  certificateSigningRequest: Uint8Array,
  signal: AbortSignal,
): Promise<EnrolResponse> {
  const method = toMethodDefinition(EnrolmentService.method.enrol);
  const client = new Client(enrolmentAddress, createCredentials({ caPem }), channelOptions(hubServerName));
  const request = create(EnrolRequestSchema, {
    token: token.trim(),
    certificateSigningRequest,
    agentVersion,
  });
  return new Promise<EnrolResponse>((resolve, reject) => {
    const call = client.makeUnaryRequest<EnrolRequest, EnrolResponse>(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      (error, response) => {
        signal.removeEventListener('abort', onAbort);
        if (response) resolve(response);
        else reject(signal.aborted ? toFairwayError(signal.reason) : fromServiceError(error));
      },
    );
    const onAbort = () => call.cancel();
    signal.addEventListener('abort', onAbort, { once: true });
  }).finally(() => client.close());
}
