/** Runs what is in an image as an engine would, without one: the layers unpacked in a folder that becomes the root, namespaces of its own, its user. */
import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Config {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir: string;
}

interface Described {
  readonly digest: string;
}

export interface RootedImage {
  /** The image layout, unpacked. */
  readonly layout: string;
  /** What is `/` to the program. */
  readonly root: string;
  readonly config: Config;
  /** Program and arguments that run the image's entry point with these arguments, or its own command where none are given. */
  command(...args: readonly string[]): readonly [string, readonly string[]];
  /** Its environment and nothing of ours. */
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

/** Why images cannot be run here; undefined: they can. */
export function whyNotRooted(): string | undefined {
  if (process.platform !== 'linux') return 'images are for Linux';
  if (process.getuid?.() !== 0) return 'changing the root takes root';
  const probe = spawnSync('unshare', ['--mount', '--pid', '--fork', '--mount-proc', 'true']);
  return probe.status === 0 ? undefined : `unshare cannot make namespaces here: ${String(probe.stderr)}`;
}

function run(command: string, args: readonly string[], options: SpawnSyncOptions = {}): void {
  const done = spawnSync(command, args, { ...options, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${String(done.stderr)}`);
}

/** @param archive the image layout as a tar archive. */
export function unpackRooted(archive: Uint8Array): RootedImage {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-root-'));
  const [layout, root] = [join(folder, 'layout'), join(folder, 'root')];
  for (const path of [layout, root]) mkdirSync(path);
  writeFileSync(join(folder, 'image.tar'), archive);
  run('tar', ['-xf', join(folder, 'image.tar'), '-C', layout]);
  const blob = ({ digest }: Described) => join(layout, 'blobs', ...digest.split(':'));
  const read = <T>(path: string) => JSON.parse(readFileSync(path, 'utf8')) as T;
  const index = read<{ readonly manifests: readonly [Described] }>(join(layout, 'index.json'));
  const manifest = read<{ readonly config: Described; readonly layers: readonly Described[] }>(
    blob(index.manifests[0]),
  );
  const { config } = read<{ readonly config: Config }>(blob(manifest.config));
  for (const layer of manifest.layers)
    run('tar', ['--numeric-owner', '--same-owner', '--same-permissions', '-xzf', blob(layer), '-C', root]);
  // Engines make these for every container.
  for (const name of ['proc', 'dev']) mkdirSync(join(root, name), { recursive: true });
  run('mknod', ['--mode=666', join(root, 'dev/null'), 'c', '1', '3']);
  const [user = '', group = user] = config.User.split(':');
  const { Entrypoint, Cmd = [], WorkingDir } = config;
  return {
    layout,
    root,
    config,
    env: Object.fromEntries(config.Env.map((text) => text.split(/=(.*)/s, 2) as [string, string])),
    command: (...args) => [
      'unshare',
      [
        ...['--mount', '--pid', '--fork', '--kill-child=SIGKILL', `--root=${root}`, '--mount-proc=/proc'],
        ...[`--wd=${WorkingDir}`, `--setgid=${group}`, `--setuid=${user}`, '--'],
        ...Entrypoint,
        ...(args.length > 0 ? args : Cmd),
      ],
    ],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
