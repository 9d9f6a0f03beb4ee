import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FairwayError } from '../../shared/error/error.ts';
import { loadConfig } from './load-config.ts';
import { overridableSettings } from './overrides.ts';
import { configSchemaText } from './write-schema.ts';

const url = 'https://git.example/fleet';
const load = (text?: string, env: Record<string, string> = {}, overrides: Record<string, string> = {}) =>
  loadConfig({
    path: text === undefined ? undefined : 'hub.yaml',
    env,
    overrides,
    readFile: async () => text ?? '',
  });
const errorOf = async (promise: Promise<unknown>): Promise<FairwayError> => {
  const caught: unknown = await promise.then(
    () => undefined,
    (error) => error,
  );
  if (caught instanceof FairwayError) return caught;
  throw new Error(`expected a FairwayError, got ${String(caught)}`);
};

describe('loadConfig', () => {
  it("needs nothing but the root repository's URL", async () => {
    expect(await load(undefined, { FAIRWAY_ROOT_URL: url })).toEqual({
      root: { url, ref: 'main', folder: 'fleet', pollIntervalMs: 15_000 },
      dataDir: './fairway-data',
      listen: {
        api: { host: '127.0.0.1', port: 8080 },
        agent: { host: '0.0.0.0', port: 8443 },
        enrolment: { host: '0.0.0.0', port: 8444 },
      },
      advertise: { agent: ['localhost:8443'], enrolment: 'localhost:8444', serverName: 'fairway-hub' },
      store: { sqlite: 'fairway-data/fairway.db' },
      retention: {
        eventsMs: 2_592_000_000,
        releasesMs: 2_592_000_000,
        releasesKept: 20,
        rolloutsMs: 7_776_000_000,
        rolloutsKept: 100,
      },
      credentials: [],
      webhooks: [],
      notifications: [],
      egress: { allow: [] },
      helm: { binary: 'helm', timeoutMs: 30_000, memoryBytesMax: 512 * 1024 * 1024 },
      deletion: { confirmAbove: 10 },
      dataKey: undefined,
      metrics: { openOnLoopback: true },
      log: { level: 'info', format: 'json' },
    });
  });

  it('takes options over the environment over the file over defaults', async () => {
    const text = `root: {url: ${url}, ref: one, pollInterval: 1m, folder: ./a//b/}\nlog: {level: warn}\n`;
    const config = await load(
      text,
      {
        FAIRWAY_ROOT_REF: 'two',
        FAIRWAY_API_LISTEN: '[::]:0',
        FAIRWAY_METRICS_OPEN: 'false',
        FAIRWAY_ADVERTISE_AGENT: 'a.example:1, b.example:2',
      },
      { 'root.ref': 'three' },
    );
    expect(config.root).toEqual({ url, ref: 'three', folder: 'a/b', pollIntervalMs: 60_000 });
    expect(config.listen.api).toEqual({ host: '::', port: 0 });
    expect(config.metrics.openOnLoopback).toBe(false);
    expect(config.log.level).toBe('warn');
    expect(config.advertise.agent).toEqual(['a.example:1', 'b.example:2']);
  });

  it.each([
    ['', {}, "hub.yaml: root.url: is required: name the fleet repository's URL there or in FAIRWAY_ROOT_URL"],
    [
      'root:\n  url: a\n  brunch: x\n',
      {},
      'hub.yaml:3: root.brunch: unknown field; known fields are url, ref, folder, pollInterval',
    ],
    [
      'root:\n  url: https://me:hunter2@git.example/x\n',
      {},
      'hub.yaml:2: root.url: a URL may not hold a user name or password: write them under credentials',
    ],
    [
      'root: {url: a}\nlisten:\n  api: nowhere\n',
      {},
      'hub.yaml:3: listen.api: expected HOST:PORT, such as 127.0.0.1:8080 or [::]:8080',
    ],
    [
      'root: {url: a}\nretention:\n  events: 30 days\n',
      {},
      'hub.yaml:3: retention.events: expected a duration such as 15s, 5m, 1h or 30d',
    ],
    [
      'root: {url: a}\n',
      { FAIRWAY_API_LISTEN: 'x' },
      'FAIRWAY_API_LISTEN: expected HOST:PORT, such as 127.0.0.1:8080 or [::]:8080',
    ],
    [
      'root: {url: a}\n',
      { FAIRWAY_CONFIRM_ABOVE: 'many' },
      'FAIRWAY_CONFIRM_ABOVE: expected a number, found a string',
    ],
    [
      'root: {url: a}\ndataKey: hunter2\n',
      {},
      'hub.yaml:2: dataKey: expected an object (where the secret is: {file: PATH} or {env: NAME}, never the secret itself), found a string',
    ],
    [
      'root: {url: a}\nwebhooks:\n  - provider: githup\n    secret: {env: A}\n',
      {},
      'hub.yaml:3: webhooks[0].provider: expected one of github, gitlab, gitea, generic, found "githup"; did you mean github?',
    ],
    [
      'root: {url: a}\nwebhooks:\n  - provider: github\n    secret: {env: A, file: B}\n',
      {},
      'hub.yaml:4: webhooks[0].secret: expected either {file: PATH} or {env: NAME}',
    ],
    [
      `root: {url: a}\ncredentials:\n  - {urlPrefix: "${url}", token: {env: A}}\n  - {urlPrefix: "${url}/", token: {env: B}}\n`,
      {},
      'hub.yaml:4: credentials[1].urlPrefix: is the same as that of credentials[0]: keep one of them',
    ],
    [
      'root: {url: "git@git.example:fleet"}\n',
      {},
      'hub.yaml:1: root.url: SSH is not supported: expected an https:// or http:// URL',
    ],
    ['root: {url: a\npassword: hunter2', {}, 'hub.yaml:2: is no valid YAML: deficient indentation'],
  ])('says where %j is wrong', async (text, env, message) => {
    const error = await errorOf(load(text, env));
    expect([error.code, error.message]).toEqual(['invalid_argument', message]);
    expect(error.message).not.toContain('hunter2');
  });

  it('takes the author of the commits that the hub writes, and knows one when it sees one', async () => {
    const commits = { name: 'Fairway', email: 'fairway@example.com' };
    expect((await load(`root: {url: a}\ncommits: ${JSON.stringify(commits)}\n`)).commits).toEqual(commits);
    const error = await errorOf(load('root: {url: a}\ncommits:\n  name: Fairway\n  email: nobody\n'));
    expect(error.message).toBe('hub.yaml:4: commits.email: expected an address such as fairway@example.com');
    expect((await errorOf(load('root: {url: a}\ncommits: {name: "A <b>", email: a@b}\n'))).message).toBe(
      'hub.yaml:2: commits.name: expected a name without < and >',
    );
  });

  it('says which file it cannot read', async () => {
    const error = await errorOf(
      loadConfig({ path: 'gone.yaml', env: {}, readFile: () => Promise.reject(new Error('ENOENT')) }),
    );
    expect([error.code, error.message]).toEqual([
      'not_found',
      'the configuration file gone.yaml cannot be read: check that it is there and readable',
    ]);
  });

  it('lets the data key of the environment take the place of that of the file', async () => {
    const config = await load(`root: {url: ${url}}\ndataKey: {env: KEY}\n`, {
      FAIRWAY_DATA_KEY_FILE: '/run/key',
    });
    expect(config.dataKey).toEqual({ file: '/run/key' });
  });

  it("takes the root repository's credential from the environment, by name", async () => {
    const config = await load(undefined, { FAIRWAY_ROOT_URL: url, FAIRWAY_ROOT_PASSWORD: 'hunter2' });
    expect(config.credentials).toEqual([
      { urlPrefix: url, username: 'git', secret: { env: 'FAIRWAY_ROOT_PASSWORD' } },
    ]);
    expect(JSON.stringify(config)).not.toContain('hunter2');
  });

  it('has its JSON Schema committed as it is generated (else: node hub/config/write-schema.ts)', () => {
    expect(readFileSync(new URL('schema.json', import.meta.url), 'utf8')).toBe(configSchemaText());
  });

  it('knows every overridable setting in its schema', () => {
    const schema = JSON.parse(configSchemaText());
    for (const { path } of overridableSettings) {
      const found = path.split('.').reduce((at, part) => at?.properties?.[part], schema);
      expect(found, path).toBeDefined();
    }
  });
});
