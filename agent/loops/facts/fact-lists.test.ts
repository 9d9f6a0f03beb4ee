import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { createFactLists, type FactListsPorts } from './fact-lists.ts';

const minute = 60_000;
const forever = new AbortController().signal;

function bed() {
  const clock = createFakeClock();
  const lists = createFactLists({
    ...{ kube: {} as FactListsPorts['kube'], clock, random: createSeededRandom(1), log: silentLogger },
    ...{ namespaces: () => ['shop'], onChange: () => {} },
  });
  lists.begin();
  let begun = 0;
  /** Takes so long. */
  const ask = (ms: number, signal: AbortSignal = forever) =>
    lists.slowly(
      'all',
      () =>
        new Promise<number>((resolve) => {
          begun += 1;
          clock.after(ms, () => resolve(begun));
        }),
      signal,
    );
  return { clock, lists, ask };
}

describe('what is worked out slowly', () => {
  it('is kept for four minutes from when it was done, and begun once however long it takes', async () => {
    const { clock, lists, ask } = bed();
    const leaving = new AbortController();
    const left = ask(9 * minute, leaving.signal);
    leaving.abort(new Error('too late'));
    await expect(left).rejects.toThrow('too late');
    await clock.advance(5 * minute);
    const waiting = ask(9 * minute);
    await clock.advance(4 * minute);
    expect(await waiting).toBe(1);
    await clock.advance(3 * minute);
    expect(await ask(9 * minute)).toBe(1);
    await clock.advance(minute);
    const anew = ask(minute);
    await clock.advance(minute);
    expect(await anew).toBe(2);
    lists.end();
  });
});
