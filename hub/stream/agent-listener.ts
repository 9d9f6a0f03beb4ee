/**
 * The TLS socket of the agents' listener. It is our own, in front of grpc-js: a client certificate that TLS does not accept must not only be refused before
 * a byte of HTTP/2, but also be written down with who came, and grpc-js drops such connections without a word.
 */
import { type AddressInfo, isIPv6 } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { FairwayError } from '../../shared/error/error.ts';
import type { ServerCertificate } from '../model/registry.ts';
import { toContext } from './server-credentials.ts';
import type { ListenAddress } from './stream-context.ts';

/** A connection that was refused for its certificate. */
export interface RefusedPeer {
  readonly reason: 'expired' | 'foreign';
  readonly certificateDer: Uint8Array;
  /** `address:port` */
  readonly peer: string;
}

export interface AgentListenerOptions {
  readonly address: ListenAddress;
  readonly certificate: ServerCertificate;
  readonly caPem: string;
  /** Takes a connection whose certificate is of that CA and in force. */
  readonly accept: (socket: TLSSocket) => void;
  readonly onRefused: (refused: RefusedPeer) => void;
}

export interface AgentListener {
  readonly port: number;
  /** New connections get this certificate. */
  rotate(certificate: ServerCertificate): void;
  /** Takes no more connections; those there are go on. */
  stopListening(): void;
  /** Ends what is left. */
  close(): void;
}

const handshakeTimeoutMs = 15_000;

/** @throws failed_precondition when the address cannot be had. */
export async function listenForAgents(options: AgentListenerOptions): Promise<AgentListener> {
  const { address, certificate, caPem, accept, onRefused } = options;
  const open = new Set<{ destroy(): void }>();
  const server = createServer({
    ...toContext(certificate, caPem),
    requestCert: true,
    // Looked at below, before anything else.
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    handshakeTimeout: handshakeTimeoutMs,
    noDelay: true,
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.on('secureConnection', (socket) => {
    // A connection that breaks is the other side's; its calls end by it.
    socket.on('error', () => {});
    if (socket.authorized) return accept(socket);
    const { raw } = socket.getPeerCertificate();
    const peer = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    const expired = String(socket.authorizationError) === 'CERT_HAS_EXPIRED';
    socket.destroy();
    if (raw) onRefused({ reason: expired ? 'expired' : 'foreign', certificateDer: raw, peer });
  });
  const { host, port } = address;
  await new Promise<void>((resolve, reject) => {
    const text = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
    server.once('error', (cause) =>
      reject(new FairwayError('failed_precondition', `cannot listen on ${text}`, { cause })),
    );
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    rotate: (next) => server.setSecureContext(toContext(next, caPem)),
    stopListening: () => void server.close(),
    close() {
      for (const socket of open) socket.destroy();
    },
  };
}
