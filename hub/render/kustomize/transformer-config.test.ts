import { describe, expect, it } from 'vitest';
import { ConfigError, configOf, defaultConfig, mergeConfigs, mergeSpecs } from './transformer-config.ts';

describe('mergeSpecs', () => {
  it('adds what is not there, and keeps the list where all is', () => {
    const list = [{ path: 'a', kind: 'Foo' }];
    expect(mergeSpecs(list, [{ path: 'a', kind: 'Foo' }])).toBe(list);
    expect(mergeSpecs(list, [{ path: 'a', kind: 'Bar' }])).toHaveLength(2);
  });

  it('takes an entry for every kind as there when one kind has it', () => {
    const list = [{ path: 'a', kind: 'Foo' }];
    expect(mergeSpecs(list, [{ path: 'a' }])).toBe(list);
  });

  it('refuses the same field with another value of create', () => {
    expect(() => mergeSpecs([{ path: 'a' }], [{ path: 'a', create: true }])).toThrow(ConfigError);
  });
});

describe('mergeConfigs', () => {
  it('gives the very same object where nothing is added, so that layers without a configuration share one', () => {
    expect(mergeConfigs(defaultConfig, configOf({}))).toBe(defaultConfig);
    const own = mergeConfigs(defaultConfig, configOf({ images: [{ path: 'spec/image' }] }));
    expect(mergeConfigs(own, defaultConfig)).toBe(own);
    expect(own.images).toHaveLength(defaultConfig.images.length + 1);
  });

  it('merges references to the same kind', () => {
    const one = configOf({ nameReference: [{ kind: 'Foo', fieldSpecs: [{ path: 'a' }] }] });
    const two = configOf({ nameReference: [{ kind: 'Foo', fieldSpecs: [{ path: 'b' }] }] });
    expect(mergeConfigs(one, two).nameReference).toEqual([
      { target: { kind: 'Foo' }, referrers: [{ path: 'a' }, { path: 'b' }] },
    ]);
  });
});
