import { describe, expect, it } from 'vitest';
import type { Json } from '../../../shared/manifest/object.ts';
import {
  changeAtPath,
  FieldMatcher,
  FieldPathError,
  findField,
  isNoPlace,
  splitFieldPath,
} from './field-path.ts';

const pod: Json = { spec: { containers: [{ name: 'a', image: 'x' }, { name: 'b' }], args: ['p', 'q'] } };
const matcher = (create?: 'scalar' | 'map' | 'list') => new FieldMatcher(create, () => false);
const places = (path: string, create?: 'scalar' | 'map' | 'list') =>
  matcher(create)
    .match(pod, splitFieldPath(path))
    .matches.map((match) => match.path.join('/'));

describe('splitFieldPath', () => {
  it.each([
    ['a.b', ['a', 'b']],
    ['.a.b', ['a', 'b']],
    ['a\\.b.c', ['a.b', 'c']],
    ['a.[b.c/d].e', ['a', 'b.c/d', 'e']],
    ['a.[name=b.c].d', ['a', '[name=b.c]', 'd']],
  ])('splits %s', (path, parts) => {
    expect(splitFieldPath(path)).toEqual(parts);
  });
});

describe('findField', () => {
  it('finds by key, index, last item and matching item', () => {
    const at = (path: string) => findField(pod, splitFieldPath(path))?.path;
    expect(at('spec.containers.[name=b].name')).toEqual(['spec', 'containers', 1, 'name']);
    expect(at('spec.args.-')).toEqual(['spec', 'args', 1]);
    expect(at('spec.args.[=q]')).toEqual(['spec', 'args', 1]);
    expect(at('spec.args.2')).toBeUndefined();
    expect(() => at('spec.args.name')).toThrow(FieldPathError);
    expect(() => at('spec.*')).toThrow(FieldPathError);
  });
});

describe('FieldMatcher', () => {
  it('finds every item that a wildcard or a pattern means', () => {
    expect(places('spec.containers.*.name')).toEqual(['spec/containers/0/name', 'spec/containers/1/name']);
    expect(places('spec.containers.[name=^b].name')).toEqual(['spec/containers/1/name']);
    expect(places('spec.containers.*.image')).toEqual(['spec/containers/0/image']);
  });

  it('makes what is missing only when asked', () => {
    expect(places('spec.new.deep')).toEqual([]);
    const { value, matches } = matcher('scalar').match(pod, splitFieldPath('spec.new.[name=c].deep'));
    expect(matches).toEqual([{ path: ['spec', 'new', 0, 'deep'], created: true }]);
    expect(value).toMatchObject({ spec: { new: [{ name: 'c', deep: '' }] } });
    expect(pod).not.toHaveProperty('spec.new');
  });

  it('ends for a pattern that does not match what it makes', () => {
    expect(() => matcher('scalar').match(pod, splitFieldPath('spec.args.[=z+$x]'))).toThrow(FieldPathError);
  });

  it('has no place to write where the path goes on in a text', () => {
    const root = { data: { file: '{"a": 1}' } };
    const looked: string[] = [];
    const inText = new FieldMatcher(undefined, (text, parts) => looked.push(text, ...parts) > 0);
    expect(inText.match(root, ['data', 'file', 'a']).matches.map(isNoPlace)).toEqual([true]);
    expect(looked).toEqual(['{"a": 1}', 'a']);
  });
});

describe('changeAtPath', () => {
  it('copies the way and shares the rest', () => {
    const changed = changeAtPath(pod, ['spec', 'args', 0], () => 'z') as { spec: Record<string, unknown> };
    expect(changed.spec['args']).toEqual(['z', 'q']);
    expect(changed.spec['containers']).toBe((pod as { spec: Record<string, unknown> })['spec']['containers']);
  });
});
