import { describe, expect, it } from 'vitest';
import { opennessAt } from './windows.ts';

const at = (text: string) => Date.parse(text);
const hour = 3_600_000;
const office = { cron: '0 9 * * 1-5', durationMs: 8 * hour, timeZone: 'Europe/Berlin' };
const christmas = { fromMs: at('2026-12-24T00:00Z'), untilMs: at('2026-12-27T00:00Z'), reason: 'holidays' };

describe('opennessAt', () => {
  const windows = { windows: [office], freezes: [] };

  it('is open always without windows', () => {
    expect(opennessAt({ windows: [], freezes: [] }, 0)).toEqual({ open: true, untilMs: undefined });
  });

  it('opens and closes by the clock of its time zone, summer and winter', () => {
    expect(opennessAt(windows, at('2026-11-20T08:00:00Z'))).toEqual({
      open: true,
      untilMs: at('2026-11-20T16:00:00Z'),
    });
    expect(opennessAt(windows, at('2026-11-20T15:59:59Z')).open).toBe(true);
    expect(opennessAt(windows, at('2026-11-20T16:00:00Z'))).toEqual({
      ...{ open: false, reason: 'outside its windows', opensAtMs: at('2026-11-23T08:00:00Z') },
    });
    expect(opennessAt(windows, at('2026-07-01T07:00:00Z')).open).toBe(true);
    expect(opennessAt(windows, at('2026-07-01T06:59:59Z')).open).toBe(false);
  });

  it('is one opening where windows overlap', () => {
    const hourly = { windows: [{ cron: '0 * * * *', durationMs: 2 * hour, timeZone: 'UTC' }], freezes: [] };
    expect(opennessAt(hourly, at('2026-01-01T00:30Z')).open).toBe(true);
  });

  it('does not close where it is opened again for ever before it would', () => {
    const always = (cron: string, durationMs: number) => ({
      windows: [{ cron, durationMs, timeZone: 'UTC' }],
      freezes: [],
    });
    for (const one of [always('* * * * *', 30 * 24 * hour), always('0 0 * * *', 24 * hour)])
      expect(opennessAt(one, at('2026-11-21T10:00Z'))).toEqual({ open: true, untilMs: undefined });
  });

  it('opens once where the clock is put forward past it or back over it, and stays open for as long as it says', () => {
    const nightly = {
      windows: [{ cron: '30 2 * * *', durationMs: hour / 2, timeZone: 'Europe/Berlin' }],
      freezes: [],
    };
    // On the 29th of March there is no half past two: it opens as soon as there would have been.
    expect(opennessAt(nightly, at('2026-03-29T00:59:59Z'))).toMatchObject({
      ...{ open: false, opensAtMs: at('2026-03-29T01:00Z') },
    });
    expect(opennessAt(nightly, at('2026-03-29T01:00Z'))).toEqual({
      open: true,
      untilMs: at('2026-03-29T01:30Z'),
    });
    // On the 25th of October there are two.
    expect(opennessAt(nightly, at('2026-10-25T00:30Z'))).toEqual({
      open: true,
      untilMs: at('2026-10-25T01:00Z'),
    });
    expect(opennessAt(nightly, at('2026-10-25T01:30Z'))).toMatchObject({
      ...{ open: false, opensAtMs: at('2026-10-26T01:30Z') },
    });
    const over = {
      windows: [{ cron: '0 22 * * *', durationMs: 8 * hour, timeZone: 'Europe/Berlin' }],
      freezes: [],
    };
    expect(opennessAt(over, at('2026-03-28T23:00Z'))).toEqual({
      open: true,
      untilMs: at('2026-03-29T05:00Z'),
    });
    expect(opennessAt(over, at('2026-10-24T23:00Z'))).toEqual({
      open: true,
      untilMs: at('2026-10-25T04:00Z'),
    });
  });

  it('knows how long February is', () => {
    const on = (cron: string) => ({ windows: [{ cron, durationMs: hour, timeZone: 'UTC' }], freezes: [] });
    const opens = (cron: string, from: string) => {
      const found = opennessAt(on(cron), at(from));
      return found.open || found.opensAtMs === undefined ? 'open' : new Date(found.opensAtMs).toISOString();
    };
    expect(opens('0 0 29 2 *', '2026-11-21T00:00Z')).toBe('2028-02-29T00:00:00.000Z');
    expect(opens('0 0 31 * *', '2026-02-15T00:00Z')).toBe('2026-03-31T00:00:00.000Z');
    expect(opens('0 0 L * *', '2028-02-15T00:00Z')).toBe('2028-02-29T00:00:00.000Z');
  });

  it('is shut by a freeze that begins within a window, by all that follow it, and goes on with the rest of it', () => {
    const freezes = [
      { fromMs: at('2026-11-20T10:00Z'), untilMs: at('2026-11-20T11:00Z'), reason: 'a launch' },
      { fromMs: at('2026-11-20T11:00Z'), untilMs: at('2026-11-20T12:00Z'), reason: '' },
    ];
    const both = { windows: [office], freezes };
    expect(opennessAt(both, at('2026-11-20T09:00Z'))).toEqual({
      open: true,
      untilMs: at('2026-11-20T10:00Z'),
    });
    expect(opennessAt(both, at('2026-11-20T10:00Z'))).toEqual({
      ...{ open: false, reason: 'frozen: a launch', opensAtMs: at('2026-11-20T12:00Z') },
    });
    expect(opennessAt(both, at('2026-11-20T12:00Z'))).toEqual({
      open: true,
      untilMs: at('2026-11-20T16:00Z'),
    });
  });

  it('is shut in a freeze, and says when it opens after it', () => {
    const both = { windows: [office], freezes: [christmas] };
    // The 27th is a Sunday.
    expect(opennessAt(both, at('2026-12-24T10:00Z'))).toEqual({
      ...{ open: false, reason: 'frozen: holidays', opensAtMs: at('2026-12-28T08:00:00Z') },
    });
    expect(opennessAt({ windows: [], freezes: [christmas] }, at('2026-12-23T10:00Z'))).toEqual({
      ...{ open: true, untilMs: christmas.fromMs },
    });
  });
});
