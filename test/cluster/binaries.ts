/**
 * Programs that tests on real clusters need, built from pinned Go modules and cached outside the tree by the hash of their inputs.
 * `controlplane` is etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl in one; which of them it is comes from the
 * name it is started under. With KUBEBUILDER_ASSETS set (envtest's convention) etcd, kube-apiserver and kubectl are taken from there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { buildSops, sopsInputs } from '../conformance/sops/build-sops.ts';

export type BinaryName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubectl'
  | 'kustomize'
  | 'kwok'
  | 'helm'
  | 'flux-substitute'
  | 'sops'
  | 'age-keygen'
  | 'validate-image';

const moduleFolder = join(import.meta.dirname, 'controlplane');
/** Flux's substitution as a program, for comparison. */
const fluxFolder = join(import.meta.dirname, '../conformance/substitute/flux');
/** go-containerregistry's validation of images as a program. */
const validateFolder = join(import.meta.dirname, '../tools/image/validate');
const kubernetesVersion = 'v1.36.3';
const versionFlags = ['gitVersion=v1.36.3', 'gitMajor=1', 'gitMinor=36'].map(
  (flag) => `-X k8s.io/component-base/version.${flag}`,
);
const controlplaneFlags = ['-trimpath', '-buildvcs=false', '-ldflags', `-s -w ${versionFlags.join(' ')}`];

/** Built with `go install` at these versions; Go's checksum database vouches for them. */
const installed = {
  kustomize: 'sigs.k8s.io/kustomize/kustomize/v5@v5.8.2',
  kwok: 'sigs.k8s.io/kwok/cmd/kwok@v0.7.0',
  helm: 'helm.sh/helm/v4/cmd/helm@v4.3.1',
  'age-keygen': 'filippo.io/age/cmd/age-keygen@v1.3.2',
} as const;

function isInstalled(name: BinaryName): name is keyof typeof installed {
  return Object.hasOwn(installed, name);
}

/** A build that takes longer is given up. */
const buildTimeoutMs = 25 * 60_000;

export function cacheFolder(): string {
  const base =
    process.env['FAIRWAY_CACHE_DIR'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'fairway');
  mkdirSync(base, { recursive: true });
  return base;
}

export function hasGo(): boolean {
  return spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;
}

/** Under CI a missing tool is a failure; elsewhere the caller says so and skips. */
export function missing(what: string): undefined {
  if (process.env['CI'] === 'true')
    throw new Error(`${what} cannot be had here, and CI=true allows no skip: install Go 1.26 or later`);
  return undefined;
}

function hashOf(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 16);
}

function moduleFiles(folder: string): Buffer[] {
  return ['go.mod', 'go.sum', 'main.go'].map((file) => readFileSync(join(folder, file)));
}

/** Folder and build of what gives `name`. */
function recipeOf(name: BinaryName): { folder: string; build: (target: string) => Promise<unknown> } {
  if (isInstalled(name)) {
    const module = installed[name];
    const build = (target: string) =>
      run('go', ['install', '-trimpath', '-ldflags', '-s -w', module], '/', { GOBIN: target });
    return { folder: join(cacheFolder(), `${name}-${hashOf([module])}`), build };
  }
  if (name === 'flux-substitute' || name === 'validate-image') {
    const own = name === 'flux-substitute' ? fluxFolder : validateFolder;
    const build = (target: string) =>
      run('go', ['build', '-trimpath', '-buildvcs=false', '-o', join(target, name), '.'], own, {});
    return { folder: join(cacheFolder(), `${name}-${hashOf(moduleFiles(own))}`), build };
  }
  if (name === 'sops') {
    const go = (args: readonly string[], folder: string) => run('go', args, folder, {});
    const build = (target: string) => buildSops(target, go);
    return { folder: join(cacheFolder(), `sops-${hashOf(sopsInputs())}`), build };
  }
  const inputs = moduleFiles(moduleFolder);
  const build = async (target: string) => {
    await run(
      'go',
      ['build', ...controlplaneFlags, '-o', join(target, 'controlplane'), '.'],
      moduleFolder,
      {},
    );
    for (const part of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'])
      symlinkSync('controlplane', join(target, part));
  };
  return {
    folder: join(
      cacheFolder(),
      `controlplane-${kubernetesVersion}-${hashOf([...inputs, controlplaneFlags.join(' ')])}`,
    ),
    build,
  };
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, GOFLAGS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-100_000);
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), buildTimeoutMs);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(printed);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said}`));
    });
  });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** One build a folder over all processes: a lock file with the owner's pid; a dead owner's lock is taken over. */
async function withLock(lock: string, isDone: () => boolean, work: () => Promise<void>): Promise<void> {
  const until = Date.now() + buildTimeoutMs;
  while (!isDone()) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      try {
        if (!isDone()) await work();
      } finally {
        rmSync(lock, { force: true });
      }
      return;
    } catch (caught) {
      if ((caught as NodeJS.ErrnoException).code !== 'EEXIST') throw caught;
    }
    if (Date.now() > until) throw new Error(`${lock} is held for too long; remove it`);
    if (!ownerLives(lock)) rmSync(lock, { force: true });
    await pause(500);
  }
}

function ownerLives(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return true;
  } catch {
    // Between creating and writing the file it is empty: give its owner two seconds.
    return existsSync(lock) && Date.now() - statSync(lock).mtimeMs < 2000;
  }
}

/**
 * Path of a program, built first if need be (minutes). Undefined where it cannot be had (no Go); throws then under CI=true.
 * @param onBuild told once when a build begins.
 */
export async function ensureBinary(
  name: BinaryName,
  onBuild?: (what: string) => void,
): Promise<string | undefined> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets && existsSync(join(assets, name))) return join(assets, name);
  const { folder, build } = recipeOf(name);
  const program = join(folder, name);
  if (existsSync(program)) return program;
  if (!hasGo()) return missing(name);
  await withLock(
    `${folder}.lock`,
    () => existsSync(program),
    async () => {
      onBuild?.(folder.includes('controlplane-') ? 'the Kubernetes control plane' : name);
      const temporary = `${folder}.${process.pid}.tmp`;
      rmSync(temporary, { recursive: true, force: true });
      mkdirSync(temporary, { recursive: true });
      await build(temporary);
      rmSync(folder, { recursive: true, force: true });
      renameSync(temporary, folder);
    },
  );
  return program;
}
