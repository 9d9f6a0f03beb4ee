import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';

export interface KeyPair {
  readonly privateKeyPem: string;
  /** PKCS#10, DER, signed by the key. */
  readonly csr: Uint8Array;
}

/** DER: tag, length, content (X.690, 8.1). */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

const sequence = 0x30;
/** 1.2.840.10045.4.3.2, ecdsa-with-SHA256 (RFC 5758). */
const ecdsaWithSha256 = Buffer.from('06082a8648ce3d040302', 'hex');

/**
 * A PKCS#10 request (RFC 2986) with an empty subject: the hub names the cluster itself. Written out by hand, as it is four nested
 * sequences, and an X.509 library would stay in the agent's memory for good.
 */
function createRequest(privateKey: KeyObject, publicKey: KeyObject): Uint8Array {
  const version = Buffer.from([0x02, 0x01, 0x00]);
  const subject = der(sequence);
  const attributes = der(0xa0);
  const info = der(sequence, version, subject, publicKey.export({ type: 'spki', format: 'der' }), attributes);
  const signature = sign('sha256', info, privateKey);
  return der(sequence, info, der(sequence, ecdsaWithSha256), der(0x03, Buffer.from([0]), signature));
}

/** A new EC P-256 key, which never leaves this process but for the identity store, and the request to certify it. */
export async function createKeyPair(): Promise<KeyPair> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  return {
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    csr: createRequest(privateKey, publicKey),
  };
}

/** The pair of a key that was kept. @throws what node:crypto throws for a text that is no key. */
export function restoreKeyPair(privateKeyPem: string): KeyPair {
  const privateKey = createPrivateKey(privateKeyPem);
  return { privateKeyPem, csr: createRequest(privateKey, createPublicKey(privateKey)) };
}

/** DER to PEM. */
export function toCertificatePem(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
