/** Whether SOPS has encrypted a file, by what it writes at the end of each of its formats (https://getsops.io/docs). */
import { type Place, problemError } from './render-error.ts';

const known = new WeakMap<Uint8Array, boolean>();

/** YAML, JSON, dotenv, INI, and the JSON that any other content is wrapped in. Pure. */
export function isSopsFile(bytes: Uint8Array): boolean {
  let verdict = known.get(bytes);
  if (verdict === undefined) {
    verdict = looksEncrypted(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    known.set(bytes, verdict);
  }
  return verdict;
}

function looksEncrypted(bytes: Buffer): boolean {
  if (!bytes.includes('sops') || !bytes.includes('ENC[')) return false;
  const text = bytes.toString('utf8');
  if (/^sops_mac=ENC\[/m.test(text) && /^sops_version=/m.test(text)) return true;
  if (/^\[sops\]\s*$/m.test(text) && /^mac\s*=\s*ENC\[/m.test(text)) return true;
  if (/^(?:sops|"sops"|'sops'):/m.test(text) && /^\s+["']?mac["']?:/m.test(text)) return true;
  return isSopsJson(text);
}

function isSopsJson(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  try {
    const { sops } = JSON.parse(text) as { readonly sops?: { readonly mac?: unknown } };
    return typeof sops?.mac === 'string' && sops.mac.startsWith('ENC[');
  } catch {
    // No JSON, so none that SOPS has written.
    return false;
  }
}

/** @throws a Problem for an encrypted file that something is made from. */
export function refuseSopsFile(bytes: Uint8Array, path: string, place: Place): void {
  if (!isSopsFile(bytes)) return;
  throw problemError(
    'unsupported',
    place,
    `${JSON.stringify(path)} is encrypted with SOPS and is not opened while rendering, so what is made from it would hold the ciphertext: commit a Secret whose ` +
      "values are encrypted (sops --encrypt --encrypted-regex '^(data|stringData)$') and list it under resources",
  );
}
