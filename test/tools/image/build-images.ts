/**
 * The images of agent and hub as files that container engines load, made without an engine: `npm run build:images`. Each has two layers: Node with the
 * libraries it needs, the same in both, and the program. There is no shell in them.
 *
 * The same input gives the same digest. The input is the source tree, node_modules, Node, the libraries of the machine (its glibc and libstdc++), and
 * SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/; default 0).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { version } from '../../../shared/version.ts';
import { agentEnv, agentFlags } from '../agent-settings.ts';
import { bundleAgent } from '../bundle-agent.ts';
import { root } from '../source-files.ts';
import { imageArchitecture, listBaseEntries, nodePath, nonroot } from './base-layer.ts';
import { hubFolder, listHubEntries } from './hub-files.ts';
import { type Image, type ImageConfig, type Layer, packImage, packLayer } from './oci-image.ts';
import type { TarEntry } from './tar.ts';

export interface BuildOptions {
  /** Registry and folder of the images' names: `ghcr.io/fairway-dev`, as the installer has it. */
  readonly repository: string;
  readonly epochSeconds: number;
  /** The commit, for the label; undefined where the tree is not just what the commit says. */
  readonly revision: string | undefined;
  /** Of compression, 1 to 9; another level is another digest. Default 6. */
  readonly level?: number;
}

const agentFolder = 'usr/lib/fairway-agent';
const agentCommand = 'usr/bin/fairway-agent';
const dataFolder = 'var/lib/fairway';
const commonEnv = ['PATH=/usr/bin', 'NODE_ENV=production'];

/** The layer that both images stand on; packed once. */
export function packBase(options: BuildOptions): Layer {
  const { epochSeconds, level } = options;
  const createdBy = `Node ${process.versions.node} and what it loads`;
  return packLayer(listBaseEntries(process.execPath), { epochSeconds, createdBy, ...(level && { level }) });
}

function pack(
  name: string,
  about: string,
  layers: readonly Layer[],
  config: Omit<ImageConfig, 'User' | 'Labels'>,
  options: BuildOptions,
): Image {
  const image = 'org.opencontainers.image';
  const Labels = {
    [`${image}.title`]: `Fairway ${name}`,
    [`${image}.description`]: about,
    [`${image}.version`]: version,
    [`${image}.licenses`]: 'Apache-2.0',
    ...(options.revision !== undefined && { [`${image}.revision`]: options.revision }),
  };
  return packImage({
    reference: `${options.repository}/fairway-${name}:${version}`,
    architecture: imageArchitecture(),
    epochSeconds: options.epochSeconds,
    layers,
    config: { User: `${nonroot}:${nonroot}`, ...config, Labels },
  });
}

/** The bundle, made now. */
export async function listAgentEntries(): Promise<readonly TarEntry[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-image-'));
  try {
    await bundleAgent(folder);
    const scripts = readdirSync(folder).filter((name) => name.endsWith('.mjs'));
    return [
      ...scripts.map((name): TarEntry => {
        const bytes = readFileSync(join(folder, name));
        if (name !== 'agent.mjs') return { path: `${agentFolder}/${name}`, type: 'file', bytes };
        // There is no shell: for `kubectl exec` the kernel starts Node by this line, which takes one flag.
        const line = Buffer.from(`#!/${nodePath} ${agentFlags[0]}\n`);
        return {
          path: `${agentFolder}/${name}`,
          type: 'file',
          mode: 0o755,
          bytes: Buffer.concat([line, bytes]),
        };
      }),
      { path: `${agentFolder}/LICENSE`, type: 'file', bytes: readFileSync(join(root, 'LICENSE')) },
      { path: agentCommand, type: 'symlink', target: `../lib/fairway-agent/agent.mjs` },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Its entry point is the agent; the container's arguments are the agent's options. */
export function buildAgentImage(base: Layer, program: readonly TarEntry[], options: BuildOptions): Image {
  const { epochSeconds, level } = options;
  const createdBy = `Fairway agent ${version}`;
  const layer = packLayer(program, { epochSeconds, createdBy, ...(level && { level }) });
  const config = {
    Env: [...commonEnv, ...Object.entries(agentEnv).map(([name, value]) => `${name}=${value}`)],
    Entrypoint: [`/${nodePath}`, ...agentFlags, `/${agentFolder}/agent.mjs`],
    WorkingDir: '/tmp',
  };
  return pack('agent', 'Keeps one Kubernetes cluster as the hub says', [base, layer], config, options);
}

/** Its entry point is `fairway`, its command `hub`; the store is in the volume /var/lib/fairway. */
export function buildHubImage(base: Layer, program: readonly TarEntry[], options: BuildOptions): Image {
  const { epochSeconds, level } = options;
  const createdBy = `Fairway hub ${version}`;
  const entries: readonly TarEntry[] = [
    ...program,
    { path: dataFolder, type: 'directory', mode: 0o700, owner: nonroot },
  ];
  const layer = packLayer(entries, { epochSeconds, createdBy, ...(level && { level }) });
  const config = {
    Env: [...commonEnv, `FAIRWAY_DATA_DIR=/${dataFolder}`, `NODE_COMPILE_CACHE=/${dataFolder}/code`],
    Entrypoint: [`/${nodePath}`, `/${hubFolder}/hub/cli/main.ts`],
    Cmd: ['hub'],
    WorkingDir: `/${dataFolder}`,
    ExposedPorts: { '8080/tcp': {}, '8443/tcp': {}, '8444/tcp': {} },
    Volumes: { [`/${dataFolder}`]: {} },
  };
  return pack('hub', 'A GitOps hub for fleets of Kubernetes clusters', [base, layer], config, options);
}

/** The commit that the tree is, when it is one without changes. */
function readRevision(): string | undefined {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  return git('status', '--porcelain') === '' ? git('rev-parse', 'HEAD') : undefined;
}

/** Seconds by SOURCE_DATE_EPOCH. @throws Error when it is no time. */
export function readEpoch(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  if (!/^\d{1,10}$/.test(text))
    throw new Error(`SOURCE_DATE_EPOCH must be whole seconds of Unix time, and is "${text}"`);
  return Number(text);
}

const usage = `npm run build:images -- [--output DIR] [--repository REGISTRY/FOLDER]

  --output DIR       where the archives go (default dist)
  --repository NAME  the images' names begin with it (default ghcr.io/fairway-dev)
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      output: { type: 'string', default: join(root, 'dist') },
      repository: { type: 'string', default: 'ghcr.io/fairway-dev' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const options: BuildOptions = {
    repository: values.repository,
    epochSeconds: readEpoch(process.env['SOURCE_DATE_EPOCH']),
    revision: readRevision(),
  };
  const base = packBase(options);
  const images = {
    agent: buildAgentImage(base, await listAgentEntries(), options),
    hub: buildHubImage(base, listHubEntries(), options),
  };
  mkdirSync(values.output, { recursive: true });
  for (const [name, { digest, size, archive }] of Object.entries(images)) {
    const file = resolve(values.output, `fairway-${name}-${version}-linux-${imageArchitecture()}.oci.tar`);
    writeFileSync(file, archive);
    console.log(`${file}\n  ${options.repository}/fairway-${name}:${version}  ${(size / 1e6).toFixed(1)} MB`);
    console.log(`  ${digest}`);
  }
}

if (import.meta.main)
  await main().catch((error: unknown) => {
    console.error(`build:images: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 1;
  });
