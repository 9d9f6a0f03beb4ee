import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bed, createBed, errorOf } from './git-bed.test-support.ts';
import { reasonOf } from './source-error.ts';

describe.each([
  ['protocol version 2', true],
  ['the first protocol', false],
])('refs over %s', (_name, protocolV2) => {
  let bed: Bed;
  let first: string;
  beforeEach(async () => {
    bed = await createBed({ server: { protocolV2 } });
    first = await bed.repository.commit({ a: '1' }, { message: 'one' });
    await bed.repository.push();
  });
  afterEach(() => bed.close());

  it('follows a branch, a lightweight tag, an annotated tag and the default branch', async () => {
    await bed.repository.git('branch', 'release/1.0');
    await bed.repository.git('tag', 'light');
    await bed.repository.git('tag', '--annotate', '--message', 'Version 1', 'v1');
    await bed.repository.git('push', '--quiet', bed.repository.bare, 'release/1.0', 'light', 'v1');
    for (const ref of ['main', 'refs/heads/main', 'release/1.0', 'light', 'v1', 'refs/tags/v1', '', 'HEAD'])
      expect(await bed.fetch(ref)).toMatchObject({ head: first, moved: true, rewritten: false });
  });

  it('prefers the branch where a tag has the same name', async () => {
    await bed.repository.git('tag', 'both');
    const second = await bed.repository.commit({ a: '2' }, { message: 'two' });
    await bed.repository.git('branch', 'both');
    await bed.repository.git('push', '--quiet', bed.repository.bare, 'refs/heads/both', 'refs/tags/both');
    expect((await bed.fetch('both')).head).toBe(second);
  });

  it('gets a commit by its id, and then without asking anybody', async () => {
    expect((await bed.fetch(first)).head).toBe(first);
    const before = bed.server.requests();
    expect(await bed.fetch(first, first)).toEqual({
      head: first,
      moved: false,
      rewritten: false,
      bytesReceived: 0,
    });
    expect(bed.server.requests()).toEqual(before);
  });

  it('says that a commit, a branch or a tag is not there', async () => {
    for (const ref of ['f'.repeat(40), 'nowhere', 'refs/tags/nowhere']) {
      const error = await errorOf(bed.fetch(ref));
      expect([error.code, reasonOf(error)]).toEqual(['not_found', 'RefNotFound']);
    }
    for (const ref of ['../../config', 'a..b', '-x', 'a b', 'x.lock', 'a/.b'])
      expect((await errorOf(bed.fetch(ref))).code).toBe('invalid_argument');
  });

  it('says that a branch was deleted, and reads on what was fetched', async () => {
    await bed.repository.git('branch', 'short-lived');
    await bed.repository.push('short-lived');
    expect((await bed.fetch('short-lived')).head).toBe(first);
    await bed.repository.git('push', '--quiet', bed.repository.bare, ':short-lived');
    expect(reasonOf(await errorOf(bed.fetch('short-lived', first)))).toBe('RefNotFound');
    expect((await bed.source.tree(bed.url, first)).commit).toBe(first);
  });

  it('says that a repository is empty', async () => {
    const empty = await createBed({ server: { protocolV2 } });
    const error = await errorOf(empty.fetch()).finally(() => empty.close());
    expect([error.code, reasonOf(error)]).toEqual(['not_found', 'EmptyRepository']);
  });

  it('tells an empty repository from one whose default branch is gone', async () => {
    await bed.repository.git('branch', 'other');
    await bed.repository.push('other');
    await bed.repository.git('-C', bed.repository.bare, 'update-ref', '-d', 'refs/heads/main');
    expect(reasonOf(await errorOf(bed.fetch()))).toBe('RefNotFound');
  });

  it('follows a rewritten branch and says so', async () => {
    const second = await bed.repository.commit({ a: '2' }, { message: 'two' });
    await bed.repository.push();
    await bed.fetch();
    await bed.repository.git('reset', '--quiet', '--hard', first);
    const third = await bed.repository.commit({ a: '3' }, { message: 'three' });
    await bed.repository.push('HEAD', { force: true });
    expect(await bed.fetch('main', second)).toMatchObject({ head: third, moved: true, rewritten: true });
    // Back to an older commit: rewritten as well, and nothing needs to be sent.
    await bed.repository.git('reset', '--quiet', '--hard', first);
    await bed.repository.push('HEAD', { force: true });
    expect(await bed.fetch('main', third)).toMatchObject({ head: first, rewritten: true });
    expect((await bed.source.commit(bed.url, second)).message).toBe('two');
  });

  it('knows a merge as no rewriting, and lists what it brought', async () => {
    await bed.repository.git('checkout', '--quiet', '-b', 'side');
    await bed.repository.commit({ b: '1' }, { message: 'side', timeMs: 1_600_000_000_000 });
    await bed.repository.git('checkout', '--quiet', 'main');
    const second = await bed.repository.commit({ a: '2' }, { message: 'two' });
    await bed.repository.push();
    await bed.fetch('main', first);
    await bed.repository.git('merge', '--quiet', '--no-ff', '--message', 'merge', 'side');
    const merge = await bed.repository.head();
    await bed.repository.push();
    expect(await bed.fetch('main', second)).toMatchObject({ head: merge, rewritten: false });
    const messages = async (until: string | undefined, max = 10) =>
      (await bed.source.log(bed.url, merge, until, max)).map((commit) => commit.message);
    expect(await messages(second)).toEqual(['merge', 'side']);
    expect((await messages(undefined)).sort()).toEqual(['merge', 'one', 'side', 'two']);
    expect(await messages(undefined, 1)).toEqual(['merge']);
    expect(await messages(merge)).toEqual([]);
  });
});
