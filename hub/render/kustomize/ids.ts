/** Identities as kustomize compares them (kyaml resid): group, version, kind, name and effective namespace. */
import { groupOf, type KubeObject, versionOf } from '../../../shared/manifest/object.ts';
import type { PreviousId, Resource } from '../resource.ts';
import { isClusterScoped } from './schema.ts';

/** Stands for "has no namespace" where namespaces are compared. */
export const noNamespace = '_non_namespaceable_';

/** Empty fields match anything. */
export interface GvkSelector {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
}

export function effectiveNamespace(object: KubeObject): string {
  return namespaceOf(object.apiVersion, object.kind, object.metadata.namespace);
}

/** The namespace as identities compare it. */
export function namespaceOf(apiVersion: string, kind: string, namespace: string | null | undefined): string {
  if (isClusterScoped(apiVersion, kind)) return noNamespace;
  return namespace === undefined || namespace === '' || namespace === null ? 'default' : namespace;
}

const idTexts = new WeakMap<KubeObject, string>();

/** Equal texts mean that kustomize holds two objects for the same. */
export function currentId(object: KubeObject): string {
  const known = idTexts.get(object);
  if (known !== undefined) return known;
  const text = idText(object.apiVersion, object.kind, effectiveNamespace(object), object.metadata.name);
  idTexts.set(object, text);
  return text;
}

export function idText(apiVersion: string, kind: string, namespace: string, name: string): string {
  return `${apiVersion}|${kind}|${namespace}|${name}`;
}

/** Every identity the resource has and had. */
export function allIds(resource: Resource): readonly string[] {
  const { object, history } = resource;
  if (history.previous.length === 0) return [currentId(object)];
  return [
    ...history.previous.map((id) =>
      idText(object.apiVersion, id.kind, previousNamespace(object, id), id.name),
    ),
    currentId(object),
  ];
}

function previousNamespace(object: KubeObject, id: PreviousId): string {
  if (isClusterScoped(object.apiVersion, id.kind)) return noNamespace;
  return id.namespace;
}

export function isSelected(apiVersion: string, kind: string, selector: GvkSelector): boolean {
  if (selector.kind && selector.kind !== kind) return false;
  if (selector.group && selector.group !== groupOf(apiVersion)) return false;
  return !selector.version || selector.version === versionOf(apiVersion);
}

/** The kind of the resource's first identity. */
export function originKind(resource: Resource): string {
  return resource.history.previous[0]?.kind ?? resource.object.kind;
}

/** Remembers the identity of now, before a change of name, namespace or kind. */
export function withPreviousId(resource: Resource): Resource {
  const { object, history } = resource;
  const id: PreviousId = {
    name: object.metadata.name,
    namespace: effectiveNamespace(object),
    kind: object.kind,
  };
  return { ...resource, history: { ...history, previous: [...history.previous, id] } };
}

export function withObject(resource: Resource, object: KubeObject): Resource {
  return object === resource.object ? resource : { ...resource, object };
}

export function withName(resource: Resource, name: string): Resource {
  const { object } = resource;
  return { ...resource, object: { ...object, metadata: { ...object.metadata, name } } };
}
