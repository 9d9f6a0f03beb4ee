import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import type { Logger } from '../../shared/log/log.ts';
import type { Store } from '../store/store.ts';
import type { Authority } from './authority.ts';

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

/** What the registry's parts share. */
export interface RegistryContext {
  readonly options: RegistryOptions;
  readonly authority: Authority;
  readonly certificateLifetimeMs: number;
  /** Writes down a refusal, within bounds: a flood of them is counted, not kept. */
  readonly auditRefusal: (
    type: 'audit.token.refused' | 'audit.certificate.refused',
    reason: string,
    data: Readonly<Record<string, unknown>>,
    cluster: string,
  ) => Promise<void>;
}

export interface TokenRequest {
  readonly cluster: string;
  readonly actor: string;
  /** Default an hour, at most 7 days. */
  readonly ttlMs?: number | undefined;
}

export interface CreatedToken {
  /** Shown once. */
  readonly token: string;
  readonly id: string;
  readonly expiresAtMs: number;
}
