import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { createFleetRepository, type FleetRepository } from '../cli/demo/fleet-repository.ts';
import { runGit } from '../cli/demo/git-program.ts';
import { createHistory } from './history.ts';
import { createLru } from './lru.ts';
import { createObjectReader, createPackCaches } from './objects/object-reader.ts';

let folder: string;
let repository: FleetRepository;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairway-history-'));
  repository = await createFleetRepository({ workTree: join(folder, 'work'), bare: join(folder, 'bare') });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('createHistory', () => {
  it.each([1, 2, 3])('agrees with git about random histories with wrong clocks (seed %i)', async (seed) => {
    const random = createSeededRandom(seed);
    const below = (bound: number) => Math.floor(random.next() * bound);
    await repository.commit({ a: '1' }, { message: 'root', timeMs: 1_700_000_000_000 });
    const tree = (await repository.git('rev-parse', 'HEAD^{tree}')).trim();
    const commits = [await repository.head()];
    for (let index = 0; index < 30; index += 1) {
      const parents = new Set(
        Array.from({ length: 1 + below(2) }, () => commits[Math.max(0, commits.length - 1 - below(6))]!),
      );
      const date = `${1_700_000_000 + index * 100 - (below(5) === 0 ? below(5000) : 0)} +0000`;
      const args = [
        'commit-tree',
        tree,
        '-m',
        `c${index}`,
        ...[...parents].flatMap((parent) => ['-p', parent]),
      ];
      const environment = {
        GIT_AUTHOR_NAME: 'a',
        GIT_AUTHOR_EMAIL: 'a@b',
        GIT_COMMITTER_NAME: 'a',
        GIT_COMMITTER_EMAIL: 'a@b',
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_DATE: date,
      };
      commits.push((await runGit(args, { cwd: repository.workTree, environment })).trim());
    }
    const reader = createObjectReader(
      [join(repository.workTree, '.git', 'objects')],
      createPackCaches(1024 * 1024),
    );
    const history = createHistory(reader, 'x', 'x', createLru(1024 * 1024));
    for (let round = 0; round < 12; round += 1) {
      const [head, until] = [commits[below(commits.length)]!, commits[below(commits.length)]!];
      const expected = (await repository.git('rev-list', head, `^${until}`)).split('\n').filter(Boolean);
      const ours = (await history.log(head, until, 1000)).map(({ sha }) => sha);
      expect([...ours].sort()).toEqual([...expected].sort());
      const reached = (await repository.git('rev-list', head)).split('\n');
      expect(await history.isAncestor(until, head)).toBe(reached.includes(until));
    }
  });
});
