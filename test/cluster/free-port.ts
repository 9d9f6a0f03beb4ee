import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below what Linux and macOS give who asks for any port (from 32,768 and 49,152): nobody gets one of these by chance before it is used. */
const chosenPorts = { from: 10_240, to: 32_000 } as const;

/** A port of 127.0.0.1 that nothing listens on, for a program that has to be told its port before it starts. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(chosenPorts.from, chosenPorts.to);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${chosenPorts.from} to ${chosenPorts.to}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
