/** Watches: the events after a revision, then those to come, as JSON lines. */
import type { ServerResponse } from 'node:http';
import { resourceKey } from '../kinds/kind.ts';
import type { Json, Mutable } from '../schema/types.ts';
import { badRequest, expired } from '../status.ts';
import type { Cluster } from './cluster.ts';
import { partialOf } from './decode.ts';
import { numberOf, type ResourceRequest } from './request.ts';
import { type Filter, filterOf } from './selectors.ts';
import type { StoreEvent } from './store.ts';

const BOOKMARK_INTERVAL_MS = 60_000;
const TIMEOUT_DEFAULT_SECONDS = 1800;
/** Bytes a slow reader may leave unsent before its watch is ended, as the API server ends slow watchers. */
const BUFFER_BYTES_MAX = 16 * 1024 * 1024;

export interface OpenWatch {
  /** Ends the stream as an API server that goes away. */
  end(): void;
}

interface Wanted {
  readonly prefix: string;
  readonly filter: Filter | undefined;
}

/** What an event is to someone who sees only some objects; undefined: nothing. */
function seen(
  event: StoreEvent,
  wanted: Wanted,
): { readonly type: StoreEvent['type']; readonly object: Mutable } | undefined {
  if (!event.key.startsWith(wanted.prefix)) return undefined;
  const filter = wanted.filter;
  if (!filter) return event;
  const before = event.previous !== undefined && filter(event.previous);
  const after = event.type !== 'DELETED' && filter(event.object);
  if (after) return { type: before ? 'MODIFIED' : 'ADDED', object: event.object };
  if (!before || !event.previous) return undefined;
  // Who left the selection is shown as last seen, under the revision at which it left.
  const metadata = { ...(event.previous['metadata'] as Mutable), resourceVersion: String(event.revision) };
  return { type: 'DELETED', object: { ...event.previous, metadata } };
}

/** Writes the stream until time, client or `end` stops it; calls `closed` once. */
export function openWatch(
  cluster: Cluster,
  request: ResourceRequest,
  response: ServerResponse,
  closed: () => void,
): OpenWatch {
  const { query, kind } = request;
  const filter = filterOf(
    query.get('labelSelector') ?? '',
    [query.get('fieldSelector') ?? '', request.name ? `metadata.name=${request.name}` : '']
      .filter(Boolean)
      .join(','),
  );
  const wanted: Wanted = { prefix: request.namespace ? `${request.namespace}/` : '', filter };
  const resource = resourceKey(kind);
  const initial = query.get('sendInitialEvents') === 'true';
  if (initial && query.get('resourceVersionMatch') !== 'NotOlderThan')
    throw badRequest('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  const after = numberOf(query, 'resourceVersion') ?? 0;
  const bookmarks = query.get('allowWatchBookmarks') === 'true';

  let ended = false;
  const cancels: (() => void)[] = [];
  const stop = () => {
    if (ended) return;
    ended = true;
    for (const cancel of cancels) cancel();
    closed();
  };
  const end = () => {
    stop();
    response.end();
  };
  const send = (type: string, object: Json) => {
    if (ended) return;
    response.write(`${JSON.stringify({ type, object })}\n`);
    if (response.writableLength > BUFFER_BYTES_MAX) end();
  };
  const form = (object: Json) => (request.metadataOnly ? partialOf(object) : object);
  const sendEvent = (event: StoreEvent) => {
    const view = seen(event, wanted);
    if (view) send(view.type, form(view.object));
  };

  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  response.on('close', stop);
  const missed = after > 0 && !initial ? cluster.store.since(resource, after) : [];
  if (missed === undefined) {
    const message = `too old resource version: ${after} (${cluster.store.revision()})`;
    send('ERROR', expired(message).toStatus());
    end();
    return { end };
  }
  for (const event of missed) sendEvent(event);
  if (after === 0 || initial) {
    const objects = cluster.store.collection(resource);
    for (const key of [...objects.keys()].filter((one) => one.startsWith(wanted.prefix)).sort()) {
      const object = objects.get(key);
      if (object && (!filter || filter(object))) send('ADDED', form(object));
    }
  }
  if (initial && bookmarks) send('BOOKMARK', bookmark(cluster, request, true));
  cancels.push(cluster.store.subscribe(resource, sendEvent));
  if (bookmarks) {
    const again = () => {
      send('BOOKMARK', bookmark(cluster, request, false));
      cancels.push(cluster.clock.after(BOOKMARK_INTERVAL_MS, again));
    };
    cancels.push(cluster.clock.after(BOOKMARK_INTERVAL_MS, again));
  }
  const seconds = numberOf(query, 'timeoutSeconds') ?? TIMEOUT_DEFAULT_SECONDS;
  cancels.push(
    cluster.clock.after(Math.max(1, seconds) * 1000, () => {
      if (bookmarks) send('BOOKMARK', bookmark(cluster, request, false));
      end();
    }),
  );
  return { end };
}

function bookmark(cluster: Cluster, request: ResourceRequest, initialEnd: boolean): Json {
  const metadata: Mutable = { resourceVersion: String(cluster.store.revision()) };
  if (initialEnd) metadata['annotations'] = { 'k8s.io/initial-events-end': 'true' };
  const object = { ...(request.kind.empty as Mutable), metadata };
  return request.metadataOnly ? partialOf(object) : object;
}
