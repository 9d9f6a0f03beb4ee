import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../shared/manifest/object.ts';
import { ignoredPaths, omitPaths, planHandOver } from './ignore.ts';

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
  });
});

describe('omitPaths', () => {
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

describe('planHandOver', () => {
  it('is the live values with the identity, or nothing', () => {
    expect(planHandOver(web, ['/spec/replicas', '/spec/paused'])).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'n' },
      spec: { replicas: 3 },
    });
    expect(planHandOver(web, ['/spec/paused', '/spec/list/0'])).toBeUndefined();
  });
});
