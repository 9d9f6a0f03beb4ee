import { describe, expect, it } from 'vitest';
import type { Expectation } from '../model/parity.ts';
import { expectationOf } from './fixture.test-support.ts';
import { mayCoverUnseen, type Unseen } from './may-cover-unseen.ts';

const scopeOf = (part: Partial<Expectation['scope']>): Expectation['scope'] => ({
  ...{ applications: [], kinds: [], namespaces: [], names: [] },
  ...part,
});
const replicas = expectationOf(
  'replicas',
  { type: 'fields', paths: ['/spec/replicas'] },
  { scope: scopeOf({ kinds: ['Deployment'], applications: ['web'] }) },
);
const disks = expectationOf(
  'disks',
  { type: 'fields', paths: ['/environment/storageClasses/fast'] },
  { scope: scopeOf({ kinds: ['Environment'] }) },
);

describe('mayCoverUnseen', () => {
  it.each<[string, Unseen, boolean, boolean]>([
    ['all was looked at', { objects: 1 }, false, false],
    ['nothing was compared', { objects: 0 }, true, true],
    ['a cluster has told nothing yet', { objects: 1, factsUnknown: ['two'] }, true, true],
    ['its application failed', { objects: 1, failures: new Map([['web', 'data_loss']]) }, true, false],
    ['another application failed', { objects: 1, failures: new Map([['db', 'data_loss']]) }, false, false],
    ['agents are being asked', { objects: 1, asking: true }, true, false],
    ['its section has a gap', { objects: 1, gaps: ['storageClasses'] }, false, true],
    ['another section has one', { objects: 1, gaps: ['quotas'] }, false, false],
    ['fields that nobody applies are not all told', { objects: 1, gaps: ['unowned'] }, true, false],
  ])('when %s', (_name, unseen, ofObject, ofCluster) => {
    expect([mayCoverUnseen(replicas, unseen), mayCoverUnseen(disks, unseen)]).toEqual([ofObject, ofCluster]);
  });

  it('holds paths with any part for every section', () => {
    const any = expectationOf('any', { type: 'fields', paths: ['/environment/*'] });
    expect(mayCoverUnseen(any, { objects: 1, gaps: ['quotas'] })).toBe(true);
  });
});
