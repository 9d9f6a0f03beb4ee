/** The verbs of the API on one cluster, but for watches: a request in, a code and an object out. */
import { at, metadataOf, textAt } from '../kinds/access.ts';
import { type Kind, resourceKey } from '../kinds/kind.ts';
import { isObject, type Json, type Mutable } from '../schema/types.ts';
import { badRequest, conflict, invalid, notAllowed, notFound, required, StatusError } from '../status.ts';
import type { Cluster } from './cluster.ts';
import { checkTypeMeta, decodeObject, parseBody, partialOf } from './decode.ts';
import { listObjects } from './lists.ts';
import { appliedObject, patchedObject, patchForm } from './patch-object.ts';
import { isDryRun, managerOf, type ResourceRequest, validationOf, verbOf } from './request.ts';
import { checkScale, scaleKind, scaleOf, withScale } from './scale.ts';
import {
  type Change,
  createObject,
  deleteObject,
  keyOf,
  trackUpdate,
  updateObject,
  type WriteOptions,
} from './writes.ts';

export interface Answer {
  readonly code: number;
  readonly body: Json;
  readonly warnings: readonly string[];
}

const ok = (body: Json, code = 200, warnings: readonly string[] = []): Answer => ({ code, body, warnings });

/** Carries out any verb but watch. Throws StatusErrors. */
export function answer(cluster: Cluster, request: ResourceRequest): Answer {
  const verb = verbOf(request);
  const { kind } = request;
  if (!kind.verbs.includes(verb)) throw notAllowed();
  if (request.subresource === 'scale') return answerScale(cluster, request, verb);
  const result = answerVerb(cluster, request, verb);
  const isStatus = isObject(result.body) && result.body['kind'] === 'Status';
  return request.metadataOnly && verb !== 'list' && !isStatus
    ? { ...result, body: partialOf(result.body) }
    : result;
}

function answerVerb(cluster: Cluster, request: ResourceRequest, verb: string): Answer {
  const { kind, namespace, name } = request;
  switch (verb) {
    case 'get':
      return ok(cluster.read(kind, namespace, name));
    case 'list':
      return ok(listObjects(cluster, request));
    case 'create':
      return create(cluster, request);
    case 'update':
      return update(cluster, request);
    case 'patch':
      return patch(cluster, request);
    case 'delete':
      return remove(cluster, request);
    default:
      throw notAllowed();
  }
}

function optionsOf(request: ResourceRequest): WriteOptions {
  return {
    manager: managerOf(request),
    subresource: request.subresource,
    dryRun: isDryRun(request.query),
  };
}

function create(cluster: Cluster, request: ResourceRequest): Answer {
  const { kind, namespace } = request;
  if (kind.namespaced && !namespace) throw notAllowed();
  const value = parseBody(request.body, request.contentType.includes('yaml'));
  checkTypeMeta(kind, value);
  const { object, warnings } = decodeObject(kind, value, validationOf(request.query), false);
  return ok(createObject(cluster, kind, namespace, object, optionsOf(request)), 201, warnings);
}

function update(cluster: Cluster, request: ResourceRequest): Answer {
  const { kind, namespace, name } = request;
  const value = parseBody(request.body, request.contentType.includes('yaml'));
  checkTypeMeta(kind, value);
  const { object, warnings } = decodeObject(kind, value, validationOf(request.query), false);
  const given = textAt(object, 'metadata', 'name');
  if (given !== name)
    throw badRequest(
      given
        ? `the name of the object (${given}) does not match the name on the URL (${name})`
        : `name is required: the name of the object does not match the name on the URL (${name})`,
    );
  const options = optionsOf(request);
  const live = cluster.store.get(resourceKey(kind), keyOf(kind, namespace, name));
  if (live) return ok(updateObject(cluster, kind, live, { object, tracked: false }, options), 200, warnings);
  if (!kind.rules.createOnUpdate) throw notFound(kind, name);
  if (textAt(object, 'metadata', 'uid'))
    throw conflict(kind, name, 'Precondition failed: UID in precondition, object does not exist');
  delete metadataOf(object)['resourceVersion'];
  return ok(createObject(cluster, kind, namespace, object, options), 201, warnings);
}

function patch(cluster: Cluster, request: ResourceRequest): Answer {
  const { kind, namespace, name } = request;
  const form = patchForm(request.contentType, kind.custom);
  const options = optionsOf(request);
  checkPatchOptions(request, form);
  const live = cluster.store.get(resourceKey(kind), keyOf(kind, namespace, name));
  const body = parseBody(request.body, form === 'apply');
  if (form === 'apply') {
    const force = request.query.get('force') === 'true';
    if (!live && request.subresource && !kind.rules.createOnUpdate) throw notFound(kind, name);
    const object = appliedObject(cluster, kind, live, name, body, options, force);
    if (live) return ok(updateObject(cluster, kind, live, { object, tracked: true }, options));
    if (textAt(object, 'metadata', 'uid'))
      throw conflict(kind, name, 'Precondition failed: UID in precondition, object does not exist');
    return ok(createObject(cluster, kind, namespace, object, options, true), 201);
  }
  if (!live) throw notFound(kind, name);
  const { object, warnings } = patchedObject(kind, live, body, form, validationOf(request.query));
  const given = textAt(object, 'metadata', 'name');
  if (given !== name)
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  return ok(updateObject(cluster, kind, live, { object, tracked: false }, options), 200, warnings);
}

function checkPatchOptions(request: ResourceRequest, form: string): void {
  const subject = { group: 'meta.k8s.io', resource: '', kind: 'PatchOptions' };
  if (form === 'apply') {
    if (!request.query.get('fieldManager'))
      throw invalid(subject, '', [required('fieldManager', 'is required for apply patch')]);
  } else if (request.query.get('force') !== null)
    throw invalid(subject, '', [
      {
        reason: 'FieldValueForbidden',
        message: 'Forbidden: may not be specified for non-apply patch',
        field: 'force',
      },
    ]);
}

function remove(cluster: Cluster, request: ResourceRequest): Answer {
  const { kind, namespace, name } = request;
  const body = request.body ? parseBody(request.body, request.contentType.includes('yaml')) : {};
  const live = cluster.read(kind, namespace, name);
  const { object, gone } = deleteObject(cluster, kind, live, {
    uid: at(body, 'preconditions', 'uid'),
    resourceVersion: at(body, 'preconditions', 'resourceVersion'),
    dryRun: isDryRun(request.query, body),
  });
  if (!gone || kind.rules.returnsDeleted) return ok(object);
  return ok(deletedStatus(kind, object));
}

function deletedStatus(kind: Kind, object: Mutable): Json {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: textAt(object, 'metadata', 'name'),
      ...(kind.group ? { group: kind.group } : {}),
      kind: kind.resource,
      uid: textAt(object, 'metadata', 'uid'),
    },
  };
}

function answerScale(cluster: Cluster, request: ResourceRequest, verb: string): Answer {
  const { kind, namespace, name } = request;
  const live = cluster.store.get(resourceKey(kind), keyOf(kind, namespace, name));
  if (!live) throw notFound(verb === 'get' ? kind : scaleKind, name);
  if (verb === 'get') return ok(scaleOf(live, false));
  if (verb !== 'update' && verb !== 'patch') throw notAllowed();
  const before = scaleOf(live, true);
  const options: WriteOptions = optionsOf(request);
  const { object, tracked } = changedScale(cluster, request, before, options, verb);
  if (!tracked) trackUpdate(cluster, scaleKind, before, object, options);
  const causes = checkScale(object);
  if (causes.length > 0) throw invalid({ group: 'autoscaling', resource: '', kind: 'Scale' }, name, causes);
  const uid = textAt(object, 'metadata', 'uid');
  if (uid && uid !== textAt(live, 'metadata', 'uid'))
    throw conflict(scaleKind, name, 'Precondition failed: UID in precondition');
  const change: Change = { object: withScale(live, object), tracked: true };
  return ok(scaleOf(updateObject(cluster, kind, live, change, { ...options, subresource: '' }), false));
}

function changedScale(
  cluster: Cluster,
  request: ResourceRequest,
  before: Mutable,
  options: WriteOptions,
  verb: string,
): Change {
  if (verb === 'update') {
    const value = parseBody(request.body, request.contentType.includes('yaml'));
    const { object } = decodeObject(scaleKind, value, validationOf(request.query), false);
    if (textAt(object, 'metadata', 'name') !== request.name)
      throw badRequest(`the name of the object does not match the name on the URL (${request.name})`);
    return { object, tracked: false };
  }
  const form = patchForm(request.contentType, false);
  checkPatchOptions(request, form);
  const body = parseBody(request.body, form === 'apply');
  if (form !== 'apply') {
    const { object } = patchedObject(scaleKind, before, body, form, validationOf(request.query));
    return { object, tracked: false };
  }
  const force = request.query.get('force') === 'true';
  return {
    object: appliedObject(cluster, scaleKind, before, request.name, body, options, force),
    tracked: true,
  };
}

/** A Status for a failure that a test asked for. */
export function injectedFailure(code: number): StatusError {
  const reasons: Readonly<Record<number, string>> = {
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'NotFound',
    409: 'Conflict',
    410: 'Expired',
    422: 'Invalid',
    429: 'TooManyRequests',
    500: 'InternalError',
    503: 'ServiceUnavailable',
    504: 'Timeout',
  };
  const details = code === 429 || code === 503 ? { retryAfterSeconds: 1 } : {};
  return new StatusError(code, reasons[code] ?? '', 'failed on request of the test', details);
}

/** The resourceVersion of an object as a number. */
export function revisionOf(object: Json): number {
  return Number(at(object, 'metadata', 'resourceVersion') ?? 0);
}
