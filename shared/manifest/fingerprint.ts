import { keyedDigest } from './canonical.ts';

/** 64 bits: enough to tell values apart, too little to be one. */
const digits = 16;

/**
 * A value that may not be shown, as a text that is equal where the value is: HMAC-SHA-256 under the salt of a parity group, cut. The salt is secret, 32 bytes that only the hub and the agents of
 * the group's clusters have, so that nobody else can try out values that are easy to guess. The place is part of it, so that equal values at two places do not show.
 * @param place what says the same in both clusters: application, origin and path, or kind, namespace and name.
 */
export function fingerprintValue(salt: Uint8Array, place: string, text: string): string {
  return `#${keyedDigest(`${place.length}\n${place}${text}`, salt).slice(0, digits)}`;
}

/** @param path `/data/password` */
export function placeOfValue(application: string, originId: string, path: string): string {
  return `${application}\n${originId}\n${path}`;
}
