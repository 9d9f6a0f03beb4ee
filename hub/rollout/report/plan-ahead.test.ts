import { describe, expect, it } from 'vitest';
import { defaultStrategy, defaultWave } from '../../model/strategy.ts';
import { createFixture } from '../testing/fixture.test-support.ts';
import { planAhead } from './plan-ahead.ts';

type Fixture = ReturnType<typeof createFixture>;

const aheadOf = (fixture: Fixture, revision = 'next') =>
  planAhead({ ...fixture.inputFor(revision), pauses: [] });

describe('planAhead', () => {
  it('says nothing of a revision that changes nothing', () => {
    const fleet = createFixture().cluster('eu-1').application('web', ['eu-1']);
    fleet.revise('r1');
    expect(aheadOf(fleet)).toEqual([]);
  });

  it('says of clusters that are to leave that their removal waits for a confirmation', () => {
    const fleet = createFixture(0).cluster('eu-1').cluster('eu-2').application('web', ['eu-1', 'eu-2']);
    fleet.revise('r1');
    fleet.application('web', ['eu-1']);
    expect(aheadOf(fleet)).toMatchObject([
      {
        application: 'web',
        outcome: 'nothing',
        leftOut: [
          { reason: 'same', clusters: ['eu-1'] },
          { reason: 'removal', clusters: ['eu-2'] },
        ],
      },
    ]);
    const free = createFixture(9).cluster('eu-1').cluster('eu-2').application('web', ['eu-1', 'eu-2']);
    free.revise('r1');
    const [web] = aheadOf(free.application('web', ['eu-1']));
    expect(web).toMatchObject({ outcome: 'amends', waves: [{ clusters: ['eu-2'], leaving: ['eu-2'] }] });
  });

  it('tells of an application that leaves the fleet, and of clusters that join what there is', () => {
    const fleet = createFixture().cluster('eu-1').cluster('eu-2').application('web', ['eu-1']);
    fleet.application('db', ['eu-1']).revise('r1');
    fleet.withoutApplication('db').application('web', ['eu-1', 'eu-2']);
    expect(
      aheadOf(fleet).map(({ application, outcome, waves }) => [
        application,
        outcome,
        ...waves.map(({ name, clusters }) => `${name}: ${clusters}`),
      ]),
    ).toEqual([
      ['db', 'begins', 'all: eu-1'],
      ['web', 'amends', 'all: eu-2'],
    ]);
  });

  it('says of what was rolled back that it is held: nothing begins, though it ends what is under way', () => {
    const fleet = createFixture().cluster('eu-1').application('web', ['eu-1']);
    fleet.revise('r1');
    fleet.render('web', 'eu-1', ['ConfigMap/bad']).revise('r2');
    const held = [fleet.assignments().get('eu-1/web')?.targetDigest ?? ''];
    fleet.render('web', 'eu-1', ['ConfigMap/good']).revise('r3');
    const later = fleet.render('web', 'eu-1', ['ConfigMap/bad']).inputFor('r4');
    const rollouts = new Map(
      [...later.waves.rollouts].map(([name, one]) => [
        name,
        { ...one, state: { ...one.state, phase: 'Progressing' as const, held } },
      ]),
    );
    const [web] = planAhead({ ...later, waves: { ...later.waves, rollouts }, pauses: [] });
    expect(web).toMatchObject({
      ...{ outcome: 'nothing', waves: [], strategy: undefined },
      supersedes: { phase: 'Progressing' },
      leftOut: [{ reason: 'held', clusters: ['eu-1'] }],
    });
  });

  it('names the waves that ask for clusters by labels and get none: their gates hold up nothing', () => {
    const fleet = createFixture().cluster('eu-1').application('web', ['eu-1']);
    const input = fleet.inputFor('r1');
    const canary = {
      ...defaultWave,
      name: 'canary',
      selector: { matchLabels: { tier: 'canary' }, matchExpressions: [] },
    };
    const inline = {
      ...defaultStrategy,
      waves: [canary, { ...defaultWave, name: 'none', take: { unit: 'clusters', value: 0 } as const }],
    };
    const applications = new Map(
      [...input.fleet.applications].map(([name, one]) => [name, { ...one, rollout: { inline } }]),
    );
    const planned = planAhead({
      ...input,
      fleet: { ...input.fleet, applications },
      waves: { ...input.waves, matches: () => false },
      pauses: [],
    });
    expect(planned).toMatchObject([
      { strategy: { emptyWaves: ['canary'] }, waves: [{ name: 'rest', clusters: ['eu-1'] }] },
    ]);
  });

  it('plans a release that waits for another environment as if that had proven it now', () => {
    const fleet = createFixture().cluster('eu-1').cluster('eu-2').cluster('st-1');
    fleet.application('staging', ['st-1']).application('web', ['eu-1', 'eu-2']).revise('r1');
    for (const cluster of ['eu-1', 'eu-2']) fleet.render('web', cluster, ['ConfigMap/new']);
    const input = fleet.inputFor('r2');
    const after = { application: 'staging', environment: '', soakMs: 3_600_000 };
    const applications = new Map(
      [...input.fleet.applications].map(([name, one]) =>
        name === 'web' ? [name, { ...one, rollout: { strategy: 'careful', after } }] : [name, one],
      ),
    );
    const facts = new Map(
      ['eu-1', 'eu-2'].map((name) => [name, { name, region: 'eu', labels: {}, pair: '', primary: false }]),
    );
    const waves = { ...input.waves, facts, connected: new Set(['eu-2']) };
    const [web] = planAhead({ ...input, fleet: { ...input.fleet, applications }, waves, pauses: [] });
    expect(web).toMatchObject({
      ...{ application: 'web', outcome: 'waits', after: { application: 'staging', soakMs: 3_600_000 } },
      // A first wave of one takes one that is there.
      waves: [
        { name: 'first', clusters: ['eu-2'], away: [] },
        { name: 'quarter', clusters: ['eu-1'], away: ['eu-1'] },
      ],
    });
  });

  it('changes nothing of what it was given, and asks for no id', () => {
    const fleet = createFixture().cluster('eu-1').application('web', ['eu-1']);
    const input = fleet.inputFor('r1');
    const before = structuredClone({
      ...input,
      newId: undefined,
      waves: { ...input.waves, matches: undefined },
    });
    const newId = () => {
      throw new Error('asked for an id');
    };
    expect(planAhead({ ...input, ...{ newId }, pauses: [] })).toHaveLength(1);
    expect({ ...input, newId: undefined, waves: { ...input.waves, matches: undefined } }).toEqual(before);
  });
});
