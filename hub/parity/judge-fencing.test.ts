import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FencePromise } from '../../shared/manifest/fencing.ts';
import { type FencingFacts, fenceMarginMs, judgeFencing, keptAtMs } from './judge-fencing.ts';

const promise: FencePromise = {
  ...{
    group: 'eu',
    afterMs: 60_000,
    applications: ['api', 'web'],
    fenced: [],
    left: [],
    stopWithinMs: 30_000,
  },
};
const heardAtMs = 1_000_000;
const contact = (...promises: readonly FencePromise[]) => ({ atMs: heardAtMs, instanceId: 'i', promises });
const facts: FencingFacts = {
  ...{ cluster: 'eu-1', applications: ['api', 'web'], connected: false, isStandby: false },
  ...{ contact: contact(promise), nowMs: heardAtMs + 1_000 },
};
const dueMs = keptAtMs(heardAtMs, 60_000, 30_000);

describe('judgeFencing', () => {
  it('believes a promise only when its time, that of pods and a margin are over', () => {
    expect(dueMs).toBe(heardAtMs + 60_600 + 30_000 + fenceMarginMs);
    expect(judgeFencing({ ...facts, nowMs: dueMs - 1 })).toMatchObject({
      ...{
        fenced: 'unknown',
        reason: expect.stringContaining(`known to be kept from ${new Date(dueMs).toISOString()} on`),
      },
    });
    const kept = judgeFencing({ ...facts, nowMs: dueMs });
    expect(kept).toMatchObject({
      fenced: 'yes',
      reason: expect.stringContaining('if it and its API server were'),
    });
  });

  it('takes no account of time while the agent is connected', () => {
    expect(judgeFencing({ ...facts, connected: true, nowMs: dueMs * 2 })).toEqual({
      ...{ fenced: 'no', reason: 'the agent of eu-1 is connected' },
    });
  });

  it('takes the word of the agent, connected or not, once its pods have ended', () => {
    const said = contact({ ...promise, fenced: ['api', 'web'] });
    for (const connected of [true, false]) {
      expect(judgeFencing({ ...facts, connected, contact: said }).fenced).toBe('unknown');
      expect(judgeFencing({ ...facts, connected, contact: said, nowMs: heardAtMs + 30_000 })).toEqual({
        ...{ fenced: 'yes', reason: 'the agent of eu-1 has said that it is fenced' },
      });
    }
    const half = contact({ ...promise, fenced: ['web'] });
    expect(judgeFencing({ ...facts, connected: true, contact: half, nowMs: dueMs }).fenced).toBe('no');
  });

  it('does not know where something was never promised, or cannot be stopped', () => {
    const more = judgeFencing({ ...facts, applications: ['api', 'mail', 'web'], nowMs: dueMs });
    expect(more).toEqual({
      ...{ fenced: 'unknown', reason: 'the agent of eu-1 is away, and has not promised to stop mail' },
    });
    expect(judgeFencing({ ...facts, contact: undefined, nowMs: dueMs }).fenced).toBe('unknown');
    const left = contact({ ...promise, left: ['Pod shop/one: a Pod of its own cannot be stopped'] });
    expect(judgeFencing({ ...facts, contact: left, nowMs: dueMs })).toMatchObject({
      ...{ fenced: 'unknown', reason: expect.stringContaining('Pod shop/one') },
    });
    const stuck = contact({
      ...promise,
      fenced: ['api', 'web'],
      left: ['Deployment shop/web: 2 pods have not ended yet'],
    });
    expect(judgeFencing({ ...facts, connected: true, contact: stuck, nowMs: dueMs }).fenced).toBe('no');
  });

  it('needs no word where nothing is assigned, or all is applied as a standby', () => {
    expect(judgeFencing({ ...facts, applications: [], connected: true }).fenced).toBe('yes');
    expect(judgeFencing({ ...facts, isStandby: true, connected: true }).fenced).toBe('yes');
  });

  it('never believes before an agent whose clock runs a hundredth slower has stopped', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10_000, max: 86_400_000 }),
        fc.integer({ min: 0, max: 600_000 }),
        fc.integer({ min: 0, max: 60_000 }),
        (afterMs, stopWithinMs, onItsWayMs) => {
          // By the hub's clock the agent counts from before the contact came in, and a hundredth slower.
          const stoppedAtMs = heardAtMs - onItsWayMs + afterMs * 1.01 + stopWithinMs;
          const said = contact({ ...promise, afterMs, stopWithinMs });
          const before = { ...facts, contact: said, nowMs: Math.floor(stoppedAtMs) };
          expect(judgeFencing(before).fenced).toBe('unknown');
        },
      ),
    );
  });
});
