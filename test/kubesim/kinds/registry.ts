/** Which kinds are served. The built-in ones are made once for all simulations of a process; custom ones are each cluster's own. */
import { normaliseOwn } from '../schema/normalise.ts';
import { type StructType, structType } from '../schema/types.ts';
import { definitionRules } from './custom-resources.ts';
import type { Kind, KindRules } from './kind.ts';
import {
  autoscalerRules,
  configMapRules,
  deploymentRules,
  leaseRules,
  namespaceRules,
  plainRules,
  podRules,
  roleBindingRules,
  roleRules,
  secretRules,
  serviceRules,
} from './rules.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

interface Options {
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly clusterWide?: boolean;
  readonly status?: boolean;
  readonly scale?: boolean;
  readonly verbs?: readonly string[];
  readonly rules?: Partial<KindRules>;
}

function builtIn(apiVersion: string, typeName: string, resource: string, options: Options = {}): Kind {
  const type: StructType = structType(typeName);
  const kind = typeName.slice(typeName.indexOf('.') + 1);
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const empty = { ...normaliseOwn(type, {}), apiVersion, kind };
  return {
    group: group ?? '',
    version: version ?? '',
    apiVersion,
    kind,
    listKind: `${kind}List`,
    resource,
    singular: kind.toLowerCase(),
    shortNames: options.shortNames ?? [],
    categories: options.categories ?? [],
    namespaced: !options.clusterWide,
    verbs: options.verbs ?? VERBS,
    status: options.status ?? false,
    scale: options.scale ?? false,
    custom: false,
    type,
    empty,
    rules: plainRules(type, options.rules),
  };
}

const RBAC = 'rbac.authorization.k8s.io/v1';

/** In the order in which discovery lists groups. */
export const builtInKinds: readonly Kind[] = [
  builtIn('v1', 'core.ConfigMap', 'configmaps', { shortNames: ['cm'], rules: configMapRules }),
  builtIn('v1', 'core.Event', 'events', { shortNames: ['ev'], rules: { createOnUpdate: true } }),
  builtIn('v1', 'core.Namespace', 'namespaces', {
    shortNames: ['ns'],
    clusterWide: true,
    status: true,
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
    rules: namespaceRules,
  }),
  builtIn('v1', 'core.Pod', 'pods', {
    shortNames: ['po'],
    categories: ['all'],
    status: true,
    rules: podRules,
  }),
  builtIn('v1', 'core.Secret', 'secrets', { rules: secretRules }),
  builtIn('v1', 'core.Service', 'services', {
    shortNames: ['svc'],
    categories: ['all'],
    status: true,
    rules: serviceRules,
  }),
  builtIn('v1', 'core.ServiceAccount', 'serviceaccounts', {
    shortNames: ['sa'],
    rules: { returnsDeleted: true },
  }),
  builtIn('apps/v1', 'apps.Deployment', 'deployments', {
    shortNames: ['deploy'],
    categories: ['all'],
    status: true,
    scale: true,
    rules: deploymentRules,
  }),
  builtIn('autoscaling/v2', 'autoscaling.HorizontalPodAutoscaler', 'horizontalpodautoscalers', {
    shortNames: ['hpa'],
    categories: ['all'],
    status: true,
    rules: autoscalerRules,
  }),
  builtIn(RBAC, 'rbac.ClusterRoleBinding', 'clusterrolebindings', {
    clusterWide: true,
    rules: roleBindingRules,
  }),
  builtIn(RBAC, 'rbac.ClusterRole', 'clusterroles', { clusterWide: true, rules: roleRules }),
  builtIn(RBAC, 'rbac.RoleBinding', 'rolebindings', { rules: roleBindingRules }),
  builtIn(RBAC, 'rbac.Role', 'roles', { rules: roleRules }),
  builtIn('apiextensions.k8s.io/v1', 'apiextensions.CustomResourceDefinition', 'customresourcedefinitions', {
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    clusterWide: true,
    status: true,
    rules: definitionRules,
  }),
  builtIn('coordination.k8s.io/v1', 'coordination.Lease', 'leases', { rules: leaseRules }),
];

/** The kinds one cluster serves. */
export interface KindRegistry {
  /** All kinds, built-in ones first. */
  all(): readonly Kind[];
  find(group: string, version: string, resource: string): Kind | undefined;
  /** Replaces what a definition serves; an empty list ends it. */
  setCustom(definition: string, kinds: readonly Kind[]): void;
  /** Grows with each change, so that what is derived can be kept. */
  readonly generation: number;
}

const builtInIndex = new Map(builtInKinds.map((kind) => [`${kind.apiVersion}/${kind.resource}`, kind]));

export function createKindRegistry(): KindRegistry {
  const custom = new Map<string, readonly Kind[]>();
  let generation = 0;
  return {
    all: () => (custom.size === 0 ? builtInKinds : [...builtInKinds, ...[...custom.values()].flat()]),
    find(group, version, resource) {
      const apiVersion = group ? `${group}/${version}` : version;
      const found = builtInIndex.get(`${apiVersion}/${resource}`);
      if (found || custom.size === 0) return found;
      for (const kinds of custom.values())
        for (const kind of kinds)
          if (kind.apiVersion === apiVersion && kind.resource === resource) return kind;
      return undefined;
    },
    setCustom(definition, kinds) {
      generation++;
      if (kinds.length === 0) custom.delete(definition);
      else custom.set(definition, kinds);
    },
    get generation() {
      return generation;
    },
  };
}
