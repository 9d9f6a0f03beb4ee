import { describe, expect, it } from 'vitest';
import { createFixture } from '../testing/fixture.test-support.ts';
import { planRevision } from './plan-revision.ts';

describe('planRevision', () => {
  it('releases an application to each placed cluster, once', () => {
    const fleet = createFixture().cluster('eu-1').cluster('us-1').application('web', ['eu-1', 'us-1']);
    const plan = fleet.revise('r1');
    expect(plan.releases).toHaveLength(1);
    expect(
      plan.decisions.map(({ cluster, application, removed }) => [cluster, application, removed]),
    ).toEqual([
      ['eu-1', 'web', false],
      ['us-1', 'web', false],
    ]);
    expect(plan.targets).toHaveLength(1);
    expect(plan.events.map(({ type }) => type)).toEqual([
      'release.created',
      'assignment.changed',
      'assignment.changed',
    ]);
    expect(plan.events[0]).toMatchObject({
      actor: 'Ana <ana@example.com>',
      message: 'web at r1 for 2 clusters: Change r1',
    });
    const again = fleet.revise('r1');
    expect([again.releases, again.decisions, again.events, again.targets]).toEqual([[], [], [], []]);
    expect(again.resolutions).toEqual(plan.resolutions);
  });

  it('decides only for clusters whose Target differs', () => {
    const fleet = createFixture().cluster('eu-1').cluster('us-1').application('web', ['eu-1', 'us-1']);
    fleet.revise('r1');
    const plan = fleet.render('web', 'us-1', ['ConfigMap/new']).revise('r2');
    expect(plan.decisions.map(({ cluster }) => cluster)).toEqual(['us-1']);
    expect(Object.keys(plan.releases[0]?.targets ?? {})).toEqual(['eu-1', 'us-1']);
    expect(fleet.revise('r3').releases).toEqual([]);
  });

  it('leaves a cluster at what it had when its render fails, and says so once', () => {
    const fleet = createFixture().cluster('eu-1').cluster('us-1').application('web', ['eu-1', 'us-1']);
    fleet.revise('r1');
    const plan = fleet
      .render('web', 'us-1', 'bad image')
      .render('web', 'eu-1', ['ConfigMap/new'])
      .revise('r2');
    expect(plan.decisions.map(({ cluster }) => cluster)).toEqual(['eu-1']);
    expect(plan.resolutions[0]?.problems).toMatchObject([
      { cluster: 'us-1', problem: { message: 'bad image' } },
    ]);
    expect(plan.events.filter(({ type }) => type === 'revision.failed')).toHaveLength(1);
    expect(fleet.revise('r2').events).toEqual([]);
  });

  it.each([
    [
      'the placement loses a cluster',
      (fleet: ReturnType<typeof createFixture>) => fleet.application('web', ['eu-1']),
    ],
    [
      'the Cluster is deleted',
      (fleet: ReturnType<typeof createFixture>) => fleet.withoutCluster('us-1').application('web', ['eu-1']),
    ],
    [
      'the Application is deleted',
      (fleet: ReturnType<typeof createFixture>) => fleet.withoutApplication('web'),
    ],
  ])('takes the application out when %s, with its last options', (_, change) => {
    const fleet = createFixture()
      .cluster('eu-1')
      .cluster('us-1')
      .application('web', ['eu-1', 'us-1'], 'orphan');
    fleet.revise('r1');
    const plan = change(fleet).revise('r2');
    const gone = plan.decisions.filter(({ removed }) => removed);
    expect(gone.map(({ cluster }) => cluster)).toContain('us-1');
    expect(plan.targets.find(({ digest }) => digest === gone[0]?.targetDigest)).toMatchObject({
      removed: true,
    });
    expect(fleet.revise('r3').decisions).toEqual([]);
  });

  it('keeps every cluster where the placement is not known', () => {
    const fleet = createFixture().cluster('eu-1').application('web', ['eu-1']);
    fleet.revise('r1');
    const plan = planRevision({ ...fleet.inputFor('r2'), placements: new Map() });
    expect(plan.decisions).toEqual([]);
    expect(plan.resolutions[0]?.problems).toMatchObject([{ cluster: '', problem: { code: 'internal' } }]);
  });

  it('keeps a cluster for which nothing was rendered', () => {
    const fleet = createFixture().cluster('eu-1').application('web', ['eu-1']);
    fleet.revise('r1');
    const plan = planRevision({ ...fleet.inputFor('r2'), rendered: new Map() });
    expect(plan.decisions).toEqual([]);
    expect(plan.resolutions[0]?.problems).toMatchObject([{ cluster: 'eu-1' }]);
  });

  it('rolls a change of sync options out like a change of manifests', () => {
    const fleet = createFixture().cluster('eu-1').application('web', ['eu-1']);
    const first = fleet.revise('r1');
    const plan = fleet.application('web', ['eu-1'], 'orphan').revise('r2');
    expect(plan.decisions).toHaveLength(1);
    expect(plan.targets[0]?.set.digest).toBe(first.targets[0]?.set.digest);
  });

  it('says of a revert only that it is a release, with the Target of before', () => {
    const fleet = createFixture().cluster('eu-1').application('web', ['eu-1']);
    const first = fleet.revise('r1');
    fleet.render('web', 'eu-1', ['ConfigMap/new']).revise('r2');
    const plan = fleet.render('web', 'eu-1', ['ConfigMap/web']).revise('r3');
    expect(plan.decisions).toMatchObject([
      { reason: 'release', targetDigest: first.decisions[0]?.targetDigest, revisionId: 'r3' },
    ]);
  });

  it('leaves an application that cannot say how to be removed', () => {
    const fleet = createFixture().cluster('eu-1').application('web', ['eu-1']);
    fleet.revise('r1');
    const input = fleet.withoutApplication('web').inputFor('r3');
    const plan = planRevision({ ...input, targets: new Map(), previousFleet: input.fleet });
    expect(plan.decisions).toEqual([]);
    expect(plan.resolutions[0]?.problems).toMatchObject([{ cluster: 'eu-1', problem: { code: 'internal' } }]);
  });

  it('removes with the sync options and deletionPolicy that were in force last', () => {
    const fleet = createFixture().cluster('eu-1').application('web', ['eu-1'], 'orphan');
    fleet.revise('r1');
    const plan = fleet.withoutApplication('web').revise('r2');
    expect(plan.targets).toMatchObject([{ removed: true, deletionPolicy: 'orphan', set: { entries: [] } }]);
  });
});
