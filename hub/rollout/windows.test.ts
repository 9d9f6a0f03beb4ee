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
