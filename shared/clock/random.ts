import { randomBytes } from 'node:crypto';

/** Randomness as a port. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** Bytes fit for secrets (from a seeded source: fit for tests only). */
  bytes(length: number): Uint8Array;
}

export const systemRandom: Random = { next: () => Math.random(), bytes: (length) => randomBytes(length) };

/** A seeded source (mulberry32) for simulations; print the seed when one fails. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { next, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)) };
}
