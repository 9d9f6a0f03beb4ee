import { join } from 'node:path';
import { FairwayError } from '../../shared/error/error.ts';
import type { HubConfig } from './config.ts';
import { readSecret, type SecretPorts } from './secret-reader.ts';

export interface DataKeyPorts extends SecretPorts {
  /** Makes a file that only its owner may read (0600), its folder too. False when it is there already. */
  readonly createFile: (path: string, text: string) => Promise<boolean>;
  readonly randomBytes: (length: number) => Uint8Array;
}

const keyBytes = 32;

/**
 * The key that seals secrets in the store: 32 bytes as 64 hex digits or base64, from `dataKey`, or else from the file data.key in dataDir, which is made
 * at first start. Whoever loses it loses what it sealed: a backup of the store needs it too.
 * @throws failed_precondition when it cannot be read; invalid_argument when it has another form.
 */
export async function loadDataKey(
  config: Pick<HubConfig, 'dataKey' | 'dataDir'>,
  ports: DataKeyPorts,
): Promise<Uint8Array> {
  const { dataKey, dataDir } = config;
  const path = join(dataDir, 'data.key');
  if (!dataKey) await ports.createFile(path, `${Buffer.from(ports.randomBytes(keyBytes)).toString('hex')}\n`);
  const text = (await readSecret(dataKey ?? { file: path }, 'the data key', ports)).trim();
  const key = /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (key.length === keyBytes && (/^[0-9a-fA-F]{64}$/.test(text) || /^[A-Za-z0-9+/]{43}=?$/.test(text)))
    return key;
  const where = dataKey?.env ?? dataKey?.file ?? path;
  throw new FairwayError(
    'invalid_argument',
    `the data key in ${where} is not ${keyBytes} bytes as hex or base64: make one with openssl rand -hex ${keyBytes}`,
  );
}
