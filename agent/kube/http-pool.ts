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

/** Names and values, in order. */
export type HttpHeaders = readonly (readonly [name: string, value: string])[];

export interface HttpRequest extends HttpResponseLimits {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** The same list again is not looked at again. */
  readonly headers: HttpHeaders;
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

/** What was asked, with or without a connection yet. */
interface Asked {
  readonly text: string;
  readonly reader: HttpResponseReader;
  readonly resolve: (reader: HttpResponseReader) => void;
  readonly reject: (error: Error) => void;
}

interface Connection {
  readonly socket: Socket;
  asked: Asked | undefined;
  isDialling: boolean;
  idleSinceMs: number;
}

/**
 * Connections that are being made at once. A handshake costs more than the request it is made for, so most wait for one that is free soon; and the handshakes
 * that come later resume the session of the first.
 */
const diallingMax = 2;
/** A connection that nobody has used for so long is closed. */
const idleMs = 20_000;
const keepAliveMs = 15_000;

/** Visible characters, blanks and tabs: a line break in a value would begin a header of its own (RFC 9110, 5.5). */
const headText = /^[\t\x20-\x7e]*$/;

/** Of lists that were given before. */
const linesBefore = new WeakMap<HttpHeaders, string>();

/** Undefined: one of them is not allowed. */
function linesOf(headers: HttpHeaders): string | undefined {
  const before = linesBefore.get(headers);
  if (before !== undefined) return before;
  let lines = '';
  for (const [name, value] of headers) {
    if (!headText.test(value)) return undefined;
    lines += `${name}: ${value}\r\n`;
  }
  linesBefore.set(headers, lines);
  return lines;
}

function headOf({ method, path, headers, body }: HttpRequest, host: string): string {
  const lines = linesOf(headers);
  if (lines === undefined || !headText.test(path) || path.includes(' '))
    throw new FairwayError('invalid_argument', 'a header or path holds characters that HTTP does not allow');
  const length = body === undefined ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines}${length}\r\n`;
}

type Dial = (onData: (chunk: Buffer) => void) => Socket;

/** As much as is read at once. */
const readBytes = 64 * 1024;

function createDialler({ host, port, tls }: HttpServerAddress): Dial {
  const buffer = Buffer.allocUnsafeSlow(readBytes);
  // All connections read into one buffer, without the queue of a stream: what is there is copied before anything else happens.
  const readTo = (onData: (chunk: Buffer) => void) => ({
    buffer,
    callback(length: number) {
      const chunk = Buffer.allocUnsafe(length);
      buffer.copy(chunk, 0, 0, length);
      onData(chunk);
      return true;
    },
  });
  if (!tls)
    return (onData) =>
      connect({
        ...{ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs },
        onread: readTo(onData),
      });
  const { ca, cert, key, insecureSkipVerify } = tls;
  const secureContext = createSecureContext({
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  });
  // The name to ask for and to check; an address is checked but never asked for (RFC 6066, 3).
  const servername = tls.serverName ?? (isIP(host) ? '' : host);
  let session: Buffer | undefined;
  return (onData) => {
    const onread = readTo(onData);
    const socket = connectTls({
      // Options of the socket below, `onread` too, are given along.
      ...{ host, port, servername, secureContext, onread },
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

function lostError(): FairwayError {
  return new FairwayError('unavailable', 'the API server closed the connection', {
    details: { unreachable: true },
  });
}

function closedError(): FairwayError {
  return new FairwayError('cancelled', 'the client was closed');
}

/** Connections that wait for work, and end when none comes for a while. The last used is used next. */
function createFreeList(clock: Clock, drop: (connection: Connection) => void) {
  const free: Connection[] = [];
  let cancelSweep: (() => void) | undefined;
  const sweep = () => {
    cancelSweep = undefined;
    const until = clock.monotonic() - idleMs;
    while (free[0] && free[0].idleSinceMs <= until) drop(free[0]);
    if (free.length > 0) cancelSweep = clock.after(idleMs / 2, sweep);
  };
  return {
    put(connection: Connection) {
      connection.idleSinceMs = clock.monotonic();
      connection.socket.unref();
      free.push(connection);
      cancelSweep ??= clock.after(idleMs / 2, sweep);
    },
    take(): Connection | undefined {
      const connection = free.pop();
      connection?.socket.ref();
      return connection;
    },
    remove(connection: Connection) {
      const at = free.indexOf(connection);
      if (at >= 0) free.splice(at, 1);
    },
    stop: () => cancelSweep?.(),
  };
}

export function createHttpPool(address: HttpServerAddress, clock: Clock): HttpPool {
  const dial = createDialler(address);
  const { host, port } = address;
  const name = isIP(host) === 6 ? `[${host}]` : host;
  const hostHeader = port === (address.tls ? 443 : 80) ? name : `${name}:${port}`;
  const free = createFreeList(clock, (connection) => drop(connection, lostError()));
  const open = new Set<Connection>();
  const waiting = new Set<Asked>();
  let dialling = 0;
  let closed = false;

  const connected = (connection: Connection) => {
    if (connection.isDialling) dialling -= 1;
    connection.isDialling = false;
  };
  const drop = (connection: Connection, error: Error) => {
    if (!open.delete(connection)) return;
    connected(connection);
    free.remove(connection);
    const { asked } = connection;
    connection.asked = undefined;
    connection.socket.destroy();
    asked?.reject(error);
    pump();
  };
  const finish = (connection: Connection, { reader, resolve }: Asked) => {
    connection.asked = undefined;
    if (reader.reusable && !closed) free.put(connection);
    else drop(connection, lostError());
    resolve(reader);
    pump();
  };
  const receive = (connection: Connection, chunk: Buffer) => {
    const { asked } = connection;
    // An answer to nothing: whatever comes next would be taken for another's.
    if (!asked) return drop(connection, lostError());
    try {
      if (asked.reader.push(chunk)) finish(connection, asked);
    } catch (caught) {
      drop(connection, caught as Error);
    }
  };
  const watch = (connection: Connection) => {
    const { socket } = connection;
    socket.once(address.tls ? 'secureConnect' : 'connect', () => {
      connected(connection);
      pump();
    });
    socket.on('end', () => {
      const { asked } = connection;
      if (asked?.reader.end()) finish(connection, asked);
      else drop(connection, lostError());
    });
    socket.on('error', (error) => drop(connection, error));
    socket.on('close', () => drop(connection, lostError()));
  };
  const make = (): Connection | undefined => {
    if (dialling >= diallingMax) return undefined;
    dialling += 1;
    const socket = dial((chunk) => receive(made, chunk));
    const made: Connection = { socket, asked: undefined, isDialling: true, idleSinceMs: 0 };
    open.add(made);
    watch(made);
    return made;
  };
  const pump = () => {
    for (const asked of waiting) {
      const connection = free.take() ?? make();
      if (!connection) return;
      waiting.delete(asked);
      connection.asked = asked;
      connection.socket.write(asked.text);
    }
  };

  return {
    exchange(request) {
      const head = headOf(request, hostHeader);
      const text = request.body === undefined ? head : head + request.body;
      const { promise, resolve, reject } = Promise.withResolvers<HttpResponseReader>();
      const asked: Asked = { text, reader: createResponseReader(request), resolve, reject };
      if (closed) reject(closedError());
      else waiting.add(asked);
      pump();
      const abort = (reason: Error) => {
        if (waiting.delete(asked)) reject(reason);
        for (const connection of open) if (connection.asked === asked) drop(connection, reason);
      };
      return { response: promise, abort };
    },
    close() {
      closed = true;
      free.stop();
      const error = closedError();
      for (const { reject } of waiting) reject(error);
      waiting.clear();
      for (const connection of open) drop(connection, error);
    },
  };
}
