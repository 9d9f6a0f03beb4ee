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

/** Equal texts mean that kustomize holds two objects for the same. */
export function currentId(object: KubeObject): string {
  return `${object.apiVersion}|${object.kind}|${effectiveNamespace(object)}|${object.metadata.name}`;
}

/** True when kustomize holds the two for the same object. */
export function isSameObject(one: KubeObject, other: KubeObject): boolean {
  return (
    one.metadata.name === other.metadata.name &&
    one.kind === other.kind &&
    one.apiVersion === other.apiVersion &&
    effectiveNamespace(one) === effectiveNamespace(other)
  );
}

/** True when the resource is, or was under any identity it had, what kustomize holds for this object. */
export function everWas({ object, history }: Resource, wanted: KubeObject): boolean {
  if (isSameObject(object, wanted)) return true;
  const { previous } = history;
  if (previous.length === 0 || object.apiVersion !== wanted.apiVersion) return false;
  const { name } = wanted.metadata;
  return previous.some(
    (id) =>
      id.name === name &&
      id.kind === wanted.kind &&
      previousNamespace(object, id) === effectiveNamespace(wanted),
  );
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
