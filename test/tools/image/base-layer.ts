/** What Node needs to run where nothing else is: itself, the system's libraries that it loads, two users, a folder for temporary files. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TarEntry } from './tar.ts';

/** User and group of the programs in the images; the agent's manifests say the same. */
export const nonroot = 65532;

/** Where Node is in the image. */
export const nodePath = 'usr/bin/node';

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The image's architecture, which is the machine's. @throws Error on a machine whose Node cannot go into an image. */
export function imageArchitecture(): string {
  const architecture = architectures[process.arch];
  if (process.platform !== 'linux' || architecture === undefined)
    throw new Error(
      `images are built from the Node of a Linux machine of x64 or arm64, and this is ${process.platform} ${process.arch}`,
    );
  return architecture;
}

/** glibc opens these by name when it first looks up a host or a user (nsswitch.conf); since 2.34 most of them are in libc itself. */
const openedLater = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2'];

/** Paths of the libraries that a Node has loaded, its own program's and the kernel's apart. @throws Error when it does not run. */
function librariesOf(node: string): readonly string[] {
  const script =
    'process.report.excludeNetwork = true; console.log(JSON.stringify(process.report.getReport().sharedObjects))';
  const run = spawnSync(node, ['-e', script], { encoding: 'utf8', env: {} });
  if (run.status !== 0) throw new Error(`${node} does not run: ${run.error?.message ?? run.stderr}`);
  const loaded = (JSON.parse(run.stdout) as readonly string[]).filter((path) => existsSync(path));
  const libc = loaded.find((path) => path.includes('/libc.so'));
  const later = libc === undefined ? [] : openedLater.map((name) => join(dirname(libc), name));
  return [...loaded, ...later.filter((path) => existsSync(path))];
}

/** @param node the program to carry, of this machine. */
export function listBaseEntries(node: string): readonly TarEntry[] {
  const file = (path: string, bytes: Uint8Array, mode: number): TarEntry => {
    return { path, type: 'file', bytes, mode };
  };
  const text = (path: string, lines: readonly string[]) =>
    file(path, Buffer.from(lines.map((line) => `${line}\n`).join('')), 0o644);
  return [
    file(nodePath, readFileSync(node), 0o755),
    ...librariesOf(node).map((path) => file(path.slice(1), readFileSync(path), 0o755)),
    text('etc/passwd', [
      'root:x:0:0:root:/root:/sbin/nologin',
      `nonroot:x:${nonroot}:${nonroot}:nonroot:/tmp:/sbin/nologin`,
    ]),
    text('etc/group', ['root:x:0:', `nonroot:x:${nonroot}:`]),
    text('etc/nsswitch.conf', ['passwd: files', 'group: files', 'hosts: files dns']),
    { path: 'tmp', type: 'directory', mode: 0o1777 },
  ];
}
