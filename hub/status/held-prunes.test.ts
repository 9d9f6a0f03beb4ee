import { describe, expect, it } from 'vitest';
import type { ApplicationObservation } from '../model/observation.ts';
import { heldPrunes } from './held-prunes.ts';

const digest = 'a'.repeat(64);
const place = { cluster: 'eu-1', application: 'shop', generation: 1, targetDigest: digest };
const assignment = { ...place, revisionId: 'r1' };
const observation = (over: Partial<ApplicationObservation> = {}): ApplicationObservation => ({
  ...place,
  syncStatus: 'Synced',
  healthStatus: 'Current',
  message: '',
  objects: 4,
  objectsSynced: 4,
  appliedAtMs: 1,
  timeMs: 9,
  waitsFor: '',
  changes: {},
  pruneHeld: { objects: 11, total: 15, sinceMs: 5 },
  ...over,
});

describe('heldPrunes', () => {
  it('tells what an agent holds back, under an id that follows from the assignment', () => {
    expect(heldPrunes([observation()], [assignment], [])).toEqual([
      {
        id: 'prune-eu-1-shop-1-aaaaaaaaaaaaaaaa',
        kind: 'prune',
        subject: 'eu-1/shop',
        assignments: 11,
        revisionId: 'r1',
        message:
          '11 of 15 objects of Application shop in eu-1 left its set: they would be deleted. Nothing is deleted until this is confirmed; bring them back in Git to cancel.',
        createdAtMs: 5,
      },
    ]);
  });

  it('tells nothing of a Target that is not in force any more, of what is confirmed, or of who holds nothing', () => {
    const id = 'prune-eu-1-shop-1-aaaaaaaaaaaaaaaa';
    expect(heldPrunes([observation()], [{ ...assignment, targetDigest: 'b'.repeat(64) }], [])).toEqual([]);
    expect(heldPrunes([observation()], [], [])).toEqual([]);
    expect(heldPrunes([observation()], [assignment], [{ id }])).toEqual([]);
    expect(heldPrunes([observation({ pruneHeld: undefined })], [assignment], [])).toEqual([]);
  });

  it('asks again when the same Target comes back, and not before its agent has looked', () => {
    const again = { ...assignment, generation: 3 };
    const confirmed = [{ id: 'prune-eu-1-shop-1-aaaaaaaaaaaaaaaa' }];
    expect(heldPrunes([observation()], [again], confirmed)).toEqual([]);
    expect(heldPrunes([observation({ generation: 3 })], [again], confirmed)).toMatchObject([
      { id: 'prune-eu-1-shop-3-aaaaaaaaaaaaaaaa', assignments: 11 },
    ]);
  });
});
