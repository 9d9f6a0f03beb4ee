import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FairwayError } from '../../../shared/error/error.ts';
import { createFleetRepository, type FleetRepository } from './fleet-repository.ts';
import { runGit } from './git-program.ts';
import { createGitServer, type GitServer, type GitServerOptions } from './git-server.ts';

let folder: string;
let repository: FleetRepository;
let server: GitServer | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairway-server-'));
  repository = await createFleetRepository({
    workTree: join(folder, 'work'),
    bare: join(folder, 'served', 'fleet.git'),
  });
});
afterEach(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(options: Partial<GitServerOptions> = {}): Promise<string> {
  server = await createGitServer({ root: join(folder, 'served'), ...options });
  return server.url('fleet.git');
}

describe('createGitServer', () => {
  it('serves clones to the git program and counts them', async () => {
    const head = await repository.commit({ 'a/b': 'text' }, { message: 'one' });
    await repository.push();
    const url = await serve();
    const clone = join(folder, 'clone');
    await runGit(['clone', '--quiet', url, clone]);
    expect(await readFile(join(clone, 'a', 'b'), 'utf8')).toBe('text');
    expect((await runGit(['-C', clone, 'rev-parse', 'HEAD'])).trim()).toBe(head);
    expect(server!.requests()).toEqual({ infoRefs: 1, uploadPack: 2, packs: 1, receivePack: 0 });
  });

  it('takes pushes from who has the credential, and from nobody else', async () => {
    const head = await repository.commit({ a: '1' }, { message: 'one' });
    const url = await serve({ credentials: { username: 'ada', password: 'pw' } });
    const withPassword = url.replace('http://', 'http://ada:pw@');
    await expect(repository.git('push', '--quiet', url, 'HEAD')).rejects.toThrow();
    await repository.git('push', '--quiet', withPassword, 'HEAD');
    expect((await repository.git('ls-remote', withPassword, 'refs/heads/main')).slice(0, 40)).toBe(head);
    await expect(repository.git('ls-remote', url)).rejects.toThrow();
    await server?.close();
    const open = await serve();
    await repository.commit({ a: '2' }, { message: 'two' });
    await expect(repository.git('push', '--quiet', open, 'HEAD')).rejects.toThrow();
  });

  it('reads a compressed request', async () => {
    await repository.commit({ a: '1' }, { message: 'one' });
    await repository.push();
    const url = await serve();
    const answer = await fetch(`${url}/git-upload-pack`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-git-upload-pack-request',
        'content-encoding': 'gzip',
        'git-protocol': 'version=2',
      },
      body: gzipSync('0014command=ls-refs\n00010000'),
    });
    expect(await answer.text()).toContain('refs/heads/main');
  });

  it('fails as it is told, and works again', async () => {
    await repository.commit({ a: '1' }, { message: 'one' });
    await repository.push();
    const url = `${await serve()}/info/refs?service=git-upload-pack`;
    server!.setFailing('unavailable');
    expect((await fetch(url)).status).toBe(503);
    server!.setFailing('refuse');
    await expect(fetch(url)).rejects.toThrow();
    server!.setFailing();
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(`${server!.url('nowhere')}/info/refs?service=git-upload-pack`)).status).toBe(404);
  });

  it('says that git is missing', async () => {
    const error = await serve({ gitBinary: '/nonexistent/git' }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(FairwayError);
    expect((error as FairwayError).code).toBe('failed_precondition');
  });
});

describe('createFleetRepository', () => {
  it('commits with an author and a time, deletes, and reverts', async () => {
    await repository.commit({ a: '1', 'dir/b': '2' }, { message: 'one' });
    const second = await repository.commit(
      { a: null, 'dir/b': '3' },
      { message: 'two', author: 'Grace Hopper <grace@example.com>', timeMs: 1_700_000_000_000 },
    );
    expect((await repository.git('log', '-1', '--format=%an <%ae> %at %cn')).trim()).toBe(
      'Grace Hopper <grace@example.com> 1700000000 Fairway Demo',
    );
    expect((await repository.git('ls-files')).trim()).toBe('dir/b');
    const reverted = await repository.revert(second);
    expect(reverted).not.toBe(second);
    expect((await repository.git('show', 'HEAD:a')).trim()).toBe('1');
    await expect(repository.commit({}, { message: 'x', author: 'nobody' })).rejects.toThrow('author');
  });

  it('takes up a repository that is there', async () => {
    const head = await repository.commit({ a: '1' }, { message: 'one' });
    const again = await createFleetRepository({ workTree: repository.workTree, bare: repository.bare });
    expect(await again.head()).toBe(head);
  });
});
