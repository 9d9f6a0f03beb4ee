import { describe, expect, it } from 'vitest';
import type { Health } from '../../shared/manifest/health.ts';
import type { AppliedRecord, ObservedObject } from '../model/record.ts';
import type { ObjectState } from './context.ts';
import { healthBy } from './report-phase.ts';

const health = (status: Health['status']): Health => ({ status, reason: '', message: '' });
const seen = (generation: number, status: Health['status']) =>
  ({ facts: { generation }, health: health(status) }) as ObservedObject;
const state = {
  objects: new Map([['x', { health: health('InProgress') } as ObjectState]]),
  records: new Map([['x', { facts: { generation: 2 } } as AppliedRecord]]),
};

describe('healthBy', () => {
  it('takes the word of a watch that has seen as much as our last write', () => {
    expect(healthBy(seen(2, 'Current'), state, 'x').status).toBe('Current');
    expect(healthBy(seen(3, 'Failed'), state, 'x').status).toBe('Failed');
  });

  it('takes what our last write was answered while the watch is behind, or has shown nothing', () => {
    expect(healthBy(seen(1, 'Current'), state, 'x').status).toBe('InProgress');
    expect(healthBy(undefined, state, 'x').status).toBe('InProgress');
    expect(healthBy(undefined, state, 'y').status).toBe('NotFound');
  });
});
