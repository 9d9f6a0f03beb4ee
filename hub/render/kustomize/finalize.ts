/** What kustomize does once, at the top: name hashes, references, local objects left out, the default order. */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import { groupOf, versionOf } from '../../../shared/manifest/object.ts';
import type { Resource } from '../resource.ts';
import { contentHash } from './generators.ts';
import { withName, withObject, withPreviousId } from './ids.ts';
import { textOf } from './list-merge.ts';
import { fixReferences } from './references.ts';

/** @throws a Problem for a reference that could mean several objects. */
export function finalize(resources: readonly Resource[]): readonly Resource[] {
  const hashed = resources.map((resource) =>
    resource.history.needsHash
      ? withName(withPreviousId(resource), `${resource.object.metadata.name}-${contentHash(resource.object)}`)
      : resource,
  );
  return fixReferences(hashed)
    .filter((resource) => !isLocal(resource.object))
    .map((resource) => withObject(resource, normalAnnotations(resource.object)))
    .sort((a, b) => compareLegacy(a.object, b.object));
}

function isLocal(object: KubeObject): boolean {
  const annotations: Readonly<Record<string, Json | undefined>> = object.metadata.annotations ?? {};
  const local = annotations['config.kubernetes.io/local-config'];
  return local !== undefined && textOf(local) !== 'false';
}

const normal = new WeakMap<KubeObject, KubeObject>();

/** kustomize writes every object's annotations anew, as text, and leaves an empty map out (kyaml rnode.go SetAnnotations). */
function normalAnnotations(object: KubeObject): KubeObject {
  const known = normal.get(object);
  if (known !== undefined) return known;
  const made = makeNormal(object);
  normal.set(object, made);
  return made;
}

function makeNormal(object: KubeObject): KubeObject {
  const metadata = object.metadata as JsonObject;
  if (!Object.hasOwn(metadata, 'annotations')) return object;
  const entries = Object.entries((metadata['annotations'] ?? {}) as JsonObject);
  const { annotations: _old, ...rest } = metadata;
  if (entries.length === 0) return { ...object, metadata: rest as unknown as KubeObject['metadata'] };
  if (entries.every(([, value]) => typeof value === 'string')) return object;
  const annotations = Object.fromEntries(entries.map(([key, value]) => [key, textOf(value)]));
  return { ...object, metadata: { ...object.metadata, annotations } };
}

const orderFirst = [
  'Namespace',
  'ResourceQuota',
  'StorageClass',
  'CustomResourceDefinition',
  'ServiceAccount',
  'PodSecurityPolicy',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'ConfigMap',
  'Secret',
  'Endpoints',
  'Service',
  'LimitRange',
  'PriorityClass',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Deployment',
  'StatefulSet',
  'CronJob',
  'PodDisruptionBudget',
];
const orderLast = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

const ranks = new Map([
  ...orderFirst.map((kind, index) => [kind, index - orderFirst.length] as const),
  ...orderLast.map((kind, index) => [kind, index + 1] as const),
]);

interface SortKey {
  readonly rank: number;
  readonly gvk: string;
  readonly id: string;
}

const sortKeys = new WeakMap<KubeObject, SortKey>();

function sortKey(object: KubeObject): SortKey {
  const known = sortKeys.get(object);
  if (known !== undefined) return known;
  const { apiVersion, kind, metadata } = object;
  const made = {
    rank: ranks.get(kind) ?? 0,
    gvk: `${groupOf(apiVersion) || '~G'}_${versionOf(apiVersion) || '~V'}_${kind}`,
    id: `${metadata.namespace || '~X'}|${metadata.name}`,
  };
  sortKeys.set(object, made);
  return made;
}

/** kustomize's default order ("legacy", api/internal/builtins/SortOrderTransformer.go): by kind, then group and version, namespace and name. */
function compareLegacy(a: KubeObject, b: KubeObject): number {
  const [keyA, keyB] = [sortKey(a), sortKey(b)];
  if (keyA.rank !== keyB.rank) return keyA.rank - keyB.rank;
  if (keyA.gvk !== keyB.gvk) {
    const reversed = a.kind === 'Namespace' && b.kind === 'Namespace';
    return keyA.gvk < keyB.gvk === !reversed ? -1 : 1;
  }
  return keyA.id < keyB.id ? -1 : keyA.id > keyB.id ? 1 : 0;
}
