import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { TargetSchema } from '../../../shared/gen/fairway/v1/common_pb.ts';
import { defaultSyncOptions } from '../../../shared/manifest/target.ts';
import { targetFromWire, targetToWire } from '../../../shared/stream/wire.ts';
import { configMap, render } from './harness.ts';

const over = (target: Parameters<typeof targetToWire>[0]) =>
  targetFromWire(fromBinary(TargetSchema, toBinary(TargetSchema, targetToWire(target))));

describe('a target on the wire', () => {
  it('keeps its service account, and its digest', () => {
    const { target } = render([configMap('a', '1')], {
      sync: { ...defaultSyncOptions, serviceAccount: 'deployer' },
    });
    expect(over(target)).toEqual(target);
  });

  it('keeps what it may bring of objects of the whole cluster, also nothing, and is refused by who does not know it', () => {
    const rules = [{ group: '', kind: 'Namespace', names: ['red', 'red-*'] }];
    for (const clusterObjects of [rules, []]) {
      const { target } = render([configMap('a', '1')], { sync: { ...defaultSyncOptions, clusterObjects } });
      expect(over(target)).toEqual(target);
      const wire = targetToWire(target);
      const older = {
        ...wire,
        sync: wire.sync && { ...wire.sync, clusterObjectsBounded: false, clusterObjects: [] },
      };
      expect(() => targetFromWire(older)).toThrow(/has fields this version does not know/);
    }
    expect(over(render([configMap('a', '1')]).target).sync).not.toHaveProperty('clusterObjects');
  });

  it('without one has the digest that it had before there was such an option', () => {
    const plain = render([configMap('a', '1')]).target;
    const named = render([configMap('a', '1')], {
      sync: { ...defaultSyncOptions, serviceAccount: undefined },
    }).target;
    expect([over(plain).digest, named.digest]).toEqual([plain.digest, plain.digest]);
    expect(over(plain).sync).not.toHaveProperty('serviceAccount');
  });

  it('is refused by an agent that does not know the option: it would be written with rights that are not meant', () => {
    const { target } = render([configMap('a', '1')], {
      sync: { ...defaultSyncOptions, serviceAccount: 'deployer' },
    });
    const wire = targetToWire(target);
    // As an older agent reads it: without the field.
    const older = { ...wire, sync: wire.sync && { ...wire.sync, serviceAccount: '' } };
    expect(() => targetFromWire(older)).toThrow(
      /does not match its digest, or has fields this version does not know/,
    );
  });
});
