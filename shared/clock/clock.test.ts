import { expect, it, vi } from 'vitest';
import { systemClock } from './clock.ts';

it('asks for no timer that Node would take for none', () => {
  const timers = vi.spyOn(globalThis, 'setTimeout');
  const cancel = systemClock.after(100 * 86_400_000, () => {});
  cancel();
  expect(timers.mock.calls.map(([, delayMs]) => delayMs)).toEqual([2 ** 31 - 1]);
  timers.mockRestore();
});
