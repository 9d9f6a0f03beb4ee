import { describe, expect, it } from 'vitest';
import { createTurns } from './turns.ts';

function work() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const state = { begun: false, end: resolve };
  const run = () => {
    state.begun = true;
    return promise;
  };
  return { state, run };
}

/** Whatever can go on without others has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('createTurns', () => {
  it('lets many work at once, and nobody begin beside one that is alone', async () => {
    const turns = createTurns();
    const [one, two, alone, next, later] = [work(), work(), work(), work(), work()];
    const all = [turns.together(one.run, undefined), turns.together(two.run, undefined)];
    all.push(turns.alone(alone.run, undefined), turns.alone(next.run, undefined));
    all.push(turns.together(later.run, undefined));
    const begun = () => [one, two, alone, next, later].map(({ state }) => state.begun);
    await settled();
    expect(begun()).toEqual([true, true, true, false, false]);
    alone.state.end();
    await settled();
    expect(begun()).toEqual([true, true, true, true, false]);
    next.state.end();
    await settled();
    expect(begun()).toEqual([true, true, true, true, true]);
    for (const { state } of [one, two, later]) state.end();
    await Promise.all(all);
  });

  it('goes on past what was given up while it waited, and past what failed', async () => {
    const turns = createTurns();
    const [alone, never, last] = [work(), work(), work()];
    const abort = new AbortController();
    const first = turns.alone(() => alone.run().then(() => Promise.reject(new Error('failed'))), undefined);
    const second = turns.alone(never.run, abort.signal);
    const third = turns.together(last.run, abort.signal);
    const fourth = turns.together(last.run, undefined);
    const reason = new Error('nobody wants it');
    const refused = [expect(second).rejects.toBe(reason), expect(third).rejects.toBe(reason)];
    await settled();
    abort.abort(reason);
    await Promise.all(refused);
    await settled();
    expect([never.state.begun, last.state.begun]).toEqual([false, false]);
    alone.state.end();
    await expect(first).rejects.toThrow('failed');
    await settled();
    expect(last.state.begun).toBe(true);
    last.state.end();
    await fourth;
  });
});
