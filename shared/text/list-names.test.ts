import { describe, expect, it } from 'vitest';
import { listNames } from './list-names.ts';

describe('listNames', () => {
  it('spells out the first, and counts the rest', () => {
    expect(listNames([], 2)).toBe('');
    expect(listNames(['eu-1', 'eu-2'], 2)).toBe('eu-1, eu-2');
    expect(listNames(['eu-1', 'eu-2', 'eu-3'], 2)).toBe('eu-1, eu-2 and 1 more');
    expect(listNames(['eu-1', 'eu-2'], 3, 412)).toBe('eu-1, eu-2 and 410 more');
  });
});
