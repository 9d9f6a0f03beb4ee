/** Edits written to a real Git server over HTTP, and read back by git itself. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runGit } from '../../cli/demo/git-program.ts';
import { type Bed, createBed, errorOf } from '../git-bed.test-support.ts';
import type { WriteRequest } from './write-files.ts';

const person = { name: 'Fairway', email: 'hub@example.com', timeMs: 1_767_225_600_000 };
const credentials = { username: 'hub', password: 'let-me-in' };
const files = {
  'fleet/a.yaml': 'role: primary\n',
  'fleet/deep/b.yaml': 'role: standby\n',
  'README.md': 'hi\n',
};

let bed: Bed;
let first: string;
const git = (...args: readonly string[]) =>
  runGit(['--git-dir', bed.repository.bare, ...args]).then((text) => text.trim());
const commit = async (changed: Readonly<Record<string, string | null>>, message: string) => {
  const sha = await bed.repository.commit(changed, { message });
  await bed.repository.push();
  return sha;
};
/** Swaps the words in both files. */
const edit: WriteRequest['edit'] = async (read) => {
  const swap = (text: string) =>
    text.replace(/primary|standby/, (one) => (one === 'primary' ? 'standby' : 'primary'));
  const paths = ['fleet/a.yaml', 'fleet/deep/b.yaml'];
  return new Map(await Promise.all(paths.map(async (path) => [path, swap(await read(path))] as const)));
};
const write = (over: Partial<WriteRequest> = {}) =>
  bed.source.write({
    ...{ url: bed.url, ref: 'main', from: first, branch: '', person, edit },
    message: 'Fail over eu from eu-1 to eu-2',
    trailers: ['Fairway-Failover: f-1'],
    signal: new AbortController().signal,
    ...over,
  });

beforeEach(async () => {
  bed = await createBed({
    server: { credentials },
    source: { credentials: { forUrl: async () => credentials } },
  });
  first = await commit(files, 'first');
});
afterEach(() => bed.close());

describe('writeFiles', () => {
  it('writes one commit with nothing else in it, onto what came meanwhile', async () => {
    const later = await commit({ 'README.md': 'hello\n' }, 'a word');
    const { result, commit: sha, ref } = await write();
    expect({ result, ref }).toEqual({ result: 'written', ref: 'refs/heads/main' });
    expect(await git('rev-parse', 'main', 'main~1')).toBe(`${sha}\n${later}`);
    expect(await git('diff', '--stat=80', '--name-only', later, sha)).toBe('fleet/a.yaml\nfleet/deep/b.yaml');
    expect(await git('show', 'main:fleet/deep/b.yaml')).toBe('role: primary');
    expect(await git('log', '-1', '--format=%an <%ae>%n%B', 'main')).toBe(
      'Fairway <hub@example.com>\nFail over eu from eu-1 to eu-2\n\nFairway-Failover: f-1',
    );
    await runGit(['--git-dir', bed.repository.bare, 'fsck', '--strict']);
  });

  it('finds what was pushed before, also below what came later', async () => {
    const { commit: sha } = await write();
    await bed.repository.git('pull', '--quiet', '--rebase', 'origin', 'main');
    await commit({ 'README.md': 'later\n' }, 'later');
    expect(await write()).toEqual({ result: 'found', commit: sha, ref: 'refs/heads/main' });
    expect(await git('show', 'main:fleet/a.yaml')).toBe('role: standby');
  });

  it('proposes on a branch of its own, and leaves the followed one as it is', async () => {
    const { ref } = await write({ branch: 'fairway/failover-eu-1' });
    expect(ref).toBe('refs/heads/fairway/failover-eu-1');
    expect(await git('rev-parse', 'main')).toBe(first);
    expect(await git('show', 'fairway/failover-eu-1:fleet/a.yaml')).toBe('role: standby');
    expect((await write({ branch: 'fairway/failover-eu-1' })).result).toBe('found');
  });

  it('writes nothing where nothing changes, and says which file is not there any more', async () => {
    expect(await write({ edit: async () => new Map() })).toMatchObject({ result: 'nothing', commit: first });
    await commit({ 'fleet/deep/b.yaml': null }, 'gone');
    const error = await errorOf(write());
    expect(error).toMatchObject({
      code: 'not_found',
      message: 'there is no file fleet/deep/b.yaml any more',
    });
  });
});
