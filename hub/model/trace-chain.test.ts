import { describe, expect, it } from 'vitest';
import type { FieldChange, ObjectTrace, TraceStep, Written } from './trace.ts';
import { applyChanges, fieldChain } from './trace-chain.ts';

const at = (line: number): Written => ({
  source: 'repository',
  file: 'f.yaml',
  line,
  field: '',
  holds: 'value',
});
const mergeKeys = { 'spec.containers': ['name'], 'metadata.finalizers': [] };

describe('applyChanges', () => {
  const object = { spec: { containers: [{ name: 'a' }, { name: 'b', image: 'x' }], args: ['1'] } };
  const apply = (...changes: FieldChange[]) => applyChanges(object, changes, mergeKeys);

  it('sets, adds and removes fields, making what is missing on the way', () => {
    expect(
      apply(
        { path: ['metadata', 'labels', 'l'], after: 'v', at: at(1) },
        {
          path: ['spec', 'containers', { item: { name: 'b' } }, 'image'],
          before: 'x',
          after: 'y',
          at: at(1),
        },
        { path: ['spec', 'args'], before: ['1'], at: at(1) },
      ),
    ).toEqual({
      metadata: { labels: { l: 'v' } },
      spec: { containers: [{ name: 'a' }, { name: 'b', image: 'y' }] },
    });
  });

  it('adds items where they are to stand, moves and removes them', () => {
    expect(
      apply(
        { path: ['spec', 'containers', { item: { name: 'c' } }], after: { name: 'c' }, index: 0, at: at(1) },
        { path: ['spec', 'containers', { item: { name: 'b' } }], index: 1, at: at(1) },
        { path: ['spec', 'containers', { item: { name: 'a' } }], before: { name: 'a' }, at: at(1) },
        { path: ['metadata', 'finalizers', { item: { '': 'f' } }], after: 'f', index: 0, at: at(1) },
      ),
    ).toEqual({
      metadata: { finalizers: ['f'] },
      spec: { containers: [{ name: 'c' }, { name: 'b', image: 'x' }], args: ['1'] },
    });
  });

  it('refuses a change of what is not there', () => {
    const path = ['spec', 'containers', { item: { name: 'z' } }, 'image'];
    expect(() => apply({ path, after: 'y', at: at(1) })).toThrow('spec.containers[name=z].image');
  });
});

describe('fieldChain', () => {
  const identity = { group: '', kind: 'Pod', namespace: '', name: 'p', apiVersion: 'v1' };
  const step = (action: string, ...changes: FieldChange[]): TraceStep => ({
    kind: 'patch',
    action,
    layer: 'o',
    configuredAt: at(1),
    identityBefore: identity,
    identityAfter: identity,
    changes,
  });
  const start = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'a' }] },
  };
  const container = ['spec', 'containers', { item: { name: 'b' } }];
  const trace: ObjectTrace = {
    identity,
    originId: '/Pod//p',
    way: ['o'],
    start: {
      kind: 'resource',
      action: 'resources[0]',
      layer: 'o',
      configuredAt: at(2),
      object: start,
      at: at(1),
      written: [{ path: ['spec', 'containers', { item: { name: 'a' } }, 'name'], at: at(7) }],
    },
    steps: [
      step('patches[0]', {
        path: container,
        after: { name: 'b', image: 'x' },
        index: 0,
        at: at(10),
        written: [{ path: [...container, 'image'], at: at(11) }],
      }),
      step('images[0]', { path: [...container, 'image'], before: 'x', after: 'y', at: at(20) }),
      step('patches[1]', { path: container, before: { name: 'b', image: 'y' }, at: at(30) }),
    ],
    final: start,
    secret: false,
    mergeKeys,
  };

  it('tells of a field what came with its holder, changed it, and took it away', () => {
    const chain = fieldChain(trace, [...container, 'image']);
    expect(chain.start).toEqual({ at: at(1) });
    expect(
      chain.entries.map(({ step: { action }, before, after, at: { line } }) => [action, before, after, line]),
    ).toEqual([
      ['patches[0]', undefined, 'x', 11],
      ['images[0]', 'x', 'y', 20],
      ['patches[1]', 'y', undefined, 30],
    ]);
    expect(chain).not.toHaveProperty('value');
  });

  it('tells of a field that nobody changed where it was first written', () => {
    expect(fieldChain(trace, ['spec', 'containers', { item: { name: 'a' } }, 'name'])).toMatchObject({
      start: { value: 'a', at: at(7) },
      entries: [],
      value: 'a',
    });
  });
});
