/** From live objects to facts of a cluster. Pure; no value of a Secret or ConfigMap comes out of it but as a keyed digest. */
import { X509Certificate } from 'node:crypto';
import { canonicalJson, keyedDigest } from '../../shared/manifest/canonical.ts';
import type { Json, JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import type { ApiResource } from '../kube/kube-client.ts';
import { partOfLabel } from '../model/inventory.ts';
import { isObject } from './fields-v1.ts';

export type NamedFacts = readonly (readonly [name: string, value: Json])[];

const isDefault = 'is-default-class';

function pick(object: KubeObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(
    fields.flatMap((name) => (object[name] === undefined ? [] : [[name, object[name]]])),
  );
}

export function memberOf(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let at = value;
  for (const part of path) at = isObject(at) ? at[part] : undefined;
  return at;
}

export function itemsOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function placeOf({ metadata: { namespace, name } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Storage, ingress, priority and runtime classes by what they do. */
export function classFacts(objects: readonly KubeObject[]): NamedFacts {
  const fields = ['provisioner', 'parameters', 'reclaimPolicy', 'volumeBindingMode', 'allowVolumeExpansion'];
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

export function isUnfinished(pod: KubeObject): boolean {
  const phase = memberOf(pod['status'], 'phase');
  return phase !== 'Succeeded' && phase !== 'Failed';
}

/** By image as it is named: the digests that run. */
export function imageFacts(pods: readonly KubeObject[]): NamedFacts {
  const digests = new Map<string, Set<string>>();
  for (const pod of pods.filter(isUnfinished))
    for (const status of itemsOf(memberOf(pod['status'], 'containerStatuses'))) {
      const [image, id] = [memberOf(status, 'image'), memberOf(status, 'imageID')];
      const digest = /sha256:[0-9a-f]{64}$/.exec(String(id ?? ''))?.[0];
      if (typeof image !== 'string' || digest === undefined) continue;
      digests.set(image, (digests.get(image) ?? new Set()).add(digest));
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

/** Made anew in each cluster by Kubernetes, Helm or the agent itself. */
const ownTypes: ReadonlySet<string> = new Set(['kubernetes.io/service-account-token', 'helm.sh/release.v1']);
const ownNames = /^(?:kube-root-ca\.crt|openshift-service-ca\.crt|istio-ca-root-cert|fairway-.*)$/;

/** Secrets and ConfigMaps that nobody applies from Git, by a keyed digest of what they hold. */
export function fingerprintFacts(objects: readonly KubeObject[], salt: Uint8Array): NamedFacts {
  return objects
    .filter(
      (object) =>
        object.metadata.labels?.[partOfLabel] === undefined &&
        object.metadata['ownerReferences'] === undefined &&
        !ownTypes.has(String(object['type'] ?? '')) &&
        !ownNames.test(object.metadata.name),
    )
    .map((object) => {
      const held = canonicalJson([
        object['type'] ?? null,
        object['data'] ?? null,
        object['binaryData'] ?? null,
      ]);
      return [placeOf(object), `#${keyedDigest(held, salt).slice(0, 16)}`];
    });
}

/** TLS Secrets by the end of their certificate, and cert-manager's Certificates by what they say. */
export function certificateFacts(
  secrets: readonly KubeObject[],
  certificates: readonly KubeObject[],
): NamedFacts {
  const facts: (readonly [string, Json])[] = [];
  for (const secret of secrets) {
    const encoded = memberOf(secret['data'], 'tls.crt');
    if (secret['type'] !== 'kubernetes.io/tls' || typeof encoded !== 'string') continue;
    const end = endOfCertificate(Buffer.from(encoded, 'base64'));
    facts.push([`Secret ${placeOf(secret)}`, end ?? 'it cannot be read']);
  }
  for (const certificate of certificates) {
    const end = memberOf(certificate['status'], 'notAfter');
    if (typeof end === 'string') facts.push([`Certificate ${placeOf(certificate)}`, end]);
  }
  return facts;
}

function endOfCertificate(pem: Uint8Array): string | undefined {
  try {
    return new X509Certificate(pem).validToDate.toISOString();
  } catch {
    // Told as a certificate that cannot be read: its owner has to look.
    return undefined;
  }
}

/** The newest of each schedule, volume or replication that has worked. */
export function backupFacts(objects: readonly KubeObject[]): NamedFacts {
  const newest = new Map<string, string>();
  for (const object of objects) {
    const found = backupOf(object);
    if (found && (newest.get(found[0]) ?? '') < found[1]) newest.set(...found);
  }
  return [...newest];
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
      return of(labels?.['velero.io/schedule-name'] ?? name, memberOf(status, 'completionTimestamp'));
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
