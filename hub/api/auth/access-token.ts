/**
 * Bearer tokens of the API: `fwa_` and 256 random bits in base64url. They cannot be guessed, so a plain SHA-256 of the whole is kept and looked up;
 * a slow hash is for what people think up. The prefix lets secret scanners find a leaked one.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../../shared/clock/clock.ts';
import type { Random } from '../../../shared/clock/random.ts';
import { createEvent } from '../../model/event.ts';
import type { AccessToken, Scope } from '../../model/registry.ts';
import type { Store } from '../../store/store.ts';

const tokenPattern = /^fwa_[A-Za-z0-9_-]{43}$/;

/** Tells what is none before the store is asked. */
export function looksLikeAccessToken(text: string): boolean {
  return tokenPattern.test(text);
}

/** What is kept of a token. It is long and random: a slow hash would add nothing. */
export function hashAccessToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

export interface AccessTokenRequest {
  readonly name: string;
  readonly scope: Scope;
  /** Undefined: it does not expire. */
  readonly ttlMs: number | undefined;
}

/** A new token and the row to keep. Pure but for the random source. */
export function createAccessToken(
  request: AccessTokenRequest,
  nowMs: number,
  random: Random,
): { readonly token: string; readonly row: AccessToken } {
  const token = 'fwa_' + Buffer.from(random.bytes(32)).toString('base64url');
  const row: AccessToken = {
    id: Buffer.from(random.bytes(8)).toString('hex'),
    secretHash: hashAccessToken(token),
    name: request.name,
    scope: request.scope,
    createdAtMs: nowMs,
    expiresAtMs: request.ttlMs === undefined ? undefined : nowMs + request.ttlMs,
    lastUsedAtMs: undefined,
    revokedAtMs: undefined,
  };
  return { token, row };
}

/** Neither revoked nor over. */
export function isUsable(row: AccessToken, nowMs: number): boolean {
  return row.revokedAtMs === undefined && (row.expiresAtMs === undefined || row.expiresAtMs > nowMs);
}

/**
 * Makes an admin token when the store has none that can be used: at the first start, and when all were revoked or have expired, so that who
 * runs the hub is never locked out. Resolves to the token, which nobody can read again, or undefined when there was one.
 */
export async function ensureFirstToken(ports: {
  readonly store: Pick<Store, 'access'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Called before the token counts: a process that is killed in between leaves one that is worth nothing, never one that nobody has. */
  readonly keep: (token: string) => Promise<void>;
}): Promise<string | undefined> {
  const nowMs = ports.clock.now();
  const rows = await ports.store.access.tokens();
  if (rows.some((row) => row.scope === 'admin' && isUsable(row, nowMs))) return undefined;
  const name = rows.some((row) => row.name === 'first') ? `first-${rows.length + 1}` : 'first';
  const { token, row } = createAccessToken({ name, scope: 'admin', ttlMs: undefined }, nowMs, ports.random);
  const event = createEvent({
    type: 'audit.token.created',
    actor: 'hub',
    timeMs: nowMs,
    message: `Made the first admin token "${name}".`,
    data: { token: row.id, name, scope: row.scope },
  });
  await ports.keep(token);
  await ports.store.access.saveToken(row, event);
  return token;
}
