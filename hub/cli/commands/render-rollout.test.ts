import { describe, expect, it } from 'vitest';
import type { ApiRollout } from '../../api/schemas/rollout.ts';
import { createColours } from '../output/colour.ts';
import { renderRollout } from './render-rollout.ts';
import { nextSteps } from './rollout-next-steps.ts';

type Wave = ApiRollout['waves'][number];
type Cluster = Wave['clusters'][number];

const startedAt = '2026-01-05T12:00:00.000Z';
const look = { nowMs: Date.parse(startedAt) + 90_000, colours: createColours({ terminal: false, env: {} }) };

const cluster = (name: string, step: Cluster['step'], waitsOn = ''): Cluster => ({
  ...{ cluster: name, step, waitsOn },
  ...{ assignedAt: null, appliedAt: null, healthyAt: null, next: null },
});

function wave(name: string, clusters: readonly Cluster[], about: Partial<Wave> = {}): Wave {
  const count = (step: Cluster['step']) => clusters.filter((one) => one.step === step).length;
  return {
    ...{ name, state: 'Waiting', gate: 'before', waitsOn: 'the wave before it', next: null },
    ...{ startedAt: null, settledAt: null, endedAt: null, clusters: [...clusters] },
    counts: {
      ...{ clusters: clusters.length, healthy: count('Healthy'), failed: count('Failed') },
      ...{ excluded: 0, rolledBack: count('RolledBack'), untouched: count('Waiting') },
    },
    ...about,
  };
}

const rollout = (about: Partial<ApiRollout>): ApiRollout => ({
  ...{ application: 'web', releaseId: 'r1', revisionId: 'a633276000', strategy: 'by-region' },
  ...{ phase: 'Progressing', message: '', startedAt, endedAt: null, waves: [], next: null },
  ...{ promotion: null, revert: null, held: null, ...about },
});

const verbs = (about: Partial<ApiRollout>) =>
  nextSteps(rollout(about)).map(([command]) => command.split(' ')[2]);

describe('nextSteps', () => {
  it('names nobody while it goes on by itself', () => {
    const soaks = wave('eu', [], { state: 'Soaking', gate: 'soak' });
    expect(verbs({ waves: [soaks] })).toEqual([]);
    expect(verbs({ phase: 'RollingBack', waves: [soaks] })).toEqual([]);
    expect(verbs({ phase: 'Complete' })).toEqual([]);
  });

  it('asks for what the first open wave waits for', () => {
    const done = wave('canary', [], { state: 'Done', gate: 'none' });
    const later = wave('late', [], { gate: 'before' });
    const at = (gate: Wave['gate']) => [done, wave('eu', [], { state: 'Running', gate }), later];
    expect(verbs({ waves: at('approval') })).toEqual(['approve', 'reject']);
    expect(verbs({ waves: at('away') })).toEqual(['exclude']);
    expect(verbs({ waves: at('clusters') })).toEqual([]);
  });

  it('tells what to do about a failure, a pause, and what is held', () => {
    const failed = wave('eu', [cluster('eu-1', 'Failed', 'bad')]);
    const held = { clusters: ['eu-2'], message: 'they keep what they have' };
    expect(verbs({ phase: 'Paused', waves: [failed] })).toEqual(['retry', 'exclude', 'rollback']);
    expect(verbs({ phase: 'Paused' })).toEqual(['resume', 'abort']);
    expect(verbs({ phase: 'Paused', held })).toEqual(['retry', 'abort']);
    expect(verbs({ phase: 'Complete', held })).toEqual(['retry']);
    expect(verbs({ phase: 'Progressing', held })).toEqual(['retry']);
    expect(verbs({ phase: 'RolledBack' })).toEqual(['retry']);
  });

  it('gives commands that can be copied', () => {
    expect(nextSteps(rollout({ phase: 'RolledBack' }))[0]?.[0]).toBe(
      'fairway rollout retry web --reason TEXT',
    );
  });
});

describe('renderRollout', () => {
  it('says of one that went back what became of each wave, and what may be done', () => {
    const none = { gate: 'none', waitsOn: '' } as const;
    const text = renderRollout(
      rollout({
        phase: 'RolledBack',
        message: 'wave canary: ap-1: Deployment web/web: bad',
        endedAt: startedAt,
        waves: [
          wave('canary', [cluster('ap-1', 'RolledBack')], { state: 'Running', ...none }),
          wave('rest', [cluster('eu-1', 'Waiting'), cluster('us-1', 'Waiting')], none),
        ],
      }),
      look,
    );
    expect(text).toBe(`web: RolledBack: wave canary: ap-1: Deployment web/web: bad
rollout r1, revision a633276, strategy by-region, began 1 min ago
  fairway rollout retry web --reason TEXT  begins it anew; a commit that brings something else needs no retry

canary  Ended early, 0/1 healthy
  ap-1  RolledBack

rest  Not begun, 0/2 healthy
  2 clusters never got it
`);
  });

  it('aligns clusters to the longest name, and says once what is left of a soak', () => {
    const waves = [
      wave('first', [cluster('eu-1', 'Healthy')], {
        ...{ state: 'Soaking', gate: 'soak', waitsOn: 'its soak: 30 s left' },
        next: { at: '2026-01-05T12:02:00.000Z', what: 'soak-ends' },
      }),
      wave('rest', [
        cluster('ap-southeast-1', 'Waiting', 'its turn'),
        cluster('us-1', 'Waiting', 'its turn'),
      ]),
    ];
    expect(renderRollout(rollout({ waves }), look).split('\n').slice(2)).toEqual([
      '',
      'first  Soaking, 1/1 healthy, waits on its soak: 30 s left',
      '  1 healthy',
      '',
      'rest  Waiting, 0/2 healthy, waits on the wave before it',
      '  ap-southeast-1  Waiting     its turn',
      '  us-1            Waiting     its turn',
      '',
    ]);
  });
});
