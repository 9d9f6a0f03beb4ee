import { afterEach, describe, expect, it } from 'vitest';
import { runGit } from '../cli/demo/git-program.ts';
import { type Bed, createBed } from './git-bed.test-support.ts';

let bed: Bed;
afterEach(() => bed.close());

describe('createGitSource', () => {
  it('fetches a branch and reads its tree and commit', async () => {
    bed = await createBed();
    const sha = await bed.repository.commit(
      { 'apps/web/base/deployment.yaml': 'kind: Deployment\n', 'größe/ñandú.txt': 'naïve' },
      {
        message: 'Start the fleet\n\nWith a body.',
        author: 'Ada Lovelace <ada@example.com>',
        timeMs: 1_700_000_000_000,
      },
    );
    await bed.repository.push();
    const result = await bed.fetch();
    expect(result).toMatchObject({ head: sha, moved: true, rewritten: false });
    expect(result.bytesReceived).toBeGreaterThan(100);
    expect(await bed.source.commit(bed.url, sha)).toEqual({
      sha,
      author: { name: 'Ada Lovelace', email: 'ada@example.com', timeMs: 1_700_000_000_000 },
      committer: { name: 'Fairway Demo', email: 'demo@fairway.dev', timeMs: 1_700_000_000_000 },
      message: 'Start the fleet\n\nWith a body.',
      parents: [],
    });
    const tree = await bed.source.tree(bed.url, sha);
    expect((await tree.list('')).map(({ name, type }) => [name, type])).toEqual([
      ['apps', 'directory'],
      ['größe', 'directory'],
    ]);
    expect(Buffer.from(await tree.read('apps/web/base/deployment.yaml')).toString()).toBe(
      'kind: Deployment\n',
    );
    expect(Buffer.from(await tree.read('größe/ñandú.txt')).toString()).toBe('naïve');
    expect(await tree.entry('apps/api')).toBeUndefined();
  });

  it('asks once, and for no pack, while nothing has moved', async () => {
    bed = await createBed();
    const sha = await bed.repository.commit({ a: '1' }, { message: 'one' });
    await bed.repository.push();
    await bed.fetch();
    const before = bed.server.requests();
    expect(await bed.fetch('main', sha)).toEqual({
      head: sha,
      moved: false,
      rewritten: false,
      bytesReceived: 0,
    });
    const after = bed.server.requests();
    expect(after.infoRefs + after.uploadPack - before.infoRefs - before.uploadPack).toBe(1);
    expect(after.packs).toBe(before.packs);
  });

  it('fetches only what is new', async () => {
    bed = await createBed();
    const noise = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 251)).toString('base64');
    const first = await bed.repository.commit({ noise, a: '1' }, { message: 'one' });
    await bed.repository.push();
    const whole = await bed.fetch();
    const second = await bed.repository.commit({ a: '2' }, { message: 'two' });
    await bed.repository.push();
    const result = await bed.fetch('main', first);
    expect(result).toMatchObject({ head: second, moved: true, rewritten: false });
    expect(result.bytesReceived).toBeLessThan(whole.bytesReceived / 2);
    expect((await bed.source.log(bed.url, second, first, 10)).map((commit) => commit.message)).toEqual([
      'two',
    ]);
    const [mirror] = await (await import('node:fs/promises')).readdir(bed.mirrors);
    await runGit(['-C', `${bed.mirrors}/${mirror}`, 'fsck', '--full', '--strict']);
  });
});
