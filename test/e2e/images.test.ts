/**
 * The images run as an engine would run them: unpacked, in a root and namespaces of their own, as their own user, with their own environment. The agent on a
 * real API server with a real hub, the hub with its store. And they are held to the specification by the library that registries use.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { version } from '../../shared/version.ts';
import { ensureBinary } from '../cluster/binaries.ts';
import { waitFor } from '../cluster/control-plane.ts';
import { freePort } from '../cluster/free-port.ts';
import {
  type BuildOptions,
  buildAgentImage,
  buildHubImage,
  listAgentEntries,
  packBase,
} from '../tools/image/build-images.ts';
import { listHubEntries } from '../tools/image/hub-files.ts';
import type { Image } from '../tools/image/oci-image.ts';
import { type RootedImage, unpackRooted, whyNotRooted } from '../tools/image/rooted.ts';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';

const options: BuildOptions = {
  repository: 'registry.example/fairway',
  epochSeconds: 0,
  revision: undefined,
  level: 1,
};
const whyNot = whyNotRooted();
if (whyNot !== undefined && process.env['CI'] === 'true')
  throw new Error(`${whyNot}, and CI=true allows no skip`);
const validator = await ensureBinary('validate-image');

const images = new Map<string, Image>();
const rooted = new Map<string, RootedImage>();
const running = new Set<ChildProcess>();
let bed: FleetBed | undefined;

beforeAll(async () => {
  const base = packBase(options);
  images.set('agent', buildAgentImage(base, await listAgentEntries(), options));
  images.set('hub', buildHubImage(base, listHubEntries(), options));
  if (whyNot === undefined) for (const [name, { archive }] of images) rooted.set(name, unpackRooted(archive));
  bed = await createFleetBed({
    clusters: ['one'],
    files: {
      'fleet/one.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: one }\nspec: {}\n',
      'fleet/maps.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: maps }\nspec:\n  source: { path: apps/maps }\n  placement: { clusters: [one] }\n',
      'apps/maps/all.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: default }\ndata: { value: "1" }\n',
    },
  });
  await bed?.startHub();
}, 480_000);

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await bed?.close();
  for (const image of rooted.values()) image.remove();
});

/** Starts it; `ended` resolves to the exit code, `output` is all that it said. */
function start(image: RootedImage, env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const [program, all] = image.command(...args);
  const child = spawn(program, all, { env: { ...image.env, ...env, PATH: process.env['PATH'] } });
  running.add(child);
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said.text += String(chunk);
    });
  const ended = new Promise<number | null>((resolve) =>
    child.once('exit', (code) => {
      running.delete(child);
      resolve(code);
    }),
  );
  /** What it started, not `unshare`, gets the signal: as an engine sends it to the first process. */
  const end = () => spawnSync('pkill', ['-TERM', '--parent', String(child.pid)]);
  return { said, ended, end };
}

const runIn = (image: RootedImage, ...args: readonly string[]) => {
  const [program, all] = image.command(...args);
  return spawnSync(program, all, {
    encoding: 'utf8',
    env: { ...image.env, PATH: process.env['PATH'] },
    timeout: 60_000,
  });
};

const answerOf = async (url: string): Promise<number> => {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    await answer.body?.cancel();
    return answer.status;
  } catch {
    // Not listening yet.
    return 0;
  }
};

describe.skipIf(whyNot !== undefined)(`the images, run${whyNot ? ` (skipped: ${whyNot})` : ''}`, () => {
  it('say their version and how they are used', () => {
    const hub = runIn(rooted.get('hub') as RootedImage, 'version');
    expect([hub.stderr, hub.status]).toEqual(['', 0]);
    expect(hub.stdout).toContain(version);
    const agent = runIn(rooted.get('agent') as RootedImage, '--help');
    expect([agent.stderr, agent.status]).toEqual(['', 0]);
    expect(agent.stdout).toContain('--enrolment-address');
  });

  it('have nothing but what is in them, and are nobody special', () => {
    const hub = rooted.get('hub') as RootedImage;
    const [, all] = hub.command();
    const script =
      "const fs = require('node:fs'); console.log(JSON.stringify([process.getuid(), process.getgid(), process.cwd(), fs.readdirSync('/').sort(), fs.existsSync('/bin/sh')]))";
    const at = all.indexOf('--');
    const run = spawnSync('unshare', [...all.slice(0, at + 2), '-e', script], {
      encoding: 'utf8',
      env: { ...hub.env, PATH: process.env['PATH'] },
    });
    expect(run.stderr).toBe('');
    const [uid, gid, cwd, top, shell] = JSON.parse(run.stdout) as [number, number, string, string[], boolean];
    expect([uid, gid, cwd, shell]).toEqual([65_532, 65_532, '/var/lib/fairway', false]);
    expect(top).not.toContain('root');
    expect(statSync(join(hub.root, 'var/lib/fairway'))).toMatchObject({ uid: 65_532, gid: 65_532 });
  });

  it('the agent becomes ready, applies what the hub says, tells its version and ends when told', async (context) => {
    if (!bed) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    const fleet = bed;
    const image = rooted.get('agent') as RootedImage;
    // As a mounted Secret.
    const { kubeconfig } = fleet.plane('one');
    writeFileSync(join(image.root, 'tmp/kubeconfig'), readFileSync(kubeconfig), { mode: 0o644 });
    const health = `127.0.0.1:${await freePort()}`;
    const token = await fleet.api().enrolmentToken('one');
    const agent = start(
      image,
      { FAIRWAY_ENROLMENT_TOKEN: token },
      ...['--kubeconfig', '/tmp/kubeconfig', '--context', 'one', '--health-address', health],
      ...['--enrolment-address', `127.0.0.1:${fleet.addresses().enrolmentPort}`],
    );
    await waitFor(
      'the agent to be ready',
      async () => (await answerOf(`http://${health}/readyz`)) === 200,
      60_000,
    ).catch((cause: unknown) => {
      throw new Error(`the agent said:\n${agent.said.text}`, { cause });
    });
    await fleet.settle(await fleet.repository.head(), { placements: 1 });
    expect(fleet.kubectl('one', 'get', 'configmap', 'a', '-o', 'jsonpath={.data.value}').stdout).toBe('1');
    const status = runIn(image, 'status', '--address', health);
    expect([status.stderr, status.status]).toEqual(['', 0]);
    expect(status.stdout).toContain(version);
    agent.end();
    expect(await agent.ended, agent.said.text).toBe(0);
  }, 120_000);

  it('the hub starts as its user with its store in the volume, is ready, and ends when told', async () => {
    const image = rooted.get('hub') as RootedImage;
    const api = `127.0.0.1:${await freePort()}`;
    const hub = start(image, {
      FAIRWAY_ROOT_URL: 'https://git.example/fleet.git',
      FAIRWAY_API_LISTEN: api,
      FAIRWAY_AGENT_LISTEN: '127.0.0.1:0',
      FAIRWAY_ENROLMENT_LISTEN: '127.0.0.1:0',
    });
    await waitFor(
      'the hub to be ready',
      async () => (await answerOf(`http://${api}/readyz`)) === 200,
      60_000,
    ).catch((cause: unknown) => {
      throw new Error(`the hub said:\n${hub.said.text}`, { cause });
    });
    expect(statSync(join(image.root, 'var/lib/fairway/fairway.db')).uid).toBe(65_532);
    hub.end();
    expect(await hub.ended, hub.said.text).toBe(0);
  }, 120_000);
});

describe.skipIf(!validator || whyNot !== undefined)('the archives', () => {
  it.each(['agent', 'hub'])(
    'of the %s hold to the specification, by another implementation, which finds the same digest',
    (name) => {
      const { layout } = rooted.get(name) as RootedImage;
      const check = () => spawnSync(validator ?? '', [layout], { encoding: 'utf8' });
      const good = check();
      expect([good.stderr, good.status]).toEqual(['', 0]);
      expect(good.stdout.trim()).toBe(images.get(name)?.digest);
      // And it does look: one bit of a layer.
      const [blob = ''] = readFileSync(join(layout, 'index.json'), 'utf8').match(/[0-9a-f]{64}/) ?? [];
      const manifest = JSON.parse(readFileSync(join(layout, 'blobs/sha256', blob), 'utf8')) as {
        readonly layers: readonly { readonly digest: string }[];
      };
      const layer = join(layout, 'blobs', ...(manifest.layers[1]?.digest ?? '').split(':'));
      const bytes = readFileSync(layer);
      const changed = Buffer.from(bytes);
      // Within the checksum at the end of gzip's format.
      changed[bytes.length - 7] = (bytes.at(-7) ?? 0) ^ 1;
      writeFileSync(layer, changed);
      const bad = check();
      writeFileSync(layer, bytes);
      expect(bad.status).toBe(1);
    },
    240_000,
  );
});
