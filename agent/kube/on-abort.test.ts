import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { onAbort } from './on-abort.ts';

const listenersOf = ({ signal }: AbortController) => getEventListeners(signal, 'abort').length;

describe('onAbort', () => {
  it('tells all who wait, once, behind one listener', () => {
    const abort = new AbortController();
    const told: number[] = [];
    for (const who of [1, 2, 3]) onAbort(abort.signal, () => told.push(who));
    expect(listenersOf(abort)).toBe(1);
    abort.abort();
    abort.abort();
    expect([told, listenersOf(abort)]).toEqual([[1, 2, 3], 0]);
  });

  it('does not tell who has called it off, also while others are told', () => {
    const abort = new AbortController();
    const told: string[] = [];
    const off = onAbort(abort.signal, () => told.push('before'));
    onAbort(abort.signal, () => {
      told.push('first');
      offLast();
    });
    const offLast = onAbort(abort.signal, () => told.push('last'));
    off();
    abort.abort();
    expect(told).toEqual(['first']);
  });

  it('does not listen while nobody waits, and listens again', () => {
    const abort = new AbortController();
    let told = 0;
    const off = onAbort(abort.signal, () => {});
    off();
    off();
    expect(listenersOf(abort)).toBe(0);
    onAbort(abort.signal, () => {
      told += 1;
    });
    off();
    abort.abort();
    expect(told).toBe(1);
  });
});
