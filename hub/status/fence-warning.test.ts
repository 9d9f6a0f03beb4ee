import { describe, expect, it } from 'vitest';
import { fenceWarning } from './fence-warning.ts';

const promise = { group: 'eu', afterMs: 1, applications: ['web'], left: [], stopWithinMs: 0 };
const contact = (fenced: readonly string[], left: readonly string[] = []) => ({
  ...{ atMs: 0, instanceId: 'i' },
  promises: [{ ...promise, fenced, left }],
});

describe('fenceWarning', () => {
  it('says nothing of promises alone', () => {
    expect(fenceWarning(undefined)).toBe('');
    expect(fenceWarning(contact([], ['Pod a/b: a Pod of its own cannot be stopped']))).toBe('');
  });

  it('names what is fenced, and what is not stopped yet', () => {
    expect(fenceWarning(contact(['d', 'a', 'c', 'b'], ['Deployment a/b: 1 pods have not ended yet']))).toBe(
      'its agent has fenced a, b, c and 1 more, since it heard nothing from this hub for too long; not stopped yet: Deployment a/b: 1 pods have not ended yet',
    );
  });
});
