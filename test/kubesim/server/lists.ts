/** Lists in pages: each page of one list shows the state of the first one's revision. */
import { at } from '../kinds/access.ts';
import { resourceKey } from '../kinds/kind.ts';
import type { Json, Mutable } from '../schema/types.ts';
import { badRequest, expired } from '../status.ts';
import type { Cluster } from './cluster.ts';
import { partialOf } from './decode.ts';
import { numberOf, type ResourceRequest } from './request.ts';
import { filterOf } from './selectors.ts';

interface Continue {
  readonly revision: number;
  /** Keys after this one. */
  readonly after: string;
}

function readContinue(token: string): Continue {
  try {
    const value = JSON.parse(Buffer.from(token, 'base64url').toString()) as Json;
    const revision = at(value, 'rv');
    const after = at(value, 'start');
    if (typeof revision === 'number' && typeof after === 'string') return { revision, after };
  } catch {
    // falls through to the one error that a bad token gets
  }
  throw badRequest('continue key is not valid');
}

function writeContinue(value: Continue): string {
  return Buffer.from(
    JSON.stringify({ v: 'meta.k8s.io/v1', rv: value.revision, start: value.after }),
  ).toString('base64url');
}

const EXPIRED = 'The provided continue parameter is too old to display a consistent list result.';

/** The List object of a request. Throws a 410 when the page's revision is no longer held. */
export function listObjects(cluster: Cluster, request: ResourceRequest): Json {
  const { kind, namespace, query } = request;
  const filter = filterOf(query.get('labelSelector') ?? '', query.get('fieldSelector') ?? '');
  const limit = numberOf(query, 'limit') ?? 0;
  const token = query.get('continue');
  const from = token ? readContinue(token) : { revision: cluster.store.revision(), after: '' };
  const resource = resourceKey(kind);
  const objects = token
    ? cluster.store.snapshot(resource, from.revision)
    : cluster.store.collection(resource);
  if (!objects) throw expired(EXPIRED);
  const prefix = namespace ? `${namespace}/` : '';
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > from.after).sort();
  const items: Json[] = [];
  let last = '';
  let seen = 0;
  for (const key of keys) {
    if (limit > 0 && items.length === limit) break;
    seen++;
    const object = objects.get(key);
    if (!object || (filter && !filter(object))) continue;
    last = key;
    items.push(request.metadataOnly ? partialOf(object) : itemOf(object, kind.custom));
  }
  const remaining = keys.length - seen;
  const more = limit > 0 && remaining > 0;
  return {
    kind: request.metadataOnly ? 'PartialObjectMetadataList' : kind.listKind,
    apiVersion: request.metadataOnly ? 'meta.k8s.io/v1' : kind.apiVersion,
    metadata: {
      resourceVersion: String(from.revision),
      ...(more ? { continue: writeContinue({ revision: from.revision, after: last }) } : {}),
      ...(more && !filter ? { remainingItemCount: remaining } : {}),
    },
    // Go writes the empty list of metadata as null.
    items: request.metadataOnly && items.length === 0 ? null : items,
  };
}

/** Items of built-in lists do not repeat their kind; custom ones do. */
function itemOf(object: Mutable, custom: boolean): Json {
  if (custom) return object;
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
  return rest;
}
