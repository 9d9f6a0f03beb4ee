import { constants } from 'node:crypto';
import { ServerCredentials } from '@grpc/grpc-js';
import type { ServerCertificate } from '../model/registry.ts';

/**
 * Of the enrolment listener: TLS 1.3 only, with a certificate that can be changed while connections are open; nobody is asked for one. grpc-js's own
 * `createSsl` knows neither a least version nor a change, hence this subclass.
 */
export class RotatingServerCredentials extends ServerCredentials {
  constructor(certificate: ServerCertificate) {
    super({ requestCert: false }, toContext(certificate, undefined));
  }

  /** New connections get this certificate. */
  rotate(certificate: ServerCertificate): void {
    this.updateSecureContextOptions(toContext(certificate, undefined));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/** What both listeners' TLS has in common; `caPem`: the only authority of clients' certificates. */
export function toContext(certificate: ServerCertificate, caPem: string | undefined) {
  return {
    cert: certificate.chainPem,
    key: certificate.privateKeyPem,
    minVersion: 'TLSv1.3' as const,
    // No resumption: a resumed connection would skip the look at the client's certificate chain.
    secureOptions: constants.SSL_OP_NO_TICKET,
    ...(caPem === undefined ? {} : { ca: caPem }),
  };
}
