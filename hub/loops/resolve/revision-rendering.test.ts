import { describe, expect, it } from 'vitest';
import { noWork } from '../../render/render-work.ts';
import type { RenderedPlacement } from './render-fleet.ts';
import { planRendering } from './revision-rendering.ts';

const of = (digest: string): RenderedPlacement => ({ set: { digest, entries: [] } });
const broken: RenderedPlacement = { problems: [] };

describe('planRendering', () => {
  it('adds up the work, and counts the results of the last look', () => {
    const rendered = new Map([
      ['shop', new Map([...'abcd'].map((cluster) => [cluster, of(cluster === 'd' ? 'two' : 'one')]))],
      ['mail', new Map([['a', of('three')] as const, ['b', broken] as const])],
    ]);
    const work = { ...noWork(), directoriesBuilt: 3, bytesParsed: 100 };
    const first = planRendering(undefined, { rendered, work });
    expect(first).toEqual({
      directoriesBuilt: 3,
      filesRead: 0,
      filesParsed: 0,
      bytesParsed: 100,
      placements: 5,
      sets: 3,
    });
    const fewer = new Map([['shop', new Map([['a', of('one')]])]]);
    expect(planRendering(first, { rendered: fewer, work: { ...noWork(), filesRead: 2 } })).toEqual({
      ...first,
      filesRead: 2,
      placements: 1,
      sets: 1,
    });
    expect(planRendering(first, { rendered, work: noWork() })).toBeUndefined();
  });
});
