import { describe, expect, it } from 'vitest';
import { parseRepoSpec } from './repo-spec.ts';

const read = (address: string) => {
  const spec = parseRepoSpec(address);
  return spec && [spec.repository, spec.path, spec.ref];
};

describe('parseRepoSpec', () => {
  it('splits an address where it is marked', () => {
    expect(read('https://git.example/a/b/c//base?ref=v1')).toEqual([
      'https://git.example/a/b/c',
      'base',
      'v1',
    ]);
    expect(read('https://git.example/a/b/c.git/base')).toEqual(['https://git.example/a/b/c.git', 'base', '']);
    expect(read('https://dev.example/p/_git/r/base?version=v2')).toEqual([
      'https://dev.example/p/_git/r',
      'base',
      'v2',
    ]);
  });

  it('takes two segments for the repository where nothing marks its end', () => {
    expect(read('https://git.example/org/repo/base/web')).toEqual([
      'https://git.example/org/repo',
      'base/web',
      '',
    ]);
    expect(read('https://git.example/org')).toBeUndefined();
  });

  it('knows the spellings of SSH and of GitHub', () => {
    expect(read('git@git.example:org/repo.git//base')).toEqual(['git@git.example:org/repo.git', 'base', '']);
    expect(read('GitHub.com/org/repo/base')).toEqual(['https://github.com/org/repo', 'base', '']);
    expect(read('ssh://git@github.com/org/repo')).toEqual(['git@github.com:org/repo', '', '']);
  });

  it('holds everything else for a path', () => {
    for (const path of ['base', '../base', '/srv/base', 'gitlab.com/org/repo', 'gh:org/repo', 'base?ref=v1'])
      expect(read(path), path).toBeUndefined();
  });

  it('refuses a folder above the repository', () => {
    expect(read('https://git.example/org/repo//base/../../other')).toBeUndefined();
    expect(read('https://git.example/org/repo//base/../other')?.[1]).toBe('base/../other');
  });
});
