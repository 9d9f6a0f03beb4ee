/** The signature of an override: whoever can write to the store alone, without the hub's key, cannot switch roles. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '../../shared/manifest/canonical.ts';
import type { Failover } from '../model/failover.ts';

type Signed = Pick<Failover, 'id' | 'group' | 'kind' | 'from' | 'to' | 'roles' | 'actor' | 'reason'>;

/** Hex. */
export function signOverride(failover: Signed, untilMs: number, key: Uint8Array): string {
  const { id, group, kind, from, to, roles, actor, reason } = failover;
  const text = canonicalJson({ id, group, kind, from, to, roles, actor, reason, untilMs });
  return createHmac('sha256', key).update(`fairway override\n${text}`).digest('hex');
}

export function isSigned(failover: Failover, key: Uint8Array): boolean {
  const { override } = failover;
  if (override === undefined) return false;
  const right = Buffer.from(signOverride(failover, override.untilMs, key));
  const given = Buffer.from(override.signature);
  return right.length === given.length && timingSafeEqual(right, given);
}
