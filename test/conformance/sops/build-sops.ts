/**
 * The program sops from its pinned module, without the libraries of cloud key services: they are a gigabyte and minutes, and no test asks a cloud. Its
 * sources for those are replaced by the few lines in `without-clouds`; trees, stores, ciphers, age, groups of keys and the command line are its own.
 * Go's checksum database vouches for the module.
 */
import { chmodSync, copyFileSync, cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const module = 'github.com/getsops/sops/v3@v3.13.3';
const ownFolder = join(import.meta.dirname, 'without-clouds');

/** Where each of our files goes in the module. */
const replaced: Readonly<Record<string, string>> = {
  'absent.go': 'keys/absent.go',
  'azkv.go': 'azkv/keysource.go',
  'gcpkms.go': 'gcpkms/keysource.go',
  'hckms.go': 'hckms/keysource.go',
  'hcvault.go': 'hcvault/keysource.go',
  'kms.go': 'kms/keysource.go',
  'publish.go': 'publish/s3.go',
};
const removed = ['publish/gcs.go', 'publish/vault.go'];

/** All that the program is made of, for the name of its folder in the cache. */
export function sopsInputs(): readonly string[] {
  const own = readdirSync(ownFolder).sort();
  return [module, ...own.map((name) => readFileSync(join(ownFolder, name), 'utf8'))];
}

/** @param go runs Go in a folder and resolves to what it printed. */
export async function buildSops(
  target: string,
  go: (args: readonly string[], folder: string) => Promise<string>,
): Promise<void> {
  const { Dir } = JSON.parse(await go(['mod', 'download', '-json', module], target)) as {
    readonly Dir: string;
  };
  const source = join(target, 'source');
  cpSync(Dir, source, { recursive: true });
  // The module cache is read-only, and so would the copy be.
  for (const name of readdirSync(source, { recursive: true, encoding: 'utf8' }))
    chmodSync(join(source, name), 0o755);
  for (const [from, to] of Object.entries(replaced)) copyFileSync(join(ownFolder, from), join(source, to));
  for (const name of removed) rmSync(join(source, name));
  await go(
    ['build', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', join(target, 'sops'), './cmd/sops'],
    source,
  );
  rmSync(source, { recursive: true });
}
