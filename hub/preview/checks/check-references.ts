import {
  isJsonObject,
  type Json,
  type JsonObject,
  type KubeObject,
} from '../../../shared/manifest/object.ts';
import { isList } from '../list-keys.ts';
import type { Complaint, FieldPath } from './complaint.ts';

interface Reference {
  readonly kind: 'ConfigMap' | 'Secret' | 'ServiceAccount' | 'PersistentVolumeClaim';
  readonly name: string;
  readonly path: FieldPath;
}

/** Where a pod's specification stands in each kind that has one. */
const podSpecs: Readonly<Record<string, readonly string[]>> = {
  'v1/Pod': ['spec'],
  'v1/ReplicationController': ['spec', 'template', 'spec'],
  'apps/v1/Deployment': ['spec', 'template', 'spec'],
  'apps/v1/ReplicaSet': ['spec', 'template', 'spec'],
  'apps/v1/StatefulSet': ['spec', 'template', 'spec'],
  'apps/v1/DaemonSet': ['spec', 'template', 'spec'],
  'batch/v1/Job': ['spec', 'template', 'spec'],
  'batch/v1/CronJob': ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};

/** Kubernetes makes these itself, one a namespace. */
const givenNames = new Set(['ServiceAccount/default', 'ConfigMap/kube-root-ca.crt']);

/** `ConfigMap/shop/settings` */
export function referenceId(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

/**
 * What a workload's pods need and no application of the cluster brings: a warning, since something else may have made it. References that say
 * `optional` need nothing.
 * @param present referenceIds of everything that the cluster gets. Pure.
 */
export function checkReferences(
  object: KubeObject,
  namespace: string,
  present: ReadonlySet<string>,
): readonly Complaint[] {
  const path = podSpecs[`${object.apiVersion}/${object.kind}`];
  let spec: Json | undefined = object;
  for (const name of path ?? []) spec = isJsonObject(spec) ? spec[name] : undefined;
  if (!path || !isJsonObject(spec)) return [];
  const seen = new Set<string>();
  return podReferences(spec, path).flatMap(({ kind, name, path: place }): readonly Complaint[] => {
    const id = referenceId(kind, namespace, name);
    if (seen.has(id) || present.has(id) || givenNames.has(`${kind}/${name}`)) return [];
    seen.add(id);
    const message = `names ${kind} ${name}, which no application brings to namespace ${namespace} of this cluster`;
    return [{ rule: 'missing-reference', severity: 'warning', path: place, message }];
  });
}

function podReferences(spec: JsonObject, path: FieldPath): readonly Reference[] {
  const found: Reference[] = [];
  const add = (kind: Reference['kind'], holder: Json | undefined, member: string, at: FieldPath) => {
    if (!isJsonObject(holder) || holder['optional'] === true) return;
    const name = holder[member];
    if (typeof name === 'string' && name !== '') found.push({ kind, name, path: [...at, member] });
  };
  add('ServiceAccount', spec, 'serviceAccountName', path);
  each(spec['imagePullSecrets'], [...path, 'imagePullSecrets'], (item, at) =>
    add('Secret', item, 'name', at),
  );
  each(spec['volumes'], [...path, 'volumes'], (volume, at) => {
    add('ConfigMap', volume['configMap'], 'name', [...at, 'configMap']);
    add('Secret', volume['secret'], 'secretName', [...at, 'secret']);
    add('PersistentVolumeClaim', volume['persistentVolumeClaim'], 'claimName', [
      ...at,
      'persistentVolumeClaim',
    ]);
    const projected = isJsonObject(volume['projected']) ? volume['projected']['sources'] : undefined;
    each(projected, [...at, 'projected', 'sources'], (source, sourceAt) => {
      add('ConfigMap', source['configMap'], 'name', [...sourceAt, 'configMap']);
      add('Secret', source['secret'], 'name', [...sourceAt, 'secret']);
    });
  });
  for (const list of ['containers', 'initContainers'])
    each(spec[list], [...path, list], (container, at) => {
      each(container['envFrom'], [...at, 'envFrom'], (source, sourceAt) => {
        add('ConfigMap', source['configMapRef'], 'name', [...sourceAt, 'configMapRef']);
        add('Secret', source['secretRef'], 'name', [...sourceAt, 'secretRef']);
      });
      each(container['env'], [...at, 'env'], (variable, variableAt) => {
        const from = variable['valueFrom'];
        if (!isJsonObject(from)) return;
        const fromAt = [...variableAt, 'valueFrom'];
        add('ConfigMap', from['configMapKeyRef'], 'name', [...fromAt, 'configMapKeyRef']);
        add('Secret', from['secretKeyRef'], 'name', [...fromAt, 'secretKeyRef']);
      });
    });
  return found;
}

function each(
  list: Json | undefined,
  path: FieldPath,
  visit: (item: JsonObject, path: FieldPath) => void,
): void {
  if (!isList(list)) return;
  for (const [index, item] of list.entries()) if (isJsonObject(item)) visit(item, [...path, index]);
}
