import { createPrivateKey, X509Certificate } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { RenewRequestSchema, type RenewResponse } from '../../shared/gen/fairway/v1/agent_pb.ts';
import { planJitteredMs } from '../../shared/loop/backoff.ts';
import { createKeyPair, toCertificatePem } from './key-pair.ts';
import { after, type LinkContext, say } from './link-context.ts';
import { planRenewalAtMs } from './plan-renewal.ts';

/** Before a certificate that is due is renewed: a hub that gives short ones must not be asked in a circle. */
const renewalWaitMs = 1_000;
/** Clocks jump, and what was asked for may not come, or not be kept. */
const lookAgainMs = 3_600_000;

/** As planRenewalAtMs says, looked at anew each hour, and asked for again as often until it is renewed. */
export function scheduleRenewal(context: LinkContext): void {
  const certificate = new X509Certificate(context.identity.certificateChainPem);
  const fromMs = Date.parse(certificate.validFrom);
  const untilMs = Date.parse(certificate.validTo);
  const waitMs = planRenewalAtMs(fromMs, untilMs) - context.clock.now();
  if (waitMs > lookAgainMs) {
    after(context, lookAgainMs, () => scheduleRenewal(context));
    return;
  }
  after(context, Math.max(renewalWaitMs, waitMs), () => {
    createKeyPair().then(
      ({ privateKeyPem, csr }) => {
        context.pendingKey = privateKeyPem;
        say(context, 'renew', create(RenewRequestSchema, { certificateSigningRequest: csr }));
        // A link may last longer than the certificate; one that is renewed ends the link.
        after(context, planJitteredMs(lookAgainMs, context.random), () => scheduleRenewal(context));
      },
      (caught: unknown) => context.finish(toFairwayError(caught)),
    );
  });
}

/** Keeps the new certificate, then ends the link: the next one uses it. @throws when none was asked for, it is of another key, or it cannot be kept. */
export async function keepRenewed(context: LinkContext, { certificateChain }: RenewResponse): Promise<void> {
  const { pendingKey, identity, finish } = context;
  if (pendingKey === undefined) throw new FairwayError('failed_precondition', 'no renewal was asked for');
  const certificateChainPem = certificateChain.map(toCertificatePem).join('');
  // Once it is kept there is no way back to the hub without it.
  if (!new X509Certificate(certificateChainPem).checkPrivateKey(createPrivateKey(pendingKey)))
    throw new FairwayError('data_loss', 'the renewed certificate is of another key');
  const next = { ...identity, privateKeyPem: pendingKey, certificateChainPem };
  await context.saveIdentity(next);
  context.log.info('certificate renewed', { cluster: identity.cluster });
  finish(new FairwayError('cancelled', 'the certificate was renewed'), true);
}
