import { describe, expect, it } from 'vitest';
import { sameRepository } from './same-repository.ts';

describe('sameRepository', () => {
  it.each([
    ['https://github.com/acme/fleet', 'https://github.com/acme/fleet.git'],
    ['https://github.com/acme/fleet', 'git@github.com:acme/fleet.git'],
    ['https://GitHub.com/Acme/Fleet/', 'ssh://git@github.com/acme/fleet.git'],
    ['https://git.example:8443/a/b', 'ssh://git@git.example:2222/a/b.git'],
    ['http://user:pw@git.example/a/b', 'https://git.example/a/b'],
    ['https://git.example/a/b%20c', 'git@git.example:a/b c.git'],
    ['/srv/git/fleet.git', 'file:///srv/git/fleet.git'],
    ['/srv/git/fleet', '/srv/git/fleet/.git'],
  ])('says yes for %s and %s', (a, b) => {
    expect(sameRepository(a, b)).toBe(true);
    expect(sameRepository(b, a)).toBe(true);
  });

  it.each([
    ['https://github.com/acme/fleet', 'https://github.com/acme/fleet2'],
    ['https://github.com/acme/fleet', 'https://gitlab.com/acme/fleet'],
    ['https://git.example:8443/a/b', 'https://git.example:9443/a/b'],
    ['https://git.example', 'https://git.example/'],
    ['/srv/git/Fleet', '/srv/git/fleet'],
    ['/a/b', 'https://host/a/b'],
    ['not a url', 'not a url'],
  ])('says no for %s and %s', (a, b) => {
    expect(sameRepository(a, b)).toBe(false);
  });
});
