/** One of the two servers that the differential test compares: sends operations and reads answers in a comparable form. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { at, listAt, textAt } from '../kinds/access.ts';
import { isList, isObject, type Json, type Mutable } from '../schema/types.ts';

export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With the query. */
  readonly path: string;
  readonly contentType?: string;
  readonly accept?: string;
  /** `$RV`, `$OLD_RV` and `$UID` in it stand for what this side last gave for `about`; null takes a key away. */
  readonly body?: Json;
  /** The object's own path, whose version and uid are remembered. */
  readonly about?: string;
}

/** An answer without what differs by nature. */
export interface Outcome {
  readonly code: number;
  readonly reason: string;
  readonly causes: readonly string[];
  readonly body: Json;
  /** Whether the object's version moved; undefined where the answer is no object. */
  readonly moved: boolean | undefined;
}

export interface Side {
  send(operation: Operation): Promise<Outcome>;
  /** Follows a collection: `seen` grows until `end`. */
  watch(path: string): Promise<{ readonly seen: readonly string[]; end(): void }>;
  close(): void;
}

export interface SideOptions {
  readonly url: string;
  readonly token: string;
  readonly ca?: string;
}

const DROPPED = ['uid', 'resourceVersion', 'creationTimestamp', 'deletionTimestamp', 'continue'];

/** Without versions, times and addresses; managers in an order that does not depend on the second. */
export function comparable(value: Json): Json {
  if (isList(value)) return value.map(comparable);
  if (!isObject(value)) return value;
  const out: Mutable = {};
  for (const [key, item] of Object.entries(value)) {
    if (DROPPED.includes(key)) continue;
    if (key === 'clusterIP' || key === 'clusterIPs') out[key] = 'an address';
    else if (key === 'managedFields' && isList(item)) out[key] = comparableManagers(item);
    else out[key] = comparable(item);
  }
  return out;
}

function comparableManagers(entries: readonly Json[]): Json {
  return entries
    .map((entry) => {
      const { time: _time, ...rest } = entry as Mutable;
      return rest as Json;
    })
    .sort((a, b) => (managerText(a) < managerText(b) ? -1 : 1));
}

const managerText = (entry: Json) =>
  ['operation', 'manager', 'apiVersion', 'subresource'].map((key) => textAt(entry, key)).join('|');

interface Known {
  readonly version: string;
  readonly older: string;
  readonly uid: string;
}

function fill(value: Json, known: Known | undefined): Json {
  if (value === '$RV') return known?.version ?? '1';
  if (value === '$OLD_RV') return known?.older ?? '1';
  if (value === '$UID') return known?.uid ?? 'none';
  if (isList(value)) return value.map((item) => fill(item, known));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, known)]));
}

/** Opens a side. Nothing is sent yet. */
export function createSide(options: SideOptions): Side {
  const secure = options.url.startsWith('https:');
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, ...(options.ca ? { ca: options.ca } : {}) })
    : new HttpAgent({ keepAlive: true });
  const send = secure ? httpsRequest : httpRequest;
  const known = new Map<string, Known>();

  const exchange = (operation: Operation): Promise<{ code: number; text: string }> =>
    new Promise((resolve, reject) => {
      const text =
        operation.body === undefined
          ? undefined
          : JSON.stringify(fill(operation.body, known.get(operation.about ?? '')));
      const request = send(
        `${options.url}${operation.path}`,
        {
          method: operation.method,
          agent,
          headers: {
            authorization: `Bearer ${options.token}`,
            'user-agent': 'differential/1',
            accept: operation.accept ?? 'application/json',
            ...(text === undefined
              ? {}
              : {
                  'content-type': operation.contentType ?? 'application/json',
                  'content-length': Buffer.byteLength(text),
                }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({ code: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
          );
          response.on('error', reject);
        },
      );
      request.on('error', reject);
      request.end(text);
    });

  return {
    async send(operation) {
      const { code, text } = await exchange(operation);
      const body = JSON.parse(text) as Json;
      const failed = textAt(body, 'kind') === 'Status';
      const causes = listAt(body, 'details', 'causes').map(
        (cause) => `${textAt(cause, 'reason')} ${textAt(cause, 'field')}`,
      );
      const about = operation.about ?? '';
      const before = known.get(about);
      const version = textAt(body, 'metadata', 'resourceVersion');
      const uid = textAt(body, 'metadata', 'uid');
      if (uid && about)
        known.set(about, {
          version,
          uid,
          older: before && before.version !== version ? before.version : (before?.older ?? '1'),
        });
      return {
        code,
        reason: failed ? textAt(body, 'reason') : '',
        causes: causes.sort(),
        body: failed ? (at(body, 'status') ?? null) : comparable(body),
        moved: uid && before && before.uid === uid ? before.version !== version : undefined,
      };
    },
    async watch(path) {
      const list = JSON.parse((await exchange({ method: 'GET', path })).text) as Json;
      const seen: string[] = [];
      const url = `${options.url}${path}${path.includes('?') ? '&' : '?'}watch=true&resourceVersion=${textAt(list, 'metadata', 'resourceVersion')}`;
      const done = new AbortController();
      let rest = '';
      const request = send(
        url,
        { agent, signal: done.signal, headers: { authorization: `Bearer ${options.token}` } },
        (response) => {
          response.on('error', () => {}); // ended by us
          response.on('data', (chunk: Buffer) => {
            const lines = `${rest}${chunk}`.split('\n');
            rest = lines.pop() ?? '';
            for (const line of lines) seen.push(eventText(JSON.parse(line) as Json));
          });
        },
      );
      request.on('error', () => {}); // ended by us
      const opened = new Promise<void>((resolve) => request.on('response', () => resolve()));
      request.end();
      await opened;
      return { seen, end: () => done.abort() };
    },
    close: () => agent.destroy(),
  };
}

function eventText(event: Json): string {
  const object = at(event, 'object') ?? null;
  return `${textAt(event, 'type')} ${textAt(object, 'metadata', 'name')} ${JSON.stringify(sorted(comparable(object)))}`;
}

/** With sorted keys, for comparison as text. */
export function sorted(value: Json): Json {
  if (isList(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] ?? null)]),
  );
}
