import { describe, expect, it } from 'vitest';
import { createTextPool } from './text-pool.ts';

describe('createTextPool', () => {
  it('gives back what it is given, however many there are and however long they are', () => {
    const pool = createTextPool();
    const texts = Array.from({ length: 3_000 }, (_, index) => `text ${index}`);
    expect(texts.map(pool)).toEqual(texts);
    const long = 'x'.repeat(100_000);
    expect(pool(long)).toBe(long);
    expect(pool('')).toBe('');
  });
});
