/** Reverts written to a real Git server over HTTP, and read back by git itself. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runGit } from '../../cli/demo/git-program.ts';
import type { CredentialSource } from '../../model/credentials.ts';
import { type Bed, createBed, errorOf } from '../git-bed.test-support.ts';
import type { RevertRequest } from './revert.ts';

const person = { name: 'Fairway <hub>', email: 'hub@example.com', timeMs: 1_767_225_600_000 };
const login = { username: 'hub', password: 'let-me-in' };

let bed: Bed;
/** Called each time a credential is asked for. */
let onAsked: () => Promise<void> | void;
let asked: string[];
const credentials: CredentialSource = {
  forUrl: async (url) => {
    asked.push(url);
    await onAsked();
    return login;
  },
};

const git = (...args: readonly string[]) =>
  runGit(['--git-dir', bed.repository.bare, ...args]).then((text) => text.trim());
const show = (ref: string, path: string) => git('show', `${ref}:${path}`);
const commit = async (files: Readonly<Record<string, string | null>>, message: string) => {
  const sha = await bed.repository.commit(files, { message });
  await bed.repository.push();
  return sha;
};
const write = async (from: string, to: string, over: Partial<RevertRequest> = {}) =>
  bed.source.revert({
    ...{ url: bed.url, ref: 'main', from, to, branch: 'fairway/revert/web-1', person },
    message: 'Revert "break it"\n\nIts rollout failed.',
    trailers: ['Fairway-Rollout: rel-1', 'Fairway-Cluster: eu-1'],
    signal: new AbortController().signal,
    ...over,
  });
/** The server refuses what this script refuses. */
const setHook = async (script: string) => {
  await mkdir(join(bed.repository.bare, 'hooks'), { recursive: true });
  const path = join(bed.repository.bare, 'hooks', 'pre-receive');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
};

/** The same repository behind a server that reports nothing of a push, as the protocol lets it. */
async function withoutReports(): Promise<{ readonly url: string; close(): Promise<unknown> }> {
  const server = createServer(async (request, response) => {
    const { authorization, accept, 'content-type': type, 'git-protocol': protocol } = request.headers;
    const given = { authorization, accept, 'content-type': type, 'git-protocol': protocol };
    const headers = Object.entries(given).filter((entry): entry is [string, string] => Boolean(entry[1]));
    const body = request.method === 'POST' ? { body: await buffer(request) } : {};
    const to = new URL(request.url ?? '', bed.url);
    const answer = await fetch(to, { method: request.method ?? 'GET', headers, ...body });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const told = to.search.includes('git-receive-pack')
      ? Buffer.from(bytes.toString('latin1').replaceAll('report-status', 'reports-never'), 'latin1')
      : bytes;
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(told);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = new URL(bed.url);
  url.port = String(port);
  return {
    url: url.href,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

beforeEach(async () => {
  onAsked = () => {};
  asked = [];
  bed = await createBed({ source: { credentials }, server: { credentials: login } });
});
afterEach(() => bed.close());

describe('a revert', () => {
  let good = '';
  let bad = '';
  beforeEach(async () => {
    good = await commit(
      { 'apps/web/a.yaml': 'image: 1\n', 'apps/web/b.yaml': 'b\n', 'other.yaml': 'o\n' },
      'make it',
    );
    await chmod(join(bed.repository.workTree, 'other.yaml'), 0o755);
    good = await commit({ 'apps/deep/er/x.yaml': 'x\n' }, 'make it executable');
    bad = await commit(
      { 'apps/web/a.yaml': 'image: 2\n', 'apps/web/new.yaml': 'n\n', 'apps/deep/er/x.yaml': null },
      'break it',
    );
  });

  it('is one commit on a branch of its own, by the hub, that git finds whole', async () => {
    const { result, commit: sha, ref } = await write(bad, good);
    expect([result, ref]).toEqual(['written', 'refs/heads/fairway/revert/web-1']);
    expect(await git('rev-parse', ref)).toBe(sha);
    expect(await git('rev-parse', 'main')).toBe(bad);
    expect(await git('log', '-1', '--format=%P|%an|%ae|%cn|%at|%B', sha)).toBe(
      `${bad}|Fairway hub|hub@example.com|Fairway hub|1767225600|Revert "break it"\n\nIts rollout failed.\n\nFairway-Rollout: rel-1\nFairway-Cluster: eu-1`,
    );
    expect(await git('diff', '--stat', good, sha)).toBe('');
    expect(await git('ls-tree', '-r', sha)).toBe(await git('ls-tree', '-r', good));
    await git('fsck', '--strict');
  });

  it('keeps what came later in other files, and takes several commits back at once', async () => {
    const worse = await commit({ 'apps/web/b.yaml': 'worse\n' }, 'break more');
    await commit({ 'other.yaml': 'later\n', 'apps/web/later.yaml': 'l\n' }, 'go on');
    const { commit: sha } = await write(worse, good);
    expect(await show(sha, 'apps/web/a.yaml')).toBe('image: 1');
    expect(await show(sha, 'apps/web/b.yaml')).toBe('b');
    expect(await show(sha, 'apps/deep/er/x.yaml')).toBe('x');
    expect(await show(sha, 'other.yaml')).toBe('later');
    expect(await show(sha, 'apps/web/later.yaml')).toBe('l');
    expect((await git('ls-tree', sha, 'other.yaml')).slice(0, 6)).toBe('100755');
    expect(await git('ls-tree', '--name-only', sha, 'apps/web/new.yaml')).toBe('');
    await git('fsck', '--strict');
  });

  it('agrees with git revert', async () => {
    await commit({ 'other.yaml': 'later\n' }, 'go on');
    const { commit: sha } = await write(bad, good);
    await bed.repository.revert(bad);
    expect(await git('rev-parse', `${sha}^{tree}`)).toBe(
      (await bed.repository.git('rev-parse', 'HEAD^{tree}')).trim(),
    );
  });

  it('that cannot be made without deciding for people is not made, and names the files', async () => {
    await commit({ 'apps/web/a.yaml': 'image: 3\n', 'apps/web/new.yaml': null }, 'go on');
    const error = await errorOf(write(bad, good));
    expect(error).toMatchObject({
      code: 'failed_precondition',
      retry: false,
      details: { reason: 'MergeConflict', files: ['apps/web/a.yaml'] },
    });
    expect(await git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  });

  it('is written once, also by a process that does not know that it was', async () => {
    const first = await write(bad, good);
    const again = await bed.restart().revert({
      ...{
        url: bed.url,
        ref: 'main',
        from: bad,
        to: good,
        branch: 'fairway/revert/web-1',
        person,
        message: 'x',
      },
      ...{ trailers: ['Fairway-Rollout: rel-1'], signal: new AbortController().signal },
    });
    expect(again).toEqual({ ...first, result: 'found' });
    // Merged by people, and its branch deleted.
    await bed.repository.git('fetch', '--quiet', bed.repository.bare, first.ref);
    await bed.repository.git('merge', '--quiet', '--no-edit', 'FETCH_HEAD');
    await bed.repository.push();
    await git('update-ref', '-d', first.ref);
    expect(await write(bad, good)).toEqual({ ...first, result: 'found' });
    expect(await git('rev-list', '--count', 'main')).toBe('4');
  });

  it('onto the branch itself is a fast-forward, after whatever came in between', async () => {
    await commit({ 'other.yaml': 'later\n' }, 'go on');
    const { result, ref, commit: sha } = await write(bad, good, { branch: '' });
    expect([result, ref]).toEqual(['written', 'refs/heads/main']);
    expect(await git('rev-parse', 'main')).toBe(sha);
    expect(await git('rev-list', '--count', 'main')).toBe('5');
    expect(await write(bad, good, { branch: '' })).toEqual({ result: 'found', ref, commit: sha });
  });

  it('never overwrites another writer: it is refused, and comes after them the next time', async () => {
    let calls = 0;
    onAsked = async () => {
      calls += 1;
      // The last credential is for the push itself: somebody pushes between our look and our push.
      if (calls === 3) await commit({ 'other.yaml': 'competing\n' }, 'compete');
    };
    await bed.fetch();
    calls = 0;
    const error = await errorOf(write(bad, good, { branch: '' }));
    expect(error).toMatchObject({ code: 'conflict', retry: true, details: { reason: 'PushRejected' } });
    expect(await show('main', 'other.yaml')).toBe('competing');
    const { result } = await write(bad, good, { branch: '' });
    expect(result).toBe('written');
    expect(await show('main', 'other.yaml')).toBe('competing');
    expect(await show('main', 'apps/web/a.yaml')).toBe('image: 1');
  });

  it('that the server refuses changes nothing, and brings its words', async () => {
    await setHook('echo "not on a Friday" >&2; exit 1');
    const error = await errorOf(write(bad, good));
    expect(error).toMatchObject({
      code: 'conflict',
      details: {
        reason: 'PushRejected',
        said: 'ng refs/heads/fairway/revert/web-1 pre-receive hook declined',
      },
    });
    expect(await git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  });

  describe('to a server that reports nothing of a push', () => {
    let silent: Awaited<ReturnType<typeof withoutReports>>;
    beforeEach(async () => {
      silent = await withoutReports();
    });
    afterEach(() => silent.close());

    it('is written when the branch is there afterwards', async () => {
      const { result, commit: sha, ref } = await write(bad, good, { url: silent.url });
      expect(result).toBe('written');
      expect(await git('rev-parse', ref)).toBe(sha);
    });

    it('was refused when it is not, whatever the reason', async () => {
      await setHook('exit 1');
      expect(await errorOf(write(bad, good, { url: silent.url }))).toMatchObject({
        ...{ code: 'conflict', retry: true, details: { reason: 'PushRejected' } },
        message: expect.stringContaining('reports nothing'),
      });
      expect(await git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
    });

    it('is found by the next attempt where somebody has gone on from it before it could be asked for', async () => {
      let calls = 0;
      onAsked = async () => {
        calls += 1;
        if ((await git('log', '-1', '--format=%an', 'main')) !== 'Fairway hub') return;
        const who = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com'];
        const later = await git(...who, 'commit-tree', 'main^{tree}', '-p', 'main', '-m', 'go on');
        await git('update-ref', 'refs/heads/main', later);
      };
      const error = await errorOf(write(bad, good, { url: silent.url, branch: '' }));
      expect(error).toMatchObject({ code: 'conflict', retry: true });
      expect(calls).toBeGreaterThan(0);
      const found = await write(bad, good, { url: silent.url, branch: '' });
      expect(found.result).toBe('found');
      expect(await git('log', '--format=%an', '--grep', 'Fairway-Rollout', 'main')).toBe('Fairway hub');
    });
  });

  it("leaves somebody else's branch of that name alone", async () => {
    await git('update-ref', 'refs/heads/fairway/revert/web-1', good);
    expect(await errorOf(write(bad, good))).toMatchObject({ details: { reason: 'BranchTaken' } });
    expect(await git('rev-parse', 'fairway/revert/web-1')).toBe(good);
  });

  it('of what is gone already is none', async () => {
    await bed.repository.revert(bad);
    await bed.repository.push();
    expect((await write(bad, good)).result).toBe('nothing');
    expect(await git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  });

  it('of a commit that a rewritten branch does not hold is refused', async () => {
    await write(bad, good);
    await bed.repository.git('reset', '--quiet', '--hard', good);
    await bed.repository.push('main', { force: true });
    expect(await errorOf(write(bad, good, { branch: 'other' }))).toMatchObject({
      details: { reason: 'Rewritten' },
    });
  });

  it('goes back to no commit that is not before the one that failed: the branch was rewritten in between', async () => {
    const aside = await commit({ 'apps/web/a.yaml': 'image: 3\n' }, 'be dropped');
    await bed.fetch();
    await bed.repository.git('reset', '--quiet', '--hard', bad);
    const other = await bed.repository.commit({ 'apps/web/a.yaml': 'image: 4\n' }, { message: 'instead' });
    await bed.repository.push('main', { force: true });
    expect(await errorOf(write(other, aside))).toMatchObject({
      code: 'failed_precondition',
      details: { reason: 'Rewritten' },
    });
    // Back to what was seen before: the newer commit is not brought in again.
    expect(await errorOf(write(bad, other))).toMatchObject({ details: { reason: 'Rewritten' } });
    expect(await git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  });

  it('goes nowhere without the right to push, and to no folder on this machine', async () => {
    const other = await createBed();
    const sha = await other.repository.commit({ a: '1' }, { message: 'a' });
    const next = await other.repository.commit({ a: '2' }, { message: 'b' });
    await other.repository.push();
    const request = {
      ...{ ref: 'main', from: next, to: sha, branch: 'x', person, message: 'm', trailers: ['A: b'] },
      signal: new AbortController().signal,
    };
    expect(await errorOf(other.source.revert({ ...request, url: other.url }))).toMatchObject({
      code: 'permission_denied',
    });
    expect(await errorOf(other.source.revert({ ...request, url: other.repository.bare }))).toMatchObject({
      details: { reason: 'Unsupported' },
    });
    await other.close();
  });
});
