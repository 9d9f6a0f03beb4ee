import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultAgentImage } from '../../../hub/api/install/install-manifests.ts';
import { agentEnv, agentFlags } from '../agent-settings.ts';
import { importsOf } from '../source-files.ts';
import { listBaseEntries } from './base-layer.ts';
import {
  type BuildOptions,
  buildAgentImage,
  buildHubImage,
  listAgentEntries,
  packBase,
  readEpoch,
} from './build-images.ts';
import { hubFolder, listHubEntries } from './hub-files.ts';
import type { Image, Layer } from './oci-image.ts';
import { createTar, type TarEntry } from './tar.ts';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Readonly<Record<string, string>>;
}

// The quickest compression: what is tested does not hang on it.
const options: BuildOptions = {
  repository: 'ghcr.io/fairway-dev',
  epochSeconds: 1_700_000_000,
  revision: undefined,
  level: 1,
};
const folder = mkdtempSync(join(tmpdir(), 'fairway-images-'));
const images = new Map<string, Image>();
/** Where the layers of both are unpacked; that of Node is the same. */
const root = join(folder, 'root');
let base: Layer;
let hubEntries: readonly TarEntry[] = [];
let bundles: readonly (readonly TarEntry[])[] = [];

beforeAll(async () => {
  base = packBase(options);
  hubEntries = listHubEntries();
  bundles = await Promise.all([listAgentEntries(), listAgentEntries()]);
  images.set('agent', buildAgentImage(base, bundles[0] ?? [], options));
  images.set('hub', buildHubImage(base, hubEntries, options));
  mkdirSync(root);
  const layers = [...images.keys()].flatMap(unpack);
  for (const blob of new Set(layers)) tar('-xzf', blob, '-C', root);
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function tar(...args: readonly string[]): string {
  const run = spawnSync('tar', args, { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
  return run.stdout;
}

const layoutOf = (name: string) => join(folder, name, 'layout');

const blobOf = (name: string, digest: string) => join(layoutOf(name), 'blobs', ...digest.split(':'));

/** The blob of a descriptor, held to it. */
function readBlob(name: string, { digest, size }: Descriptor): Buffer {
  const bytes = readFileSync(blobOf(name, digest));
  expect(bytes.length).toBe(size);
  expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(digest);
  return bytes;
}

function readImage(name: string) {
  const index = JSON.parse(readFileSync(join(layoutOf(name), 'index.json'), 'utf8')) as {
    readonly manifests: readonly [Descriptor];
  };
  const manifest = JSON.parse(readBlob(name, index.manifests[0]).toString()) as {
    readonly config: Descriptor;
    readonly layers: readonly Descriptor[];
  };
  const config = JSON.parse(readBlob(name, manifest.config).toString()) as {
    readonly architecture: string;
    readonly rootfs: { readonly diff_ids: readonly string[] };
    readonly config: {
      readonly User: string;
      readonly Entrypoint: readonly string[];
      readonly Env: readonly string[];
      readonly Labels: Readonly<Record<string, string>>;
    };
  };
  return { described: index.manifests[0], manifest, config };
}

/** As an engine does. @returns files of the layers, by digest so that one of both images is one. */
function unpack(name: string): readonly string[] {
  mkdirSync(layoutOf(name), { recursive: true });
  const archive = join(folder, `${name}.tar`);
  writeFileSync(archive, images.get(name)?.archive ?? '');
  tar('-xf', archive, '-C', layoutOf(name));
  const own = readImage(name).manifest.layers.map(({ digest }) => digest);
  const before = name === 'agent' ? [] : readImage('agent').manifest.layers.map(({ digest }) => digest);
  return own.filter((digest) => !before.includes(digest)).map((digest) => blobOf(name, digest));
}

/** Arguments that run the image's Node with the image's own loader and libraries, without its root: for that one has to be root. */
function inImage(args: readonly string[]): readonly [string, readonly string[]] {
  const found = listBaseEntries(process.execPath).map(({ path }) => path);
  const loader = found.find((path) => /\/ld-linux[^/]*$/.test(path)) ?? '';
  const libc = found.find((path) => path.endsWith('/libc.so.6')) ?? '';
  const libraries = join(root, posix.dirname(libc));
  const node = join(root, 'usr/bin/node');
  return [join(root, loader), ['--inhibit-cache', '--library-path', libraries, node, ...args]];
}

const baseDigest = (name: string) => readImage(name).manifest.layers[0]?.digest ?? '';

describe.each(['agent', 'hub'])('the image of the %s', (name) => {
  it('is a layout by the specification: every blob is what its descriptor says', () => {
    const layout = JSON.parse(readFileSync(join(layoutOf(name), 'oci-layout'), 'utf8')) as unknown;
    expect(layout).toEqual({ imageLayoutVersion: '1.0.0' });
    const { described, manifest, config } = readImage(name);
    expect(described.mediaType).toBe('application/vnd.oci.image.manifest.v1+json');
    expect(described.digest).toBe(images.get(name)?.digest);
    expect(described.platform).toEqual({ architecture: config.architecture, os: 'linux' });
    const unpacked = manifest.layers.map((layer) => {
      expect(layer.mediaType).toBe('application/vnd.oci.image.layer.v1.tar+gzip');
      return `sha256:${createHash('sha256')
        .update(gunzipSync(readBlob(name, layer)))
        .digest('hex')}`;
    });
    expect(config.rootfs.diff_ids).toEqual(unpacked);
    expect(config.config.User).toBe('65532:65532');
    expect(config.config.Labels['org.opencontainers.image.title']).toBe(`Fairway ${name}`);
  });
});

describe('the images', () => {
  it('share the layer of Node', () => {
    expect(baseDigest('agent')).toBe(baseDigest('hub'));
  });

  it('load nothing that is not in them', () => {
    const script =
      'process.report.excludeNetwork = true; console.log(JSON.stringify(process.report.getReport().sharedObjects))';
    const run = spawnSync(...inImage(['-e', script]), { encoding: 'utf8', env: {} });
    expect(run.stderr).toBe('');
    const loaded = (JSON.parse(run.stdout) as readonly string[]).filter((path) => path.includes('/'));
    expect(loaded.length).toBeGreaterThan(4);
    expect(loaded.filter((path) => !path.startsWith(`${root}/`))).toEqual([]);
  });

  it('have the same digest when they are built again, and another for another time', () => {
    const again = createTar(listBaseEntries(process.execPath).toReversed(), options.epochSeconds);
    expect(`sha256:${createHash('sha256').update(again).digest('hex')}`).toBe(base.diffId);
    const agent = buildAgentImage(base, bundles[1] ?? [], options);
    const hub = buildHubImage(base, hubEntries.toReversed(), options);
    for (const [name, image] of Object.entries({ agent, hub })) {
      expect(image.digest).toBe(images.get(name)?.digest);
      expect(image.archive.equals(images.get(name)?.archive ?? Buffer.alloc(0))).toBe(true);
    }
    const later = { ...options, epochSeconds: options.epochSeconds + 1 };
    expect(buildAgentImage(base, bundles[1] ?? [], later).digest).not.toBe(agent.digest);
  }, 60_000);

  it('are named as the installer names the agent', () => {
    const { described } = readImage('agent');
    expect(described.annotations?.['io.containerd.image.name']).toBe(defaultAgentImage);
  });

  it('take their time from SOURCE_DATE_EPOCH', () => {
    expect([readEpoch(undefined), readEpoch('1700000000')]).toEqual([0, 1_700_000_000]);
    expect(() => readEpoch('yesterday')).toThrow('whole seconds');
  });
});

describe('the agent in its image', () => {
  it('starts', () => {
    const [, ...args] = readImage('agent').config.config.Entrypoint;
    const program = join(root, args.pop() ?? '');
    const run = spawnSync(...inImage([...args, program, '--help']), {
      encoding: 'utf8',
      env: {},
    });
    expect(run.stderr).toBe('');
    expect(run.stdout).toContain('fairway agent');
    expect(run.status).toBe(0);
  });

  it('is started with the flags and settings of its release forms', () => {
    const { Entrypoint, Env } = readImage('agent').config.config;
    expect(Entrypoint).toEqual(['/usr/bin/node', ...agentFlags, '/usr/lib/fairway-agent/agent.mjs']);
    for (const [name, value] of Object.entries(agentEnv)) expect(Env).toContain(`${name}=${value}`);
  });

  it('is a command by a line that the kernel reads, for there is no shell', () => {
    const text = readFileSync(join(root, 'usr/bin/fairway-agent'), 'utf8');
    expect(text.slice(0, text.indexOf('\n'))).toBe('#!/usr/bin/node --max-semi-space-size=1');
  });
});

describe('the hub in its image', () => {
  it('has every module that its files import, but what demonstrates and what runs the agent', () => {
    const entries = hubEntries;
    const paths = new Set(entries.map(({ path }) => path.slice(hubFolder.length + 1)));
    const has = (path: string) => paths.has(path) || [...paths].some((one) => one.startsWith(`${path}/`));
    const missing = entries
      .map(({ path, bytes }) => ({ path: path.slice(hubFolder.length + 1), text: String(bytes) }))
      .filter(({ path }) => /^(?:hub|shared)\/.*\.ts$/.test(path))
      .flatMap(({ path, text }) =>
        importsOf(text)
          .filter(({ specifier, typeOnly }) => !typeOnly && !specifier.startsWith('node:'))
          .map(({ specifier }) => {
            if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier);
            return `node_modules/${specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')}`;
          }),
      )
      .filter((path) => !has(path));
    expect([...new Set(missing)]).toEqual(['hub/cli/demo/demo.ts']);
  });

  it('starts with its store and its threads, serves its API and ends when told', async () => {
    const data = join(folder, 'data');
    const main = join(root, hubFolder, 'hub/cli/main.ts');
    const [program, args] = inImage([main, 'hub']);
    const hub = spawn(program, args, {
      env: {
        FAIRWAY_DEBUG: '1',
        FAIRWAY_ROOT_URL: folder,
        FAIRWAY_DATA_DIR: data,
        FAIRWAY_API_LISTEN: '127.0.0.1:0',
        FAIRWAY_AGENT_LISTEN: '127.0.0.1:0',
        FAIRWAY_ENROLMENT_LISTEN: '127.0.0.1:0',
      },
    });
    let output = '';
    const started = new Promise<string>((resolve, reject) => {
      for (const stream of [hub.stdout, hub.stderr])
        stream.on('data', (chunk) => {
          output += String(chunk);
          const address = /"message":"hub started".*"api":"([^"]+)"/.exec(output)?.[1];
          if (address !== undefined) resolve(address);
        });
      hub.once('error', reject);
      hub.once('exit', () => reject(new Error(`the hub has ended:\n${output}`)));
    });
    const ended = new Promise((resolve) => hub.once('exit', resolve));
    try {
      const answer = await fetch(`${await started}/healthz`, { signal: AbortSignal.timeout(10_000) });
      await answer.body?.cancel();
      expect(answer.status).toBe(200);
      expect(readFileSync(join(data, 'fairway.db')).length).toBeGreaterThan(0);
    } finally {
      hub.kill('SIGTERM');
    }
    expect(await ended).toBe(0);
  });
});
