import { createSecureContext } from 'node:tls';
import { ChannelCredentials, type ChannelOptions, type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorCode, errorTable, FairwayError } from '../../shared/error/error.ts';
import { keepaliveMs, keepaliveTimeoutMs, messageBytesMax } from '../../shared/stream/protocol.ts';

/**
 * The chain without the authority itself: the hub knows it, TLS lets it out (RFC 8446, 4.4.2), and a hub would hold a copy for each connection.
 */
function withoutAuthority(chainPem: string, caPem: string): string {
  const certificates = chainPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g) ?? [];
  const sent = certificates.filter((pem) => pem.trim() !== caPem.trim());
  return sent.length === 0 ? chainPem : sent.join('');
}

/** TLS 1.3, this CA and no other; with key and chain, mutual. */
export function createCredentials(parts: {
  readonly caPem: string;
  readonly privateKeyPem?: string;
  readonly certificateChainPem?: string;
}): ChannelCredentials {
  const { caPem: ca, privateKeyPem: key, certificateChainPem: cert } = parts;
  return ChannelCredentials.createFromSecureContext(
    createSecureContext({
      ca,
      minVersion: 'TLSv1.3',
      ...(key === undefined ? {} : { key }),
      ...(cert === undefined ? {} : { cert: withoutAuthority(cert, ca) }),
    }),
  );
}

export interface KeepaliveOptions {
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** One connection of our own, verified by `serverName` whatever address is dialled; grpc-js's retries and tables are off: we reconnect ourselves. */
export function channelOptions(
  serverName: string,
  keepalive: KeepaliveOptions = { keepaliveMs, keepaliveTimeoutMs },
): ChannelOptions {
  return {
    'grpc.ssl_target_name_override': serverName,
    'grpc.default_authority': serverName,
    'grpc.keepalive_time_ms': keepalive.keepaliveMs,
    'grpc.keepalive_timeout_ms': keepalive.keepaliveTimeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': messageBytesMax,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
  };
}

/** The hub's closed code where it gave one, else by gRPC status. */
export function fromServiceError(error: Partial<ServiceError> | null): FairwayError {
  const said = error?.metadata?.get('fairway-code')[0]?.toString();
  const message = error?.details || 'the hub cannot be reached';
  if (said !== undefined && Object.hasOwn(errorTable, said))
    return new FairwayError(said as ErrorCode, message);
  const code = error?.code;
  if (code === status.CANCELLED)
    return new FairwayError('cancelled', 'the call was cancelled', { cause: error });
  for (const [name, row] of Object.entries(errorTable))
    if (row.grpc === code) return new FairwayError(name as ErrorCode, message, { cause: error });
  return new FairwayError('unavailable', message, { cause: error });
}
