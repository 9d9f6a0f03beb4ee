import { describe, expect, it } from 'vitest';
import type { ObservedObject } from '../model/record.ts';
import { isBeyondLimit, type PrunePlanInput, planPrune } from './plan-prune.ts';

function member(kind: string, name: string, parts: Partial<ObservedObject> = {}): ObservedObject {
  return {
    key: { group: '', kind, namespace: kind === 'Namespace' ? '' : 'n', name },
    apiVersion: 'v1',
    facts: { uid: '', resourceVersion: '', generation: undefined, own: '', metadata: '', foreign: '' },
    partOf: 'set',
    health: { status: 'Current', reason: '', message: '' },
    pruneAnnotation: undefined,
    hookRun: undefined,
    wave: 0,
    finalizers: [],
    deletedAtMs: undefined,
    controlled: false,
    applied: true,
    ...parts,
  };
}
function plan(members: readonly ObservedObject[], parts: Partial<PrunePlanInput> = {}) {
  const made = planPrune({
    members,
    desired: new Set(),
    claimedBy: () => undefined,
    namespaceUsed: () => false,
    pruneEnabled: true,
    nowMs: 0,
    ...parts,
  });
  return {
    deletes: made.deletes.map(({ key }) => key.name),
    retained: made.retained.map(({ object }) => object.key.name),
    leaving: made.leaving.map(({ key }) => key.name),
    later: made.later.map(({ key }) => key.name),
  };
}

describe('planPrune', () => {
  it('deletes what is not desired, last applied first', () => {
    const members = [
      member('ConfigMap', 'a'),
      member('Deployment', 'b'),
      member('Service', 'c'),
      member('Secret', 'd'),
    ];
    expect(plan(members, { desired: new Set(['/Secret/n/d']) }).deletes).toEqual(['b', 'c', 'a']);
  });

  it('leaves alone what another application desires, a controller made, or a person copied', () => {
    const members = [
      member('ConfigMap', 'theirs'),
      member('EndpointSlice', 'copy', { controlled: true }),
      member('ConfigMap', 'copied', { applied: false }),
    ];
    const made = plan(members, { claimedBy: (text) => (text.endsWith('theirs') ? 'b' : undefined) });
    expect(made).toEqual({ deletes: [], retained: [], leaving: [], later: [] });
  });

  it('keeps protected kinds unless the object says that it may go, and what says that it must stay', () => {
    const members = [
      member('Namespace', 'kept'),
      member('Namespace', 'free', { pruneAnnotation: 'allowed' }),
      member('PersistentVolumeClaim', 'claim'),
      member('ConfigMap', 'disabled', { pruneAnnotation: 'disabled' }),
    ];
    expect(plan(members)).toMatchObject({ deletes: ['free'], retained: ['kept', 'claim', 'disabled'] });
  });

  it('keeps a namespace in which another application has objects', () => {
    const members = [member('Namespace', 'free', { pruneAnnotation: 'allowed' })];
    expect(plan(members, { namespaceUsed: () => true }).retained).toEqual(['free']);
  });

  it('goes down the waves, each when the one above is gone, or has had five minutes', () => {
    const terminating = { status: 'Terminating', reason: '', message: '' } as const;
    const members = [
      member('ConfigMap', 'first', { wave: -1 }),
      member('ConfigMap', 'second'),
      member('Deployment', 'also', { wave: 0 }),
      member('ConfigMap', 'top', { wave: 2 }),
    ];
    expect(plan(members)).toMatchObject({ deletes: ['top'], later: ['also', 'second', 'first'] });
    const going = member('ConfigMap', 'top', { wave: 2, health: terminating, deletedAtMs: 1_000 });
    const rest = [...members.slice(0, 3), going];
    expect(plan(rest, { nowMs: 300_999 })).toMatchObject({ deletes: [], later: ['also', 'second', 'first'] });
    expect(plan(rest, { nowMs: 301_000 })).toMatchObject({ deletes: ['also', 'second'], later: ['first'] });
  });

  it('asks where more than a share, and more than ten, would go', () => {
    expect(isBeyondLimit(10, 0, 50)).toBe(false);
    expect(isBeyondLimit(11, 0, 50)).toBe(true);
    expect(isBeyondLimit(11, 11, 50)).toBe(false);
    expect(isBeyondLimit(11, 0, 100)).toBe(false);
    expect(isBeyondLimit(20, 180, 9)).toBe(true);
  });

  it('keeps everything when pruning is off, and waits for what is leaving', () => {
    const terminating = { status: 'Terminating', reason: '', message: '' } as const;
    const members = [member('ConfigMap', 'a'), member('ConfigMap', 'b', { health: terminating })];
    expect(plan(members, { pruneEnabled: false })).toEqual({
      deletes: [],
      retained: ['a'],
      leaving: ['b'],
      later: [],
    });
  });
});
