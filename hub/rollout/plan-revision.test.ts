import { describe, expect, it } from 'vitest';
import { createFixture } from './fixture.test-support.ts';

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
});
