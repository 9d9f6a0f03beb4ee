import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairwayError } from '../../shared/error/error.ts';
import { defaultStrategy, defaultWave, type RolloutStrategy } from '../model/strategy.ts';
import type { RolloutAction } from './apply-action.ts';
import { createScriptedFleet } from './testing/scripted-fleet.test-support.ts';
import { createScriptedRollout } from './testing/scripted-rollout.test-support.ts';

const names = ['eu-1', 'eu-2', 'us-1', 'us-2'];
const versions = ['v1', 'v2', 'v3'];
const strategy: RolloutStrategy = {
  ...defaultStrategy,
  waves: [
    { ...defaultWave, name: 'first', take: { unit: 'clusters', value: 1 } },
    { ...defaultWave, name: 'rest' },
  ],
  onFailure: 'rollback',
};

type Step =
  | { readonly type: 'commit'; readonly all: string; readonly own: string | undefined }
  | { readonly type: 'agents' }
  | { readonly type: 'restless' }
  | { readonly type: 'presence'; readonly cluster: number }
  | { readonly type: 'act'; readonly action: RolloutAction['type'] };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('commit' as const),
      all: fc.constantFrom(...versions),
      own: fc.option(fc.constantFrom(...versions), { nil: undefined }),
    }),
  },
  { weight: 8, arbitrary: fc.constant({ type: 'agents' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'restless' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('presence' as const), cluster: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('act' as const),
      action: fc.constantFrom('pause', 'resume', 'retry', 'abort', 'rollback', 'all-at-once'),
    }),
  },
);

/** v2 fails wherever it is, until it is mended. */
function perform(steps: readonly Step[]) {
  const fleet = createScriptedFleet();
  for (const name of names) fleet.add(name);
  const run = createScriptedRollout({ fleet, strategy, matches: () => true });
  let [mended, commits] = [false, 0];
  let wanted = '';
  const broken: string[] = [];
  const settle = () => {
    const held = new Set(run.state()?.held);
    run.settle();
    for (const [, cluster, target = ''] of run
      .told()
      .join(', ')
      .matchAll(/(\S+) gets ([^\s,]+)/g))
      if (held.has(target)) broken.push(`${cluster} got ${target}, which is held`);
  };
  const agents = () => {
    for (const [name, { targetDigest, connected }] of fleet.observed)
      if (connected && targetDigest !== undefined)
        run.say(name, targetDigest === 'v2' && !mended ? 'fails Deployment web/web: bad image' : 'healthy');
    settle();
  };
  const act = (type: RolloutAction['type']) => {
    if (run.state() === undefined) return;
    try {
      run.act({ type, wave: '', cluster: '' } as RolloutAction, 'ann');
    } catch (caught) {
      if (!(caught instanceof FairwayError)) throw caught;
    }
    settle();
  };
  for (const one of steps) {
    if (one.type === 'commit') {
      wanted = `${one.all}${one.own === undefined ? '' : ` us-2=${one.own}`}`;
      run.commit(`r${++commits}`, wanted.split(' '));
      settle();
    } else if (one.type === 'agents') agents();
    else if (one.type === 'restless') mended = !mended;
    else if (one.type === 'presence') {
      const name = names[one.cluster] ?? '';
      run.say(name, fleet.observed.get(name)?.connected ? 'away' : 'back');
      settle();
    } else act(one.action);
  }
  return {
    broken,
    fleet,
    run,
    /** Everything is mended, everybody is there, and somebody sees it through. */
    finish() {
      mended = true;
      for (const name of names) run.say(name, 'back');
      for (let round = 0; round < 6; round += 1) {
        for (let look = 0; look < 6; look += 1) agents();
        act('resume');
        act('retry');
      }
      const [all = '', own] = wanted.split(' ');
      return Object.fromEntries(names.map((name) => [name, name === 'us-2' && own ? own.slice(5) : all]));
    },
  };
}

describe('what is held', () => {
  it('is given to nobody until somebody retries, and a retry takes everybody there', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 4, maxLength: 30 }), (steps) => {
        const { broken, fleet, run, finish } = perform([
          { type: 'commit', all: 'v3', own: undefined },
          ...steps,
        ]);
        expect(broken).toEqual([]);
        const wanted = finish();
        const has = Object.fromEntries([...fleet.observed].map(([name, one]) => [name, one.targetDigest]));
        expect(has).toEqual(wanted);
        expect(run.state()?.phase).toBe('Complete');
      }),
      { numRuns: 200 },
    );
  });
});
