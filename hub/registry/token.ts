import { createHash, timingSafeEqual } from 'node:crypto';
import type { Random } from '../../shared/clock/random.ts';

/** The parts of an enrolment token's text, `fw1.<id>.<secret>.<pin>`. */
export interface TokenParts {
  readonly id: string;
  readonly secret: string;
  /** Base64url SHA-256 of the hub's CA certificate (DER): whom the agent may trust with the secret. */
  readonly pin: string;
}

const form = /^fw1\.([0-9a-f]{16})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;

export function createTokenParts(random: Random, pin: string): TokenParts {
  return {
    id: Buffer.from(random.bytes(8)).toString('hex'),
    secret: Buffer.from(random.bytes(32)).toString('base64url'),
    pin,
  };
}

/** As `parseToken` reads it. */
export function tokenText({ id, secret, pin }: TokenParts): string {
  return `fw1.${id}.${secret}.${pin}`;
}

/** Undefined for anything that is not a token. */
export function parseToken(text: string): TokenParts | undefined {
  const [, id, secret, pin] = form.exec(text.trim()) ?? [];
  return id === undefined || secret === undefined || pin === undefined ? undefined : { id, secret, pin };
}

/** What is kept of a secret. It has 256 random bits, so a plain hash is enough. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Takes the same time wherever they differ. */
export function isSameHash(a: string, b: string): boolean {
  const left = Buffer.from(a, 'hex');
  const right = Buffer.from(b, 'hex');
  return left.length === right.length && timingSafeEqual(left, right);
}
