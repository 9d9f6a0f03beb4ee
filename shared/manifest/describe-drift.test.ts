import { describe, expect, it } from 'vitest';
import { describeDrift, describeDuration } from './describe-drift.ts';
import type { Drift } from './health.ts';

const foundAtMs = Date.UTC(2026, 0, 2, 11, 15, 33, 400);
const drift = (parts: Partial<Drift>): Drift => ({
  kind: 'changed',
  fields: [],
  managers: [],
  foundAtMs,
  ...parts,
});
const edit = { name: 'kubectl-edit', operation: 'Update', timeMs: foundAtMs - 400 };

describe('describeDrift', () => {
  it('tells fields from what to what, by whom, when and for how long', () => {
    const fields = [
      { path: '/spec/minReplicas', desired: '3', live: '4' },
      { path: '/spec/maxReplicas', desired: '9', live: '12' },
    ];
    expect(describeDrift(drift({ fields, managers: [edit], healedAtMs: foundAtMs + 19 }), false)).toBe(
      '/spec/minReplicas 3 -> 4, /spec/maxReplicas 9 -> 12 by kubectl-edit (Update) at 11:15:33Z; undone after 19 ms',
    );
  });

  it('tells what was added, removed, deleted and made anew', () => {
    const added = [{ path: '/data/b', live: '"2"' }];
    expect(describeDrift(drift({ kind: 'foreign', fields: added, managers: [edit] }), false)).toBe(
      '/data/b "2" added by kubectl-edit (Update) at 11:15:33Z',
    );
    expect(describeDrift(drift({ fields: [{ path: '/data/a', desired: '"1"' }] }), false)).toBe(
      '/data/a "1" removed',
    );
    expect(describeDrift(drift({ kind: 'deleted', healedAtMs: foundAtMs + 1_400 }), false)).toBe(
      'deleted; undone after 1.4 s',
    );
    expect(describeDrift(drift({ kind: 'recreated' }), false)).toBe('deleted and made anew');
  });

  it('names every writer with its time, and the day where it was another', () => {
    const scale = { name: 'kubectl', operation: 'Update scale', timeMs: undefined };
    const yesterday = { ...edit, timeMs: edit.timeMs - 86_400_000 };
    const fields = [{ path: '/spec/replicas', desired: '2', live: '7' }];
    expect(describeDrift(drift({ fields, managers: [yesterday, scale] }), false)).toBe(
      '/spec/replicas 2 -> 7 by kubectl-edit (Update) at 2026-01-01T11:15:33Z, kubectl (Update scale)',
    );
  });

  it('names five fields, cuts values and keeps those of Secrets to itself', () => {
    const fields = Array.from({ length: 7 }, (_, index) => ({
      path: `/data/${index}`,
      desired: '1',
      live: '2',
    }));
    expect(describeDrift(drift({ fields }), false)).toMatch(
      /^\/data\/0 1 -> 2, .*\/data\/4 1 -> 2 and 2 more$/,
    );
    const long = [{ path: '/data/a', desired: '"1"', live: 'x'.repeat(500) }];
    expect(describeDrift(drift({ fields: long }), false).length).toBeLessThan(120);
    expect(describeDrift(drift({ fields: long }), true)).toBe('/data/a changed');
  });
});

describe('describeDuration', () => {
  it('uses the unit a person would', () => {
    expect([19, 999, 1_400, 52_000, 180_000, 7_200_000].map(describeDuration)).toEqual([
      '19 ms',
      '999 ms',
      '1.4 s',
      '52 s',
      '3 min',
      '2 h',
    ]);
  });
});
