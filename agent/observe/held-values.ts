/** What Secrets and ConfigMaps hold, as facts of a cluster: no value comes out of it but as a keyed digest. Pure. */
import { X509Certificate } from 'node:crypto';
import { canonicalJson } from '../../shared/manifest/canonical.ts';
import { fingerprintValue } from '../../shared/manifest/fingerprint.ts';
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { partOfLabel } from '../model/inventory.ts';
import { memberOf, type NamedFacts, placeOf } from './cluster-facts.ts';

/** Of one Secret or ConfigMap. */
export interface HeldValues {
  /** `namespace/name` */
  readonly place: string;
  /** Undefined: applied from Git, made by something in the cluster, or of a sort that each cluster makes for itself. */
  readonly fingerprint: string | undefined;
  /** When the certificate of a TLS Secret ends, RFC 3339, or that it cannot be read. */
  readonly certificateEnd: string | undefined;
}

/** Made anew in each cluster by Kubernetes, Helm or the agent itself. */
const ownTypes: ReadonlySet<string> = new Set(['kubernetes.io/service-account-token', 'helm.sh/release.v1']);
const ownNames = /^(?:kube-root-ca\.crt|openshift-service-ca\.crt|istio-ca-root-cert|fairway-.*)$/;

/** By metadata alone: its values may be of interest. */
export function isOfNobody({ metadata }: KubeObject): boolean {
  return (
    metadata.labels?.[partOfLabel] === undefined &&
    metadata['ownerReferences'] === undefined &&
    !ownNames.test(metadata.name)
  );
}

/** @param salt of the parity group: see `fingerprintValue`. */
export function readHeldValues(object: KubeObject, salt: Uint8Array): HeldValues {
  const type = String(object['type'] ?? '');
  const place = placeOf(object);
  const counts = isOfNobody(object) && !ownTypes.has(type);
  const held = canonicalJson([object['type'] ?? null, object['data'] ?? null, object['binaryData'] ?? null]);
  return {
    place,
    fingerprint: counts ? fingerprintValue(salt, `${object.kind} ${place}`, held) : undefined,
    certificateEnd: endOf(object),
  };
}

/** Those that nobody applies from Git. */
export function fingerprintFacts(held: readonly HeldValues[]): NamedFacts {
  return held.flatMap(({ place, fingerprint }) =>
    fingerprint === undefined ? [] : [[place, fingerprint] as const],
  );
}

/** TLS Secrets by the end of their certificate, and cert-manager's Certificates by what they say. */
export function certificateFacts(
  secrets: readonly HeldValues[],
  certificates: readonly KubeObject[],
): NamedFacts {
  const facts: (readonly [string, Json])[] = [];
  for (const { place, certificateEnd } of secrets)
    if (certificateEnd !== undefined) facts.push([`Secret ${place}`, certificateEnd]);
  for (const certificate of certificates) {
    const end = memberOf(certificate['status'], 'notAfter');
    if (typeof end === 'string') facts.push([`Certificate ${placeOf(certificate)}`, end]);
  }
  return facts;
}

function endOf(object: KubeObject): string | undefined {
  const encoded = memberOf(object['data'], 'tls.crt');
  if (object['type'] !== 'kubernetes.io/tls' || typeof encoded !== 'string') return undefined;
  try {
    return new X509Certificate(Buffer.from(encoded, 'base64')).validToDate.toISOString();
  } catch {
    // Told as a certificate that cannot be read: its owner has to look.
    return 'it cannot be read';
  }
}
