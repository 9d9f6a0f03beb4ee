import 'reflect-metadata';
import { createPublicKey } from 'node:crypto';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { FairwayError } from '../../shared/error/error.ts';

const requestBytesMax = 8_192;

/** Keys that we certify: NIST P-256 and P-384, Ed25519, RSA of 3,072 to 8,192 bits. */
function isAllowedKey(spki: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      return namedCurve === 'prime256v1' || namedCurve === 'secp384r1';
    case 'ed25519':
      return true;
    case 'rsa':
      return modulusLength >= 3_072 && modulusLength <= 8_192;
    default:
      return false;
  }
}

/**
 * The public key (SPKI, DER) of a PKCS#10 request whose signature proves possession of the private key. Everything else in the
 * request, its subject and extensions above all, is ignored.
 * @throws invalid_argument
 */
export async function readPublicKey(request: Uint8Array): Promise<Uint8Array> {
  const refuse = (message: string, cause?: unknown) =>
    new FairwayError('invalid_argument', message, { cause });
  if (request.length === 0 || request.length > requestBytesMax)
    throw refuse('the certificate signing request has a wrong size');
  let spki: Uint8Array;
  let proven: boolean;
  let allowed: boolean;
  try {
    const parsed = new Pkcs10CertificateRequest(Uint8Array.from(request));
    spki = new Uint8Array(parsed.publicKey.rawData);
    allowed = isAllowedKey(spki);
    proven = allowed && (await parsed.verify());
  } catch (caught) {
    throw refuse('the certificate signing request cannot be read', caught);
  }
  if (!allowed) throw refuse('the key must be EC P-256 or P-384, Ed25519, or RSA of at least 3072 bits');
  if (!proven) throw refuse('the certificate signing request is not signed by its own key');
  return spki;
}
