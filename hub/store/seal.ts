/** Sealing at rest: AES-256-GCM under the hub's data key (NIST SP 800-38D), a random nonce each, the purpose as additional data. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Random } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';

export interface Sealer {
  /** @param context what the value is (a digest, a name): it opens only under the same one. */
  seal(plain: Uint8Array, context: string): Uint8Array;
  /** @throws data_loss when the key, the context or a byte is not as it was. */
  open(sealed: Uint8Array, context: string): Uint8Array;
}

export const dataKeyBytes = 32;

const cipher = 'aes-256-gcm';
/** First byte of each sealed value, so that another scheme can follow. */
const scheme = 1;
const nonceBytes = 12;
const tagBytes = 16;
const headerBytes = 1 + nonceBytes + tagBytes;

/**
 * @param dataKey 32 bytes; never written anywhere.
 * @param random must be fit for secrets outside tests: a nonce that comes twice under one key gives values away.
 * @throws invalid_argument for a key of another length.
 */
export function createSealer(dataKey: Uint8Array, random: Random): Sealer {
  if (dataKey.length !== dataKeyBytes)
    throw new FairwayError('invalid_argument', `the data key must have ${dataKeyBytes} bytes`);
  const key = Uint8Array.from(dataKey);
  return {
    seal(plain, context) {
      const nonce = random.bytes(nonceBytes);
      const encrypt = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(context));
      const text = Buffer.concat([encrypt.update(plain), encrypt.final()]);
      return Buffer.concat([Uint8Array.of(scheme), nonce, encrypt.getAuthTag(), text]);
    },
    open(sealed, context) {
      if (sealed[0] !== scheme || sealed.length < headerBytes)
        throw new FairwayError('data_loss', 'a sealed value cannot be read', { subject: context });
      const nonce = sealed.subarray(1, 1 + nonceBytes);
      try {
        const decrypt = createDecipheriv(cipher, key, nonce)
          .setAAD(Buffer.from(context))
          .setAuthTag(sealed.subarray(1 + nonceBytes, headerBytes));
        return Buffer.concat([decrypt.update(sealed.subarray(headerBytes)), decrypt.final()]);
      } catch (cause) {
        throw new FairwayError('data_loss', 'a sealed value does not open with this data key', {
          subject: context,
          cause,
        });
      }
    },
  };
}
