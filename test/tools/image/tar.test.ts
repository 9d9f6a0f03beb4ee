import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTar, type TarEntry } from './tar.ts';

const list = (archive: Buffer) =>
  execFileSync('tar', ['-tvf', '-', '--numeric-owner', '--full-time'], {
    input: archive,
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
  });

describe('createTar', () => {
  it('is read by tar, with folders above the files, modes, owners, links and times', () => {
    const archive = createTar(
      [
        { path: 'usr/bin/tool', type: 'file', mode: 0o755, bytes: Buffer.from('#!/bin/sh\n') },
        { path: 'tmp', type: 'directory', mode: 0o1777 },
        { path: 'usr/bin/alias', type: 'symlink', target: 'tool' },
        { path: 'data', type: 'directory', mode: 0o700, owner: 65532 },
      ],
      1_700_000_000,
    );
    expect(list(archive).replaceAll(/ +/g, ' ').trim().split('\n')).toEqual([
      'drwx------ 65532/65532 0 2023-11-14 22:13:20 data/',
      'drwxrwxrwt 0/0 0 2023-11-14 22:13:20 tmp/',
      'drwxr-xr-x 0/0 0 2023-11-14 22:13:20 usr/',
      'drwxr-xr-x 0/0 0 2023-11-14 22:13:20 usr/bin/',
      'lrwxrwxrwx 0/0 0 2023-11-14 22:13:20 usr/bin/alias -> tool',
      '-rwxr-xr-x 0/0 10 2023-11-14 22:13:20 usr/bin/tool',
    ]);
  });

  it('gives the same bytes for the same entries in any order', () => {
    const entry = fc.record({
      path: fc.array(fc.stringMatching(/^[a-z]{1,20}$/), { minLength: 1, maxLength: 4 }),
      bytes: fc.uint8Array({ maxLength: 1_100 }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ({ path }) => path.join('/') }), (all) => {
        const entries = all.map(({ path, bytes }): TarEntry => {
          return { path: `${path.join('/')}.f`, type: 'file', bytes };
        });
        expect(createTar(entries.toReversed(), 7).equals(createTar(entries, 7))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('parts a long path, and refuses what the format cannot hold', () => {
    const long = `${'folder/'.repeat(18)}${'n'.repeat(90)}`;
    const file = (path: string): TarEntry => ({ path, type: 'file', bytes: Buffer.from('x') });
    expect(list(createTar([file(long)], 0))).toContain(long);
    expect(() => createTar([file('n'.repeat(101))], 0)).toThrow('too long');
    expect(() => createTar([file('a'), file('a')], 0)).toThrow('one path: a');
  });
});
