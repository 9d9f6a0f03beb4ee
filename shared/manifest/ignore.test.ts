import { describe, expect, it } from 'vitest';
import { ignoredPaths, isWithin, omitPaths, resolvePaths } from './ignore.ts';
import type { KubeObject } from './object.ts';

const web: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'n', annotations: { 'a/b': '1', c: '2' } },
  spec: { replicas: 3, list: ['x', 'y'] },
};

describe('ignoredPaths', () => {
  it('takes the rules of the kind; an empty group and kind match all', () => {
    const rule = (group: string, kind: string, path: string) => ({
      group,
      kind,
      paths: [path],
      managers: [],
    });
    const rules = [rule('apps', 'Deployment', '/b'), rule('', '', '/a'), rule('apps', 'StatefulSet', '/c')];
    expect(ignoredPaths(rules, { group: 'apps', kind: 'Deployment' })).toEqual(['/a', '/b']);
    const one = { ...rule('apps', 'Deployment', '/c'), namespace: 'n', name: 'web' };
    const key = { group: 'apps', kind: 'Deployment', namespace: 'n', name: 'web' };
    expect(ignoredPaths([one], key)).toEqual(['/c']);
    expect(ignoredPaths([one], { ...key, name: 'other' })).toEqual([]);
  });
});

describe('resolvePaths', () => {
  it('finds what a path in the way of jq means here', () => {
    expect(
      resolvePaths(web, ['/spec/none', '.spec.list[]', '.metadata.annotations["a/b"]', '.spec[no']),
    ).toEqual(['/spec/none', '/spec/list/0', '/spec/list/1', '/metadata/annotations/a~1b']);
    expect(isWithin('/spec/list/0/x', ['/spec/list/0'])).toBe(true);
    expect(isWithin('/spec/list/01', ['/spec/list/0'])).toBe(false);
  });
});

describe('omitPaths', () => {
  it('leaves out several items of a list', () => {
    const many = {
      ...web,
      spec: { list: Array.from({ length: 12 }, (_none, at) => ({ at, drop: at % 2 === 0 })) },
    };
    const { spec } = omitPaths(many, ['.spec.list[] | select(.drop == true)']) as unknown as {
      spec: { list: { at: number }[] };
    };
    expect(spec.list.map(({ at }) => at)).toEqual([1, 3, 5, 7, 9, 11]);
  });

  it('leaves out members and items, and nothing else', () => {
    const result = omitPaths(web, [
      '/spec/replicas',
      '/metadata/annotations/a~1b',
      '/spec/list/0',
      '/spec/none/x',
    ]);
    expect(result['spec']).toEqual({ list: ['y'] });
    expect(result.metadata.annotations).toEqual({ c: '2' });
    expect(web['spec']).toEqual({ replicas: 3, list: ['x', 'y'] });
  });
});
