/** From live objects to facts of a cluster. Pure. */
import type { Json, JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import type { ApiResource } from '../kube/kube-client.ts';
import { partOfLabel } from '../model/inventory.ts';
import { itemsOf, memberOf, type NamedFacts, placeOf } from './fact-fields.ts';
import { scheduleLabel } from './fact-shapes.ts';
import type { Counted } from './object-tally.ts';

const isDefault = 'is-default-class';

function pick(object: KubeObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(
    fields.flatMap((name) => (object[name] === undefined ? [] : [[name, object[name]]])),
  );
}

/** Storage, ingress, priority and runtime classes by what they do. */
export function classFacts(objects: readonly KubeObject[]): NamedFacts {
  // Not allowedTopologies: zones are of the place, and no two clusters have the same.
  const volumes = ['volumeBindingMode', 'allowVolumeExpansion', 'mountOptions'];
  const fields = ['provisioner', 'parameters', 'reclaimPolicy', ...volumes];
  const more = ['spec', 'handler', 'value', 'globalDefault', 'preemptionPolicy', 'scheduling', 'overhead'];
  return objects.map((object) => {
    const marked = Object.entries(object.metadata.annotations ?? {}).some(
      ([name, value]) => name.endsWith(`/${isDefault}`) && value === 'true',
    );
    return [
      object.metadata.name,
      { ...pick(object, [...fields, ...more]), ...(marked && { default: true }) },
    ];
  });
}

/** Group and version, with the kinds served; subresources are no kinds of their own. */
export function apiFacts(resources: readonly ApiResource[]): NamedFacts {
  const kinds = new Map<string, Set<string>>();
  for (const { group, version, kind } of resources) {
    const name = group === '' ? version : `${group}/${version}`;
    kinds.set(name, (kinds.get(name) ?? new Set()).add(kind));
  }
  return [...kinds].map(([name, served]) => [name, [...served].sort()]);
}

/** CustomResourceDefinitions by their versions: which are served, in which one objects are written, and in which they may still lie (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/). */
export function definitionFacts(definitions: readonly KubeObject[]): NamedFacts {
  return definitions.map((definition) => {
    const versions = itemsOf(memberOf(definition['spec'], 'versions'));
    const names = (field: string) =>
      versions.flatMap((one) => (memberOf(one, field) === true ? [String(memberOf(one, 'name'))] : []));
    const stored = itemsOf(memberOf(definition['status'], 'storedVersions')).map(String);
    const [storage = ''] = names('storage');
    return [definition.metadata.name, { served: names('served').sort(), storage, stored: stored.sort() }];
  });
}

/** Versions of the nodes' kubelets, each once. */
export function kubeletVersions(nodes: readonly KubeObject[]): readonly string[] {
  const told = nodes.map((node) => memberOf(node['status'], 'nodeInfo', 'kubeletVersion'));
  return [...new Set(told.filter((one): one is string => typeof one === 'string' && one !== ''))].sort();
}

/** Objects that nobody applies from Git and nothing in the cluster has made. */
export function unmanagedFacts(objects: readonly KubeObject[]): NamedFacts {
  return objects
    .filter(
      ({ kind, metadata }) =>
        metadata.labels?.[partOfLabel] === undefined &&
        metadata['ownerReferences'] === undefined &&
        !(kind === 'ServiceAccount' && metadata.name === 'default'),
    )
    .map((object) => [`${object.kind} ${placeOf(object)}`, true] as const);
}

/** By image as pods name it: the digests that run. An id that is of the runtime's own making, of an image that was not pulled by digest, says so. */
export function imageFacts(pods: readonly Counted[]): NamedFacts {
  const digests = new Map<string, Set<string>>();
  for (const [pod] of pods)
    for (const pair of itemsOf(pod['images'])) {
      const [image, id] = itemsOf(pair);
      const [digest] = /sha256:[0-9a-f]{64}$/.exec(String(id ?? '')) ?? [];
      if (typeof image !== 'string' || image === '' || digest === undefined) continue;
      const told = String(id).includes('@') ? digest : `id:${digest}`;
      digests.set(image, (digests.get(image) ?? new Set()).add(told));
    }
  return [...digests].map(([image, found]) => [image, [...found].sort()]);
}

/** ResourceQuotas and LimitRanges by what they demand. */
export function specFacts(objects: readonly KubeObject[]): NamedFacts {
  return objects.map((object) => [placeOf(object), object['spec'] ?? null]);
}

export function podSecurityFacts(namespaces: readonly KubeObject[]): NamedFacts {
  return namespaces.map(({ metadata: { name, labels } }) => [
    name,
    Object.fromEntries(
      Object.entries(labels ?? {}).filter(([label]) => label.startsWith('pod-security.kubernetes.io/')),
    ),
  ]);
}

/**
 * The newest of each schedule, volume or replication that has worked; empty: none has yet. Backups that nobody has scheduled count as one, and only where nothing is scheduled: whoever made
 * one by hand does not mean to make it again; those of a schedule that is gone do not count either.
 * @param schedulesKnown the Schedules are among the objects.
 */
export function backupFacts(objects: readonly KubeObject[], schedulesKnown = true): NamedFacts {
  const newest = new Map<string, string>();
  const schedules = new Set(
    objects.flatMap(({ kind, metadata }) => (kind === 'Schedule' ? [metadata.name] : [])),
  );
  const counts = ({ kind, metadata: { labels } }: KubeObject) => {
    const schedule = labels?.[scheduleLabel];
    if (kind !== 'Backup' || !schedulesKnown) return true;
    return schedule === undefined ? schedules.size === 0 : schedules.has(schedule);
  };
  for (const object of objects) {
    const found = (counts(object) ? backupOf(object) : undefined) ?? plannedOf(object);
    if (found && (newest.get(found[0]) ?? '') <= found[1]) newest.set(...found);
  }
  return [...newest];
}

/** What is meant to be made again and again. */
function plannedOf(object: KubeObject): [string, string] | undefined {
  if (object.kind === 'ReplicationSource' && memberOf(object['spec'], 'paused') !== true)
    return [`ReplicationSource ${placeOf(object)}`, ''];
  if (object.kind === 'Schedule' && memberOf(object['spec'], 'paused') !== true)
    return [`Backup ${object.metadata.name}`, ''];
  return undefined;
}

function backupOf(object: KubeObject): [string, string] | undefined {
  const status = object['status'];
  const of = (name: string, time: Json | undefined): [string, string] | undefined =>
    typeof time === 'string' && !Number.isNaN(Date.parse(time))
      ? [`${object.kind} ${name}`, new Date(Date.parse(time)).toISOString()]
      : undefined;
  const { name, namespace, labels } = object.metadata;
  switch (object.kind) {
    // https://velero.io/docs/main/api-types/backup/
    case 'Backup':
      if (memberOf(status, 'phase') !== 'Completed') return undefined;
      return of(labels?.[scheduleLabel] ?? 'by hand', memberOf(status, 'completionTimestamp'));
    // https://kubernetes.io/docs/concepts/storage/volume-snapshots/
    case 'VolumeSnapshot':
      if (memberOf(status, 'readyToUse') !== true) return undefined;
      return of(
        `${namespace ?? ''}/${String(memberOf(object['spec'], 'source', 'persistentVolumeClaimName') ?? name)}`,
        memberOf(status, 'creationTime'),
      );
    // https://volsync.readthedocs.io/
    case 'ReplicationSource':
      return of(placeOf(object), memberOf(status, 'lastSyncTime'));
    default:
      return undefined;
  }
}
