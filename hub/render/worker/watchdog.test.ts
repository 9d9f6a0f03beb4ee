import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { createWatchdog } from './watchdog.ts';

function open() {
  const clock = createFakeClock();
  const seen = { asked: 0, silent: 0 };
  const watchdog = createWatchdog({
    ...{ clock, silenceMsMax: 100 },
    ask: () => {
      seen.asked += 1;
    },
    onSilent: () => {
      seen.silent += 1;
    },
  });
  return { clock, seen, watchdog };
}

describe('createWatchdog', () => {
  it('tells once of a thread that says nothing', async () => {
    const { clock, seen, watchdog } = open();
    watchdog.watch();
    await clock.advance(100);
    expect(seen).toEqual({ asked: 4, silent: 0 });
    await clock.advance(25);
    await clock.advance(1_000);
    expect(seen).toEqual({ asked: 4, silent: 1 });
  });

  it('is content with any sign of life', async () => {
    const { clock, seen, watchdog } = open();
    watchdog.watch();
    for (let look = 0; look < 50; look += 1) {
      await clock.advance(75);
      watchdog.hear();
    }
    expect(seen.silent).toBe(0);
  });

  it('asks nothing while there is nothing to do, and begins anew', async () => {
    const { clock, seen, watchdog } = open();
    watchdog.watch();
    await clock.advance(75);
    watchdog.rest();
    await clock.advance(1_000);
    expect(seen).toEqual({ asked: 3, silent: 0 });
    watchdog.watch();
    watchdog.watch();
    await clock.advance(100);
    expect(seen).toEqual({ asked: 7, silent: 0 });
  });
});
