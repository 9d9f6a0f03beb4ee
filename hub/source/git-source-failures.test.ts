import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { runGit } from '../cli/demo/git-program.ts';
import { createGitServer } from '../cli/demo/git-server.ts';
import type { CredentialSource } from '../model/credentials.ts';
import { type Bed, createBed, errorOf } from './git-bed.test-support.ts';
import { reasonOf } from './source-error.ts';

let bed: Bed;
const others: Server[] = [];
afterEach(async () => {
  await bed.close();
  for (const server of others.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A plain HTTP server that answers everything the same way; resolves to its port. */
async function listen(answer: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(answer);
  others.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const outcome = async (promise: Promise<unknown>) => {
  const error = await errorOf(promise);
  return [error.code, reasonOf(error)];
};

const credentials = (password: string): CredentialSource => ({
  forUrl: async () => ({ username: 'hub', password }),
});

async function packFolder(): Promise<string> {
  const [mirror] = (await readdir(bed.mirrors)).filter((name) => !name.includes('.'));
  return join(bed.mirrors, mirror!, 'objects', 'pack');
}

async function startBed(options: Parameters<typeof createBed>[0] = {}): Promise<string> {
  bed = await createBed(options);
  // Bytes that do not compress, so that a pack has some size.
  const noise = createSeededRandom(1).bytes(300_000);
  const sha = await bed.repository.commit({ a: noise, 'b/c': '1' }, { message: 'one' });
  await bed.repository.push();
  return sha;
}

describe('failures of the remote', () => {
  it('asks with the credential bound to the URL, and says when it is wrong or missing', async () => {
    const server = { credentials: { username: 'hub', password: 'right' } };
    const sha = await startBed({ server, source: { credentials: credentials('right') } });
    expect((await bed.fetch()).head).toBe(sha);
    for (const source of [
      bed.restart({ credentials: credentials('wrong-secret') }),
      bed.restart({ credentials: { forUrl: async () => undefined } }),
    ]) {
      const error = await errorOf(bed.fetch('main', sha, source));
      expect([error.code, reasonOf(error)]).toEqual(['unauthenticated', 'AuthenticationFailed']);
      expect(JSON.stringify([error.message, error.subject, error.details])).not.toContain('wrong-secret');
    }
  });

  it('refuses a URL that holds a credential, without repeating it', async () => {
    await startBed();
    const url = bed.url.replace('http://', 'http://ada:hunter2@');
    const error = await errorOf(bed.source.fetch({ url, ref: 'main', signal: new AbortController().signal }));
    expect([error.code, reasonOf(error)]).toEqual(['invalid_argument', 'UrlRefused']);
    expect(JSON.stringify([error.message, error.subject, error.details])).not.toMatch(/hunter2|ada/);
  });

  it('maps what goes wrong to codes and reasons', async () => {
    await startBed();
    const signal = new AbortController().signal;
    const at = (url: string) => outcome(bed.source.fetch({ url, ref: 'main', signal }));
    expect(await at(bed.server.url('nowhere.git'))).toEqual(['not_found', 'RepositoryNotFound']);
    expect(await at('ssh://git@example.com/a/b')).toEqual(['unsupported', 'Unsupported']);
    expect(await at('git@example.com:a/b')).toEqual(['unsupported', 'Unsupported']);
    expect(await at('relative/path')).toEqual(['invalid_argument', 'UrlRefused']);
    expect(await at('http://fairway.invalid/x')).toEqual(['unavailable', 'Unreachable']);
    const expected = {
      unavailable: ['unavailable', 'RemoteError'],
      refuse: ['unavailable', 'Unreachable'],
      forbidden: ['permission_denied', 'PermissionDenied'],
      html: ['not_found', 'RepositoryNotFound'],
    } as const;
    for (const [mode, wanted] of Object.entries(expected)) {
      bed.server.setFailing(mode as keyof typeof expected);
      expect(await outcome(bed.fetch())).toEqual(wanted);
    }
    bed.server.setFailing();
    expect((await bed.fetch()).moved).toBe(true);
  });

  it('cannot reach a server that is gone, and can when it is back', async () => {
    await startBed();
    const { port } = bed.server;
    await bed.server.close();
    expect(await outcome(bed.fetch())).toEqual(['unavailable', 'Unreachable']);
    const back = await createGitServer({ root: join(bed.repository.bare, '..'), port });
    const { moved } = await bed.fetch().finally(() => back.close());
    expect(moved).toBe(true);
  });

  it('gives up on a server that says nothing, at its time', async () => {
    const clock = createFakeClock();
    await startBed({ source: { clock } });
    bed.server.setFailing('hang');
    const ended = outcome(bed.fetch());
    await expect.poll(() => bed.server.requests().infoRefs, { timeout: 10_000 }).toBe(1);
    expect(clock.pending).toBe(1);
    await clock.advance(30_000);
    expect(await ended).toEqual(['deadline_exceeded', 'TimedOut']);
  });

  it('gives up on a pack that stops coming, at its time', async () => {
    const clock = createFakeClock();
    await startBed({ source: { clock } });
    bed.server.setFailing('stall');
    const ended = outcome(bed.fetch());
    await expect.poll(() => bed.server.requests().packs, { timeout: 10_000 }).toBe(1);
    await clock.advance(300_000);
    expect(await ended).toEqual(['deadline_exceeded', 'TimedOut']);
  });

  it('keeps the wait that a server asks for', async () => {
    await startBed();
    const port = await listen((_request, response) => {
      response.writeHead(429, { 'retry-after': '17' }).end();
    });
    const url = `http://127.0.0.1:${port}/x.git`;
    const error = await errorOf(bed.source.fetch({ url, ref: 'main', signal: new AbortController().signal }));
    expect([error.code, reasonOf(error), error.retry, error.retryAfterMs]).toEqual([
      'resource_exhausted',
      'RateLimited',
      true,
      17_000,
    ]);
  });

  it('ends when it is told to', async () => {
    await startBed();
    bed.server.setFailing('hang');
    const abort = new AbortController();
    const ended = outcome(bed.source.fetch({ url: bed.url, ref: 'main', signal: abort.signal }));
    await expect.poll(() => bed.server.requests().infoRefs, { timeout: 10_000 }).toBe(1);
    abort.abort();
    expect(await ended).toEqual(['cancelled', 'Cancelled']);
  });

  it('refuses a pack over the limit', async () => {
    await startBed({ source: { limits: { packBytesMax: 500 } } });
    expect(await outcome(bed.fetch())).toEqual(['resource_exhausted', 'TooLarge']);
  });

  it('asks egress for each repository', async () => {
    await startBed({ source: { egress: (url) => url.endsWith('/allowed.git') } });
    expect(await outcome(bed.fetch())).toEqual(['permission_denied', 'EgressRefused']);
  });

  it('asks egress about normalised text, so that a prefix cannot be left by `..`', async () => {
    const sha = await startBed();
    const { bare } = bed.repository;
    const asked: string[] = [];
    const source = bed.restart({
      egress: (url) => {
        asked.push(url);
        return url === `${bare}/`;
      },
    });
    const at = (url: string) => source.fetch({ url, ref: 'main', signal: new AbortController().signal });
    expect((await at(`${bare}/`)).head).toBe(sha);
    expect(asked).toEqual([bare, `${bare}/`]);
    expect(await outcome(at(`${bare}/../fleet.git`))).toEqual(['permission_denied', 'EgressRefused']);
    expect(await outcome(at('https://git.example/team/../other'))).toEqual([
      'permission_denied',
      'EgressRefused',
    ]);
    expect(asked.slice(2)).toEqual([bare, 'https://git.example/other']);
  });
});

describe('redirects', () => {
  it('follows one to the same host, and asks there from then on', async () => {
    const sha = await startBed();
    const target = new URL(bed.url);
    const port = await listen((request, response) => {
      response
        .writeHead(301, {
          location: `http://127.0.0.1:${target.port}${request.url?.replace('old', 'fleet')}`,
        })
        .end();
    });
    const url = `http://127.0.0.1:${port}/old.git`;
    const seen: string[] = [];
    const source = bed.restart({
      egress: () => true,
      credentials: {
        forUrl: async (asked) => {
          seen.push(asked);
          return undefined;
        },
      },
    });
    expect((await source.fetch({ url, ref: 'main', signal: new AbortController().signal })).head).toBe(sha);
    // A credential is asked for anew where the redirect leads.
    expect(new Set(seen)).toEqual(new Set([url, bed.url]));
  });

  it('refuses one to another host unless egress allows it, and sends no credential there', async () => {
    await startBed();
    const authorizations: (string | undefined)[] = [];
    const thief = await listen((request, response) => {
      authorizations.push(request.headers.authorization);
      response.writeHead(500).end();
    });
    const port = await listen((request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${thief}${request.url}` }).end();
    });
    const url = `http://127.0.0.1:${port}/fleet.git`;
    const bound: CredentialSource = {
      forUrl: async (asked) =>
        asked.startsWith(`http://127.0.0.1:${port}/`) ? { username: 'hub', password: 'secret' } : undefined,
    };
    const signal = new AbortController().signal;
    expect(await outcome(bed.restart({ credentials: bound }).fetch({ url, ref: 'main', signal }))).toEqual([
      'permission_denied',
      'RedirectRefused',
    ]);
    expect(authorizations).toEqual([]);
    const open = bed.restart({ credentials: bound, egress: () => true });
    expect(await outcome(open.fetch({ url, ref: 'main', signal }))).toEqual(['unavailable', 'RemoteError']);
    expect(authorizations).toEqual([undefined]);
  });

  it('ends a circle', async () => {
    await startBed();
    const port = await listen((request, response) => {
      response.writeHead(302, { location: request.url }).end();
    });
    const ended = bed.source.fetch({
      url: `http://127.0.0.1:${port}/x.git`,
      ref: 'main',
      signal: new AbortController().signal,
    });
    expect(await outcome(ended)).toEqual(['unavailable', 'RedirectRefused']);
  });
});

describe('a mirror that was hurt', () => {
  it('is mended by the next fetch after a connection is cut in the middle of a pack', async () => {
    const sha = await startBed();
    bed.server.setFailing('cut');
    expect((await outcome(bed.fetch()))[0]).toBe('unavailable');
    expect(await readdir(await packFolder())).toEqual([]);
    bed.server.setFailing();
    expect((await bed.fetch()).head).toBe(sha);
    expect(Buffer.from(await (await bed.source.tree(bed.url, sha)).read('b/c')).toString()).toBe('1');
  });

  it('is mended after the process was killed in the middle of a pack', async () => {
    const sha = await startBed();
    bed.server.setFailing('stall');
    const program = `
      import { createGitSource } from ${JSON.stringify(new URL('./git-source.ts', import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(new URL('../../shared/clock/clock.ts', import.meta.url).href)};
      import { silentLogger } from ${JSON.stringify(new URL('../../shared/log/log.ts', import.meta.url).href)};
      const [directory, url] = process.argv.slice(-2);
      const credentials = { forUrl: async () => undefined };
      await createGitSource({ directory, credentials, clock: systemClock, log: silentLogger })
        .fetch({ url, ref: 'main', signal: new AbortController().signal });`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program, bed.mirrors, bed.url], {
      stdio: 'ignore',
    });
    const exited = once(child, 'exit');
    const written = async () => {
      const files = await readdir(bed.mirrors, { recursive: true }).catch(() => []);
      const half = files.find((file) => file.endsWith('new.pack'));
      return half === undefined ? 0 : (await stat(join(bed.mirrors, half))).size;
    };
    await expect.poll(written, { timeout: 10_000 }).toBeGreaterThan(100);
    child.kill('SIGKILL');
    expect((await exited)[1]).toBe('SIGKILL');
    expect(await written()).toBeGreaterThan(100);
    bed.server.setFailing();
    expect((await bed.fetch()).head).toBe(sha);
    expect(await written()).toBe(0);
    expect(await readdir(bed.mirrors)).toHaveLength(1);
  });

  it('loses the leftovers of a killed process, and reads on after a restart', async () => {
    const sha = await startBed();
    await bed.fetch();
    const folder = await packFolder();
    await writeFile(join(folder, 'pack-0123.pack'), 'half');
    const before = bed.server.requests();
    const again = bed.restart();
    expect((await bed.fetch('main', sha, again)).moved).toBe(false);
    expect(bed.server.requests().packs).toBe(before.packs);
    expect((await readdir(folder)).filter((name) => name.includes('0123'))).toEqual([]);
  });

  it.each(['truncated', 'gone', 'without a marker'])(
    'is set aside and fetched again when its pack is %s',
    async (how) => {
      const sha = await startBed();
      await bed.fetch();
      const folder = await packFolder();
      const pack = join(folder, (await readdir(folder)).find((name) => name.endsWith('.pack'))!);
      if (how === 'truncated') await truncate(pack, (await stat(pack)).size - 30);
      if (how === 'gone') await unlink(pack);
      if (how === 'without a marker') await unlink(join(folder, '..', '..', 'fairway-mirror.json'));
      const again = bed.restart();
      expect(await bed.fetch('main', sha, again)).toMatchObject({ head: sha, moved: false });
      expect(Buffer.from(await (await again.tree(bed.url, sha)).read('b/c')).toString()).toBe('1');
      expect((await readdir(bed.mirrors)).filter((name) => name.endsWith('.damaged'))).toHaveLength(1);
      await runGit(['-C', join(await packFolder(), '..', '..'), 'fsck', '--full', '--strict']);
    },
  );

  it('is made again by the next fetch after a reader met a broken object', async () => {
    const sha = await startBed();
    await bed.fetch();
    const folder = await packFolder();
    const pack = join(folder, (await readdir(folder)).find((name) => name.endsWith('.pack'))!);
    const bytes = await readFile(pack);
    // Somewhere in the large blob: commit and trees stay whole.
    const blob = (await bed.repository.git('rev-parse', 'HEAD:a')).trim();
    const listing = await runGit(['-C', folder, 'verify-pack', '-v', pack.replace(/pack$/, 'idx')]);
    const offset = Number(
      listing
        .split('\n')
        .find((line) => line.startsWith(blob))!
        .split(/\s+/)[4],
    );
    bytes.fill(0, offset + 20, offset + 60);
    await unlink(pack);
    await writeFile(pack, bytes);
    const again = bed.restart();
    await bed.fetch('main', sha, again);
    const tree = await again.tree(bed.url, sha);
    expect(await outcome(tree.read('a'))).toEqual(['data_loss', 'MirrorDamaged']);
    expect((await bed.fetch('main', sha, again)).head).toBe(sha);
    expect((await (await again.tree(bed.url, sha)).read('a')).length).toBeGreaterThan(1000);
  });

  it('serves many fetches at once, one after the other', async () => {
    const sha = await startBed();
    const results = await Promise.all(Array.from({ length: 8 }, () => bed.fetch()));
    expect(new Set(results.map(({ head }) => head))).toEqual(new Set([sha]));
    expect(bed.server.requests().packs).toBe(1);
  });

  it('merges packs when there are many, and loses nothing', async () => {
    await startBed({ source: { limits: { packsMax: 3 } } });
    const heads: string[] = [];
    for (let index = 0; index < 9; index += 1) {
      heads.push(
        await bed.repository.commit({ [`f${index}`]: `text ${index}` }, { message: `commit ${index}` }),
      );
      await bed.repository.push();
      await bed.fetch('main', heads.at(-2));
    }
    const folder = await packFolder();
    expect((await readdir(folder)).filter((name) => name.endsWith('.pack')).length).toBeLessThanOrEqual(4);
    for (const source of [bed.source, bed.restart()])
      for (const [index, head] of heads.entries())
        expect(Buffer.from(await (await source.tree(bed.url, head)).read(`f${index}`)).toString()).toBe(
          `text ${index}`,
        );
    await runGit(['-C', folder, 'fsck', '--full', '--strict']);
  });
});
