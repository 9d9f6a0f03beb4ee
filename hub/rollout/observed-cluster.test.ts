import { describe, expect, it } from 'vitest';
import type { ApplicationObservation } from '../model/observation.ts';
import type { AssignmentState } from '../store/repositories/release-repository.ts';
import { observedCluster } from './observed-cluster.ts';

const assignment = { targetDigest: 'new', generation: 3, releaseId: 'r', removed: false } as AssignmentState;
const observation: ApplicationObservation = {
  ...{ cluster: 'eu-1', application: 'web', generation: 3, targetDigest: 'new' },
  ...{ syncStatus: 'Pending', healthStatus: 'InProgress', message: 'waits for pre-sync hook', waitsFor: '' },
  ...{ objects: 2, objectsSynced: 1, changes: {}, appliedAtMs: undefined, timeMs: 5_000 },
};

describe('observedCluster', () => {
  it('tells how long a hook at work had left when its agent said so, by the clock of its agent', () => {
    const busy = { ...observation, hookUntilMs: 605_000 };
    const { report } = observedCluster(assignment, busy, true);
    expect(report?.hook).toEqual({ untilMs: 605_000, leftMs: 600_000 });
  });

  it('knows of no hook where an agent, of an older version perhaps, says nothing of one, or says it of another assignment', () => {
    expect(observedCluster(assignment, observation, true).report?.hook).toBeUndefined();
    const before = { ...observation, hookUntilMs: 605_000, generation: 2 };
    expect(observedCluster(assignment, before, true).report).toBeUndefined();
  });
});
