import { describe, expect, it } from 'vitest';
import { describeWay, entryOf, findCircle, rootsBehind } from './circles.ts';

describe('findCircle', () => {
  it('finds a folder that leads here, and one that holds it', () => {
    expect(findCircle(['app/overlay'], ['app/overlay'])).toBe('app/overlay');
    expect(findCircle(['app/overlay'], ['app'])).toBe('app');
    expect(findCircle(['app/overlay'], [''])).toBe('.');
    expect(findCircle(['app/overlay'], ['app/over', 'base'])).toBeUndefined();
  });

  it('finds an address that begins one on the way, as kustomize compares them', () => {
    const way = ['app', entryOf('https://git.example/a/b//x?ref=v1'), 'https://git.example/a/b?ref=v1//x'];
    const roots = (raw: string) => rootsBehind(raw, 'https://git.example/a/b//y', []);
    expect(findCircle(way, roots('https://git.example/a/b//x'))).toBe('https://git.example/a/b//x');
    expect(findCircle(way, roots('https://git.example/a/b//y'))).toBeUndefined();
  });

  it('holds a folder above only in the same copy of a repository', () => {
    const way = ['app', entryOf('R//x/y'), 'R//x/y'];
    expect(findCircle(way, ['R//x'])).toBe('R//x');
    expect(findCircle(way, rootsBehind('S', 'S//', ['S//x']))).toBeUndefined();
    expect(findCircle([...way, entryOf('R//z'), 'R//z'], ['R//x'])).toBeUndefined();
    expect(findCircle([...way, entryOf('R//z'), 'R//z'], ['R//x/y'])).toBe('R//x/y');
  });

  it('does not take this repository for the top of another', () => {
    expect(findCircle(['app'], ['R//'])).toBeUndefined();
    expect(findCircle(['app', entryOf('R'), 'R//'], ['R//base'])).toBeUndefined();
  });
});

describe('describeWay', () => {
  it('shows an address instead of the folder it names', () => {
    expect(describeWay(['app', entryOf('R//x?ref=v1'), 'R?ref=v1//x', 'R?ref=v1//base'])).toBe(
      'app -> R//x?ref=v1 -> R?ref=v1//base',
    );
  });
});
