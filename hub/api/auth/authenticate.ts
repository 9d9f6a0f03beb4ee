import { FairwayError } from '../../../shared/error/error.ts';
import type { Scope } from '../../model/registry.ts';
import type { Caller } from '../endpoint.ts';
import type { ApiPorts } from '../ports.ts';
import { includesScope } from './access-table.ts';
import { hashAccessToken, isUsable, looksLikeAccessToken } from './access-token.ts';

export const anonymous: Caller = { name: 'anonymous', tokenId: '', scope: undefined };

/**
 * Whose request it is. All failures look the same from outside. @throws unauthenticated.
 */
export async function authenticate(
  headers: Headers,
  ports: Pick<ApiPorts, 'store' | 'clock' | 'log'>,
): Promise<Caller> {
  const header = headers.get('authorization');
  if (header === null)
    throw new FairwayError('unauthenticated', 'No token given: send "Authorization: Bearer TOKEN".');
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1] ?? '';
  const row = looksLikeAccessToken(token)
    ? await ports.store.access.tokenByHash(hashAccessToken(token))
    : undefined;
  const nowMs = ports.clock.now();
  if (row === undefined || !isUsable(row, nowMs))
    throw new FairwayError('unauthenticated', 'The token is not known, has expired or was revoked.', {
      details: { presented: true, token: row?.id, name: row?.name },
    });
  if (row.lastUsedAtMs === undefined || nowMs - row.lastUsedAtMs >= 60_000)
    try {
      await ports.store.access.touchToken(row.id, nowMs);
    } catch (error) {
      // A store that cannot be written, its disk being full, can still be read: nobody may be shut out for want of a note.
      ports.log.warn('cannot keep when a token was last used', { token: row.id, error });
    }
  return { name: row.name, tokenId: row.id, scope: row.scope };
}

/** @throws permission_denied. */
export function authorize(caller: Caller, needed: Scope): void {
  if (includesScope(caller.scope, needed)) return;
  throw new FairwayError(
    'permission_denied',
    `Token "${caller.name}" has scope ${caller.scope ?? 'none'}; this needs ${needed}.`,
    { details: { needed } },
  );
}
