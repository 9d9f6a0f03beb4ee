import type { Random } from '../../shared/clock/random.ts';

const fit = /^[\w.-]{1,64}$/;

/** The client's or proxy's X-Request-Id where it is short and plain, else a new one. */
export function requestIdOf(headers: Headers, random: Random): string {
  const given = headers.get('x-request-id');
  return given !== null && fit.test(given) ? given : Buffer.from(random.bytes(8)).toString('hex');
}
