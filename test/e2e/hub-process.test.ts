/** The hub as a process: what keeps it, what ends it, and what a second one may not do. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../hub/cli/exit-codes.ts';
import { applicationFile, clusterFile, configMap, createHubBed, type HubBed } from './hub-bed.ts';

const secretValue = 'c2VjcmV0LW9mLXRoZS10ZXN0';
const secretPlain = 'secret-of-the-test';
const secret = `apiVersion: v1
kind: Secret
metadata: { name: login, namespace: default }
data: { password: ${secretValue} }
stringData: { token: ${secretPlain} }
`;

let bed: HubBed;

beforeAll(async () => {
  bed = await createHubBed();
  await bed.merge(
    {
      'fleet/clusters.yaml': clusterFile('one', 'two'),
      'fleet/own.yaml': applicationFile('own', 'path: apps/own', 'one, two'),
      'apps/own/map.yaml': configMap('own', 'own 1'),
      'apps/own/secret.yaml': secret,
    },
    'start',
  );
  await bed.start();
  await bed.wait('the first revision', async () =>
    (await bed.manifests('one', 'own')).includes('own 1') ? true : undefined,
  );
}, 60_000);

afterAll(() => bed?.close());

const fairway = (...args: readonly string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, '..', '..', 'hub', 'cli', 'main.ts'), ...args], {
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, FAIRWAY_SERVER: bed.addresses().api, FAIRWAY_TOKEN: bed.addresses().token },
  });
const secondHub = (settings: Readonly<Record<string, unknown>>, dataDir: string) => {
  const path = join(bed.folder, 'second.yaml');
  const listen = { api: '127.0.0.1:0', agent: '127.0.0.1:0', enrolment: '127.0.0.1:0' };
  writeFileSync(
    path,
    JSON.stringify({ root: { url: bed.git.url('fleet.git') }, dataDir, listen, ...settings }),
  );
  return fairway('hub', '--config', path);
};

describe('a Secret in Git', () => {
  it('is in the clear neither in the store, nor in the log, nor in any answer', async () => {
    const manifests = await bed.manifests('one', 'own');
    expect(manifests).toContain('"login"');
    const answers = await Promise.all(
      [
        '/api/v1/events?limit=500',
        '/api/v1/objects',
        '/api/v1/assignments',
        '/api/v1/applications?placements=true',
        '/api/v1/clusters',
        '/api/v1/placements',
        '/api/v1/revisions',
      ].map((path) => bed.api().get(path)),
    );
    const places: readonly (readonly [string, string | Buffer])[] = [
      ['manifests', manifests],
      ['answers', JSON.stringify(answers)],
      ['log', bed.log()],
      ...readdirSync(bed.dataDir)
        .filter((name) => name.startsWith('fairway.db'))
        .map((name) => [name, readFileSync(join(bed.dataDir, name))] as const),
    ];
    expect(places.map(([name]) => name)).toContain('fairway.db-wal');
    for (const [name, content] of places)
      for (const value of [secretValue, secretPlain, Buffer.from(secretPlain).toString('base64')])
        expect({ name, tells: content.includes(value) }).toEqual({ name, tells: false });
    for (const name of ['data.key', 'admin.token', 'fairway.db', 'hub.json'])
      expect({ name, mode: statSync(join(bed.dataDir, name)).mode & 0o77 }).toEqual({ name, mode: 0 });
  });
});

describe('fairway backup', () => {
  it('is a store that a hub with the same data key starts from, elsewhere, and goes on', async () => {
    const copy = join(bed.folder, 'copy.db');
    expect(fairway('backup', '--out', copy).status).toBe(0);
    expect(statSync(copy).mode & 0o77).toBe(0);
    expect(readdirSync(bed.dataDir).filter((name) => name.startsWith('backup-'))).toEqual([]);
    const again = fairway('backup', '--out', copy);
    expect([again.status === 0, again.stderr]).toEqual([false, expect.stringContaining('is there already')]);
    const token = bed.addresses().token;
    await bed.stop();
    const restored = join(bed.folder, 'restored');
    mkdirSync(restored);
    for (const [from, to] of [
      [copy, 'fairway.db'],
      [join(bed.dataDir, 'data.key'), 'data.key'],
      [join(bed.dataDir, 'admin.token'), 'admin.token'],
    ] as const)
      writeFileSync(join(restored, to), readFileSync(from), { mode: 0o600 });
    await bed.start({ dataDir: restored });
    expect(bed.addresses().token).toBe(token);
    expect(await bed.manifests('one', 'own')).toContain('own 1');
    await bed.merge({ 'apps/own/map.yaml': configMap('own', 'own 2') }, 'own 2');
    await bed.wait('it to go on', async () =>
      (await bed.manifests('two', 'own')).includes('own 2') ? true : undefined,
    );
    const { items } = await bed
      .api()
      .get<{ items: { cluster: string; generation: number }[] }>('/api/v1/assignments');
    expect(items.map(({ generation }) => generation)).toEqual([2, 2]);
    await bed.stop();
    rmSync(join(restored, 'data.key'));
    writeFileSync(join(restored, 'data.key'), `${'ab'.repeat(32)}\n`);
    const wrong = secondHub({}, restored);
    expect([wrong.status === 0, wrong.stderr]).toEqual([
      false,
      expect.stringContaining('the data key does not open this store'),
    ]);
    await bed.start();
  }, 60_000);
});

describe('the process', () => {
  it('does not share its store, and a second hub changes nothing of the first', async () => {
    const second = secondHub({}, bed.dataDir);
    expect([second.status, second.stderr]).toEqual([
      exitCodes.conflict,
      expect.stringContaining('another hub uses the store'),
    ]);
    expect(existsSync(join(bed.dataDir, 'hub.json'))).toBe(true);
    expect((await bed.api().get<{ sessions: number }>('/api/v1/hub')).sessions).toBe(0);
  });

  it('ends with a clear error when it cannot have its ports, whatever it has started by then', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const folder = join(bed.folder, 'no-port');
    const taken = `127.0.0.1:${port}`;
    const free = { api: '127.0.0.1:0', agent: '127.0.0.1:0', enrolment: '127.0.0.1:0' };
    for (const name of ['api', 'enrolment', 'agent']) {
      const ended = secondHub({ listen: { ...free, [name]: taken } }, folder);
      expect([name, ended.status, ended.stderr]).toEqual([
        name,
        exitCodes.conflict,
        expect.stringContaining(taken),
      ]);
    }
    await new Promise((resolve) => server.close(resolve));
  }, 40_000);

  it('ends promptly while a fetch hangs, and starts again where it was', async () => {
    bed.git.setFailing('hang');
    const asked = bed.git.requests().uploadPack + bed.git.requests().infoRefs;
    await bed.wait('a fetch to hang', () =>
      bed.git.requests().uploadPack + bed.git.requests().infoRefs > asked ? true : undefined,
    );
    const stops = () => bed.log().split('"message":"hub stopped"').length;
    const before = stops();
    await bed.stop('SIGTERM');
    expect(stops()).toBe(before + 1);
    expect(existsSync(join(bed.dataDir, 'hub.json'))).toBe(false);
    bed.git.setFailing();
    await bed.start();
    expect(await bed.manifests('one', 'own')).toContain('own');
  }, 40_000);

  it('ends with an error when its store dies', async () => {
    const folder = join(bed.folder, 'dying');
    const any = '127.0.0.1:0';
    const listen = ['--listen-api', any, '--listen-agent', any, '--listen-enrolment', any];
    const ended = spawnSync(
      process.execPath,
      [
        join(import.meta.dirname, 'dying-store.ts'),
        join(folder, 'hub.json'),
        ...['hub', '--root-url', bed.git.url('fleet.git'), '--data-dir', folder, ...listen],
      ],
      { encoding: 'utf8', timeout: 30_000 },
    );
    expect(ended.stderr).toContain('"message":"store worker stopped"');
    expect(ended.stderr).toContain('fairway: the store has stopped: the hub must be started again');
    expect(ended.status).toBe(exitCodes.unreachable);
  }, 40_000);
});
