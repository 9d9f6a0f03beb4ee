/** Kubernetes objects as plain immutable JSON, and their identity. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** An undefined member counts as absent. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** A map, as JSON has it: neither a list, nor null, nor one value. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object that has at least apiVersion, kind and metadata.name. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: { readonly [key: string]: string };
    readonly annotations?: { readonly [key: string]: string };
    readonly [key: string]: Json | undefined;
  };
  readonly [key: string]: Json | undefined;
}

/**
 * Identity of an object in a cluster. The version is not part of it: apps/v1 and apps/v1beta1 name the same Deployment.
 * `group` is empty for the core group, `namespace` for cluster-scoped objects and where the manifest names none.
 */
export interface ObjectKey {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Empty for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** `v1` of `apps/v1`. */
export function versionOf(apiVersion: string): string {
  return apiVersion.slice(apiVersion.indexOf('/') + 1);
}

/** The identity that survives a change of version; namespace empty: the object states none. */
export function keyOf(object: KubeObject): ObjectKey {
  const { name, namespace } = object.metadata;
  return { group: groupOf(object.apiVersion), kind: object.kind, namespace: namespace ?? '', name };
}

/** `group/kind/namespace/name`: exact, sortable; parts never contain a slash. */
export function keyText(key: ObjectKey): string {
  return `${key.group}/${key.kind}/${key.namespace}/${key.name}`;
}

/** The reverse of keyText. Undefined for anything else. */
export function parseKeyText(text: string): ObjectKey | undefined {
  const parts = text.split('/');
  const [group, kind, namespace, name] = parts;
  if (parts.length !== 4 || group === undefined || !kind || namespace === undefined || !name)
    return undefined;
  return { group, kind, namespace, name };
}

/** For people: `Deployment shop/web`, `Namespace shop`. */
export function describeKey(key: ObjectKey): string {
  return key.namespace === '' ? `${key.kind} ${key.name}` : `${key.kind} ${key.namespace}/${key.name}`;
}

/** A Secret of the core group: its values are never shown, logged or digested without a key. */
export function isSecret(key: Pick<ObjectKey, 'group' | 'kind'>): boolean {
  return key.kind === 'Secret' && key.group === '';
}
