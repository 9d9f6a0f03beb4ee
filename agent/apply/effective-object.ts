import { FairwayError } from '../../shared/error/error.ts';
import { parseExactJson } from '../../shared/manifest/exact-json.ts';
import { omitPaths } from '../../shared/manifest/ignore.ts';
import type { JsonObject, KubeObject, ObjectKey } from '../../shared/manifest/object.ts';
import type { ManifestEntry } from '../../shared/manifest/target.ts';
import type { ApiResource } from '../kube/kube-client.ts';
import { partOfLabel } from '../model/inventory.ts';

/** The key an entry has in this cluster: namespaced objects that name no namespace get the application's. */
export function effectiveKey(
  entry: Pick<ManifestEntry, 'key'>,
  resource: ApiResource | undefined,
  namespace: string,
): ObjectKey {
  // An unknown kind is one whose definition is about to be applied: what it says of itself counts.
  if (!resource) return entry.key;
  if (!resource.namespaced) return entry.key.namespace === '' ? entry.key : { ...entry.key, namespace: '' };
  // Most name it: their key is the entry's, kept once.
  return entry.key.namespace !== '' ? entry.key : { ...entry.key, namespace };
}

/**
 * A Secret's `stringData` as `data`. The API server does the same with it, but notes no owner of what it made of it: whoever changes the value then would own
 * it alone. https://github.com/kubernetes/kubernetes/issues/70281
 */
function withoutStringData(object: KubeObject): KubeObject {
  const { stringData, ...rest } = object;
  if (object.apiVersion !== 'v1' || object.kind !== 'Secret' || stringData === undefined) return object;
  const members = Object.entries((stringData ?? {}) as JsonObject);
  // Anything but text the API server is to refuse in its own words.
  if (members.some(([, value]) => typeof value !== 'string')) return object;
  const encoded = members.map(([name, value]) => [name, Buffer.from(String(value)).toString('base64')]);
  const data = { ...((rest['data'] ?? {}) as JsonObject), ...Object.fromEntries(encoded) };
  return { ...rest, data } as KubeObject;
}

/**
 * What is sent: the object in its namespace with the inventory label. Fields of the API server (status, managedFields, ...) are
 * left out: Git has no say in them. So are the ignored fields (`omit`, JSON pointers).
 * @throws invalid_manifest when the text is not an object.
 */
export function effectiveObject(
  text: string,
  key: ObjectKey,
  applySetId: string,
  omit: readonly string[] = [],
): KubeObject {
  let parsed: KubeObject;
  try {
    parsed = parseExactJson(text) as KubeObject;
  } catch (cause) {
    throw new FairwayError('invalid_manifest', 'the object is not JSON', { cause });
  }
  const {
    managedFields: _managedFields,
    resourceVersion: _resourceVersion,
    uid: _uid,
    creationTimestamp: _creationTimestamp,
    generation: _generation,
    namespace: _namespace,
    ...metadata
  } = parsed.metadata;
  const { status: _status, ...rest } = withoutStringData(parsed);
  const object = {
    ...rest,
    metadata: {
      ...metadata,
      name: key.name,
      ...(key.namespace !== '' && { namespace: key.namespace }),
      labels: { ...metadata.labels, [partOfLabel]: applySetId },
    },
  };
  return omit.length === 0 ? object : omitPaths(object, omit);
}
