import { constants } from 'node:crypto';
import { ServerCredentials } from '@grpc/grpc-js';
import type { ServerCertificate } from '../model/registry.ts';

/**
 * TLS 1.3 only, with a certificate that can be changed while connections are open. grpc-js's own `createSsl` knows neither a least
 * version nor a change, hence this subclass; `caPem` given: a client certificate of that CA is demanded.
 */
export class RotatingServerCredentials extends ServerCredentials {
  readonly #caPem: string | undefined;

  constructor(certificate: ServerCertificate, caPem: string | undefined) {
    super(
      { requestCert: caPem !== undefined, rejectUnauthorized: caPem !== undefined },
      toContext(certificate, caPem),
    );
    this.#caPem = caPem;
  }

  /** New connections get this certificate. */
  rotate(certificate: ServerCertificate): void {
    this.updateSecureContextOptions(toContext(certificate, this.#caPem));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function toContext(certificate: ServerCertificate, caPem: string | undefined) {
  return {
    cert: certificate.chainPem,
    key: certificate.privateKeyPem,
    minVersion: 'TLSv1.3' as const,
    // No resumption: a resumed connection would skip the look at the client's certificate chain.
    secureOptions: constants.SSL_OP_NO_TICKET,
    ...(caPem === undefined ? {} : { ca: caPem }),
  };
}
