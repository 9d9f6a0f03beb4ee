import type { ObjectKey } from '../../shared/manifest/object.ts';
import type { ApiResource, KubeClient, ResourceRef } from '../kube/kube-client.ts';

/** Discovery as the steps need it. */
export interface Resources {
  /** Reads discovery if it was never read. */
  load(signal: AbortSignal): Promise<void>;
  /** Reads it again (the client bounds how often). */
  refresh(signal: AbortSignal): Promise<void>;
  find(apiVersion: string, kind: string): ApiResource | undefined;
  /** The preferred version of a kind. */
  findKind(group: string, kind: string): ApiResource | undefined;
  /** Whether it is not known now what the group serves. */
  isStale(group: string): boolean;
  /** Asks the API server again where the kind is unknown (the client bounds how often). */
  resolve(apiVersion: string, kind: string, signal: AbortSignal): Promise<ApiResource | undefined>;
}

/** Where an object of that version lives; undefined: the version is not served. */
export function refOf(
  resources: Pick<Resources, 'find'>,
  { apiVersion, key }: { readonly apiVersion: string; readonly key: ObjectKey },
): ResourceRef | undefined {
  const resource = resources.find(apiVersion, key.kind);
  return resource && { resource, namespace: key.namespace, name: key.name };
}

export function createResources(kube: KubeClient, onChange: () => void): Resources {
  let read: readonly ApiResource[] | undefined;
  let byVersion = new Map<string, ApiResource>();
  let byKind = new Map<string, ApiResource>();
  const take = (resources: readonly ApiResource[]) => {
    if (resources === read) return;
    read = resources;
    byVersion = new Map();
    byKind = new Map();
    for (const resource of resources) {
      const { group, version, kind } = resource;
      const apiVersion = group === '' ? version : `${group}/${version}`;
      if (!byVersion.has(`${apiVersion} ${kind}`)) byVersion.set(`${apiVersion} ${kind}`, resource);
      if (!byKind.has(`${group} ${kind}`)) byKind.set(`${group} ${kind}`, resource);
    }
    onChange();
  };
  const find = (apiVersion: string, kind: string) => byVersion.get(`${apiVersion} ${kind}`);
  return {
    async load(signal) {
      if (!read) take(await kube.discover({ signal }));
    },
    async refresh(signal) {
      take(await kube.discover({ refresh: true, signal }));
    },
    find,
    isStale: (group) => kube.staleGroups().has(group),
    findKind: (group, kind) => byKind.get(`${group} ${kind}`),
    async resolve(apiVersion, kind, signal) {
      if (!find(apiVersion, kind)) take(await kube.discover({ refresh: true, signal }));
      return find(apiVersion, kind);
    },
  };
}
