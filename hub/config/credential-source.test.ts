import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCredentialSource } from './credential-source.ts';
import { egressPrefixes, isEgressAllowed } from './egress.ts';
import { matchesUrlPrefix } from './url-prefix.ts';

const credential = (urlPrefix: string, name: string) => ({
  urlPrefix,
  username: name,
  secret: { env: name },
});
const env = { A: 'pa', B: 'pb', C: 'pc', F: undefined };
const readFile = async (path: string) =>
  path === 'token' ? 'from-file\n' : Promise.reject(new Error('ENOENT'));
const source = createCredentialSource(
  {
    credentials: [
      credential('https://git.example/a', 'A'),
      credential('https://git.example/a/b/', 'B'),
      credential('http://plain.example', 'C'),
    ],
  },
  { env, readFile },
);

describe('createCredentialSource', () => {
  it.each([
    ['https://git.example/a', 'A'],
    ['https://git.example:443/a/x.git', 'A'],
    ['https://GIT.example/a/c', 'A'],
    ['https://git.example/a/b', 'B'],
    ['https://git.example/a/b/c', 'B'],
    ['https://git.example/a/bc', 'A'],
    ['http://plain.example/x', 'C'],
  ])('gives %s the credential of the longest prefix', async (url, username) => {
    expect((await source.forUrl(url))?.username).toBe(username);
  });

  it.each([
    'https://git.example/ab',
    'https://git.example.evil/a',
    'https://git.example@evil.example/a',
    'https://evil.example/https://git.example/a',
    'http://git.example/a',
    'https://plain.example/x',
    'https://git.example:8443/a',
    'https://git.example/a/../other',
    'https://git.example/a/%2e%2e/other',
    'https://git.example/a/..%2fother',
    'https://git.example/a/%252e%252e/other',
    'https://git.example/',
    '/a/path',
  ])('gives %s nothing', async (url) => {
    expect(await source.forUrl(url)).toBeUndefined();
  });

  it('reads a file anew each time, without its line end', async () => {
    let text = 'one\n';
    const files = createCredentialSource(
      { credentials: [{ urlPrefix: 'https://git.example', username: 'git', secret: { file: 'f' } }] },
      { env, readFile: async () => text },
    );
    expect(await files.forUrl('https://git.example/x')).toEqual({ username: 'git', password: 'one' });
    text = 'two\r\n';
    expect(await files.forUrl('https://git.example/x')).toEqual({ username: 'git', password: 'two' });
  });

  it.each([
    [
      { env: 'NONE' },
      'the password for https://git.example is to be read from the environment variable NONE, which is not set: set it and start again',
    ],
    [
      { file: 'gone' },
      'the password for https://git.example is to be read from the file gone, which cannot be read: check that it is there and readable for the hub',
    ],
  ])('says what is missing for %j', async (secret, message) => {
    const broken = createCredentialSource(
      { credentials: [{ urlPrefix: 'https://git.example', username: 'git', secret }] },
      { env, readFile },
    );
    await expect(broken.forUrl('https://git.example/x')).rejects.toMatchObject({
      code: 'failed_precondition',
      message,
    });
  });
});

describe('matchesUrlPrefix', () => {
  it('never crosses an origin', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), fc.webUrl(), (url, prefix) => {
        if (matchesUrlPrefix(prefix, url)) expect(new URL(url).origin).toBe(new URL(prefix).origin);
      }),
    );
  });
});

describe('isEgressAllowed', () => {
  const config = {
    root: { url: 'https://git.example/team/fleet', ref: 'main', folder: 'fleet', pollIntervalMs: 1 },
    credentials: [credential('https://other.example/team', 'A')],
    notifications: [{ url: 'https://chat.example/hook', types: [], secret: undefined }],
    egress: { allow: ['https://extra.example/x'] },
  };

  it("allows the root repository's host and what the configuration names, and nothing else", () => {
    const allowed = [
      'https://git.example/any',
      'https://other.example/team/x',
      'https://chat.example/hook',
      'https://extra.example/x/y',
    ];
    const refused = [
      'https://other.example/else',
      'http://git.example/any',
      'https://extra.example/xy',
      'http://169.254.169.254/latest',
      'file:///etc/passwd',
    ];
    expect(allowed.filter((url) => !isEgressAllowed(config, url))).toEqual([]);
    expect(refused.filter((url) => isEgressAllowed(config, url))).toEqual([]);
  });

  it('allows nothing of its own for a root repository on this machine', () => {
    expect(
      egressPrefixes({
        ...config,
        root: { ...config.root, url: '/srv/fleet.git' },
        credentials: [],
        notifications: [],
        egress: { allow: [] },
      }),
    ).toEqual([]);
  });
});
