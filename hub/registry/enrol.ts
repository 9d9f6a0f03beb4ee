/** Enrolment: a single-use token for one cluster, and the first certificate that is given for it. */
import { FairwayError } from '../../shared/error/error.ts';
import { digestText } from '../../shared/manifest/canonical.ts';
import { createEvent } from '../model/event.ts';
import type { AgentAuthority, Credential } from '../model/registry.ts';
import { issuedEvent, toCredential, toIssued } from './certificate-records.ts';
import { readPublicKey } from './csr.ts';
import type { CreatedToken, RegistryContext, TokenRequest } from './registry-context.ts';
import { createTokenParts, hashSecret, isSameHash, parseToken, tokenText } from './token.ts';

const hourMs = 3_600_000;
const tokenLifetimeMaxMs = 7 * 24 * hourMs;

/** The names a cluster may have, as in the fleet repository. */
const clusterName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** As `Registry.createToken` promises. */
export async function createToken(
  { options: { store, clock, random }, authority }: RegistryContext,
  request: TokenRequest,
): Promise<CreatedToken> {
  const { cluster, actor } = request;
  const ttlMs = request.ttlMs ?? hourMs;
  if (!clusterName.test(cluster))
    throw new FairwayError('invalid_argument', 'a cluster name has lower-case letters, digits, "-" and "."');
  if (!(ttlMs > 0 && ttlMs <= tokenLifetimeMaxMs))
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

/** As `AgentAuthority.enrol` promises: refused without a token that counts; the same key may ask again, since an answer may have been lost. */
export async function enrol(
  context: RegistryContext,
  request: Parameters<AgentAuthority['enrol']>[0],
): Promise<Credential> {
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
