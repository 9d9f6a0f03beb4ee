import type { AgentAuthority, Credential } from '../model/registry.ts';
import { refusedCertificate } from './authenticate.ts';
import { issuedEvent, toCredential, toIssued } from './certificate-records.ts';
import { readPublicKey } from './csr.ts';
import type { RegistryContext } from './registry-context.ts';

/** As `AgentAuthority.renew` promises: another certificate for a cluster that has one which counts. */
export async function renew(
  context: RegistryContext,
  request: Parameters<AgentAuthority['renew']>[0],
): Promise<Credential> {
  const { store, clock } = context.options;
  const { cluster, csr, currentFingerprint } = request;
  const current = await store.registry.certificate(currentFingerprint);
  if (!current || current.cluster !== cluster || current.revokedAtMs !== undefined) {
    await context.auditRefusal(
      'audit.certificate.refused',
      'renewal refused',
      { currentFingerprint },
      cluster,
    );
    throw refusedCertificate();
  }
  const signed = await context.authority.signAgent(
    cluster,
    await readPublicKey(csr),
    context.certificateLifetimeMs,
  );
  const common = { actor: `agent:${cluster}`, timeMs: clock.now(), cluster };
  await store.registry.saveCertificate(toIssued(cluster, signed), issuedEvent(common, signed));
  return toCredential(context, cluster, signed);
}
