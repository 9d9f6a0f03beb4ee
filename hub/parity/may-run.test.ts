import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../shared/manifest/object.ts';
import { mayRun } from './may-run.ts';

const node = (labels: JsonObject, ...taints: readonly JsonObject[]): JsonObject => ({ labels, taints });
const term = (...matchExpressions: readonly Json[]): JsonObject => ({ affinity: [{ matchExpressions }] });
const zone = node({ zone: 'a', gen: '5', host: '*' });

describe('mayRun', () => {
  it.each<[string, JsonObject, JsonObject, boolean]>([
    ['nothing said', {}, {}, true],
    ['its label', { selector: { zone: 'a' } }, zone, true],
    ['another label', { selector: { zone: 'b' } }, zone, false],
    ['a label that names nodes', { selector: { host: 'n1' } }, zone, true],
    ['one of its values', term({ key: 'zone', operator: 'In', values: ['a', 'b'] }), zone, true],
    ['none of its values', term({ key: 'zone', operator: 'In', values: ['b'] }), zone, false],
    ['a value that it may not have', term({ key: 'zone', operator: 'NotIn', values: ['a'] }), zone, false],
    ['no such label', term({ key: 'none', operator: 'NotIn', values: ['a'] }), zone, true],
    ['a label that must be', term({ key: 'none', operator: 'Exists' }), zone, false],
    ['a label that may not be', term({ key: 'zone', operator: 'DoesNotExist' }), zone, false],
    ['a number that is larger', term({ key: 'gen', operator: 'Gt', values: ['4'] }), zone, true],
    ['a number that is not smaller', term({ key: 'gen', operator: 'Lt', values: ['5'] }), zone, false],
    ['an operator of a later release', term({ key: 'gen', operator: 'Near', values: ['5'] }), zone, false],
    [
      'two that must both be',
      term({ key: 'gen', operator: 'Exists' }, { key: 'x', operator: 'Exists' }),
      zone,
      false,
    ],
    [
      'one of two terms',
      {
        affinity: [
          { matchExpressions: [{ key: 'x', operator: 'Exists' }] },
          { matchExpressions: [{ key: 'zone', operator: 'Exists' }] },
        ],
      },
      zone,
      true,
    ],
    [
      'a node by its name',
      { affinity: [{ matchFields: [{ key: 'metadata.name', values: ['n1'] }] }] },
      zone,
      false,
    ],
    ['an empty term', { affinity: [{}] }, zone, false],
    ['a taint', {}, node({}, { key: 'gpu', effect: 'NoSchedule' }), false],
    [
      'a taint that it bears by its value',
      { tolerations: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] },
      node({}, { key: 'gpu', value: 'yes', effect: 'NoSchedule' }),
      true,
    ],
    [
      'a taint of another value',
      { tolerations: [{ key: 'gpu', operator: 'Equal', value: 'no' }] },
      node({}, { key: 'gpu', value: 'yes', effect: 'NoSchedule' }),
      false,
    ],
    [
      'a taint of another effect',
      { tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }] },
      node({}, { key: 'gpu', effect: 'NoExecute' }),
      false,
    ],
    [
      'any taint',
      { tolerations: [{ operator: 'Exists' }] },
      node({}, { key: 'gpu', effect: 'NoExecute' }, { key: 'x', effect: 'NoSchedule' }),
      true,
    ],
  ])('says of %s what a scheduler would', (_name, pod, other, expected) =>
    expect(mayRun(pod, other)).toBe(expected),
  );
});
