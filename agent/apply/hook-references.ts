/** What the pods of a hook name and cannot start without: pure. */
import type { Json, KubeObject, ObjectKey } from '../../shared/manifest/object.ts';

type Value = Json | undefined;

function at(value: Value, ...path: readonly string[]): Value {
  let found = value;
  for (const name of path)
    found = found !== null && typeof found === 'object' ? (found as Record<string, Json>)[name] : undefined;
  return found;
}
function each(value: Value): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function podSpecOf(manifest: KubeObject): Value {
  if (manifest.kind === 'Pod' && manifest.apiVersion === 'v1') return manifest['spec'];
  return manifest.kind === 'Job' ? at(manifest['spec'], 'template', 'spec') : undefined;
}

/** ServiceAccount, ConfigMaps, Secrets and claims of the pods of a Job or Pod, in the hook's namespace. */
export function findReferences(manifest: KubeObject, namespace: string): readonly ObjectKey[] {
  const spec = podSpecOf(manifest);
  const named: (readonly [kind: string, name: Value])[] = [
    ['ServiceAccount', at(spec, 'serviceAccountName')],
  ];
  for (const secret of each(at(spec, 'imagePullSecrets'))) named.push(['Secret', at(secret, 'name')]);
  for (const container of [...each(at(spec, 'initContainers')), ...each(at(spec, 'containers'))]) {
    for (const source of each(at(container, 'envFrom')))
      named.push(
        ['ConfigMap', at(source, 'configMapRef', 'name')],
        ['Secret', at(source, 'secretRef', 'name')],
      );
    for (const { valueFrom } of each(at(container, 'env')) as { valueFrom?: Json }[])
      named.push(
        ['ConfigMap', at(valueFrom, 'configMapKeyRef', 'name')],
        ['Secret', at(valueFrom, 'secretKeyRef', 'name')],
      );
  }
  for (const volume of each(at(spec, 'volumes'))) {
    named.push(
      ['ConfigMap', at(volume, 'configMap', 'name')],
      ['Secret', at(volume, 'secret', 'secretName')],
      ['PersistentVolumeClaim', at(volume, 'persistentVolumeClaim', 'claimName')],
    );
    for (const source of each(at(volume, 'projected', 'sources')))
      named.push(['ConfigMap', at(source, 'configMap', 'name')], ['Secret', at(source, 'secret', 'name')]);
  }
  const keys = named.flatMap(([kind, name]) =>
    typeof name === 'string' && name !== '' ? [{ group: '', kind, namespace, name }] : [],
  );
  return [...new Map(keys.map((key) => [`${key.kind}/${key.name}`, key])).values()];
}
