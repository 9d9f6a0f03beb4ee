import { describe, expect, it } from 'vitest';
import { planDoubtful } from './plan-session.ts';

const epoch = { counter: 1, id: 'a' };
const held = (generation: number, releaseId: string) => ({ targetDigest: 'd', generation, releaseId });

describe('planDoubtful', () => {
  it('asks for the releases of what is held beyond the last acknowledgement', () => {
    const applications = new Map([
      ['web', held(7, 'r7')],
      ['api', held(5, 'r5')],
      ['job', held(8, 'r7')],
    ]);
    expect(planDoubtful({ epoch, generation: 8, applications }, epoch, 6)).toEqual(['r7']);
  });

  it('asks nothing of another epoch: that is told by the epoch itself', () => {
    const applications = new Map([['web', held(7, 'r7')]]);
    expect(planDoubtful({ epoch, generation: 7, applications }, { counter: 2, id: 'b' }, 0)).toEqual([]);
    expect(planDoubtful({ epoch, generation: 7, applications }, { counter: 1, id: 'b' }, 0)).toEqual([]);
  });
});
