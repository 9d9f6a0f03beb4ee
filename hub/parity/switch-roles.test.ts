import { describe, expect, it } from 'vitest';
import { failoverStrategy } from '../model/strategy.ts';
import { aFailover, aFleet, aGroup, word } from './failover.test-support.ts';
import { isSigned, signOverride } from './sign-override.ts';
import {
  hasRoles,
  strategyOfFailover,
  switchGroup,
  withOverrides,
  withoutOverrides,
  withStrategies,
} from './switch-roles.ts';

const overridden = aFailover({ override: word, phase: 'Switching' });

describe('withOverrides', () => {
  it("lays the hub's word over Git, which can be taken off again", () => {
    const fleet = withOverrides(aFleet(), [overridden]);
    expect(fleet.clusters.get('eu-2')).toMatchObject({ role: 'primary', override: { roleInGit: 'standby' } });
    expect(fleet.clusters.get('us-1')?.override).toBeUndefined();
    expect(fleet.parityGroups.get('eu')).toMatchObject({ primary: 'eu-2', standbys: { clusters: ['eu-1'] } });
    expect(hasRoles(fleet, overridden.roles, 'force')).toBe(true);
    expect(hasRoles(fleet, overridden.roles, 'git')).toBe(false);
    expect(withoutOverrides(fleet)).toEqual(aFleet());
    expect(withOverrides(fleet, [overridden])).toEqual(fleet);
  });

  it('says nothing where Git says it already, or where it has ended', () => {
    expect(withOverrides(aFleet(), [{ ...overridden, override: { ...word, ended: 'revoked' } }])).toEqual(
      aFleet(),
    );
    const back = { ...overridden, to: 'eu-1', roles: { 'eu-1': 'primary', 'eu-2': 'standby' } } as const;
    expect(withOverrides(aFleet(), [back])).toEqual(aFleet());
  });

  it('leaves the group and the primary alone in a drill', () => {
    const drill = { ...overridden, kind: 'drill', roles: { 'eu-2': 'primary' } } as const;
    const fleet = withOverrides(aFleet(), [drill]);
    expect(fleet.parityGroups.get('eu')).toEqual(aGroup);
    expect([...fleet.clusters.values()].map(({ role }) => role)).toEqual(['primary', 'primary', 'primary']);
  });
});

describe('switchGroup', () => {
  it('lets the old primary stand by, by name or by region', () => {
    const byRegion = { primary: 'a', standbys: { clusters: [], region: 'r' } };
    expect(switchGroup(byRegion, 'b', () => 'r')).toEqual({ ...byRegion, primary: 'b' });
    expect(switchGroup(byRegion, 'b', () => 'elsewhere').standbys.clusters).toEqual(['a']);
    const named = { primary: 'a', standbys: { clusters: ['b', 'c'], region: undefined } };
    const there = switchGroup(named, 'b', () => '');
    expect(there).toEqual({ primary: 'b', standbys: { clusters: ['a', 'c'], region: undefined } });
    expect(switchGroup(there, 'a', () => '')).toEqual(named);
  });
});

describe('the strategy of a failover', () => {
  it('goes to the new primary first, or to both at once where the old one was away', () => {
    const { strategies } = aFleet();
    const { roles } = overridden;
    const apart = strategyOfFailover({ strategy: 'failover', together: false, roles }, strategies);
    expect(apart.only).toEqual(['eu-1', 'eu-2']);
    expect(apart.waves.map(({ name }) => name)).toEqual(['standby', 'rest']);
    expect(apart.reason).toBe('failover');
    const together = strategyOfFailover({ strategy: 'failover', together: true, roles }, strategies);
    expect(together.waves).toMatchObject([{ name: 'all', selector: undefined }]);
    expect(failoverStrategy.reason).toBeUndefined();
  });

  it('takes the place of the own one of its applications, once the roles count', () => {
    const placed = { name: 'web', rollout: { strategy: 'careful', after: {} } };
    const applications = new Map([
      ['web', placed],
      ['other', placed],
    ]) as never;
    const member = (one: { readonly name: string }) => one.name === 'web';
    const before = { ...aFleet(), applications };
    expect(withStrategies(before, [overridden], member).applications).toEqual(applications);
    const after = withStrategies(withOverrides(before, [overridden]), [overridden], member).applications;
    expect(after.get('web')?.rollout).toEqual({ inline: strategyOfFailover(overridden, new Map()) });
    const given = { ...overridden, assigned: true } as const;
    expect(withStrategies(withOverrides(before, [given]), [given], member).applications).toEqual(
      applications,
    );
  });
});

describe('signOverride', () => {
  it('holds for what was signed by this key alone', () => {
    const key = Buffer.from('key');
    const signed = {
      ...overridden,
      override: { ...word, signature: signOverride(overridden, word.untilMs, key) },
    };
    expect(isSigned(signed, key)).toBe(true);
    expect(isSigned(signed, Buffer.from('other'))).toBe(false);
    expect(isSigned({ ...signed, roles: { 'us-1': 'none' } }, key)).toBe(false);
    expect(isSigned({ ...signed, override: { ...signed.override, untilMs: word.untilMs + 1 } }, key)).toBe(
      false,
    );
    expect(isSigned({ ...signed, override: { ...signed.override, signature: '' } }, key)).toBe(false);
  });
});
