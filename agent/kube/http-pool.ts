/**
 * Requests and answers over kept-alive connections of HTTP/1.1. What an agent asks an API server is small and there is much of it: with `node:http` more than
 * half of the processor time of a request goes into its streams, events and queues (decision record 0039).
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError } from '../../shared/error/error.ts';
import { createResponseReader, type HttpResponseLimits, type HttpResponseReader } from './http-response.ts';

export interface HttpServerAddress {
  readonly host: string;
  readonly port: number;
  /** Undefined: plain HTTP. */
  readonly tls:
    | {
        readonly ca?: string | undefined;
        readonly cert?: string | undefined;
        readonly key?: string | undefined;
        readonly serverName?: string | undefined;
        readonly insecureSkipVerify: boolean;
      }
    | undefined;
}

export interface HttpRequest extends HttpResponseLimits {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | undefined;
}

export interface HttpExchange {
  /** Rejects with what the connection said, or the reason it was ended for. */
  readonly response: Promise<HttpResponseReader>;
  /** Gives it up: its connection is closed. */
  abort(reason: Error): void;
}

export interface HttpPool {
  /** On a connection that is free, or a new one: whoever asks bounds how many are under way. */
  exchange(request: HttpRequest): HttpExchange;
  /** Ends all connections; what is under way rejects. */
  close(): void;
}

interface Connection {
  readonly socket: Socket;
  reader: HttpResponseReader | undefined;
  settle: { resolve(reader: HttpResponseReader): void; reject(error: Error): void } | undefined;
  idleSinceMs: number;
}

/** A connection that nobody has used for so long is closed. */
const idleMs = 20_000;
const keepAliveMs = 15_000;
const lost = 'the API server closed the connection';

/** Visible characters, blanks and tabs: a line break in a value would begin a header of its own (RFC 9110, 5.5). */
const headText = /^[\t\x20-\x7e]*$/;

function headOf({ method, path, headers, body }: HttpRequest, host: string): string {
  let text = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n`;
  let allowed = headText.test(path) && !path.includes(' ');
  for (const [name, value] of headers) {
    allowed &&= headText.test(value);
    text += `${name}: ${value}\r\n`;
  }
  if (!allowed)
    throw new FairwayError('invalid_argument', 'a header or path holds characters that HTTP does not allow');
  if (body !== undefined) text += `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${text}\r\n`;
}

function createDialler({ host, port, tls }: HttpServerAddress): () => Socket {
  if (!tls)
    return () => connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs });
  const { ca, cert, key, insecureSkipVerify } = tls;
  const secureContext = createSecureContext({
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  });
  // The name to ask for and to check; an address is checked but never asked for (RFC 6066, 3).
  const servername = tls.serverName ?? (isIP(host) ? '' : host);
  let session: Buffer | undefined;
  return () => {
    const socket = connectTls({
      ...{ host, port, servername, secureContext },
      rejectUnauthorized: !insecureSkipVerify,
      ALPNProtocols: ['http/1.1'],
      ...(session && { session }),
    });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    socket.on('session', (ticket: Buffer) => {
      session = ticket;
    });
    return socket;
  };
}

export function createHttpPool(address: HttpServerAddress, clock: Clock): HttpPool {
  const dial = createDialler(address);
  const { host, port } = address;
  const name = isIP(host) === 6 ? `[${host}]` : host;
  const hostHeader = port === (address.tls ? 443 : 80) ? name : `${name}:${port}`;
  const free: Connection[] = [];
  const open = new Set<Connection>();
  let closed = false;
  let cancelSweep: (() => void) | undefined;

  const drop = (connection: Connection, error: Error) => {
    open.delete(connection);
    const at = free.indexOf(connection);
    if (at >= 0) free.splice(at, 1);
    const { settle } = connection;
    connection.settle = undefined;
    connection.socket.destroy();
    settle?.reject(error);
  };
  /** The longest idle come first; the last used is used next. */
  const sweep = () => {
    cancelSweep = undefined;
    const until = clock.monotonic() - idleMs;
    while (free[0] && free[0].idleSinceMs <= until) drop(free[0], new Error(lost));
    if (free.length > 0) cancelSweep = clock.after(idleMs / 2, sweep);
  };
  const release = (connection: Connection) => {
    const { reader, settle, socket } = connection;
    connection.reader = undefined;
    connection.settle = undefined;
    if (!reader || !settle) return;
    if (reader.reusable && !closed) {
      connection.idleSinceMs = clock.monotonic();
      socket.unref();
      free.push(connection);
      cancelSweep ??= clock.after(idleMs / 2, sweep);
    } else drop(connection, new Error(lost));
    settle.resolve(reader);
  };
  const watch = (connection: Connection) => {
    const { socket } = connection;
    const ended = (error: Error) => drop(connection, error);
    const lostError = () => new FairwayError('unavailable', lost, { details: { unreachable: true } });
    socket.on('data', (chunk: Buffer) => {
      const { reader } = connection;
      // An answer to nothing: whatever comes next would be taken for another's.
      if (!reader) return ended(lostError());
      try {
        if (reader.push(chunk)) release(connection);
      } catch (caught) {
        ended(caught as Error);
      }
    });
    socket.on('end', () => {
      if (connection.reader?.end()) release(connection);
      else ended(lostError());
    });
    socket.on('error', ended);
    socket.on('close', () => ended(lostError()));
  };
  const obtain = (): Connection => {
    const idle = free.pop();
    if (idle) {
      idle.socket.ref();
      return idle;
    }
    const made: Connection = { socket: dial(), reader: undefined, settle: undefined, idleSinceMs: 0 };
    open.add(made);
    watch(made);
    return made;
  };

  return {
    exchange(request) {
      const head = headOf(request, hostHeader);
      const connection = obtain();
      const reader = createResponseReader(request);
      const response = new Promise<HttpResponseReader>((resolve, reject) => {
        connection.reader = reader;
        connection.settle = { resolve, reject };
      });
      connection.socket.write(request.body === undefined ? head : head + request.body);
      return {
        response,
        abort(reason) {
          if (connection.reader === reader) drop(connection, reason);
        },
      };
    },
    close() {
      closed = true;
      cancelSweep?.();
      for (const connection of open) drop(connection, new FairwayError('cancelled', 'the client was closed'));
    },
  };
}
