import type { NewEvent } from '../../model/event.ts';
import type { AccessToken } from '../../model/registry.ts';

/** Tokens of the API; only hashes of them are kept. */
export interface AccessRepository {
  saveToken(token: AccessToken, event: NewEvent): Promise<void>;
  tokenByHash(secretHash: string): Promise<AccessToken | undefined>;
  tokens(): Promise<readonly AccessToken[]>;
  /** At most once a minute a token, so that reads stay reads. */
  touchToken(id: string, nowMs: number): Promise<void>;
  revokeToken(id: string, nowMs: number, event: NewEvent): Promise<boolean>;
}
