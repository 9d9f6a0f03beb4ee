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

type Scoped = Pick<Resource, 'object' | 'ofCluster'>;

/** Whether objects of this kind have no namespace. @param kind one that the object had; default: of now. */
export function isOfCluster({ object, ofCluster }: Scoped, kind: string = object.kind): boolean {
  return (ofCluster === true && kind === object.kind) || isClusterScoped(object.apiVersion, kind);
}

/** As kustomize compares identities: one word for objects of the cluster, `default` where none is stated. */
export function effectiveNamespace(resource: Scoped): string {
  return isOfCluster(resource) ? noNamespace : orDefault(resource.object.metadata.namespace);
}

/** The namespace of an identity, of now or one before, as identities compare it. */
export function namespaceOfId(
  resource: Scoped,
  { kind, namespace }: { readonly kind: string; readonly namespace?: string | null | undefined },
): string {
  return isOfCluster(resource, kind) ? noNamespace : orDefault(namespace);
}

/** The namespace of an object that has one. */
export function orDefault(namespace: string | null | undefined): string {
  return namespace === undefined || namespace === '' || namespace === null ? 'default' : namespace;
}

/** Equal texts mean that kustomize holds two objects for the same. */
export function currentId(resource: Scoped): string {
  const { apiVersion, kind, metadata } = resource.object;
  return `${apiVersion}|${kind}|${effectiveNamespace(resource)}|${metadata.name}`;
}

/** True when kustomize holds the two for the same object. */
export function isSameObject(one: Scoped, other: Scoped): boolean {
  const [a, b] = [one.object, other.object];
  return (
    a.metadata.name === b.metadata.name &&
    a.kind === b.kind &&
    a.apiVersion === b.apiVersion &&
    effectiveNamespace(one) === effectiveNamespace(other)
  );
}

/** True when the resource is, or was under any identity it had, what kustomize holds for this object. */
export function everWas(resource: Resource, object: KubeObject): boolean {
  const { ofCluster } = resource;
  // Objects of one kind have all of them namespaces, or none.
  const wanted = resource.object.kind === object.kind ? { object, ofCluster } : { object };
  if (isSameObject(resource, wanted)) return true;
  const { previous } = resource.history;
  if (previous.length === 0 || resource.object.apiVersion !== object.apiVersion) return false;
  const { name } = object.metadata;
  return previous.some(
    (id) =>
      id.name === name &&
      id.kind === object.kind &&
      namespaceOfId(resource, id) === effectiveNamespace(wanted),
  );
}

/** The namespace of the resource's first identity. */
export function originNamespace(resource: Resource): string {
  const [first] = resource.history.previous;
  return first === undefined ? effectiveNamespace(resource) : namespaceOfId(resource, first);
}

/** What a selector leaves empty fits anything. */
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
    namespace: effectiveNamespace(resource),
    kind: object.kind,
  };
  return { ...resource, history: { ...history, previous: [...history.previous, id] } };
}

/** The same resource where the object is the same. */
export function withObject(resource: Resource, object: KubeObject): Resource {
  return object === resource.object ? resource : { ...resource, object };
}

export function withName(resource: Resource, name: string): Resource {
  const { object } = resource;
  return { ...resource, object: { ...object, metadata: { ...object.metadata, name } } };
}
