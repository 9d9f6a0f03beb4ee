import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../explain/explanation.ts';
import type { ParityDifference } from '../../model/parity.ts';
import { createFieldSources, keptMax } from './parity-sources.ts';

const differenceOf = (at: number): ParityDifference => {
  const key = { group: '', kind: 'ConfigMap', namespace: 'shop', name: `map-${at}` };
  return {
    ...{ id: `${at}`, standby: 'two', application: 'web', originId: `/ConfigMap/shop/map-${at}` },
    ...{ primaryKey: key, standbyKey: key, apiVersion: 'v1', path: '/data/mode', class: 'overlay' },
    ...{ side: 'both', primaryValue: '1', standbyValue: '2', message: '', expectation: '', owner: '' },
    ...{ action: '', severity: 'warning', sinceMs: undefined },
    ...{ primarySource: undefined, standbySource: undefined },
  };
};
const signal = new AbortController().signal;

describe('createFieldSources', () => {
  it('comes to an end where more differs than is kept, and renders each folder once', async () => {
    const explained: string[] = [];
    const sources = createFieldSources(
      async ({ cluster, object }) => {
        explained.push(`${cluster} ${object.name}`);
        return { lines: [] } as unknown as Explanation;
      },
      () => {},
    );
    const groups = { one: many(0), two: many(10_000) };
    let more = true;
    for (let turn = 0; more && turn < 2 * keptMax; turn += 1) {
      more = false;
      for (const differences of Object.values(groups)) {
        const answer = await sources.learn(differences, 'one', 2, signal);
        more ||= answer.learned || answer.more;
      }
    }
    expect(more).toBe(false);
    expect(explained).toHaveLength(keptMax);
    expect(new Set(explained).size).toBe(keptMax);
  });

  it('finds the line of a value of a Secret that is written as stringData', async () => {
    const origin = (line: number) => ({ layer: 'overlays/two', at: { file: 'a.yaml', line, commit: null } });
    // The API server lets it go before `data`, whichever comes first.
    const lines = [
      { path: 'stringData.password', origin: origin(7) },
      { path: 'data.password', origin: origin(3) },
    ];
    const sources = createFieldSources(
      async () => ({ lines }) as unknown as Explanation,
      () => {},
    );
    const map = { ...differenceOf(0), path: '/data/password' };
    const key = { group: '', kind: 'Secret', namespace: 'shop', name: 'key' };
    const secret = { ...map, originId: '/Secret/shop/key', primaryKey: key, standbyKey: key };
    await sources.learn([map, secret], 'one', 1, signal);
    const lineOf = (one: ParityDifference) => sources.describe(one, 'one').standbySource?.line;
    expect([lineOf(secret), lineOf(map)]).toEqual([7, 3]);
  });
});

function many(from: number): readonly ParityDifference[] {
  return Array.from({ length: keptMax }, (_, at) => differenceOf(from + at));
}
