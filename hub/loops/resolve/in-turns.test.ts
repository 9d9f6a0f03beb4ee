import { describe, expect, it } from 'vitest';
import { inTurns } from './in-turns.ts';

function* steps(seen: string[]) {
  for (const name of ['first', 'second', 'third']) {
    seen.push(name);
    yield;
  }
  return 'done';
}

describe('inTurns', () => {
  it('lets others have their turn between two steps', async () => {
    const seen: string[] = [];
    const all = inTurns(steps(seen), new AbortController().signal);
    setImmediate(() => seen.push('another'));
    expect(await all).toBe('done');
    expect(seen.indexOf('another')).toBeLessThan(seen.indexOf('third'));
  });

  it('ends where it is called off', async () => {
    const seen: string[] = [];
    const stop = new AbortController();
    stop.abort();
    await expect(inTurns(steps(seen), stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
    expect(seen).toEqual(['first']);
  });
});
