/** Transformers of names, namespaces, labels, annotations and replicas (kustomize api/internal/builtins). */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import type { Resource } from '../resource.ts';
import { applySpecs, specsFor } from './apply-specs.ts';
import { type FieldSpec, type SetValue, setScalar } from './field-spec.ts';
import { fieldTables } from './field-tables.ts';
import { isOfCluster, isSelected, originKind, withName, withPreviousId } from './ids.ts';
import { helmGenerated } from './inflation.ts';
import type { LabelArgs } from './kustomization.ts';
import { textOf } from './list-merge.ts';
import { withShared } from './shared-entries.ts';
import { mergeSpecs, type TransformerConfig } from './transformer-config.ts';

const knownLabelSpecs = new WeakMap<TransformerConfig, Map<string, readonly FieldSpec[]>>();

/** The fields that one entry of `labels` is written to; the same list for the same choice of them. @throws ConfigError. */
export function labelSpecs(label: LabelArgs, config: TransformerConfig): readonly FieldSpec[] {
  if (label.fields !== undefined && label.fields.length > 0) return makeLabelSpecs(label, config);
  const choice = [label.includeSelectors, label.includeTemplates, label.includeVolumeClaimTemplates].join(
    ' ',
  );
  const byChoice = knownLabelSpecs.get(config) ?? new Map<string, readonly FieldSpec[]>();
  const specs = byChoice.get(choice) ?? makeLabelSpecs(label, config);
  knownLabelSpecs.set(config, byChoice.set(choice, specs));
  return specs;
}

function makeLabelSpecs(label: LabelArgs, config: TransformerConfig): readonly FieldSpec[] {
  const specs = mergeSpecs(label.fields ?? [], config.labels);
  if (label.includeSelectors === true) return mergeSpecs(specs, config.commonLabels);
  return mergeSpecs(specs, [
    ...(label.includeTemplates === true ? config.templateLabels : []),
    ...(label.includeVolumeClaimTemplates === true ? config.volumeClaimTemplateLabels : []),
    ...fieldTables.labels,
  ]);
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

/** `namePrefix` or `nameSuffix`. */
export function addAffix(
  resources: readonly Resource[],
  affix: string,
  side: 'prefix' | 'suffix',
  specs: readonly FieldSpec[],
): readonly Resource[] {
  const join = (text: string): string => (side === 'prefix' ? affix + text : text + affix);
  return resources.map((resource) => {
    if (keepsName(resource)) return resource;
    const kind = originKind(resource);
    let result = resource;
    for (const spec of specs) {
      if (!isSelected(resource.object.apiVersion, kind, spec)) continue;
      result = spec.path === 'metadata/name' ? rename(result, affix, side, join) : result;
      if (spec.path !== 'metadata/name')
        result = withShared(
          result,
          applySpecs(result.object, [spec], 'scalar', (value) => setScalar(join(textOf(value)))(value)),
        );
    }
    return result;
  });
}

function rename(
  resource: Resource,
  affix: string,
  side: 'prefix' | 'suffix',
  join: (text: string) => string,
): Resource {
  const { object, history } = affix === '' ? resource : withPreviousId(resource);
  const list = side === 'prefix' ? 'prefixes' : 'suffixes';
  const renamed = { ...resource, object, history: { ...history, [list]: [...history[list], affix] } };
  return affix === '' ? renamed : withName(renamed, join(object.metadata.name));
}

/** Which subjects of role bindings move along; `defaultOnly`: the service account that every namespace has. */
export type SubjectMode = 'defaultOnly' | 'allServiceAccounts' | 'none';

export interface NamespaceOptions {
  readonly specs: readonly FieldSpec[];
  readonly subjects?: SubjectMode;
  /** Only where there is no namespace yet. */
  readonly unsetOnly?: boolean;
}

/** `namespace`, and the subjects of role bindings that go with it. */
export function setNamespace(
  resources: readonly Resource[],
  namespace: string,
  options: NamespaceOptions,
): readonly Resource[] {
  const keep = (value: Json | undefined): boolean =>
    options.unsetOnly === true && value !== undefined && value !== null && value !== '';
  const set: SetValue = (value) => (keep(value) ? value : setScalar(namespace)(value));
  return resources.map((resource) => {
    // Helm has put its objects where they belong.
    const annotations = resource.object.metadata.annotations as JsonObject | null | undefined;
    if (annotations?.[helmGenerated] === 'true') return resource;
    let { object } = resource;
    if (!isOfCluster(resource) && !keep(object.metadata.namespace))
      object = { ...object, metadata: { ...object.metadata, namespace } };
    if (isBinding(object)) object = setSubjects(object, namespace, options.subjects ?? 'defaultOnly', keep);
    const moved = { ...withPreviousId(resource), object };
    const specs = namespaceSpecs(options.specs, object);
    return specs.length === 0 ? moved : withShared(moved, applySpecs(object, specs, 'scalar', set));
  });
}

function isBinding({ kind }: KubeObject): boolean {
  return kind === 'RoleBinding' || kind === 'ClusterRoleBinding';
}

function namespaceSpecs(all: readonly FieldSpec[], object: KubeObject): readonly FieldSpec[] {
  const specs = specsFor(all, object.apiVersion, object.kind);
  if (specs.length === 0) return specs;
  return specs.filter(({ path, kind }) => {
    if (path === 'metadata/namespace') return false;
    if (path === 'metadata/name') return object.apiVersion === 'v1';
    return !isBinding(object) || path !== 'subjects/namespace' || kind !== object.kind;
  });
}

function setSubjects(
  object: KubeObject,
  namespace: string,
  mode: SubjectMode,
  keep: (value: Json | undefined) => boolean,
): KubeObject {
  const subjects = object['subjects'];
  if (!Array.isArray(subjects) || mode === 'none') return object;
  const [field, wanted] = mode === 'defaultOnly' ? ['name', 'default'] : ['kind', 'ServiceAccount'];
  return {
    ...object,
    subjects: subjects.map((subject: Json) => {
      const map = subject as JsonObject | null;
      return map?.[field ?? ''] === wanted && !keep(map?.['namespace']) ? { ...map, namespace } : subject;
    }),
  };
}
