/** The order of the objects (kustomize api/internal/builtins/SortOrderTransformer.go). */
import { groupOf, type KubeObject, versionOf } from '../../../shared/manifest/object.ts';
import { type Place, problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import type { SortOptions } from './kustomization.ts';

const orderFirst = [
  'Namespace',
  'ResourceQuota',
  'StorageClass',
  'CustomResourceDefinition',
  'ServiceAccount',
  'PodSecurityPolicy',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'ConfigMap',
  'Secret',
  'Endpoints',
  'Service',
  'LimitRange',
  'PriorityClass',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Deployment',
  'StatefulSet',
  'CronJob',
  'PodDisruptionBudget',
];
const orderLast = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

type Ranks = ReadonlyMap<string, number>;

function ranksOf(first: readonly string[], last: readonly string[]): Ranks {
  return new Map([
    ...first.map((kind, index) => [kind, index - first.length] as const),
    ...last.map((kind, index) => [kind, index + 1] as const),
  ]);
}

const defaultRanks = ranksOf(orderFirst, orderLast);

interface SortKey {
  readonly gvk: string;
  readonly id: string;
}

const sortKeys = new WeakMap<KubeObject, SortKey>();

function sortKey(object: KubeObject): SortKey {
  const known = sortKeys.get(object);
  if (known !== undefined) return known;
  const { apiVersion, kind, metadata } = object;
  const made = {
    gvk: `${groupOf(apiVersion) || '~G'}_${versionOf(apiVersion) || '~V'}_${kind}`,
    id: `${metadata.namespace || '~X'}|${metadata.name}`,
  };
  sortKeys.set(object, made);
  return made;
}

/** By kind, then group and version, namespace and name. */
function compare(a: KubeObject, b: KubeObject, ranks: Ranks): number {
  const rank = (ranks.get(a.kind) ?? 0) - (ranks.get(b.kind) ?? 0);
  if (rank !== 0) return rank;
  const [keyA, keyB] = [sortKey(a), sortKey(b)];
  if (keyA.gvk !== keyB.gvk) {
    const reversed = a.kind === 'Namespace' && b.kind === 'Namespace';
    return keyA.gvk < keyB.gvk === !reversed ? -1 : 1;
  }
  return keyA.id < keyB.id ? -1 : keyA.id > keyB.id ? 1 : 0;
}

/** `sortOptions`, which count in the topmost kustomization only, and where they are written. */
export interface Sort {
  readonly options: SortOptions;
  readonly place: Place;
}

export function sortOf(from: {
  readonly kustomization: { readonly sortOptions?: SortOptions };
  readonly locate: (path: readonly string[]) => Place;
}): Sort | undefined {
  const options = from.kustomization.sortOptions;
  return options === undefined ? undefined : { options, place: from.locate(['sortOptions']) };
}

/** Without options: kustomize's default order ("legacy"). @throws a Problem for options that contradict one another. */
export function sortResources(resources: readonly Resource[], sort: Sort | undefined): readonly Resource[] {
  if (sort !== undefined) check(sort);
  if (sort?.options.order === 'fifo') return resources;
  const given = sort?.options.legacySortOptions;
  const ranks = given === undefined ? defaultRanks : ranksOf(given.orderFirst ?? [], given.orderLast ?? []);
  return resources.toSorted((a, b) => compare(a.object, b.object, ranks));
}

function check({ options, place }: Sort): void {
  const { order = '', legacySortOptions } = options;
  if (order !== 'fifo' && order !== 'legacy')
    throw problemError(
      'invalid_manifest',
      { ...place, field: 'sortOptions.order' },
      'expected fifo or legacy',
    );
  if (order === 'fifo' && legacySortOptions !== undefined)
    throw problemError(
      'invalid_manifest',
      { ...place, field: 'sortOptions.legacySortOptions' },
      'expected order: legacy with legacySortOptions',
    );
}
