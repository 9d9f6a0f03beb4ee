import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { ParityDifference } from '../../model/parity.ts';
import type { AssignmentState } from '../../store/repositories/release-repository.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import { estimateCatchUp } from './parity-catch-up.ts';
import type { Placed } from './parity-inputs.ts';
import { createParityLoop, type ParityDriver } from './parity-loop.ts';

const behind = (application: string, side = 'standby') =>
  ({ class: 'lagging', side, application }) as ParityDifference;
const placed = (assignedAtMs: number, tookMs: number | undefined, wantedDigest = 'd'): Placed => ({
  wantedDigest,
  assignment: {
    ...{ assignedAtMs, targetDigest: 'd' },
    acknowledgements: { appliedAtMs: tookMs === undefined ? undefined : assignedAtMs + tookMs },
  } as AssignmentState,
});
const others = [placed(0, 1_000), placed(0, 4_000), placed(0, 9_000)].map(
  (one, at) => [`other-${at}`, one] as const,
);

describe('estimateCatchUp', () => {
  const estimate = (one: Placed, nowMs: number, differences = [behind('web')]) =>
    estimateCatchUp(differences, new Map([...others, ['web', one]]), nowMs);

  it('is what applications usually take, less what has passed', () => {
    expect(estimate(placed(10_000, undefined), 11_000)).toBe(3_000);
  });

  it('is not told where nothing is behind, or the primary alone', () => {
    expect(estimate(placed(10_000, undefined), 11_000, [])).toBeUndefined();
    expect(estimate(placed(10_000, undefined), 11_000, [behind('web', 'primary')])).toBeUndefined();
  });

  it('is not told where it takes longer than usual, waits for a wave, or nothing is known', () => {
    expect(estimate(placed(10_000, undefined), 14_001)).toBeUndefined();
    expect(estimate(placed(10_000, undefined, 'newer'), 11_000)).toBeUndefined();
    expect(estimateCatchUp([behind('web')], new Map([['web', placed(0, undefined)]]), 1)).toBeUndefined();
  });
});

describe('the report of a parity loop', () => {
  const head = 'apiVersion: fairway.dev/v1alpha1\n';
  const names = ['mail', 'web'];
  const map = (mode: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: NAME}\ndata: {mode: ${mode}}\n`;
  const fleet = (mode: string): Readonly<Record<string, string>> => ({
    'fleet/clusters.yaml': ['one', 'two']
      .map((name) => `${head}kind: Cluster\nmetadata: {name: ${name}}\nspec: {region: eu}\n`)
      .join('---\n'),
    'fleet/pair.yaml': `${head}kind: ParityGroup\nmetadata: {name: pair}\nspec: {primary: one, standbys: {clusters: [two]}}\n`,
    ...Object.fromEntries(
      names.flatMap((name) => [
        [
          `fleet/${name}.yaml`,
          `${head}kind: Application\nmetadata: {name: ${name}}\nspec:\n  source: {path: apps/${name}}\n  placement: {clusters: [one, two]}\n  rollout: {strategy: all-at-once}\n`,
        ],
        [`apps/${name}/kustomization.yaml`, 'resources: [map.yaml]\n'],
        [`apps/${name}/map.yaml`, map(name === 'web' ? mode : 'calm').replace('NAME', name)],
      ]),
    ),
  });
  let bed: LoopBed;
  let parity: ParityDriver;
  let unsubscribe: () => void;
  const settle = async () => {
    parity.wakeAll();
    for (let turn = 0; turn < 4; turn += 1) {
      await bed.clock.advance(100);
      for (const loop of parity.loops) await loop.idle();
    }
  };
  /** All that is assigned to a cluster is there, and nothing else. */
  const report = async (cluster: string) => {
    for (const { application, targetDigest, generation } of await bed.store.releases.assignments({
      cluster,
    })) {
      const entries = (await bed.store.content.target(targetDigest))?.set.entries ?? [];
      const objects = entries.map(({ key, objectDigest }) => ({
        ...{
          cluster,
          application,
          key,
          objectDigest,
          liveDigest: objectDigest,
          drift: undefined,
          generation,
        },
        ...({ syncStatus: 'Synced', healthStatus: 'Current', reason: '', message: '' } as const),
        ...({ lastAction: 'created', timeMs: bed.clock.now() } as const),
      }));
      await bed.store.observations.saveBatch(
        { cluster, applications: [], objects, gone: [], events: [] },
        [],
      );
    }
    await bed.store.registry.seen({ cluster, connected: true, nowMs: bed.clock.now() });
  };
  const apply = async (cluster: string, application: string) => {
    const [one] = await bed.store.releases.assignments({ cluster, application });
    await bed.store.releases.acknowledge({
      ...{ cluster, application, generation: one?.generation ?? 0, stage: 'applied', message: '' },
      timeMs: bed.clock.now(),
    });
  };
  const commit = async (mode: string) => {
    await bed.commit(fleet(mode));
    await bed.resolve();
  };
  const catchUpMs = () => parity.group('pair')?.state.report.pairs[0]?.catchUpMs;

  beforeEach(async () => {
    bed = await createLoopBed();
    await commit('calm');
    const away = () => Promise.reject(new FairwayError('unavailable', 'there are no agents'));
    parity = createParityLoop({
      ...{ store: bed.store, digestKey: new Uint8Array(32), ask: away, explain: away },
      ...{ clock: bed.clock, random: createSeededRandom(1), log: silentLogger },
    });
    unsubscribe = bed.store.subscribe(parity.changed);
  });
  afterEach(async () => {
    unsubscribe();
    await parity.stop();
    await bed.close();
  });

  it('tells of a standby that is behind what it usually takes, less what has passed', async () => {
    await bed.clock.advance(60_000);
    for (const name of names) await apply('two', name);
    await report('one');
    await report('two');
    await settle();
    expect(catchUpMs()).toBeUndefined();
    await commit('brisk');
    const assignedAtMs = bed.clock.now();
    await report('one');
    await settle();
    const first = catchUpMs() ?? Number.NaN;
    expect(first).toBeLessThanOrEqual(60_000);
    expect(first).toBeGreaterThanOrEqual(60_000 - (bed.clock.now() - assignedAtMs));
    await bed.clock.advance(20_000);
    await settle();
    expect(catchUpMs()).toBeLessThanOrEqual(first - 20_000);
    await report('two');
    await settle();
    expect(catchUpMs()).toBeUndefined();
  });
});
