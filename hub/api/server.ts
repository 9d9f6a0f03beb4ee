import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { toFairwayError } from '../../shared/error/error.ts';

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

/** Listens. @throws FairwayError when the address cannot be had. */
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
    server.once('error', (error) => reject(toFairwayError(error, `${options.host}:${options.port}`)));
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
        server.close(() => resolve());
        if ('closeIdleConnections' in server) {
          server.closeIdleConnections();
          setTimeout(() => server.closeAllConnections(), 5000).unref();
        }
      }),
  };
}
