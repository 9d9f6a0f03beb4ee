/**
 * Applying to an API server that knows no server-side apply: some aggregated ones answer 415 to it. Then the object is read, merged here and written whole,
 * held to the resourceVersion that was read. What a server with server-side apply keeps in managedFields, which fields are ours, is kept in an annotation of
 * the object in the same form, paths without values, and shown to the rest of the agent as if the server had said it: so drift, and fields that leave a
 * manifest, are found as anywhere else. Whose the other fields are nobody knows there.
 */
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { canonicalJson } from '../../shared/manifest/canonical.ts';
import { isJsonObject, type Json, type JsonObject } from '../../shared/manifest/object.ts';
import { fieldManager } from '../model/inventory.ts';
import type { KubeClient, LiveObject, ResourceRef } from './kube-client.ts';

/** FieldsV1 of what we apply. */
export const appliedFieldsAnnotation = 'fairway.dev/applied-fields';

/** Writes that met another's in between are begun anew. */
const triesMax = 5;
/** All annotations of an object together may have 256 KiB. */
const fieldsLengthMax = 200_000;

/** Members by `f:name`; without members: a value that is ours as a whole. */
interface Fields {
  readonly [member: string]: Fields;
}

function fieldsOfValue(value: Json | undefined): Fields {
  if (!isJsonObject(value)) return {};
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [`f:${name}`, fieldsOfValue(member as Json)]));
}

/** What names an object, or is the server's, is nobody's. */
const unowned: ReadonlySet<string> = new Set([
  ...['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields'],
]);

/** Fields that a manifest sets. Lists are one value: without a schema nobody knows their keys. */
function appliedFields(body: JsonObject): Fields {
  const { apiVersion: _a, kind: _k, metadata, status: _s, ...rest } = body;
  const { annotations, ...named } = (metadata ?? {}) as JsonObject;
  const { [appliedFieldsAnnotation]: _own, ...others } = (annotations ?? {}) as JsonObject;
  const owned = Object.entries(named).filter(([name]) => !unowned.has(name));
  const whole = {
    ...rest,
    metadata: {
      ...Object.fromEntries(owned),
      ...(Object.keys(others).length > 0 && { annotations: others }),
    },
  };
  return fieldsOfValue(whole as JsonObject);
}

/** Deeper than any object that is applied; what reads the fields goes down by recursion. */
const depthMax = 100;

/** Whether it is what `appliedFields` may have said: whoever may write the object may write anything there. */
function isFields(value: unknown, depth = 0): value is Fields {
  if (!isJsonObject(value) || depth > depthMax) return false;
  return Object.entries(value).every(
    ([name, member]) => name.startsWith('f:') && isFields(member, depth + 1),
  );
}

function recordedFields(live: LiveObject): Fields | undefined {
  const text = live.metadata.annotations?.[appliedFieldsAnnotation];
  if (text === undefined) return undefined;
  try {
    const fields = JSON.parse(text) as unknown;
    return isFields(fields) ? fields : undefined;
  } catch {
    // Somebody has written into it: what we owned is not known any more.
    return undefined;
  }
}

/** Without the fields of `before` that `after` has not. */
function dropFields(value: JsonObject, before: Fields, after: Fields): JsonObject {
  const members = Object.entries(value).flatMap(([name, member]): [string, Json][] => {
    const [was, is] = [before[`f:${name}`], after[`f:${name}`]];
    if (was === undefined) return [[name, member as Json]];
    const isLeaf = Object.keys(was).length === 0 || !isJsonObject(member);
    if (isLeaf) return is === undefined ? [] : [[name, member as Json]];
    const left = dropFields(member, was, is ?? {});
    return is === undefined && Object.keys(left).length === 0 ? [] : [[name, left]];
  });
  return Object.fromEntries(members);
}

function mergeValue(live: Json | undefined, wanted: Json): Json {
  if (!isJsonObject(live) || !isJsonObject(wanted)) return wanted;
  const members = Object.entries(wanted).map(([name, member]) => [
    name,
    mergeValue(live[name] as Json | undefined, member as Json),
  ]);
  return { ...live, ...Object.fromEntries(members) };
}

/** With our fields noted in it. @throws resource_exhausted */
function noted(object: JsonObject, fields: Fields): JsonObject {
  const text = JSON.stringify(fields);
  if (text.length > fieldsLengthMax)
    throw new FairwayError(
      'resource_exhausted',
      'it has too many fields for an API server without server-side apply, where they are noted in an annotation',
    );
  const metadata = (object['metadata'] ?? {}) as JsonObject;
  const annotations = { ...((metadata['annotations'] ?? {}) as JsonObject), [appliedFieldsAnnotation]: text };
  return { ...object, metadata: { ...metadata, annotations } };
}

/** The live object with the manifest's fields, without those that an earlier manifest of ours had and this one has not. Pure. */
export function mergeApplied(live: LiveObject, body: JsonObject): JsonObject {
  const after = appliedFields(body);
  const dropped = dropFields(live as unknown as JsonObject, recordedFields(live) ?? {}, after);
  const merged = mergeValue(dropped, body) as JsonObject;
  const { managedFields: _m, ...metadata } = merged['metadata'] as JsonObject;
  const { resourceVersion, uid } = live.metadata;
  const held = {
    ...metadata,
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(uid !== undefined && { uid }),
  };
  return noted({ ...merged, metadata: held }, after);
}

/** As a server would show it that keeps managedFields. An object without our note is as it is, and so is one whose server keeps our fields itself. */
export function presentApplied<T extends LiveObject>(object: T): T {
  const fields = object.metadata?.annotations?.[appliedFieldsAnnotation] && recordedFields(object);
  if (!fields) return object;
  const entries = (object.metadata['managedFields'] ?? []) as readonly JsonObject[];
  const isKept = entries.some(
    ({ manager, operation, subresource }) =>
      manager === fieldManager && operation === 'Apply' && !subresource,
  );
  if (isKept) return object;
  // Our own writes, where such a server notes them, are no third party's.
  const others = entries.filter(({ manager }) => manager !== fieldManager);
  const own = {
    manager: fieldManager,
    operation: 'Apply',
    apiVersion: object.apiVersion,
    time: object.metadata['creationTimestamp'],
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
  };
  return { ...object, metadata: { ...object.metadata, managedFields: [...others, own] } };
}

function sameObject(a: JsonObject, b: JsonObject): boolean {
  const plain = ({ metadata, ...rest }: JsonObject): Json => {
    const { managedFields: _, ...named } = (metadata ?? {}) as JsonObject;
    return { ...rest, metadata: named };
  };
  return canonicalJson(plain(a)) === canonicalJson(plain(b));
}

type ApplyOptions = NonNullable<Parameters<KubeClient['apply']>[2]>;

async function findLive(client: KubeClient, ref: ResourceRef, signal: AbortSignal | undefined) {
  try {
    return await client.get(ref, signal);
  } catch (caught) {
    if (toFairwayError(caught).code === 'not_found') return undefined;
    throw caught;
  }
}

/** Given to another manager: no longer ours, and left as it is. */
function released(live: LiveObject, body: JsonObject): JsonObject {
  const leave = (fields: Fields, given: Fields): Fields =>
    Object.fromEntries(
      Object.entries(fields).flatMap(([name, members]): [string, Fields][] => {
        const gone = given[name];
        if (gone === undefined) return [[name, members]];
        if (Object.keys(gone).length === 0 || Object.keys(members).length === 0) return [];
        return [[name, leave(members, gone)]];
      }),
    );
  const fields = leave(recordedFields(live) ?? {}, appliedFields(body));
  const { managedFields: _, ...metadata } = live.metadata as unknown as JsonObject;
  return noted({ ...(live as unknown as JsonObject), metadata }, fields);
}

/** One try. Undefined: another wrote in between. */
async function tryApply(
  client: KubeClient,
  ref: ResourceRef,
  body: JsonObject,
  { dryRun, signal, onStatus, fieldManager: manager = fieldManager }: ApplyOptions,
): Promise<LiveObject | undefined> {
  const live = await findLive(client, ref, signal);
  const wantedVersion = (body['metadata'] as JsonObject | undefined)?.['resourceVersion'];
  if (live && wantedVersion !== undefined && wantedVersion !== live.metadata['resourceVersion'])
    throw new FairwayError('conflict', 'somebody has written in between', { subject: ref.name });
  try {
    if (!live) {
      const made = noted(body, appliedFields(body));
      if (dryRun) return made as unknown as LiveObject;
      const { resource, namespace } = ref;
      const created = await client.create({ resource, namespace }, made, signal);
      onStatus?.(201);
      return created;
    }
    const next = manager === fieldManager ? mergeApplied(live, body) : released(live, body);
    if (dryRun) return next as unknown as LiveObject;
    const same = sameObject(next, live as unknown as JsonObject);
    const written = same ? live : await client.update(ref, next, signal);
    onStatus?.(200);
    return written;
  } catch (caught) {
    const { code } = toFairwayError(caught);
    if (code === 'already_exists' || code === 'conflict') return undefined;
    throw caught;
  }
}

async function applyWithout(
  client: KubeClient,
  ref: ResourceRef,
  body: JsonObject,
  options: ApplyOptions,
): Promise<LiveObject> {
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const applied = await tryApply(client, ref, body, options);
    if (applied) return presentApplied(applied);
  }
  throw new FairwayError('conflict', `others kept writing it: given up after ${triesMax} tries`, {
    subject: ref.name,
    retry: true,
  });
}

/** A client whose `apply` also works where the server knows none. @param without kinds of which that is known: `group/resource`. */
export function withApplyFallback(client: KubeClient, without: Set<string> = new Set()): KubeClient {
  const idOf = ({ resource }: ResourceRef) => `${resource.group}/${resource.resource}`;
  return {
    ...client,
    as: (who) => withApplyFallback(client.as(who), without),
    async apply(ref, body, options = {}) {
      if (without.has(idOf(ref))) return applyWithout(client, ref, body, options);
      try {
        return await client.apply(ref, body, options);
      } catch (caught) {
        if (toFairwayError(caught).details?.['httpStatus'] !== 415) throw caught;
        without.add(idOf(ref));
        return applyWithout(client, ref, body, options);
      }
    },
    get: async (...args) => presentApplied(await client.get(...args)),
    create: async (...args) => presentApplied(await client.create(...args)),
    update: async (...args) => presentApplied(await client.update(...args)),
    patch: async (...args) => presentApplied(await client.patch(...args)),
    async list(request, signal) {
      const listed = await client.list(request, signal);
      return { ...listed, items: listed.items.map(presentApplied) };
    },
    watch: (request, onEvent, signal) =>
      client.watch(
        request,
        (event) => {
          const object = presentApplied(event.object);
          onEvent(object === event.object ? event : { ...event, object });
        },
        signal,
      ),
  };
}
