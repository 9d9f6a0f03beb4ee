import { X509Certificate } from 'node:crypto';
import { FairwayError } from '../../shared/error/error.ts';
import { digestText } from '../../shared/manifest/canonical.ts';
import { createEvent } from '../model/event.ts';
import type { IssuedCertificate } from '../model/registry.ts';
import { clusterOfCertificate } from './authority.ts';
import { toIssued } from './certificate-records.ts';
import type { RegistryContext } from './registry-context.ts';

/** All that the other side learns of a refused certificate. */
export const refusedCertificate = () =>
  new FairwayError('unauthenticated', 'the client certificate is not valid', { retry: false });

/** As `AgentAuthority.authenticate` promises: whose the certificate is, if it counts now. */
export async function authenticate(
  context: RegistryContext,
  der: Uint8Array,
  peer: string,
): Promise<IssuedCertificate> {
  const { store, clock } = context.options;
  const fingerprint = digestText(der);
  const issued = (await store.registry.certificate(fingerprint)) ?? (await adopt(context, der, fingerprint));
  const reason =
    issued === undefined
      ? 'unknown'
      : issued.revokedAtMs !== undefined
        ? 'revoked'
        : issued.notAfterMs <= clock.now()
          ? 'expired'
          : undefined;
  if (issued !== undefined && reason === undefined) return issued;
  const data = { fingerprint, peer };
  await context.auditRefusal('audit.certificate.refused', reason ?? 'unknown', data, issued?.cluster ?? '');
  throw refusedCertificate();
}

/**
 * A hub restored from a backup does not know the certificates it issued since. One that our CA signed, later than every
 * certificate of that cluster that we know or revoked, is kept as ours: else a restore would lock out every agent that renewed.
 */
async function adopt(
  { options: { store, clock }, authority }: RegistryContext,
  der: Uint8Array,
  fingerprint: string,
): Promise<IssuedCertificate | undefined> {
  const certificate = new X509Certificate(der);
  const ca = new X509Certificate(authority.certificateDer);
  const cluster = clusterOfCertificate(certificate);
  if (cluster === undefined || certificate.ca || !certificate.verify(ca.publicKey)) return undefined;
  const notBeforeMs = Date.parse(certificate.validFrom);
  const known = await store.registry.certificates(cluster);
  const isLater = known.every(
    (other) => other.notBeforeMs <= notBeforeMs && (other.revokedAtMs ?? 0) <= notBeforeMs,
  );
  if (!isLater) return undefined;
  const serial = certificate.serialNumber.toLowerCase();
  const notAfterMs = Date.parse(certificate.validTo);
  const issued = toIssued(cluster, { serial, fingerprint, notBeforeMs, notAfterMs });
  const message =
    'certificate of this authority accepted that was not in the records: restored from a backup';
  await store.registry.saveCertificate(
    issued,
    createEvent({
      type: 'audit.certificate.issued',
      actor: 'hub',
      timeMs: clock.now(),
      cluster,
      message,
      data: { serial, fingerprint, notAfterMs, adopted: true },
    }),
  );
  return issued;
}
