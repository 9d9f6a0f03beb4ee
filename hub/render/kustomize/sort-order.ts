/** The order of the objects (kustomize api/internal/builtins/SortOrderTransformer.go). */
import { groupOf, type KubeObject, versionOf } from '../../../shared/manifest/object.ts';
import { type Place, problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import type { GvkSelector } from './ids.ts';
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

/** How kustomize orders groups, versions and kinds, absent ones as well (kyaml resid/gvk.go IsLessThan). */
export function compareKinds(one: GvkSelector, other: GvkSelector): number {
  const rank = ({ kind = '' }: GvkSelector): number => defaultRanks.get(kind) ?? 0;
  const text = ({ group, version, kind }: GvkSelector) =>
    `${group || '~G'}_${version || '~V'}_${kind || '~K'}`;
  return rank(one) - rank(other) || order(text(one), text(other));
}

interface Keyed {
  readonly resource: Resource;
  readonly rank: number;
  readonly group: string;
  readonly namespace: string;
}

/** Group, version and kind as they are compared. */
function groupText({ apiVersion, kind }: KubeObject): string {
  return `${groupOf(apiVersion) || '~G'}_${versionOf(apiVersion) || '~V'}_${kind}`;
}

/** By kind, then group and version, namespace and name. */
function compare(a: Keyed, b: Keyed): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  const [one, other] = [a.resource.object, b.resource.object];
  if (a.group !== b.group) {
    const reversed = one.kind === 'Namespace' && other.kind === 'Namespace';
    return a.group < b.group === !reversed ? -1 : 1;
  }
  if (a.namespace === b.namespace) return order(one.metadata.name, other.metadata.name);
  return order(`${a.namespace}|${one.metadata.name}`, `${b.namespace}|${other.metadata.name}`);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Objects of a kind stand together mostly: each kind's keys are made once in a row. */
function keyed(resources: readonly Resource[], ranks: Ranks): Keyed[] {
  let [apiVersion, kind, rank, group] = ['', '', 0, ''];
  return resources.map((resource) => {
    const { object } = resource;
    if (object.kind !== kind || object.apiVersion !== apiVersion || group === '') {
      ({ apiVersion, kind } = object);
      rank = ranks.get(kind) ?? 0;
      group = groupText(object);
    }
    return { resource, rank, group, namespace: object.metadata.namespace || '~X' };
  });
}

/** `sortOptions`, which count in the topmost kustomization only, and where they are written. */
export interface Sort {
  readonly options: SortOptions;
  readonly place: Place;
}

/** No order but that in which objects were found. */
export const asFound: Sort = { options: { order: 'fifo' }, place: { file: '', line: 0 } };

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
  return keyed(resources, ranks)
    .sort(compare)
    .map(({ resource }) => resource);
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
