/** Finding the object that somebody named. */

import { describeKey, groupOf, keyOf, parseKeyText } from '../../../shared/manifest/object.ts';
import { listNames } from '../../../shared/text/list-names.ts';
import { nearestFew } from '../../../shared/text/nearest.ts';
import type { ObjectSelector } from '../../model/trace.ts';
import { problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';

/** kubectl's short names (kubectl api-resources) of what has one. */
const shortNames: Readonly<Record<string, string>> = {
  cj: 'CronJob',
  cm: 'ConfigMap',
  crd: 'CustomResourceDefinition',
  deploy: 'Deployment',
  ds: 'DaemonSet',
  ep: 'Endpoints',
  hpa: 'HorizontalPodAutoscaler',
  ing: 'Ingress',
  limits: 'LimitRange',
  netpol: 'NetworkPolicy',
  ns: 'Namespace',
  pc: 'PriorityClass',
  pdb: 'PodDisruptionBudget',
  po: 'Pod',
  pv: 'PersistentVolume',
  pvc: 'PersistentVolumeClaim',
  quota: 'ResourceQuota',
  rc: 'ReplicationController',
  rs: 'ReplicaSet',
  sa: 'ServiceAccount',
  sc: 'StorageClass',
  sts: 'StatefulSet',
  svc: 'Service',
};

const listedMax = 10;

/** The one object that is meant; by a name that it had only where none has it now. @throws a Problem where several are meant. */
export function selectObject(selector: ObjectSelector, resources: readonly Resource[]): Resource | undefined {
  const { name } = selector;
  const there = resources.filter((resource) => isKind(resource, selector) && isThere(resource, selector));
  const named = there.filter(({ object }) => object.metadata.name === name);
  const found = named.length > 0 ? named : there.filter((resource) => hadName(resource, name));
  const [first] = found;
  if (found.length > 1)
    throw problemError(
      'conflict',
      {},
      `${selector.kind} ${name} is the name of ${found.length} objects: ${listOf(found)}; say also its ${distinction(found)}`,
    );
  return first;
}

function isKind({ object }: Resource, { kind }: ObjectSelector): boolean {
  const [wanted = ''] = kind.toLowerCase().split('.');
  const own = object.kind.toLowerCase();
  if (own === wanted || shortNames[wanted]?.toLowerCase() === own) return true;
  const plurals = [`${own}s`, `${own}es`, own.replace(/y$/, 'ies')];
  return wanted !== '' && plurals.includes(wanted);
}

function isThere({ object }: Resource, { kind, namespace, group, apiVersion }: ObjectSelector): boolean {
  const dot = kind.indexOf('.');
  const asked = group ?? (dot < 0 ? undefined : kind.slice(dot + 1));
  if (asked !== undefined && groupOf(object.apiVersion) !== asked && versionAndGroup(object) !== asked)
    return false;
  if (apiVersion !== undefined && object.apiVersion !== apiVersion) return false;
  return namespace === undefined || (object.metadata.namespace ?? '') === namespace;
}

/** `v1.apps`: kubectl takes a kind as KIND.VERSION.GROUP as well. */
function versionAndGroup({ apiVersion }: Resource['object']): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? `${apiVersion}.` : `${apiVersion.slice(slash + 1)}.${apiVersion.slice(0, slash)}`;
}

function hadName({ originId, history }: Resource, name: string): boolean {
  return parseKeyText(originId)?.name === name || history.previous.some((id) => id.name === name);
}

/** The Problem that says what there is instead. */
export function notFound(selector: ObjectSelector, all: readonly Resource[], where: string): Error {
  const { kind, name, namespace } = selector;
  const asked = namespace ? `${namespace}/${name}` : name;
  const fail = (why: string) =>
    problemError('not_found', {}, `there is no ${kind} ${asked} in ${where}; ${why}`);
  const ofKind = all.filter((resource) => isKind(resource, selector));
  if (all.length === 0) return fail('nothing is rendered there at all');
  const elsewhere = ofKind.filter(({ object }) => object.metadata.name === name);
  if (elsewhere.length > 0) return fail(`there is ${listOf(elsewhere)}`);
  if (ofKind.length === 0) {
    const kinds = [...new Set(all.map(({ object }) => object.kind))].sort();
    const [near] = nearestFew(kind, kinds, 1);
    return fail(
      near === undefined ? `of kinds there are ${listNames(kinds, listedMax)}` : `did you mean ${near}?`,
    );
  }
  const names = ofKind.map(({ object }) => object.metadata.name);
  const near = nearestFew(name, names, 3);
  return fail(near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there is ${listOf(ofKind)}`);
}

function listOf(resources: readonly Resource[]): string {
  const names = resources.map(({ object }) => `${describeKey(keyOf(object))} (${object.apiVersion})`);
  return listNames(names, listedMax);
}

function distinction(found: readonly Resource[]): string {
  const distinct = (of: (resource: Resource) => string) => new Set(found.map(of)).size === found.length;
  if (distinct(({ object }) => object.metadata.namespace ?? '')) return 'namespace';
  if (distinct(({ object }) => groupOf(object.apiVersion))) return 'group';
  return distinct(({ object }) => object.metadata.name) ? 'name as rendered' : 'apiVersion and namespace';
}
