import { FairwayError } from '../../shared/error/error.ts';
import type { SecretRef } from './config.ts';

export interface SecretPorts {
  readonly readFile: (path: string) => Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * A secret's value, read anew at each call, so that a rotated file counts; line ends at its end are cut off. Never kept by this function.
 * @param what for the error: `the password for https://git.example`.
 * @throws failed_precondition when the file or variable is missing or empty.
 */
export async function readSecret(
  ref: SecretRef,
  what: string,
  { readFile, env }: SecretPorts,
): Promise<string> {
  const missing = (where: string, cause?: unknown) =>
    new FairwayError('failed_precondition', `${what} is to be read from ${where}`, { subject: what, cause });
  if (ref.file === undefined) {
    const value = env[ref.env ?? ''];
    if (value === undefined || value === '')
      throw missing(`the environment variable ${ref.env ?? ''}, which is not set: set it and start again`);
    return value;
  }
  let text: string;
  try {
    text = await readFile(ref.file);
  } catch (cause) {
    throw missing(
      `the file ${ref.file}, which cannot be read: check that it is there and readable for the hub`,
      cause,
    );
  }
  const value = text.replace(/[\r\n]+$/, '');
  if (value === '') throw missing(`the file ${ref.file}, which is empty: write the secret into it`);
  return value;
}
