import { describe, expect, it } from 'vitest';
import { failoverPhases } from '../model/failover.ts';
import { aFailover, aFleet, aGroup, word } from './failover.test-support.ts';
import { clashOf, meetOpen, rolesAfter, sharedGroups } from './meet-failovers.ts';
import { withOverrides } from './switch-roles.ts';

const over = { kind: 'failover', to: 'eu-2', primary: 'eu-1' } as const;
const back = { kind: 'back', to: 'eu-1', primary: 'eu-2' } as const;
const on = { kind: 'failover', to: 'eu-3', primary: 'eu-2' } as const;

describe('meetOpen', () => {
  it('lets one begin where none is open, and back or on to another where one has come', () => {
    const met = (asked: Parameters<typeof meetOpen>[1]) =>
      failoverPhases.map((phase) => meetOpen(aFailover({ phase }), asked, aFleet()).type);
    expect(meetOpen(undefined, over, aFleet())).toEqual({ type: 'free' });
    const [no, yes] = ['refused', 'instead'] as const;
    // Writing, Proposed, Switching, TrafficReady, Restoring, Done, Ended
    expect(met(over)).toEqual([no, no, no, no, yes, 'free', 'free']);
    expect(met(back)).toEqual([no, no, yes, yes, yes, 'free', 'free']);
    expect(met(on)).toEqual([no, no, yes, yes, yes, 'free', 'free']);
    expect(met({ ...over, kind: 'drill' })).toEqual([no, no, no, no, no, 'free', 'free']);
    expect(meetOpen(aFailover({ phase: 'Switching' }), on, aFleet())).toMatchObject({
      confirm: [expect.stringContaining('from eu-1 to eu-2 is still open')],
    });
  });

  it('waits for no drill, but for roles that still count though they are given back', () => {
    const drill = aFailover({
      kind: 'drill',
      phase: 'Switching',
      roles: { 'eu-2': 'primary' },
      override: word,
    });
    expect(meetOpen(drill, over, aFleet()).type).toBe('instead');
    const given = aFailover({ phase: 'Switching', override: word });
    const counting = withOverrides(aFleet(), [given]);
    expect(meetOpen({ ...given, phase: 'Restoring' }, over, counting)).toMatchObject({
      message: expect.stringContaining('try again in a moment'),
    });
  });
});

describe('rolesAfter', () => {
  it("keeps what only the word of the one before said, not a drill's, nor what Git has", () => {
    const roles = { 'eu-2': 'standby', 'eu-3': 'primary' } as const;
    const all = { 'eu-1': 'standby', ...roles };
    expect(rolesAfter(aFailover({ override: word }), roles)).toEqual(all);
    expect(rolesAfter(aFailover({ override: word, kind: 'drill' }), roles)).toEqual(roles);
    expect(rolesAfter(aFailover(), roles)).toEqual(roles);
  });
});

describe('groups that share clusters', () => {
  const about = { group: 'eu', roles: aFailover().roles };

  it('clash where an open failover of another gives a cluster another role', () => {
    const other = aFailover({ group: 'far', roles: { 'eu-2': 'standby', 'us-1': 'primary' } });
    expect(clashOf(about, [other])).toContain('eu-2 is to be standby by the failover of far');
    expect(clashOf(about, [{ ...other, phase: 'Done' }])).toBeUndefined();
    const drilled = { ...other, kind: 'drill', phase: 'Restoring' } as const;
    expect(clashOf(about, [drilled])).toBeDefined();
    expect(clashOf(about, [{ ...drilled, restoredAtMs: 1 }])).toBeUndefined();
    expect(clashOf(about, [{ ...other, group: 'eu' }])).toBeUndefined();
    expect(clashOf(about, [{ ...other, roles: about.roles }])).toBeUndefined();
  });

  it('are named where a cluster of theirs gets another role', () => {
    const group = (name: string, primary: string, standby: string) =>
      [name, { ...aGroup, name, primary, standbys: { clusters: [standby], region: undefined } }] as const;
    const parityGroups = new Map([
      group('eu', 'eu-1', 'eu-2'),
      group('twin', 'eu-1', 'eu-2'),
      group('far', 'us-1', 'eu-2'),
      group('apart', 'us-1', 'us-2'),
    ]);
    expect(sharedGroups(about, { parityGroups }, ({ standbys }) => standbys.clusters)).toEqual([
      'eu-1 is the primary of twin too, which has none then until it fails over as well',
      'eu-2 stands by for us-1 in far too, and has the role of a primary there as well',
    ]);
  });
});
