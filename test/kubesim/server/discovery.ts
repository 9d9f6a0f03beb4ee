/** Discovery documents, in one piece (aggregated) and by group. Those of built-in kinds alone are made once for all clusters. */

import type { Kind } from '../kinds/kind.ts';
import { builtInKinds, type KindRegistry } from '../kinds/registry.ts';
import type { Json } from '../schema/types.ts';

export const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Names and build of the server that is simulated. */
export const VERSION: Json = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.3',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'go1.26',
  compiler: 'gc',
  platform: 'linux/amd64',
};

/** True when an Accept header asks for aggregated discovery before the plain one. */
export function wantsAggregated(accept: string): boolean {
  return accept.split(',').some((one) => {
    const parts = one.split(';').map((part) => part.trim());
    return (
      parts.includes('g=apidiscovery.k8s.io') &&
      parts.includes('v=v2') &&
      parts.includes('as=APIGroupDiscoveryList')
    );
  });
}

const optional = (kind: Kind): Record<string, Json> => ({
  ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
  ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
});

const SUBRESOURCE_VERBS = ['get', 'patch', 'update'];

function aggregatedResource(kind: Kind): Json {
  const own = kind.custom
    ? { group: kind.group, version: kind.version, kind: kind.kind }
    : { group: '', version: '', kind: kind.kind };
  const subresources: Json[] = [];
  if (kind.scale)
    subresources.push({
      subresource: 'scale',
      responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
      verbs: SUBRESOURCE_VERBS,
    });
  if (kind.status) subresources.push({ subresource: 'status', responseKind: own, verbs: SUBRESOURCE_VERBS });
  return {
    resource: kind.resource,
    responseKind: own,
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...optional(kind),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

function groupsOf(kinds: readonly Kind[]): Map<string, Map<string, Kind[]>> {
  const groups = new Map<string, Map<string, Kind[]>>();
  for (const kind of kinds) {
    const versions = groups.get(kind.group) ?? new Map<string, Kind[]>();
    groups.set(kind.group, versions);
    versions.set(kind.version, [...(versions.get(kind.version) ?? []), kind]);
  }
  return groups;
}

function aggregated(kinds: readonly Kind[], core: boolean): Json {
  const items: Json[] = [];
  for (const [group, versions] of groupsOf(kinds)) {
    if ((group === '') !== core) continue;
    items.push({
      metadata: group ? { name: group } : {},
      versions: [...versions].map(([version, members]) => ({
        version,
        resources: members.map(aggregatedResource),
        freshness: 'Current',
      })),
    });
  }
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

function groupDocument(group: string, versions: readonly string[]): Record<string, Json> {
  const named = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: named, preferredVersion: named[0] ?? {} };
}

function resourceList(apiVersion: string, kinds: readonly Kind[]): Json {
  const resources: Json[] = [];
  for (const kind of kinds) {
    const base = { singularName: kind.singular, namespaced: kind.namespaced, kind: kind.kind };
    resources.push({ name: kind.resource, ...base, verbs: kind.verbs, ...optional(kind) });
    if (kind.scale)
      resources.push({
        name: `${kind.resource}/scale`,
        singularName: '',
        namespaced: true,
        group: 'autoscaling',
        version: 'v1',
        kind: 'Scale',
        verbs: SUBRESOURCE_VERBS,
      });
    if (kind.status)
      resources.push({
        name: `${kind.resource}/status`,
        ...base,
        singularName: '',
        verbs: SUBRESOURCE_VERBS,
      });
  }
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersion, resources };
}

/** The discovery document at a path; undefined when that path has none. */
export function discoveryDocument(
  kinds: KindRegistry,
  path: string,
  asAggregated: boolean,
): Json | undefined {
  const all = kinds.all();
  if (path === '/version') return VERSION;
  if (asAggregated && path === '/api')
    return all === builtInKinds ? builtInAggregated.core : aggregated(all, true);
  if (asAggregated && path === '/apis')
    return all === builtInKinds ? builtInAggregated.groups : aggregated(all, false);
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  const groups = groupsOf(all);
  if (path === '/apis') {
    const documents = [...groups].filter(([group]) => group !== '');
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: documents.map(([group, versions]) => groupDocument(group, [...versions.keys()])),
    };
  }
  const parts = path.split('/').slice(1);
  if (parts[0] === 'api' && parts.length === 2) {
    const core = groups.get('')?.get(parts[1] ?? '');
    return core ? resourceList(parts[1] ?? '', core) : undefined;
  }
  if (parts[0] !== 'apis') return undefined;
  const versions = groups.get(parts[1] ?? '');
  if (!versions || parts[1] === '') return undefined;
  if (parts.length === 2)
    return { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(parts[1] ?? '', [...versions.keys()]) };
  const members = parts.length === 3 ? versions.get(parts[2] ?? '') : undefined;
  return members ? resourceList(`${parts[1]}/${parts[2]}`, members) : undefined;
}

const builtInAggregated = { core: aggregated(builtInKinds, true), groups: aggregated(builtInKinds, false) };
