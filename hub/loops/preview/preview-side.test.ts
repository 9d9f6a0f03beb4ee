import { describe, expect, it } from 'vitest';
import type { FleetSide } from '../../preview/compare-fleets.ts';
import { onlyApplication, selectApplications } from './preview-side.ts';

const problem = (application: string) => ({
  application,
  cluster: '',
  problem: { file: 'fleet/a.yaml', line: 1, field: '', message: 'bad' },
});
const side = {
  name: 'main',
  commit: null,
  placements: new Map(['mail', 'shop', 'web'].map((name) => [name, new Map()])),
  problems: [problem(''), problem('shop'), problem('web')],
} as unknown as FleetSide;
const told = ({ placements, problems }: FleetSide) => [
  [...placements.keys()],
  problems.map(({ application }) => application),
];

describe('a side of a comparison', () => {
  it('is narrowed to those that are selected, with what concerns all of the fleet', () => {
    expect(told(selectApplications(side, (name) => name !== 'shop'))).toEqual([
      ['mail', 'web'],
      ['', 'web'],
    ]);
    expect(told(onlyApplication(side, 'shop'))).toEqual([['shop'], ['', 'shop']]);
    expect(onlyApplication(side, undefined)).toBe(side);
  });
});
