/** A certificate that was signed, as the store, the audit and its agent get it. */
import { createEvent, type NewEvent } from '../model/event.ts';
import type { Credential, IssuedCertificate } from '../model/registry.ts';
import type { SignedCertificate } from './authority.ts';
import type { RegistryContext } from './registry-context.ts';

/** Who got which certificate, for the audit. */
export function issuedEvent(
  common: Pick<NewEvent, 'actor' | 'timeMs' | 'cluster'>,
  { serial, fingerprint, notAfterMs }: SignedCertificate,
): NewEvent {
  const message = `certificate issued for ${common.cluster}`;
  return createEvent({
    ...common,
    type: 'audit.certificate.issued',
    message,
    data: { serial, fingerprint, notAfterMs },
  });
}

/** Neither over nor revoked. */
export function toIssued(cluster: string, signed: Omit<SignedCertificate, 'der'>): IssuedCertificate {
  const { serial, fingerprint, notBeforeMs, notAfterMs } = signed;
  return {
    serial,
    cluster,
    fingerprint,
    notBeforeMs,
    notAfterMs,
    revokedAtMs: undefined,
    revokedReason: undefined,
  };
}

/** The certificate with its authority's, as the agent keeps it. */
export function toCredential(
  { authority }: RegistryContext,
  cluster: string,
  signed: SignedCertificate,
): Credential {
  return { cluster, certificateChain: [signed.der, authority.certificateDer], notAfterMs: signed.notAfterMs };
}
