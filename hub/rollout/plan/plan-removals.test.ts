import { describe, expect, it } from 'vitest';
import { createFixture } from '../testing/fixture.test-support.ts';
import { planRemovals, type Removal } from './plan-removals.ts';

const names = (count: number, prefix = 'eu') =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

function fleetOf(count: number, confirmAbove: number, applications: readonly string[] = ['web']) {
  const fleet = createFixture(confirmAbove);
  for (const name of names(count)) fleet.cluster(name);
  for (const application of applications) fleet.application(application, names(count));
  fleet.revise('r1');
  return fleet;
}

const typesOf = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type);

describe('removals', () => {
  it('go at once up to the stated number', () => {
    const plan = fleetOf(3, 3).withoutApplication('web').revise('r2');
    expect(plan.decisions).toHaveLength(3);
    expect(plan.confirmations).toEqual([]);
  });

  it('wait above it, with one confirmation and one event', () => {
    const fleet = fleetOf(4, 3).withoutApplication('web');
    const plan = fleet.revise('r2');
    expect(plan.decisions).toEqual([]);
    expect(plan.confirmations).toMatchObject([{ kind: 'application', subject: 'web', assignments: 4 }]);
    expect(typesOf(plan.events)).toEqual(['removal.held']);
    const again = fleet.revise('r3');
    expect(again.confirmations).toEqual(plan.confirmations);
    expect(again.events).toEqual([]);
  });

  it('stay held when fewer are left, until they are confirmed', () => {
    const removals = names(4).map(
      (cluster): Removal => ({
        kind: 'application',
        subject: 'web',
        assignment: {
          cluster,
          application: 'web',
          targetDigest: 'd',
          releaseId: 'r',
          revisionId: 'r1',
          reason: 'release',
          generation: 1,
          assignedAtMs: 0,
          removed: false,
        },
      }),
    );
    const common = { confirmAbove: 3, revisionId: 'r2', nowMs: 5 };
    const [held] = planRemovals({ ...common, removals, confirmations: [] }).confirmations;
    const open = { ...held!, confirmedAtMs: undefined, confirmedBy: undefined };
    const rest = removals.slice(2);
    const next = planRemovals({ ...common, removals: rest, confirmations: [open] });
    expect(next.released).toEqual([]);
    expect(next.confirmations).toMatchObject([{ subject: 'web', assignments: 2 }]);
    const confirmed = { ...next.confirmations[0]!, confirmedAtMs: 6, confirmedBy: 'ann' };
    const last = planRemovals({ ...common, removals: rest, confirmations: [confirmed] });
    expect(last.released).toEqual(rest);
  });

  it('go once they are confirmed', () => {
    const fleet = fleetOf(4, 3).withoutApplication('web');
    fleet.revise('r2');
    const plan = fleet.confirm(fleet.confirmations()[0]?.id ?? '').revise('r2');
    expect(plan.decisions.map(({ removed }) => removed)).toEqual([true, true, true, true]);
    expect(plan.confirmations).toEqual([]);
    expect(fleet.revise('r3').decisions).toEqual([]);
  });

  it('are cancelled by bringing back what was gone', () => {
    const fleet = fleetOf(4, 3).withoutApplication('web');
    fleet.revise('r2');
    const plan = fleet.application('web', names(4)).revise('r3');
    expect([plan.confirmations, plan.decisions, plan.releases]).toEqual([[], [], []]);
  });

  it('do not take a confirmation of long ago for one of now', () => {
    const fleet = fleetOf(4, 3).withoutApplication('web');
    fleet.revise('r2');
    fleet.confirm(fleet.confirmations()[0]?.id ?? '').revise('r2');
    for (const name of names(4)) fleet.applied(name, 'web');
    fleet.application('web', names(4)).revise('r3');
    const plan = fleet.withoutApplication('web').revise('r4');
    expect(plan.decisions).toEqual([]);
    expect(plan.confirmations).toHaveLength(1);
  });

  it('wait when one revision removes many little ones, each until its own confirmation', () => {
    const fleet = fleetOf(2, 3, ['a', 'b']).withoutApplication('a').withoutApplication('b');
    const plan = fleet.revise('r2');
    expect(plan.confirmations.map(({ subject }) => subject)).toEqual(['a', 'b']);
    const next = fleet.confirm(plan.confirmations[0]?.id ?? '').revise('r2');
    expect(next.decisions.map(({ application }) => application)).toEqual(['a', 'a']);
    expect(next.confirmations.map(({ subject }) => subject)).toEqual(['b']);
  });

  it('of a cluster and of a placement wait under their own names', () => {
    const cluster = fleetOf(1, 1, ['a', 'b']).withoutCluster('eu-0').revise('r2');
    expect(cluster.confirmations).toMatchObject([{ kind: 'cluster', subject: 'eu-0', assignments: 2 }]);
    const placement = fleetOf(3, 1).application('web', names(1)).revise('r2');
    expect(placement.confirmations).toMatchObject([{ kind: 'placement', subject: 'web', assignments: 2 }]);
  });

  it('do not happen while the fleet has problems, nor are they forgotten', () => {
    const fleet = fleetOf(4, 3).withoutApplication('web');
    const held = fleet.revise('r2').confirmations;
    const plan = fleet
      .confirm(held[0]?.id ?? '')
      .broken(true)
      .revise('r3');
    expect(plan.decisions).toEqual([]);
    expect(fleet.broken(false).revise('r4').decisions).toHaveLength(4);
  });

  it('open no confirmation while the fleet has problems', () => {
    const plan = fleetOf(4, 3).withoutApplication('web').broken(true).revise('r2');
    expect([plan.decisions, plan.confirmations, typesOf(plan.events)]).toEqual([[], [], ['revision.failed']]);
  });

  it('do not happen while a restored hub waits for its confirmation', () => {
    const fleet = fleetOf(2, 3).openRestore().withoutApplication('web');
    expect(fleet.revise('r2').decisions).toEqual([]);
    expect(fleet.confirm('restored').revise('r3').decisions).toHaveLength(2);
  });
});

describe('hand-over', () => {
  it('puts the application that gains an object before the one that loses it', () => {
    const fleet = createFixture()
      .cluster('eu-1')
      .application('a', ['eu-1'])
      .application('b', ['eu-1'])
      .application('c', ['eu-1']);
    fleet
      .render('a', 'eu-1', ['ConfigMap/x', 'ConfigMap/a'])
      .render('b', 'eu-1', ['ConfigMap/y'])
      .revise('r1');
    const plan = fleet
      .render('a', 'eu-1', ['ConfigMap/a'])
      .render('b', 'eu-1', ['ConfigMap/x'])
      .render('c', 'eu-1', ['ConfigMap/y'])
      .revise('r2');
    expect(plan.decisions.map(({ application }) => application)).toEqual(['c', 'b', 'a']);
  });

  it('puts it before an application that is removed altogether', () => {
    const fleet = createFixture().cluster('eu-1').application('a', ['eu-1']).application('b', ['eu-1']);
    fleet.render('a', 'eu-1', ['ConfigMap/x']).revise('r1');
    const plan = fleet
      .withoutApplication('a')
      .render('b', 'eu-1', ['ConfigMap/x', 'ConfigMap/b'])
      .revise('r2');
    expect(plan.decisions.map(({ application }) => application)).toEqual(['b', 'a']);
  });

  it('keeps the order of names where applications exchange objects', () => {
    const fleet = createFixture().cluster('eu-1').application('a', ['eu-1']).application('b', ['eu-1']);
    fleet.render('a', 'eu-1', ['ConfigMap/x']).render('b', 'eu-1', ['ConfigMap/y']).revise('r1');
    const plan = fleet.render('a', 'eu-1', ['ConfigMap/y']).render('b', 'eu-1', ['ConfigMap/x']).revise('r2');
    expect(plan.decisions.map(({ application }) => application).sort()).toEqual(['a', 'b']);
  });
});
