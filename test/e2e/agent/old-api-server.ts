/** A small aggregated API server as some are: one namespaced kind, all verbs, no managedFields, and 415 for server-side apply. In memory. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const oldGroup = 'old.example.com';
const version = `${oldGroup}/v1`;

interface Stored {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly resourceVersion: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [member: string]: unknown;
}

export interface OldApiServer {
  readonly port: number;
  /** Verbs that wrote something, and applies that were refused. */
  readonly calls: readonly string[];
  close(): Promise<void>;
}

function makeCertificate(): { readonly key: Buffer; readonly cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-old-api-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const made = spawnSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert]);
  if (made.status !== 0) throw new Error(`openssl: ${String(made.stderr)}`);
  const pair = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
  return pair;
}

const resourceList = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: version,
  resources: [
    {
      name: 'gauges',
      singularName: 'gauge',
      namespaced: true,
      kind: 'Gauge',
      verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
    },
  ],
};

async function bodyOf(request: IncomingMessage): Promise<Record<string, never>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? {} : (JSON.parse(text) as Record<string, never>);
}

function createStore() {
  const objects = new Map<string, Stored>();
  const log: { readonly type: string; readonly object: Stored }[] = [];
  const listeners = new Set<() => void>();
  const calls: string[] = [];
  let clock = 1;
  const note = (type: string, object: Stored) => {
    log.push({ type, object });
    for (const listener of listeners) listener();
  };
  const put = (key: string, body: Record<string, unknown>, uid: string): Stored => {
    clock += 1;
    const before = objects.get(key);
    const metadata = { ...(body['metadata'] as Stored['metadata']), resourceVersion: String(clock), uid };
    const object = { ...body, apiVersion: version, kind: 'Gauge', metadata };
    objects.set(key, object);
    note(before ? 'MODIFIED' : 'ADDED', object);
    return object;
  };
  const drop = (key: string, object: Stored) => {
    clock += 1;
    objects.delete(key);
    note('DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(clock) } });
  };
  return { objects, log, listeners, calls, put, drop, now: () => clock };
}

type Store = ReturnType<typeof createStore>;

const status = (code: number, reason: string) => ({
  kind: 'Status',
  apiVersion: 'v1',
  code,
  reason,
  message: reason,
});

function matches(object: Stored, url: URL, namespace: string): boolean {
  if (namespace !== '' && object.metadata.namespace !== namespace) return false;
  const wanted = (url.searchParams.get('labelSelector') ?? '').split(',').filter((part) => part !== '');
  return wanted.every((part) => {
    const [name = '', value] = part.split('=');
    const label = object.metadata.labels?.[name];
    return value === undefined ? label !== undefined : label === value;
  });
}

function watch(store: Store, url: URL, namespace: string, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  let at = Number(url.searchParams.get('resourceVersion') ?? 0);
  const send = () => {
    for (const { type, object } of store.log) {
      const changed = Number(object.metadata.resourceVersion);
      if (changed <= at) continue;
      at = changed;
      if (matches(object, url, namespace)) response.write(`${JSON.stringify({ type, object })}\n`);
    }
  };
  store.listeners.add(send);
  response.on('close', () => store.listeners.delete(send));
  send();
}

async function change(
  store: Store,
  request: IncomingMessage,
  namespace: string,
  name: string,
): Promise<readonly [number, unknown]> {
  const body = await bodyOf(request);
  const key = `${namespace}/${name || (body['metadata'] as { name?: string } | undefined)?.name}`;
  const before = store.objects.get(key);
  const { method = '' } = request;
  if (method === 'POST') {
    if (before) return [409, status(409, 'AlreadyExists')];
    store.calls.push('create');
    return [201, store.put(key, body, `uid-${store.now()}`)];
  }
  if (!before) return [404, status(404, 'NotFound')];
  const { uid } = before.metadata;
  if (method === 'DELETE') {
    store.calls.push('delete');
    store.drop(key, before);
    return [200, before];
  }
  if (method === 'PATCH') {
    store.calls.push('patch');
    const { metadata, ...rest } = body as { metadata?: object };
    return [200, store.put(key, { ...before, ...rest, metadata: { ...before.metadata, ...metadata } }, uid)];
  }
  const given = (body['metadata'] as { resourceVersion?: string } | undefined)?.resourceVersion;
  if (given !== undefined && given !== before.metadata.resourceVersion) return [409, status(409, 'Conflict')];
  store.calls.push('update');
  return [200, store.put(key, body, uid)];
}

async function answer(store: Store, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://localhost');
  const say = (code: number, body: unknown) =>
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (url.pathname === `/apis/${version}`) return void say(200, resourceList);
  const path = new RegExp(`^/apis/${version}(?:/namespaces/([^/]+))?/gauges(?:/([^/]+))?$`).exec(
    url.pathname,
  );
  if (!path) return void say(404, status(404, 'NotFound'));
  const [, namespace = '', name = ''] = path;
  if (request.method === 'PATCH' && request.headers['content-type']?.includes('apply-patch')) {
    store.calls.push('apply refused');
    return void say(415, status(415, 'UnsupportedMediaType'));
  }
  if (request.method !== 'GET') return void say(...(await change(store, request, namespace, name)));
  if (url.searchParams.get('watch') === 'true') return watch(store, url, namespace, response);
  if (name !== '') {
    const found = store.objects.get(`${namespace}/${name}`);
    return void say(found ? 200 : 404, found ?? status(404, 'NotFound'));
  }
  const items = [...store.objects.values()].filter((object) => matches(object, url, namespace));
  const metadata = { resourceVersion: String(store.now()) };
  say(200, { kind: 'GaugeList', apiVersion: version, metadata, items });
}

export async function startOldApiServer(): Promise<OldApiServer> {
  const store = createStore();
  const server = createServer(makeCertificate(), (request, response) => {
    answer(store, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    calls: store.calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
