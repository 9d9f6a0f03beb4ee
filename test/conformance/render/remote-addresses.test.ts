/** Addresses of other repositories, read as the real kustomize reads them: a `git` of our own tells what it is asked to fetch. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRepoSpec } from '../../../hub/render/remote/repo-spec.ts';
import { ensureBinary } from '../../cluster/binaries.ts';
import { inParallel } from './compare.ts';

const program = process.env['FAIRWAY_KUSTOMIZE_BINARY'] ?? (await ensureBinary('kustomize'));

interface Read {
  readonly repository: string;
  readonly ref: string;
  readonly path: string;
}

const fakeGit = `#!/bin/sh
if [ "$1" = fetch ]; then printf '%s\\n%s\\n' "$3" "$4" > "$FAKE_GIT_LOG"; fi
if [ "$1" = init ]; then pwd > "$FAKE_GIT_LOG.folder"; fi
exit 0
`;

const addresses = [
  'https://git.example/org/repo',
  'https://git.example/org/repo/',
  'https://git.example/org/repo/base/web',
  'https://git.example/org/repo//base/web',
  'https://git.example/group/sub/repo//base/web',
  'https://git.example/group/sub/repo.git/base/web',
  'https://git.example/group/sub/repo.git//base/web?ref=v1.0.6',
  'https://git.example/org/repo.git?ref=v1.2.3',
  'https://git.example/org/repo?ref=group/version',
  'https://git.example/org/repo?ref=',
  'https://git.example/org/repo?version=v2',
  'https://git.example/org/repo?version=v2&ref=v3',
  'https://git.example/org/repo?ref=v3&ref=v4&version=v2',
  'https://git.example/org/repo?ref=v1&timeout=90s&submodules=false',
  'https://git.example/org/repo?timeout=1m1s',
  'https://git.example/org/repo?ref=a%2Fb',
  'https://git.example/org/repo?ref=a+b',
  'https://git.example/org/repo?ref=%zz',
  'https://git.example/org/repo?ref=v1;timeout=3',
  'https://git.example/org/repo?REF=v1',
  'https://git.example/org/repo?ref=v1#part',
  'https://git.example/org/repo/../other',
  'https://git.example/org/repo//..',
  'https://git.example/org/repo//base/../../other',
  'https://git.example/org/repo//base/../web',
  'https://git.example/org/repo///etc',
  'https://git.example/org/repo////..',
  'https://git.example/org',
  'https://git.example',
  'https://git.example/',
  'https://git.example?ref=v1',
  'https://git.example:8443/org/repo',
  'HTTPS://git.example/org/repo',
  'http://git.example/org/repo//base',
  'https://user@git.example/org/repo//base',
  'https://git.example/org/repo.github.io/base',
  'https://org@dev.azure.example/org/project/_git/repo/base/web?version=v1',
  'https://dev.azure.example/project/_git/repo//base',
  'https://git.example/my_git/repo/base',
  'github.com/org/repo',
  'GitHub.com/org/repo/base?ref=v1',
  'github.com:org/repo/base',
  'https://github.com/org/repo/base',
  'http://github.com/org/repo',
  'https://github.com:443/org/repo/base',
  'ssh://github.com/org/repo/base',
  'ssh://git@github.com/org/repo//base?ref=v1',
  'git@github.com:org/repo.git//base?ref=v1',
  'git@github.com/org/repo/base',
  'org-12345@github.com:org/repo',
  'git@git.example:org/repo.git',
  'git@git.example:org/repo.git//base/web?ref=v1',
  'git@git.example:group/sub/repo.git/base',
  'git@git.example/org/repo/base',
  'git@git.example/user:name/repo.git/base',
  'ssh://git@git.example:7999/org/repo.git//base',
  'ssh://git.example/org/repo/base',
  'ssh://git.example',
  'git::https://git.example/org/repo//base',
  'git::git@git.example:org/repo//base',
  'GIT::github.com/org/repo',
  'git::___',
  'file:///srv/repo.git//base?ref=v1',
  'file:///srv/git/repo?ref=v1',
  'file://srv/repo.git/base',
  'file:////srv/repo',
  'gitlab.com/org/repo',
  'bitbucket.org/org/repo?ref=v1',
  'gh:org/repo',
  'git@scp://git.example/org/repo',
  'git@ssh://git.example/org/repo',
  'scp://git.example/org/repo',
  'src/github.com/org/repo',
  'github.com!org/repo',
  'user.name@git.example:org/repo',
  'host:org/repo',
  '../base',
  'base?ref=v1',
  '/srv/repo',
];

describe.skipIf(program === undefined)('addresses of repositories', () => {
  let folder = '';
  let count = 0;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fairway-addresses-'));
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/git'), fakeGit);
    chmodSync(join(folder, 'bin/git'), 0o755);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What kustomize gives to git; undefined where it holds the text for a path. */
  const readTheirs = async (address: string): Promise<Read | undefined> => {
    const work = join(folder, String(count++));
    const log = `${work}.log`;
    mkdirSync(work);
    writeFileSync(join(work, 'kustomization.yaml'), JSON.stringify({ resources: [address] }));
    // No proxy listens there: what kustomize tries over HTTP first fails at once.
    const proxy = { HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: '' };
    const env = { ...proxy, PATH: `${folder}/bin:${process.env['PATH']}`, FAKE_GIT_LOG: log, HOME: folder };
    const said = await new Promise<string>((resolve) => {
      execFile(program!, ['build', work], { env, timeout: 20_000 }, (_error, _stdout, stderr) =>
        resolve(stderr),
      );
    });
    if (!existsSync(log)) return undefined;
    const [repository = '', asked = ''] = readFileSync(log, 'utf8').split('\n');
    const clone = readFileSync(`${log}.folder`, 'utf8').trim();
    const path = said.includes(`${clone}/`) ? (said.split(`${clone}/`)[1] ?? '').split(/['":]/)[0]! : '';
    return { repository, ref: asked === 'HEAD' ? '' : asked, path };
  };

  const readOurs = (address: string): Read | undefined => {
    const spec = parseRepoSpec(address);
    if (spec === undefined) return undefined;
    const clean = join('/', spec.path).slice(1).replace(/\/$/, '');
    return { repository: spec.repository, ref: spec.ref, path: clean };
  };

  it('mean what they mean to kustomize', async () => {
    const theirs = await inParallel(addresses, readTheirs);
    const shown = (reads: readonly (Read | undefined)[]) =>
      Object.fromEntries(addresses.map((address, index) => [address, reads[index] ?? 'a path']));
    expect(shown(addresses.map(readOurs))).toEqual(shown(theirs));
    expect(theirs.filter((one) => one !== undefined).length).toBeGreaterThan(40);
  }, 120_000);

  it('mean what they mean to kustomize when put together at random', async () => {
    const scheme = fc.constantFrom('', 'https://', 'http://', 'ssh://', 'file:///', 'git::', 'git::https://');
    const user = fc.constantFrom('', '', 'git@', 'a-1@', '1a@', 'a.b@');
    const host = fc.constantFrom('git.example', 'github.com', 'GITHUB.com', 'git.example:80', '');
    const separator = fc.constantFrom('/', ':', '//');
    const segment = fc.constantFrom('org', 'repo', 'repo.git', '_git', 'base', '..', '.', 'a.git.b', 'x_git');
    const path = fc.array(fc.tuple(segment, fc.constantFrom('/', '/', '//')), { maxLength: 6 });
    const query = fc.constantFrom(
      '',
      '?ref=v1',
      '?version=v2',
      '?ref=a/b&timeout=3',
      '?',
      '?x=%41',
      '?ref=%4',
    );
    const address = fc
      .tuple(scheme, user, host, separator, path, query)
      .map(([a, b, c, d, e, f]) => a + b + c + d + e.flat().join('') + f);
    const sample = fc.sample(address, { numRuns: 150, seed: 20261121 });
    const theirs = await inParallel(sample, readTheirs);
    for (const [index, one] of sample.entries()) expect(readOurs(one), one).toEqual(theirs[index]);
    expect(theirs.filter((one) => one !== undefined).length).toBeGreaterThan(20);
  }, 180_000);
});
