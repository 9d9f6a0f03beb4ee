/** The whole command, in this process, against a served API. */
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ServedApi, serveApi } from '../../../hub/api/server.ts';
import { createEvent } from '../../../hub/model/event.ts';
import { startMs } from './fixtures.ts';
import { createHarness, type Harness } from './harness.ts';
import { type RunOptions, runFairway } from './run-cli.ts';

let harness: Harness;
let served: ServedApi;
let home: string;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'fairway-cli-'));
  const backup = async () => {
    const path = join(home, 'copy.sqlite');
    writeFileSync(path, 'a copy of the store');
    return path;
  };
  harness = createHarness({ ports: { backup } });
  served = await serveApi({ app: harness.api, host: '127.0.0.1', port: 0 });
});

afterEach(() => served.close());

const fairway = (args: string | readonly string[], options?: RunOptions) =>
  runFairway({ harness, served, home }, args, options);

function expectGolden(name: string, text: string) {
  const path = new URL(`./golden/${name}.txt`, import.meta.url);
  if (process.env['UPDATE_GOLDENS']) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
}

const pages = [
  'status',
  'status shop',
  'status eu-1',
  'status us-1',
  'get clusters',
  'get applications',
  'get revisions',
  'get objects',
  'get confirmations',
  'rollout status',
  'rollout status shop',
  'rollout plan feature/image',
  'rollout plan feature/image --application shop -o markdown',
  'rollout history shop',
  'rollout timeline shop release-0 --clusters',
  'parity',
  'parity -o wide',
  'parity shop-eu',
  'parity shop-eu -o wide',
  'parity shop-eu -o markdown',
  'parity shop-eu -o junit',
  'parity shop-eu -o json',
  'diff eu-1 eu-2',
  'failover plan shop-eu',
  'failover status shop-eu',
  'failover history',
  'token list',
  'token list --enrolment',
  'render --application shop --cluster eu-1',
];

describe('what fairway shows', () => {
  for (const command of pages)
    it(`${command}: reads as it was reviewed`, async () => {
      const { code, out, err } = await fairway(command);
      expect(err).toBe('');
      // A group that is not Ready, clusters that differ, and a failover that is not done.
      expect(code).toBe(/^(?:parity|diff|failover status) ?/.test(command) ? 1 : 0);
      const stable = command.startsWith('token list')
        ? out.replaceAll(/\b[0-9a-f]{16}\b/g, '0'.repeat(16))
        : out;
      expectGolden(command.replaceAll(/[ /-]+/g, '-'), stable);
    });

  it('status says first which source cannot be followed, also while there are no applications', async () => {
    const conditions = [
      {
        type: 'Ready',
        status: 'False',
        reason: 'AuthenticationFailed',
        message: 'the server wants another credential',
        lastTransitionTimeMs: startMs - 300_000,
      } as const,
    ];
    const source = { key: '@main', url: 'https://git.example/fleet.git', ref: 'main', conditions };
    const sources = [{ ...source, head: undefined, headSeenAtMs: undefined, lastAttemptAtMs: startMs }];
    const line =
      'source  https://git.example/fleet.git main: AuthenticationFailed, 5 min ago: the server wants another credential; nothing was fetched yet\n';
    harness.fake.state.sources = sources;
    expect((await fairway('status')).out.startsWith(`${line}\n`)).toBe(true);
    await served.close();
    const nothing = {
      clusters: async () => [],
      cluster: async () => undefined,
      applications: async () => [],
      application: async () => undefined,
      placements: async () => [],
    };
    harness = createHarness({ ports: { views: nothing } });
    harness.fake.state.sources = sources;
    served = await serveApi({ app: harness.api, host: '127.0.0.1', port: 0 });
    expect((await fairway('status')).out).toBe(line);
  });

  it('is help that names every command and exit code', async () => {
    const { code, out } = await fairway('--help');
    expect(code).toBe(0);
    expectGolden('help', out);
  });

  it('has help for every command', async () => {
    for (const command of ['get events', 'agent install', 'token create', 'hub', 'demo', 'login']) {
      const { code, out } = await fairway(`${command} --help`);
      expect(code, command).toBe(0);
      expect(out, command).toContain('Usage: fairway');
    }
  });

  it('is JSON or YAML where asked for, and tables in colour only on a terminal', async () => {
    const json = await fairway('get clusters -o json');
    expect((JSON.parse(json.out) as { name: string }[]).map(({ name }) => name)).toEqual(['eu-1', 'us-1']);
    expect((await fairway('get clusters eu-1 -o yaml')).out).toMatch(/^- name: eu-1\n/);
    const plain = await fairway('get clusters');
    const coloured = await fairway('get clusters', { terminal: true });
    expect(coloured.out).not.toBe(plain.out);
    expect(stripVTControlCharacters(coloured.out)).toBe(plain.out);
    expect((await fairway('get clusters', { terminal: true, env: { NO_COLOR: '1' } })).out).toBe(plain.out);
  });

  it('follows events until it is interrupted', async () => {
    const abort = new AbortController();
    let seen = '';
    const running = fairway('get events --watch --types drift', {
      signal: abort.signal,
      onOut: (text) => {
        seen += text;
        if (seen.includes('second')) abort.abort();
      },
    });
    await expect.poll(() => harness.logLines.some((line) => line.includes('events/stream'))).toBe(true);
    for (const message of ['first', 'second'])
      await harness.fake.store.events.append([
        createEvent({ type: 'drift.found', actor: 'agent:eu-1', timeMs: startMs, cluster: 'eu-1', message }),
      ]);
    expect((await running).code).toBe(0);
    expect(seen).toMatch(/drift\.found .*first\n.*drift\.found .*second\n/);
  });
});

describe('what is not there', () => {
  it('is told as that: a group, and a type of events', async () => {
    const { code, err } = await fairway('failover status nothere');
    expect(code).toBe(3);
    expect(err).toMatch(
      /^fairway: There is no parity group "nothere", or it was not compared yet; there (is|are) /,
    );
    const events = await fairway('get events --types nonsense');
    expect(events.code).toBe(0);
    expect(events.err).toMatch(/^No event fits\. There is no type nonsense; types begin with agent, /);
    expect((await fairway('get events --types drift,audit.pause --since 1s')).err).not.toContain('no type');
  });
});

describe('fairway rollout timeline', () => {
  it('finds the newest of an application, and one by the beginning of its id', async () => {
    const newest = (await fairway('rollout timeline shop')).out;
    expect(newest).toContain('shop: ');
    expect((await fairway('rollout timeline shop rel')).out).toBe(newest);
    const { code, err } = await fairway('rollout timeline shop nothing');
    expect(code).toBe(3);
    expect(err).toBe('fairway: shop has no rollout nothing.\n  See `fairway rollout history shop`.\n');
  });
});

describe('what fairway does', () => {
  it('extends an override, from now on and with a reason', async () => {
    const { code, out } = await fairway([
      'failover',
      'extend',
      'shop-eu',
      '--for',
      '2h',
      '--reason',
      'still dark',
    ]);
    expect(code).toBe(0);
    expect(out).toContain("the hub's own word until 2026-01-01T02:00:00.000Z, which ends in 2 h: active");
    expect((await fairway('failover extend shop-eu --for 2h')).err).toContain('--reason');
    expect((await fairway('failover extend shop-eu --for never --reason x')).code).not.toBe(0);
    const drills = (await fairway('failover history shop-eu --drills')).out.trim().split('\n');
    expect(drills).toHaveLength(2);
    expect(drills[1]).toContain('drill');
  });

  it('shows the report of an older drill by its id, with what was planned', async () => {
    const { code, out } = await fairway('failover status shop-eu --id failover-0');
    expect(code).toBe(0);
    expect(out).toContain('readiness of eu-2 when it began: Ready, score 98\n');
    expect(out).toContain(
      'planned changes: applications 1, clusters 1; objects added 0, removed 0, changed 2\n',
    );
    expect(out).toContain('eu-2 was ready after 42 s\nreadiness of eu-2 after it: Degraded, score 91\n');
    expect((await fairway('failover history')).out).toMatch(/ drill .* failover-0\n/);
    const other = await fairway('failover status mail-eu --id failover-0');
    expect(other).toMatchObject({ code: 3, out: '' });
    expect(other.err).toContain('The failover "failover-0" is of shop-eu, not of mail-eu.');
  });

  it('pauses and resumes, and says until when', async () => {
    const paused = await fairway(['pause', 'eu-1/shop', '--for', '1h30m', '--reason', 'a migration']);
    expect(paused.out).toBe(
      'Paused eu-1/shop; it ends by itself in 1 h 30 min (2026-01-01T01:30:00.000Z).\n',
    );
    expect(harness.fake.state.pauses[0]).toMatchObject({
      cluster: 'eu-1',
      application: 'shop',
      reason: 'a migration',
    });
    expect((await fairway('resume eu-1/shop')).out).toBe('Resumed eu-1/shop.\n');
    expect((await fairway('resume eu-1/shop')).out).toBe('eu-1/shop was not paused.\n');
  });

  it('starts a sync and tells who is away', async () => {
    const { out } = await fairway('sync shop');
    expect(out).toContain('Asked the agents of eu-1');
    expect(out).toContain('us-1: no agent is connected');
    expect(harness.calls).toEqual(['sync eu-1 shop', 'sync us-1 shop']);
  });

  it('confirms', async () => {
    expect((await fairway('confirm hold-1')).out).toContain('Confirmed by adminer');
    expect((await fairway('get confirmations')).err).toContain('Nothing waits');
  });

  it('prints a new token alone on standard output', async () => {
    const { out, err } = await fairway('token create --name ci --scope read --expires 30d');
    expect(out).toMatch(/^fwa_[\w-]{43}\n$/);
    expect(err).toContain('Token "ci"');
    expect((await fairway('get clusters', { env: { FAIRWAY_TOKEN: out.trim() } })).code).toBe(0);
    expect((await fairway('token enrol --cluster us-1')).out).toBe('enrolment-secret\n');
  });

  it('revokes tokens of both sorts by id', async () => {
    expect((await fairway('token revoke enrol-1')).out).toBe('Revoked enrol-1.\n');
    expect((await fairway('token revoke nothing')).code).toBe(3);
  });

  it('forgets a cluster that is gone, for a reason, and says why not', async () => {
    const { out } = await fairway(['agent', 'forget', 'old-1', '--reason', 'torn down']);
    expect(out).toBe(
      'Forgot old-1: 1 certificate and 0 tokens revoked, 3 assignments ended (2 removals waited for it).\n',
    );
    expect(harness.fake.state.events.at(-1)).toMatchObject({ cluster: 'old-1', message: 'torn down' });
    const refused = await fairway(['agent', 'forget', 'eu-1', '--reason', 'torn down']);
    expect([refused.code, refused.err]).toEqual([7, expect.stringContaining('take it out of Git')]);
    expect((await fairway('agent forget old-1')).code).toBe(2);
  });

  it('prints the manifests of an agent', async () => {
    expect((await fairway('agent install --cluster us-1')).out).toBe('# us-1 enrolment-secret\n');
  });

  it('writes a backup that only its owner may read, and never over a file', async () => {
    const { code, err } = await fairway('backup --out store.sqlite');
    expect(code, err).toBe(0);
    const path = join(home, 'store.sqlite');
    expect(readFileSync(path, 'utf8')).toBe('a copy of the store');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await fairway('backup --out store.sqlite')).code).toBe(7);
  });

  it('shows logs', async () => {
    harness.answers = () => ({ kind: 'logs', content: Buffer.from('a line\n'), truncated: true });
    const { out, err } = await fairway('logs eu-1 shop/web-1 --tail 5');
    expect(out).toBe('a line\n');
    expect(err).toContain('--tail');
  });

  it('logs in, and uses what it kept for that server only', async () => {
    const args = ['login', '--server', served.url, '--token', harness.tokens.read];
    const none = { FAIRWAY_SERVER: '', FAIRWAY_TOKEN: '' };
    expect((await fairway(args)).out).toContain('as "reader", scope read');
    expect(statSync(join(home, '.config/fairway/config.json')).mode & 0o777).toBe(0o600);
    expect((await fairway('get clusters', { env: none })).code).toBe(0);
    const other = await fairway(
      ['get', 'clusters', '--server', served.url.replace('127.0.0.1', 'localhost')],
      {
        env: none,
      },
    );
    expect(other.code).toBe(4);
  });

  it('renders a folder on disk without a hub, Secrets masked', async () => {
    const folder = join(home, 'app');
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'kustomization.yaml'),
      'resources: [a.yaml]\nnamePrefix: eu-\nsecretGenerator:\n  - name: login\n    literals: [key=hidden]\n',
    );
    writeFileSync(join(folder, 'a.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n');
    const { code, out, err } = await fairway('render --path app');
    expect(code, err).toBe(0);
    expect(out).toContain('name: eu-settings');
    expect(out).toContain('***');
    expect(out).not.toContain(Buffer.from('hidden').toString('base64'));
    writeFileSync(join(folder, 'a.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [}\n');
    const broken = await fairway('render --path app');
    expect(broken.code).toBe(6);
    expect(broken.err).toMatch(/^fairway: .*a\.yaml:3/);
  });

  it('shows schemas without a hub', async () => {
    const env = { FAIRWAY_SERVER: 'http://127.0.0.1:1' };
    expect((await fairway('schema', { env })).out).toContain('Application\n');
    expect(JSON.parse((await fairway('schema application', { env })).out)).toHaveProperty('$id');
    expect((await fairway('schema Nothing', { env })).code).toBe(3);
  });

  it('starts programs with what they were given, and ends with their code', async () => {
    const hub = await fairway('hub --config hub.yaml --root-url https://git.example/fleet.git');
    expect(hub.started).toMatchObject([
      { configPath: 'hub.yaml', overrides: { 'root.url': 'https://git.example/fleet.git' } },
    ]);
    const agent = await fairway('agent --context eu-1 --token-file x');
    expect(agent).toMatchObject({ code: 3, started: [['--context', 'eu-1', '--token-file', 'x']] });
    expect((await fairway('agent --help')).started).toEqual([['--help']]);
    expect(await fairway('demo --once')).toMatchObject({ code: 1, started: [{ once: true, contexts: [] }] });
  });
});

describe('exit codes and errors', () => {
  const cases: readonly (readonly [string, string, number, RegExp, Record<string, string>?])[] = [
    ['an unknown command', 'gett', 2, /^fairway: unknown command 'gett'\n/],
    [
      'a missing option',
      'pause eu-1 --for 1h',
      2,
      /^fairway: required option '--reason <text>' not specified\n/,
    ],
    ['a bad duration', 'pause eu-1 --for soon --reason x', 2, /Expected a duration/],
    ['a bad place', 'pause a/b/c --for 1h --reason x', 2, /neither CLUSTER nor CLUSTER\/APPLICATION/],
    ['a bad address', 'get clusters', 2, /is not the address of a hub/, { FAIRWAY_SERVER: 'nonsense' }],
    [
      'what is not there',
      'status nothing',
      3,
      /^fairway: There is no application or cluster "nothing"\.\n {2}See /,
    ],
    ['a wrong token', 'status', 4, /^fairway: The token is not known/, { FAIRWAY_TOKEN: 'wrong' }],
    ['a hub that is away', 'status', 5, /does not answer/, { FAIRWAY_SERVER: 'http://127.0.0.1:1' }],
    ['an agent that is away', 'logs us-1 shop/web', 5, /^fairway: nobody answers logs/],
  ];
  for (const [what, command, expected, pattern, env] of cases)
    it(`${what}: ${expected}`, async () => {
      const { code, out, err } = await fairway(command, env ? { env } : {});
      expect(err).toMatch(pattern);
      expect(code).toBe(expected);
      expect(out).toBe('');
    });

  it('a token of too small a scope: 4', async () => {
    const { code, err } = await fairway('sync', { env: { FAIRWAY_TOKEN: harness.tokens.read } });
    expect(code).toBe(4);
    expect(err).toContain('has scope read; this needs operate');
  });
});
