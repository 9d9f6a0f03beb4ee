/**
 * Clusters known to the hub: enrolment tokens, certificates, revocation. The rule of identity: whoever holds a certificate that this hub's
 * CA signed, that is neither over nor revoked, speaks for the cluster named in it (URI `spiffe://fairway/cluster/NAME`). Every refusal is
 * audited with its reason; the other side learns only that it was refused.
 */
import { digestText } from '../../shared/manifest/canonical.ts';
import { hubServerName } from '../../shared/stream/protocol.ts';
import { createEvent, type EventType } from '../model/event.ts';
import type { AgentAuthority, ForgottenCluster } from '../model/registry.ts';
import { createAuditLimiter } from './audit.ts';
import { authenticate } from './authenticate.ts';
import { loadAuthority } from './authority.ts';
import { createToken, enrol } from './enrol.ts';
import type { CreatedToken, RegistryContext, RegistryOptions, TokenRequest } from './registry-context.ts';
import { renew } from './renew.ts';

export interface Registry extends AgentAuthority {
  /**
   * A single-use token for one cluster, shown once. It counts for the first key that comes with it. `ttlMs` defaults to an hour, at most 7 days.
   * @throws invalid_argument
   */
  createToken(request: TokenRequest): Promise<CreatedToken>;
  /** @returns false when there is no such unused token. */
  revokeToken(id: string, actor: string): Promise<boolean>;
  /** Revokes every certificate and unused token of a cluster; sessions end at once. How many certificates. */
  revoke(cluster: string, reason: string, actor: string): Promise<number>;
  /**
   * Ends all that the hub has of a cluster that is gone for good (see the store's `forget`); what runs there stays.
   * @throws failed_precondition while it is declared in Git or its agent is connected; not_found.
   */
  forget(cluster: string, reason: string, actor: string): Promise<ForgottenCluster>;
}

const dayMs = 86_400_000;
const serverLifetimeMs = 7 * dayMs;

/** Loads the hub's certificate authority from the store, or makes it. */
export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const { store, clock, random, log } = options;
  const certificateLifetimeMs = options.certificateLifetimeMs ?? 14 * dayMs;
  const authority = await loadAuthority({ meta: store.meta, clock, random });
  const limiter = createAuditLimiter(clock);
  const listeners = new Set<(cluster: string, reason: string) => void>();

  const auditRefusal = async (
    type: Extract<EventType, 'audit.token.refused' | 'audit.certificate.refused'>,
    reason: string,
    data: Readonly<Record<string, unknown>>,
    cluster: string,
  ) => {
    const dropped = limiter.admit();
    if (dropped === undefined) return;
    log.warn('credential refused', { type, reason, cluster, dropped, ...data });
    const message = `refused: ${reason}`;
    const entry = { type, actor: 'unknown', timeMs: clock.now(), cluster, message };
    await store.events.append([createEvent({ ...entry, data: { reason, dropped, ...data } })]);
  };

  const context: RegistryContext = { options, authority, certificateLifetimeMs, auditRefusal };
  return {
    caPem: authority.certificatePem,
    createToken: (request) => createToken(context, request),
    revokeToken: (id, actor) =>
      store.registry.revokeToken(
        id,
        createEvent({
          type: 'audit.token.revoked',
          actor,
          timeMs: clock.now(),
          message: 'enrolment token revoked',
          data: { id },
        }),
      ),
    enrol: (request) => enrol(context, request),
    renew: (request) => renew(context, request),
    authenticate: (der, peer) => authenticate(context, der, peer),
    async auditRefused({ reason, certificateDer, peer }) {
      const fingerprint = digestText(certificateDer);
      // Only of a certificate of ours is it known whose it was.
      const cluster = (await store.registry.certificate(fingerprint))?.cluster ?? '';
      await auditRefusal('audit.certificate.refused', reason, { fingerprint, peer }, cluster);
    },
    async revoke(cluster, reason, actor) {
      const count = await revokeCluster(context, cluster, reason, actor);
      for (const listener of listeners) listener(cluster, reason);
      return count;
    },
    async forget(cluster, reason, actor) {
      const forgotten = await store.registry.forget({ cluster, reason, actor, nowMs: clock.now() });
      for (const listener of listeners) listener(cluster, reason);
      return forgotten;
    },
    onRevoked: (listener) => void listeners.add(listener),
    issueServerCertificate: () =>
      authority.issueServer([...new Set([hubServerName, ...(options.serverNames ?? [])])], serverLifetimeMs),
  };
}

async function revokeCluster(
  { options: { store, clock } }: RegistryContext,
  cluster: string,
  reason: string,
  actor: string,
): Promise<number> {
  const now = clock.now();
  const tokens = await store.registry.tokens();
  for (const token of tokens) {
    if (token.cluster !== cluster || token.usedAtMs !== undefined || token.revokedAtMs !== undefined)
      continue;
    const message = 'enrolment token revoked with its cluster';
    const entry = { type: 'audit.token.revoked', actor, timeMs: now, cluster, message } as const;
    await store.registry.revokeToken(token.id, createEvent({ ...entry, data: { id: token.id } }));
  }
  const entry = { type: 'audit.certificate.revoked', actor, timeMs: now, cluster, message: reason } as const;
  return store.registry.revokeCertificates(cluster, reason, now, createEvent({ ...entry, data: { reason } }));
}
