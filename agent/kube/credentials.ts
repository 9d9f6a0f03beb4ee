import { readFile } from 'node:fs/promises';
import type { Clock } from '../../shared/clock/clock.ts';
import type { KubeConnection } from './connection.ts';

const rereadAfterMs = 60_000;

/** The bearer token to send, read anew as it rotates. */
export interface TokenReader {
  /** `refresh` after a 401. At once where it is known. */
  token(refresh?: boolean): Promise<string | undefined> | string | undefined;
}

export function createTokenReader(connection: KubeConnection, clock: Clock): TokenReader {
  const { tokenFile, tokenSource } = connection;
  if (!tokenFile && !tokenSource) return { token: () => connection.token };
  let value: string | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  const read = async () => {
    value = tokenFile ? (await readFile(tokenFile, 'utf8')).trim() : await tokenSource?.();
    readAtMs = clock.monotonic();
    return value;
  };
  return {
    token(refresh = false) {
      const isFresh = value !== undefined && clock.monotonic() - readAtMs <= rereadAfterMs;
      return isFresh && !refresh ? value : read();
    },
  };
}
