import type { HubConfig } from './config.ts';
import { readSecret, type SecretPorts } from './secret-reader.ts';

/** The operator's certificate for the API, if there is one. @throws failed_precondition naming the file. */
export async function readTls({ tls }: HubConfig, secrets: SecretPorts) {
  if (!tls) return undefined;
  const [cert, key] = await Promise.all([
    readSecret({ file: tls.certificateFile }, 'the certificate of the API', secrets),
    readSecret({ file: tls.keyFile }, "the key of the API's certificate", secrets),
  ]);
  return { cert, key };
}
