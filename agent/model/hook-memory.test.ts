import { describe, expect, it } from 'vitest';
import {
  beginRelease,
  formatHookMemory,
  type HookMemory,
  type HookRun,
  hookRunId,
  parseHookMark,
  parseHookMemory,
  rememberRun,
  shortDigest,
} from './hook-memory.ts';

const digest = (letter: string) => letter.repeat(64);
function run(letter: string, parts: Partial<HookRun> = {}): HookRun {
  return {
    hook: `batch/Job/shop/${letter}`,
    phase: 'pre-sync',
    digest: digest(letter),
    attempt: 1,
    outcome: 'succeeded',
    reason: 'HookSucceeded',
    message: '',
    endedAtMs: 0,
    ...parts,
  };
}
const begin = (release: string, target: string, before?: HookMemory, settled = false) =>
  beginRelease(before, { release, target, settled });

describe('the memory of hooks', () => {
  it('begins anew with each target, and not with another release of the same', () => {
    const first = rememberRun(begin('r1', 't1'), run('a'));
    expect(begin('r2', 't1', first)).toBe(first);
    const second = begin('r2', 't2', first);
    expect(second).toMatchObject({ release: 'r2', target: 't2', runs: [] });
    expect(second.done).toEqual([shortDigest(digest('a'))]);
    // Another target of the same release: what has run in it has run.
    expect(begin('r1', 't3', first).runs).toEqual(first.runs);
  });

  it('forgets failures, and only them, when the same target is released anew', () => {
    const failed = rememberRun(rememberRun(begin('r1', 't1'), run('a')), run('b', { outcome: 'failed' }));
    expect(begin('r1', 't1', failed)).toBe(failed);
    const again = begin('r2', 't1', failed);
    expect(again.release).toBe('r2');
    expect(again.runs.map(({ hook }) => hook)).toEqual([run('a').hook]);
  });

  it('knows for rollbacks what succeeded before the sync, newest first, each once, and no more than a hundred', () => {
    let memory = begin('r0', 't0');
    for (const [index, letter] of [...'abca'].entries()) {
      memory = rememberRun(memory, run(letter));
      memory = rememberRun(memory, run('f', { outcome: 'failed' }));
      memory = rememberRun(memory, run('p', { phase: 'post-sync' }));
      memory = begin(`r${index + 1}`, `t${index + 1}`, memory);
    }
    expect(memory.done.map((text) => text[0])).toEqual(['a', 'c', 'b']);
    for (let index = 0; index < 150; index += 1)
      memory = begin(`s${index}`, `u${index}`, rememberRun(memory, run('x', { digest: digest(`${index}`) })));
    expect(memory.done).toHaveLength(100);
  });

  it('replaces a run by itself, keeps attempts apart, and is bounded in number and words', () => {
    let memory = rememberRun(begin('r', 't'), run('a', { outcome: 'failed', message: 'x'.repeat(9_000) }));
    memory = rememberRun(memory, run('a', { attempt: 2 }));
    memory = rememberRun(memory, run('a', { attempt: 2, message: 'again' }));
    expect(memory.runs.map(({ attempt, message }) => [attempt, message.length])).toEqual([
      [1, 1_500],
      [2, 5],
    ]);
    for (let attempt = 3; attempt < 200; attempt += 1) memory = rememberRun(memory, run('a', { attempt }));
    expect(memory.runs).toHaveLength(60);
    // An annotation may have 256 KiB, all together.
    expect(formatHookMemory(memory).length).toBeLessThan(200_000);
  });

  it('comes back from its text; what somebody wrote into it counts as nothing', () => {
    const memory = rememberRun(begin('r', 't'), run('a'));
    expect(parseHookMemory(formatHookMemory(memory))).toEqual(memory);
    for (const text of [undefined, '', '{', '[]', '{"release":1}', 'null'])
      expect(parseHookMemory(text)).toBeUndefined();
  });
});

describe('the mark of a run', () => {
  it('names a run by release, manifest and attempt', () => {
    const ids = [
      hookRunId('r1', digest('a'), 1),
      hookRunId('r2', digest('a'), 1),
      hookRunId('r1', digest('b'), 1),
      hookRunId('r1', digest('a'), 2),
    ];
    expect(new Set(ids).size).toBe(4);
    expect(ids.every((id) => /^[0-9a-f]{10}$/.test(id))).toBe(true);
    expect(hookRunId('r1', digest('a'), 1)).toBe(ids[0]);
  });

  it('is none where it is not whole', () => {
    for (const text of [undefined, '', '{', 'null', '{"run":"a"}', '[1]'])
      expect(parseHookMark(text)).toBeUndefined();
  });
});

describe('parseHookMark', () => {
  const mark = {
    ...{ run: 'r', release: 'one', hook: '/Job/shop/a', digest: 'd', phase: 'pre-sync', attempt: 2 },
    ...{ policies: ['hook-succeeded'], startedAtMs: 5, limitMs: 7 },
  };

  it('reads what a run says of itself, with less of it too', () => {
    expect(parseHookMark(JSON.stringify(mark))).toEqual(mark);
    const { digest: _d, attempt: _a, policies: _p, startedAtMs: _s, limitMs: _l, ...least } = mark;
    expect(parseHookMark(JSON.stringify(least))).toMatchObject({ ...least, attempt: 1, policies: [] });
  });

  it.each([
    { policies: null },
    { policies: 'hook-succeeded' },
    { startedAtMs: 'now' },
    { limitMs: 1e300 },
    { phase: 'never' },
    { hook: {} },
    { run: '' },
    { release: 1 },
  ])('takes an object on which somebody wrote %j for an ordinary one', (over) => {
    expect(parseHookMark(JSON.stringify({ ...mark, ...over }))).toBeUndefined();
  });
});

describe('parseHookMemory', () => {
  it('takes lists that are none for empty', () => {
    const text = JSON.stringify({ release: 'r', target: 't', settled: true, runs: 5, done: {} });
    expect(parseHookMemory(text)).toEqual({ release: 'r', target: 't', settled: true, runs: [], done: [] });
  });
});
