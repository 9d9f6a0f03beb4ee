/** A network between an agent and its hub that can be cut: what is sent then vanishes, and nobody is told. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface CutProxy {
  readonly port: number;
  /** From now on no byte comes through, either way, of old connections or new ones. */
  cut(): void;
  /** New connections come through again. Those of before end. */
  heal(): void;
  close(): Promise<void>;
}

/** @param target port on this machine, asked for at each connection. */
export async function createCutProxy(target: () => number): Promise<CutProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const follow = (socket: Socket, to: Socket) => {
    sockets.add(socket);
    socket.on('data', (chunk: Buffer) => {
      if (!isCut) to.write(chunk);
    });
    // What ends while the network is cut is not seen on the other side.
    socket.on('close', () => {
      sockets.delete(socket);
      if (!isCut) to.destroy();
    });
    socket.on('error', () => socket.destroy());
  };
  const server = createServer((inner) => {
    const outer = connect(target(), '127.0.0.1');
    follow(inner, outer);
    follow(outer, inner);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
    },
    heal() {
      isCut = false;
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
