import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { systemClock } from '../../shared/clock/clock.ts';
import { FairwayError } from '../../shared/error/error.ts';

export interface ServeOptions {
  readonly app: { fetch(request: Request, ...rest: unknown[]): Promise<Response>; close?(): void };
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM. Absent: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

export interface ServedApi {
  readonly url: string;
  readonly port: number;
  /** Takes no more requests, ends event streams, lets the rest end for five seconds. */
  close(): Promise<void>;
}

/** What still runs when the server closes may take this long. */
const drainMs = 5_000;
const sweepMs = 50;

/** Listens. @throws failed_precondition when the address cannot be had. */
export async function serveApi(options: ServeOptions): Promise<ServedApi> {
  const { app, tls } = options;
  const fetch = (request: Request) => app.fetch(request);
  const server = tls
    ? createAdaptorServer({
        fetch,
        createServer,
        serverOptions: { cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' },
      })
    : createAdaptorServer({ fetch });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new FairwayError('failed_precondition', `The API cannot listen on ${options.host}:${options.port}.`, {
          cause,
        }),
      ),
    );
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `${tls ? 'https' : 'http'}://${host}:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        app.close?.();
        const startedMs = systemClock.monotonic();
        let closed = false;
        server.close(() => {
          closed = true;
          resolve();
        });
        // A stream that ends leaves its connection open for more; those are looked for until none is left.
        const sweep = () => {
          if (closed || !('closeIdleConnections' in server)) return;
          if (systemClock.monotonic() - startedMs < drainMs) server.closeIdleConnections();
          else server.closeAllConnections();
          systemClock.after(sweepMs, sweep);
        };
        sweep();
      }),
  };
}
