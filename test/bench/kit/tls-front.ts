/** TLS before a simulated Kubernetes API, so that an agent reaches it the way a pod does: by address, CA and token of a service account. */
import { connect } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { loadAuthority } from '../../../hub/registry/authority.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { systemRandom } from '../../../shared/clock/random.ts';

export interface TlsFront {
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  close(): Promise<void>;
}

const lifetimeMs = 86_400_000;

/** Forwards connections to 127.0.0.1:PORT. */
export async function createTlsFront(targetPort: number): Promise<TlsFront> {
  const kept = new Map<string, Uint8Array>();
  const authority = await loadAuthority({
    meta: {
      secret: (name) => Promise.resolve(kept.get(name)),
      ensureSecret: (name, value) => {
        if (!kept.has(name)) kept.set(name, value);
        return Promise.resolve(kept.get(name) ?? value);
      },
    },
    clock: systemClock,
    random: systemRandom,
  });
  const { privateKeyPem, chainPem } = await authority.issueServer(['127.0.0.1'], lifetimeMs);
  const open = new Set<TLSSocket>();
  const server = createServer({ key: privateKeyPem, cert: chainPem }, (socket) => {
    open.add(socket);
    const inner = connect(targetPort, '127.0.0.1');
    const end = () => {
      open.delete(socket);
      socket.destroy();
      inner.destroy();
    };
    for (const side of [socket, inner]) side.on('close', end).on('error', end);
    socket.pipe(inner).pipe(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    ca: authority.certificatePem,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
