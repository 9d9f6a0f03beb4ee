/**
 * Clusters known to the hub: enrolment tokens, certificates, revocation. The rule of identity: whoever holds a certificate that this hub's
 * CA signed, that is neither over nor revoked, speaks for the cluster named in it (URI `spiffe://fairway/cluster/NAME`). Every refusal is
 * audited with its reason; the other side learns only that it was refused.
 */
import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { digestText } from '../../shared/manifest/canonical.ts';
import { hubServerName } from '../../shared/stream/protocol.ts';
import { createEvent, type EventType, type NewEvent } from '../model/event.ts';
import type { AgentAuthority, Credential, ForgottenCluster, IssuedCertificate } from '../model/registry.ts';
import type { Store } from '../store/store.ts';
import { createAuditLimiter } from './audit.ts';
import { type Authority, clusterOfCertificate, loadAuthority, type SignedCertificate } from './authority.ts';
import { readPublicKey } from './csr.ts';
import { createTokenParts, hashSecret, isSameHash, parseToken, tokenText } from './token.ts';

export interface RegistryOptions {
  readonly store: Pick<Store, 'meta' | 'registry' | 'events'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** How long an agent's certificate lasts; agents renew daily, or at two thirds of a shorter life. Default 14 days: a hub may be away for a long weekend. */
  readonly certificateLifetimeMs?: number;
  /** Further DNS names and IP addresses for the hub's serving certificate; `fairway-hub` is always in it. */
  readonly serverNames?: readonly string[];
}

export interface Registry extends AgentAuthority {
  /**
   * A single-use token for one cluster, shown once. It counts for the first key that comes with it. `ttlMs` defaults to an hour, at most 7 days.
   * @throws invalid_argument
   */
  createToken(request: {
    readonly cluster: string;
    readonly actor: string;
    readonly ttlMs?: number | undefined;
  }): Promise<{ readonly token: string; readonly id: string; readonly expiresAtMs: number }>;
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

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const serverLifetimeMs = 7 * dayMs;
/** The names a cluster may have, as in the fleet repository. */
const clusterName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

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

  const context: Context = { options, authority, certificateLifetimeMs, auditRefusal };
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

interface Context {
  readonly options: RegistryOptions;
  readonly authority: Authority;
  readonly certificateLifetimeMs: number;
  readonly auditRefusal: (
    type: 'audit.token.refused' | 'audit.certificate.refused',
    reason: string,
    data: Readonly<Record<string, unknown>>,
    cluster: string,
  ) => Promise<void>;
}

async function createToken(
  { options: { store, clock, random }, authority }: Context,
  request: Parameters<Registry['createToken']>[0],
): ReturnType<Registry['createToken']> {
  const { cluster, actor } = request;
  const ttlMs = request.ttlMs ?? hourMs;
  if (!clusterName.test(cluster))
    throw new FairwayError('invalid_argument', 'a cluster name has lower-case letters, digits, "-" and "."');
  if (!(ttlMs > 0 && ttlMs <= 7 * dayMs))
    throw new FairwayError('invalid_argument', 'an enrolment token lasts at most 7 days');
  const parts = createTokenParts(random, authority.pin);
  const now = clock.now();
  const expiresAtMs = now + ttlMs;
  await store.registry.saveToken(
    {
      id: parts.id,
      secretHash: hashSecret(parts.secret),
      cluster,
      createdBy: actor,
      createdAtMs: now,
      expiresAtMs,
      usedAtMs: undefined,
      usedKeyDigest: undefined,
      revokedAtMs: undefined,
    },
    createEvent({
      type: 'audit.token.created',
      actor,
      timeMs: now,
      cluster,
      message: `enrolment token for ${cluster}`,
      data: { id: parts.id, expiresAtMs },
    }),
  );
  return { token: tokenText(parts), id: parts.id, expiresAtMs };
}

const refusedToken = () =>
  new FairwayError('unauthenticated', 'the enrolment token is not valid; ask for a new one', {
    retry: false,
  });

async function enrol(context: Context, request: Parameters<Registry['enrol']>[0]): Promise<Credential> {
  const { store, clock } = context.options;
  const { csr, agentVersion, peer } = request;
  const parts = parseToken(request.token);
  const token = parts && (await store.registry.token(parts.id));
  // Compared even when there is no such token, so that ids cannot be told apart by time.
  const matches = isSameHash(hashSecret(parts?.secret ?? ''), token?.secretHash ?? hashSecret('no token'));
  const refuse = async (reason: string) => {
    // A guess at an id must not write another cluster's name into the log.
    const cluster = matches ? (token?.cluster ?? '') : '';
    await context.auditRefusal('audit.token.refused', reason, { id: parts?.id ?? '', peer }, cluster);
    return refusedToken();
  };
  if (!parts) throw await refuse('malformed');
  if (!token || !matches) throw await refuse('unknown');
  if (parts.pin !== context.authority.pin) throw await refuse('other authority');
  if (token.revokedAtMs !== undefined) throw await refuse('revoked');
  if (token.usedAtMs !== undefined && !(await isRequestOfKey(csr, token.usedKeyDigest)))
    throw await refuse('used');
  if (token.expiresAtMs <= clock.now()) throw await refuse('expired');
  const publicKey = await readPublicKey(csr);
  const { cluster } = token;
  const signed = await context.authority.signAgent(cluster, publicKey, context.certificateLifetimeMs);
  const now = clock.now();
  const common = { actor: `agent:${cluster}`, timeMs: now, cluster };
  const keyDigest = digestText(publicKey);
  // The token is used and the cluster enrolled once, however often the same key asks; each certificate is told of.
  const taken = await store.registry.redeemToken(token.id, keyDigest, toIssued(cluster, signed), now, [
    createEvent({
      ...common,
      id: `audit.token.used/${token.id}`,
      type: 'audit.token.used',
      message: 'enrolment token used',
      data: { id: token.id, peer },
    }),
    issuedEvent(common, signed),
    createEvent({
      ...common,
      id: `agent.enrolled/${token.id}`,
      type: 'agent.enrolled',
      message: `${cluster} enrolled`,
      data: { agentVersion, peer },
    }),
  ]);
  if (!taken) throw await refuse('used');
  return toCredential(context, cluster, signed);
}

/** The same key again: the answer has not reached its agent. A request that cannot be read is nobody's. */
function isRequestOfKey(csr: Uint8Array, keyDigest: string | undefined): Promise<boolean> {
  return readPublicKey(csr).then(
    (publicKey) => digestText(publicKey) === keyDigest,
    () => false,
  );
}

async function renew(context: Context, request: Parameters<Registry['renew']>[0]): Promise<Credential> {
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

const refusedCertificate = () =>
  new FairwayError('unauthenticated', 'the client certificate is not valid', { retry: false });

async function authenticate(context: Context, der: Uint8Array, peer: string): Promise<IssuedCertificate> {
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
  { options: { store, clock }, authority }: Context,
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
  const issued = {
    serial,
    cluster,
    fingerprint,
    notBeforeMs,
    notAfterMs,
    revokedAtMs: undefined,
    revokedReason: undefined,
  };
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

async function revokeCluster(
  { options: { store, clock } }: Context,
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

function issuedEvent(
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

function toIssued(cluster: string, signed: SignedCertificate): IssuedCertificate {
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

function toCredential({ authority }: Context, cluster: string, signed: SignedCertificate): Credential {
  return { cluster, certificateChain: [signed.der, authority.certificateDer], notAfterMs: signed.notAfterMs };
}
