/**
 * A real Git server over HTTP for the demo and for tests: `git http-backend` as a CGI program behind Node's HTTP server
 * (https://git-scm.com/docs/git-http-backend). It can be told to fail in the ways that networks do.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { isolatedGitEnvironment, runGit } from './git-program.ts';

export interface GitServerOptions {
  /** Folder of the bare repositories. */
  readonly root: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Asked for by HTTP Basic authentication when given; who has it may push. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Lets anybody push. Default false. */
  readonly anonymousPush?: boolean;
  /** False: speaks only the first protocol, as old servers do. Default true. */
  readonly protocolV2?: boolean;
  /** Default `git`. */
  readonly gitBinary?: string;
}

/**
 * `unavailable`: status 503. `hang`: takes the request and says nothing. `refuse`: cuts the connection at once. `cut`: cuts it in the middle of the
 * answer to an upload-pack request. `stall`: stops there and says no more. `forbidden`: status 403. `html`: answers with a page.
 */
export type FailingMode = 'unavailable' | 'hang' | 'refuse' | 'cut' | 'stall' | 'forbidden' | 'html';

export interface RequestCounts {
  readonly infoRefs: number;
  /** POST requests to upload-pack: lists of refs and packs. */
  readonly uploadPack: number;
  /** Of these, the ones that were answered with a pack. */
  readonly packs: number;
  readonly receivePack: number;
}

export interface GitServer {
  readonly port: number;
  /** Of the repository with that folder name, without credentials. */
  url(name: string): string;
  requests(): RequestCounts;
  /** Undefined: works again. */
  setFailing(mode?: FailingMode): void;
  /** Resolves when no connection and no process is left. */
  close(): Promise<void>;
}

interface State {
  failing: FailingMode | undefined;
  readonly counts: { -readonly [Key in keyof RequestCounts]: number };
  readonly children: Set<ChildProcess>;
}

/** Bytes of an answer that go out before `cut` and `stall` strike: more than one packet of the protocol. A smaller answer comes whole. */
const cutAfterBytes = 100_000;

function allowed(request: IncomingMessage, credentials: GitServerOptions['credentials']): boolean {
  if (!credentials) return true;
  const expected = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
  return request.headers.authorization === `Basic ${expected}`;
}

/** The variables of RFC 3875 that http-backend reads. */
function cgiEnvironment(request: IncomingMessage, url: URL, options: GitServerOptions, mayPush: boolean) {
  const environment: Record<string, string> = {
    ...isolatedGitEnvironment,
    GIT_PROJECT_ROOT: options.root,
    GIT_HTTP_EXPORT_ALL: '1',
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    REMOTE_ADDR: request.socket.remoteAddress ?? '',
    SERVER_PROTOCOL: 'HTTP/1.1',
  };
  if (request.headers['content-length']) environment['CONTENT_LENGTH'] = request.headers['content-length'];
  if (request.headers['content-encoding'])
    environment['HTTP_CONTENT_ENCODING'] = request.headers['content-encoding'];
  const protocol = request.headers['git-protocol'];
  if (options.protocolV2 !== false && typeof protocol === 'string') environment['GIT_PROTOCOL'] = protocol;
  if (mayPush) environment['REMOTE_USER'] = options.credentials?.username ?? 'anonymous';
  return environment;
}

/** Splits a CGI answer into head and body as it comes. */
function forwardAnswer(
  child: ChildProcess,
  response: ServerResponse,
  onBody: (chunk: Buffer) => void,
  onEnd: () => void,
): void {
  let head: Buffer | undefined = Buffer.alloc(0);
  child.stdout?.on('data', (chunk: Buffer) => {
    if (!head) return onBody(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    for (const line of head.toString('latin1', 0, end).split('\r\n')) {
      const colon = line.indexOf(':');
      const name = line.slice(0, colon);
      const value = line.slice(colon + 1).trim();
      if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    const rest = head.subarray(end + 4);
    head = undefined;
    if (rest.length > 0) onBody(rest);
  });
  child.on('close', () => {
    if (head) response.statusCode = 500;
    onEnd();
  });
}

function serveGit(
  backend: string,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  options: GitServerOptions,
  state: State,
): void {
  const mayPush = options.credentials !== undefined || options.anonymousPush === true;
  const child = spawn(backend, {
    env: cgiEnvironment(request, url, options, mayPush),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  state.children.add(child);
  child.on('close', () => state.children.delete(child));
  child.on('error', () => response.destroy());
  // A backend that ends without reading its input breaks the pipe: its answer says why.
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  response.on('close', () => child.kill());
  const uploadPack = request.method === 'POST' && url.pathname.endsWith('/git-upload-pack');
  let sent = 0;
  let counted = false;
  let struck = false;
  const onBody = (chunk: Buffer) => {
    if (uploadPack && !counted && chunk.includes('PACK\0\0\0\x02', 0, 'latin1')) {
      counted = true;
      state.counts.packs += 1;
    }
    const { failing } = state;
    if (
      uploadPack &&
      !struck &&
      (failing === 'cut' || failing === 'stall') &&
      sent + chunk.length > cutAfterBytes
    ) {
      struck = true;
      response.write(chunk.subarray(0, cutAfterBytes - sent), () => {
        if (failing === 'cut') request.socket.destroy();
      });
    }
    if (struck) return;
    sent += chunk.length;
    response.write(chunk);
  };
  forwardAnswer(child, response, onBody, () => {
    if (!struck) response.end();
  });
}

/** True when the failing mode has dealt with the request. */
function fail(request: IncomingMessage, response: ServerResponse, mode: FailingMode | undefined): boolean {
  if (mode === undefined || mode === 'cut' || mode === 'stall') return false;
  if (mode === 'refuse') request.socket.destroy();
  else if (mode === 'unavailable') response.writeHead(503).end();
  else if (mode === 'forbidden') response.writeHead(403).end();
  else if (mode === 'html')
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>');
  return true;
}

/** Starts serving. @throws failed_precondition when there is no git. */
export async function createGitServer(options: GitServerOptions): Promise<GitServer> {
  const host = options.host ?? '127.0.0.1';
  const folder = await runGit(['--exec-path'], { binary: options.gitBinary });
  const backend = join(folder.trim(), 'git-http-backend');
  const state: State = {
    failing: undefined,
    counts: { infoRefs: 0, uploadPack: 0, packs: 0, receivePack: 0 },
    children: new Set(),
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://${host}`);
    if (url.pathname.endsWith('/info/refs')) state.counts.infoRefs += 1;
    else if (url.pathname.endsWith('/git-upload-pack')) state.counts.uploadPack += 1;
    else if (url.pathname.endsWith('/git-receive-pack')) state.counts.receivePack += 1;
    if (fail(request, response, state.failing)) return;
    if (!allowed(request, options.credentials)) {
      request.resume();
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    serveGit(backend, request, response, url, options, state);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: (name) => `http://${host.includes(':') ? `[${host}]` : host}:${port}/${name}`,
    requests: () => ({ ...state.counts }),
    setFailing(mode) {
      state.failing = mode;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      const ended = [...state.children].map(
        (child) => new Promise<void>((resolve) => child.once('close', () => resolve())),
      );
      for (const child of state.children) child.kill();
      await Promise.all([closed, ...ended]);
    },
  };
}
