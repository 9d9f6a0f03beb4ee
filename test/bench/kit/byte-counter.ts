/** A way to an API server that counts what passes: TCP handed through, so its certificate still holds. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface ByteCounter {
  readonly port: number;
  /** Both directions, since the start. */
  bytes(): number;
  close(): Promise<void>;
}

export async function createByteCounter(targetUrl: string): Promise<ByteCounter> {
  const { hostname, port } = new URL(targetUrl);
  const open = new Set<Socket>();
  let bytes = 0;
  const server = createServer((inner) => {
    const outer = connect(Number(port), hostname);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      open.add(from);
      from.on('data', (chunk) => {
        bytes += chunk.length;
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    bytes: () => bytes,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
