/** What Secrets and ConfigMaps hold, as facts of a cluster: no value comes out of it but as a keyed digest. Pure. */
import { X509Certificate } from 'node:crypto';
import { canonicalJson, digestText } from '../../shared/manifest/canonical.ts';
import { fingerprintValue } from '../../shared/manifest/fingerprint.ts';
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { partOfLabel } from '../model/inventory.ts';
import { memberOf, type NamedFacts, placeOf } from './fact-fields.ts';

/** Of one Secret or ConfigMap. */
export interface HeldValues {
  /** `namespace/name` */
  readonly place: string;
  readonly kind: string;
  /**
   * Of what it holds, so that it is read once for however many groups: each group's fingerprint is made from it. It stays in the agent's memory, beside the salts, and is told to nobody. Undefined:
   * applied from Git, made by something in the cluster, or of a sort that each cluster makes for itself.
   */
  readonly digest: string | undefined;
  /** When the certificate of a TLS Secret ends, RFC 3339, or that it cannot be read. */
  readonly certificateEnd: string | undefined;
}

/** Made anew in each cluster by Kubernetes, Helm or the agent itself. */
const ownTypes: ReadonlySet<string> = new Set(['kubernetes.io/service-account-token', 'helm.sh/release.v1']);
const ownNames = /^(?:kube-root-ca\.crt|openshift-service-ca\.crt|istio-ca-root-cert|fairway-.*)$/;

/** On a Secret that cert-manager has issued for the cluster, and that has no owner as a rule: https://cert-manager.io/docs/reference/annotations/#cert-manageriocertificate-name */
export const issuedAnnotation = 'cert-manager.io/certificate-name';

/** By metadata alone: its values may be of interest. */
export function isOfNobody({ metadata }: KubeObject): boolean {
  return (
    metadata.labels?.[partOfLabel] === undefined &&
    metadata['ownerReferences'] === undefined &&
    metadata.annotations?.[issuedAnnotation] === undefined &&
    !ownNames.test(metadata.name)
  );
}

/** What is kept of one. */
export function readHeldValues(object: KubeObject): HeldValues {
  const type = String(object['type'] ?? '');
  const counts = isOfNobody(object) && !ownTypes.has(type);
  const held = canonicalJson([object['type'] ?? null, object['data'] ?? null, object['binaryData'] ?? null]);
  return {
    ...{ place: placeOf(object), kind: object.kind },
    digest: counts ? digestText(held) : undefined,
    certificateEnd: endOf(object),
  };
}

/** Fingerprints under one salt: each is made once, as long as what it is of is kept. @param salt of the parity group: see `fingerprintValue`. */
export function createFingerprints(salt: Uint8Array): (held: readonly HeldValues[]) => NamedFacts {
  const known = new WeakMap<HeldValues, string>();
  const fingerprintOf = (one: HeldValues, digest: string): string => {
    const before = known.get(one);
    if (before !== undefined) return before;
    const made = fingerprintValue(salt, `${one.kind} ${one.place}`, digest);
    known.set(one, made);
    return made;
  };
  return (held) =>
    held.flatMap((one) =>
      one.digest === undefined ? [] : [[one.place, fingerprintOf(one, one.digest)] as const],
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
    // Empty: it was never issued.
    facts.push([`Certificate ${placeOf(certificate)}`, typeof end === 'string' ? end : '']);
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
