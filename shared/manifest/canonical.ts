import { createHmac, hash } from 'node:crypto';

/**
 * Sorted keys, no white space, undefined members left out: the same value always gives the same text (RFC 8785 for the values JSON.parse gives).
 * A bigint is a whole number with all its digits.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return '[' + value.map(canonicalJson).join(',') + ']';
  const record = value as Record<string, unknown>;
  let text = '';
  for (const key of Object.keys(record).sort()) {
    const member = record[key];
    if (member === undefined) continue;
    text += (text === '' ? '' : ',') + JSON.stringify(key) + ':' + canonicalJson(member);
  }
  return '{' + text + '}';
}

/** 64 lower-case hex digits: SHA-256, or HMAC-SHA-256 for Secrets. */
export type Digest = string;

/** SHA-256, 64 hex digits. */
export function digestText(text: string | Uint8Array): Digest {
  return hash('sha256', text);
}

/** The digest of a value's canonical form: equal for whatever differs in the order of its fields alone. */
export function digestJson(value: unknown): Digest {
  return digestText(canonicalJson(value));
}

/** Keyed digest for Secret objects: without the key nobody can test a guess of the value against it. */
export function keyedDigest(text: string | Uint8Array, key: Uint8Array): Digest {
  return createHmac('sha256', key).update(text).digest('hex');
}
