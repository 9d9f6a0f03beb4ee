import { describe, expect, it } from 'vitest';
import { nearest, nearestFew } from './nearest.ts';

describe('nearest', () => {
  it('suggests what is close and nothing else', () => {
    expect(nearest('overlay', ['path', 'overlays'])).toBe('overlays');
    expect(nearest('Placement', ['placement'])).toBe('placement');
    expect(nearest('zzz', ['path', 'overlays'])).toBeUndefined();
  });

  it('gives several, the nearest first', () => {
    expect(nearestFew('replica', ['replicaz', 'replica', 'paused'], 3)).toEqual(['replica', 'replicaz']);
  });
});
