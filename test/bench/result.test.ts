import { describe, expect, it } from 'vitest';
import { formatTable, percentile, result } from './result.ts';

describe('percentile', () => {
  it('takes the nearest rank, whatever the order', () => {
    const values = [5, 1, 4, 2, 3, 10, 9, 8, 7, 6];
    expect(percentile(values, 0.5)).toBe(5);
    expect(percentile(values, 0.99)).toBe(10);
    expect(percentile(values, 0.1)).toBe(1);
  });

  it('gives 0 for nothing, and the one value of one', () => {
    expect(percentile([], 0.99)).toBe(0);
    expect(percentile([7], 0.01)).toBe(7);
  });
});

describe('result', () => {
  it('holds a value against its peer', () => {
    expect(result('single', 'heal_s', 1, 's', 'limit', 4).ratio).toBe(0.25);
  });

  it('calls nothing against a limit of nothing kept, and anything broken', () => {
    expect(result('idle', 'requests', 0, 'requests', 'limit', 0).ratio).toBe(0);
    expect(result('idle', 'requests', 1, 'requests', 'limit', 0).ratio).toBeGreaterThan(1e9);
  });

  it('stays a number in JSON', () => {
    const broken = result('idle', 'requests', 1, 'requests', 'limit', 0);
    expect(JSON.parse(JSON.stringify(broken))).toEqual(broken);
  });
});

describe('formatTable', () => {
  it('stands in columns under one line of heads', () => {
    const lines = formatTable([
      result('single', 'one_value_s', 0.234, 's', 'limit', 0.3),
      result('memory', 'hub_kb_per_idle_agent', 137.36, 'kB', 'limit at 1000', 150),
    ]).split('\n');
    expect(lines).toHaveLength(4);
    const at = lines[0]?.indexOf('held against') ?? -1;
    expect(lines.slice(2).map((line) => line.slice(at, at + 5))).toEqual(['limit', 'limit']);
    expect(lines[2]).toContain('0.23');
    expect(lines[3]).toContain('137');
  });

  it('says a broken limit of nothing in a word', () => {
    const [, , line] = formatTable([result('idle', 'requests', 4, 'requests', 'limit', 0)]).split('\n');
    expect(line).toMatch(/over$/);
  });
});
