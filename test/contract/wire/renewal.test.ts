import { X509Certificate } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { describe, expect, it, vi } from 'vitest';
import type { Identity } from '../../../agent/stream/identity-store.ts';
import { createKeyPair } from '../../../agent/stream/key-pair.ts';
import type { LinkContext } from '../../../agent/stream/link-context.ts';
import { keepRenewed } from '../../../agent/stream/renew-certificate.ts';
import { type Clock, systemClock } from '../../../shared/clock/clock.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { RenewResponseSchema } from '../../../shared/gen/fairway/v1/agent_pb.ts';
import { digestText } from '../../../shared/manifest/canonical.ts';
import { enrolAgent, until } from './harness.ts';
import { createParties } from './parties.ts';

const { hubOf, agentOf } = createParties();

describe('renewal of a certificate', () => {
  it('asks again for a certificate that could not be kept, though the connection lasts', async () => {
    // Backdated by five minutes, so that two thirds of its life are over at once.
    const hub = await hubOf({ certificateLifetimeMs: 140_000 });
    const tried: Identity[] = [];
    const identityStore = {
      async save(next: Identity) {
        tried.push(next);
        if (tried.length === 1) throw new FairwayError('unavailable', 'the API server is away');
      },
    };
    // An hour is over at once.
    const after: Clock['after'] = (delayMs, callback) =>
      systemClock.after(delayMs > 2_000_000 ? 1 : delayMs, callback);
    const identity = await enrolAgent(hub, 'eu-1');
    const agent = await agentOf(identity, { identityStore, clock: { ...systemClock, after } });
    const notAfterMs = () => agent.connection.state().certificateNotAfterMs;
    const beforeMs = notAfterMs();
    await until('renewed', () => notAfterMs() > beforeMs);
    expect(tried.length).toBeGreaterThan(1);
  });

  it('keeps no certificate that is not of the key that it has made', async () => {
    const hub = await hubOf();
    const identity = await enrolAgent(hub, 'eu-1');
    const certificate = new X509Certificate(identity.certificateChainPem);
    const [{ csr }, { privateKeyPem }] = [await createKeyPair(), await createKeyPair()];
    const currentFingerprint = digestText(certificate.raw);
    const { certificateChain } = await hub.registry.renew({ cluster: 'eu-1', csr, currentFingerprint });
    const saveIdentity = vi.fn();
    const context = { identity, pendingKey: privateKeyPem, saveIdentity } as unknown as LinkContext;
    const answer = create(RenewResponseSchema, { certificateChain: [...certificateChain] });
    await expect(keepRenewed(context, answer)).rejects.toMatchObject({ code: 'data_loss' });
    expect(saveIdentity).not.toHaveBeenCalled();
  });
});
