/** What of the source tree and of node_modules the hub runs on. It runs from source in its image as everywhere: Node strips the types. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { root } from '../source-files.ts';
import type { TarEntry } from './tar.ts';

/** Where it is in the image. */
export const hubFolder = 'usr/lib/fairway';

/** Direct dependencies that the hub does not load: Node is in the layer below, the Kubernetes client is the agent's, which has an image of its own. */
const notTheHubs = new Set(['node', '@kubernetes/client-node']);

/** Types, maps, documents, sources of the native part, and builds of it for other systems. */
const notNeeded =
  /\.(?:d\.[cm]?ts|map|md|markdown|tsbuildinfo|flow)$|^node_modules\/better-sqlite3\/(?:deps|src|binding\.gyp)|^node_modules\/zod\/src\//;
const prebuilt = /^node_modules\/better-sqlite3\/prebuilds\/(.*)\.node$/;

const notTheProgram =
  /\.test(?:-support)?\.[jt]s$|\/contract\.ts$|\/(?:golden|fixtures|contract|tools)\/|^hub\/(?:docs|cli\/demo)\//;

/** Source of the hub and of what it shares: what git tracks or would track, so that nothing that is ignored gets in. */
function listSource(): readonly string[] {
  const listing = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', [...listing, 'hub', 'shared', 'package.json', 'LICENSE'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\0')
    .filter((path) => path !== '' && !notTheProgram.test(path) && existsSync(join(root, path)));
}

interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Folders of the packages that those of package.json need, by npm's lock file: nested ones are found as Node finds them. */
function listPackages(): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const found = new Set<string>();
  /** The folder of a package as seen from another's; undefined for an optional one that is not there. */
  const resolve = (name: string, from: string): string | undefined => {
    const path = posix.join(from, 'node_modules', name);
    if (packages[path] !== undefined) return path;
    return from === ''
      ? undefined
      : resolve(name, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))));
  };
  const add = (name: string, from: string): void => {
    const path = resolve(name, from);
    if (path === undefined || found.has(path)) return;
    found.add(path);
    const { dependencies = {}, optionalDependencies = {} } = packages[path] ?? {};
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) add(needed, path);
  };
  for (const name of Object.keys(packages['']?.dependencies ?? {})) if (!notTheHubs.has(name)) add(name, '');
  return [...found];
}

/** The hub's files below `hubFolder`. */
export function listHubEntries(): readonly TarEntry[] {
  const native = `linux-${process.arch}`;
  const modules = listPackages().flatMap((folder) =>
    globSync('**/*', {
      cwd: join(root, folder),
      withFileTypes: true,
      // Packages within a package are named by the lock file.
      exclude: ({ name }) => name === 'node_modules',
    })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .filter((path) => !notNeeded.test(path) && (prebuilt.exec(path)?.[1] ?? native) === native),
  );
  return [...listSource(), ...modules].map((path): TarEntry => {
    return { path: posix.join(hubFolder, path), type: 'file', bytes: readFileSync(join(root, path)) };
  });
}
