/** Transformers of names, namespaces, labels, annotations and replicas (kustomize api/internal/builtins). */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import type { Resource } from '../resource.ts';
import {
  type CreateKind,
  changeField,
  type FieldSpec,
  type SetValue,
  setScalar,
  splitPath,
} from './field-spec.ts';
import { fieldTables } from './field-tables.ts';
import { isSelected, originKind, withName, withObject, withPreviousId } from './ids.ts';
import type { LabelArgs } from './kustomization.ts';
import { isClusterScoped } from './schema.ts';

export function applySpecs(
  object: KubeObject,
  specs: readonly FieldSpec[],
  createKind: CreateKind,
  set: SetValue,
): KubeObject {
  let result = object;
  for (const spec of specs) {
    if (!isSelected(result.apiVersion, result.kind, spec)) continue;
    const path = splitPath(spec.path);
    result = changeField(result, { path, create: spec.create === true, createKind, set });
  }
  return result;
}

/** The fields that one entry of `labels` is written to. */
export function labelSpecs(label: LabelArgs): readonly FieldSpec[] {
  const specs: FieldSpec[] = [...(label.fields ?? [])];
  if (label.includeSelectors === true) return [...specs, ...fieldTables.commonLabels];
  if (label.includeTemplates === true) specs.push(...fieldTables.templateLabels);
  if (label.includeVolumeClaimTemplates === true) specs.push(...fieldTables.claimTemplateLabels);
  return [...specs, ...fieldTables.labels];
}

/** Kinds whose names must not change: a CRD's is made of its parts, a Namespace's and an APIService's are looked up. */
function keepsName(resource: Resource): boolean {
  const kind = originKind(resource);
  if (kind === 'CustomResourceDefinition' || kind === 'Namespace') return true;
  return isSelected(resource.object.apiVersion, kind, {
    group: 'apiregistration.k8s.io',
    kind: 'APIService',
  });
}

export function addAffix(
  resources: readonly Resource[],
  affix: string,
  side: 'prefix' | 'suffix',
): readonly Resource[] {
  return resources.map((resource) => {
    if (keepsName(resource)) return resource;
    const { name } = resource.object.metadata;
    const renamed = withName(withPreviousId(resource), side === 'prefix' ? affix + name : name + affix);
    const { history } = renamed;
    return side === 'prefix'
      ? { ...renamed, history: { ...history, prefixes: [...history.prefixes, affix] } }
      : { ...renamed, history: { ...history, suffixes: [...history.suffixes, affix] } };
  });
}

export function setNamespace(resources: readonly Resource[], namespace: string): readonly Resource[] {
  return resources.map((resource) => {
    const remembered = withPreviousId(resource);
    let { object } = remembered;
    if (!isClusterScoped(object.apiVersion, object.kind))
      object = { ...object, metadata: { ...object.metadata, namespace } };
    if (object.kind === 'RoleBinding' || object.kind === 'ClusterRoleBinding')
      object = setSubjects(object, namespace);
    const specs = fieldTables.namespace.filter(
      ({ path }) => path !== 'metadata/name' || object.apiVersion === 'v1',
    );
    return withObject(remembered, applySpecs(object, specs, 'scalar', setScalar(namespace)));
  });
}

/** Only subjects called "default" move along: the service account that every namespace has. */
function setSubjects(object: KubeObject, namespace: string): KubeObject {
  const subjects = object['subjects'];
  if (!Array.isArray(subjects)) return object;
  return {
    ...object,
    subjects: subjects.map((subject: Json) =>
      (subject as JsonObject | null)?.['name'] === 'default'
        ? { ...(subject as JsonObject), namespace }
        : subject,
    ),
  };
}
