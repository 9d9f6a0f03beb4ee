import { FairwayError } from '../../shared/error/error.ts';
import { parseExactJson } from '../../shared/manifest/exact-json.ts';
import type { KubeObject, ObjectKey } from '../../shared/manifest/object.ts';
import type { ManifestEntry } from '../../shared/manifest/target.ts';
import type { ApiResource } from '../kube/kube-client.ts';
import { partOfLabel } from '../model/inventory.ts';
import { omitPaths } from './ignore.ts';

/** The key an entry has in this cluster: namespaced objects that name no namespace get the application's. */
export function effectiveKey(
  entry: Pick<ManifestEntry, 'key'>,
  resource: ApiResource | undefined,
  namespace: string,
): ObjectKey {
  // An unknown kind is one whose definition is about to be applied: what it says of itself counts.
  if (!resource) return entry.key;
  if (!resource.namespaced) return { ...entry.key, namespace: '' };
  return { ...entry.key, namespace: entry.key.namespace || namespace };
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
  const { status: _status, ...rest } = parsed;
  const object = {
    ...rest,
    metadata: {
      ...metadata,
      name: key.name,
      ...(key.namespace !== '' && { namespace: key.namespace }),
      labels: { ...metadata.labels, [partOfLabel]: applySetId },
    },
  };
  return omitPaths(object, omit);
}
