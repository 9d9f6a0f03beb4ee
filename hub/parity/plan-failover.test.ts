import { describe, expect, it } from 'vitest';
import { aFleet, aGroup } from './failover.test-support.ts';
import { estimateMs, planConfirmations, planEdits, planRoleChanges, planRoles } from './plan-failover.ts';

const roles = planRoles('failover', 'eu-1', 'eu-2');

describe('a plan of a failover', () => {
  it('switches both roles and the group, and in a drill the standby alone', () => {
    expect(planRoleChanges(roles, aFleet())).toEqual([
      { cluster: 'eu-1', from: 'primary', to: 'standby' },
      { cluster: 'eu-2', from: 'standby', to: 'primary' },
    ]);
    expect(planRoles('drill', 'eu-1', 'eu-2')).toEqual({ 'eu-2': 'primary' });
    expect(
      planEdits(aGroup, roles, 'eu-2', aFleet()).map(({ kind, name, edits }) => ({ kind, name, edits })),
    ).toEqual([
      {
        kind: 'Cluster',
        name: 'eu-1',
        edits: [{ path: ['spec', 'role'], set: 'standby', was: ['primary'] }],
      },
      {
        kind: 'Cluster',
        name: 'eu-2',
        edits: [{ path: ['spec', 'role'], set: 'primary', was: ['standby'] }],
      },
      {
        ...{ kind: 'ParityGroup', name: 'eu' },
        edits: [
          { path: ['spec', 'primary'], set: 'eu-2', was: ['eu-1'] },
          { path: ['spec', 'standbys', 'clusters'], item: 'eu-2', by: 'eu-1' },
        ],
      },
    ]);
  });

  it('has a live primary, an unknown readiness and an agent that is away confirmed', () => {
    const about = { kind: 'failover', primary: 'eu-1', to: 'eu-2', state: undefined } as const;
    const fencing = { fenced: 'unknown', reason: 'the agent of eu-1 is away' } as const;
    const all = planConfirmations({ ...about, fencing, connected: false });
    expect(all).toHaveLength(3);
    expect(all[0]).toContain('may go on serving: the agent of eu-1 is away');
    const fenced = { fencing: { fenced: 'yes', reason: '' } } as const;
    expect(planConfirmations({ ...about, ...fenced, connected: false })).toHaveLength(2);
    expect(planConfirmations({ ...about, kind: 'drill', fencing, connected: true })).toEqual([
      'the readiness of eu-2 is not known: it was not compared yet',
    ]);
  });

  it('estimates by the middle one of the times that were measured', () => {
    expect(estimateMs([])).toBeUndefined();
    expect(estimateMs([{ rtoMs: 9 }, { rtoMs: undefined }, { rtoMs: 1 }, { rtoMs: 5 }])).toBe(5);
  });
});
