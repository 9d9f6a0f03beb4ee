import { afterEach, describe, expect, it } from 'vitest';
import { createFakeClock, type FakeClock } from '../../shared/clock/fake-clock.ts';
import { silentLogger } from '../../shared/log/log.ts';
import type { FenceRule } from '../../shared/manifest/fencing.ts';
import type { DesiredApplication } from '../model/desired.ts';
import type { FenceContact } from '../model/fencing.ts';
import { createFenceKeeper, type FenceKeeper } from './fence-keeper.ts';
import { startGraceMs } from './fence-lease.ts';
import type { FenceSnapshot, FenceStorage } from './fence-state.ts';

const rule: FenceRule = { group: 'eu', afterMs: 60_000, applications: ['web'] };
const stopped = { left: [], graceMs: 0 };

let clock: FakeClock;
let keeper: FenceKeeper;
let kept: FenceSnapshot;
let failing: boolean;
let batchOpen: boolean;
let said: FenceContact[];
let changed: () => void;

const desired = {
  applications: () => new Map([['web', { target: { digest: 'old' } } as unknown as DesiredApplication]]),
  batchOpen: () => batchOpen,
  subscribe(listener: (applications: ReadonlySet<string>) => void) {
    changed = () => listener(new Set());
    return () => {};
  },
};
const storage: FenceStorage = {
  load: async () => kept,
  async save(snapshot) {
    if (failing) throw new Error('the API server is away');
    kept = snapshot;
  },
};
const open = async (from: FenceSnapshot = { leases: [], fenced: [] }) => {
  keeper?.stop();
  kept = from;
  said = [];
  [failing, batchOpen] = [false, false];
  clock ??= createFakeClock();
  const foresee = () => ({ left: [], graceMs: 30_000 });
  keeper = await createFenceKeeper({ storage, desired, foresee, clock, log: silentLogger });
};
const fresh = async () => {
  clock = createFakeClock();
  await open();
};
const connect = async (rules: readonly FenceRule[] = [rule], withheld: readonly string[] = []) => {
  keeper.attach((contact) => said.push(contact));
  keeper.order({ rules, withheld });
  await clock.advance(0);
};
const answer = async () => {
  keeper.answered(said.at(-1)?.sequence ?? 0);
  await clock.advance(0);
};
const isFenced = () => keeper.of('web')?.resuming === false;
const last = () => said.at(-1)?.promises[0];

afterEach(() => keeper.stop());

describe('what an agent promises of fencing', () => {
  it('is nothing where the hub asks for nothing, and costs nothing', async () => {
    await fresh();
    await connect([]);
    expect(said).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('is written down before it is said', async () => {
    await fresh();
    failing = true;
    await connect();
    expect(said).toEqual([]);
    failing = false;
    await clock.advance(15_000);
    expect(kept.leases).toEqual([expect.objectContaining({ group: 'eu', applications: ['web'] })]);
    expect(last()).toEqual({ ...rule, fenced: [], left: [], stopWithinMs: 30_000 });
  });

  it('is kept when no answer comes, counted from when it was said', async () => {
    await fresh();
    await connect();
    await clock.advance(59_999);
    expect(isFenced()).toBe(false);
    await clock.advance(1_000);
    expect(keeper.of('web')).toMatchObject({ group: 'eu', targetDigest: 'old', resuming: false });
  });

  it('grows longer by an answer, from when that contact was said and not from the answer', async () => {
    await fresh();
    await connect();
    await answer();
    await clock.advance(15_000);
    expect(said).toHaveLength(2);
    await clock.advance(40_000);
    keeper.answered(2);
    await clock.advance(19_999);
    expect(isFenced()).toBe(false);
    await clock.advance(1_001);
    expect(isFenced()).toBe(true);
  });

  it('does not end by an answer of a session that is over', async () => {
    await fresh();
    await connect();
    keeper.detach();
    await clock.advance(50_000);
    keeper.answered(1);
    await clock.advance(11_000);
    expect(isFenced()).toBe(true);
  });

  it('becomes shorter at once, and longer only by an answer', async () => {
    await fresh();
    await connect([{ ...rule, afterMs: 600_000 }]);
    await answer();
    keeper.order({ rules: [{ ...rule, afterMs: 20_000 }], withheld: [] });
    await clock.advance(21_000);
    expect(isFenced()).toBe(true);
    await fresh();
    await connect();
    await answer();
    keeper.order({ rules: [{ ...rule, afterMs: 600_000 }], withheld: [] });
    await clock.advance(61_000);
    expect(isFenced()).toBe(true);
  });

  it('holds for an application that has left the group until the hub has heard so', async () => {
    await fresh();
    await connect([{ ...rule, applications: ['api', 'web'] }]);
    await answer();
    keeper.order({ rules: [{ ...rule, applications: ['api'] }], withheld: [] });
    await clock.advance(61_000);
    expect(isFenced()).toBe(true);
    await fresh();
    await connect();
    await answer();
    keeper.order({ rules: [], withheld: [] });
    await clock.advance(0);
    await answer();
    await clock.advance(600_000);
    expect(isFenced()).toBe(false);
    expect(kept.leases).toEqual([]);
  });

  it('is not dropped by a late answer to what was said before it', async () => {
    await fresh();
    await connect([{ ...rule, group: 'us', applications: ['api'] }]);
    keeper.order({ rules: [rule], withheld: [] });
    await clock.advance(0);
    expect(said).toHaveLength(2);
    keeper.answered(1);
    await clock.advance(61_000);
    expect(isFenced()).toBe(true);
  });

  it('is taken back when the agent stops in order', async () => {
    await fresh();
    await connect();
    await answer();
    const leaving = keeper.leave();
    await clock.advance(0);
    expect(said.at(-1)?.promises).toEqual([]);
    await answer();
    await leaving;
    expect(kept.leases).toEqual([]);
  });
});

describe('a fence', () => {
  const fence = async () => {
    await fresh();
    await connect();
    keeper.detach();
    await clock.advance(61_000);
    keeper.stopped('web', stopped);
    expect(isFenced()).toBe(true);
  };

  it('opens only when the hub has answered that it does', async () => {
    await fence();
    await connect();
    expect(last()).toMatchObject({ fenced: [] });
    expect(isFenced()).toBe(true);
    const told: string[] = [];
    keeper.subscribe((applications) => told.push(...applications));
    await answer();
    expect(keeper.of('web')).toMatchObject({ resuming: true, targetDigest: 'old' });
    expect(told).toEqual(['web']);
    keeper.resumed('web');
    await clock.advance(0);
    expect(keeper.of('web')).toBeUndefined();
    expect(kept.fenced).toEqual([]);
  });

  it('stays while the application waits for its new Target, and says so', async () => {
    await fence();
    await connect([rule], ['web']);
    expect(last()).toMatchObject({ fenced: ['web'], left: [], stopWithinMs: 0 });
    await answer();
    await clock.advance(300_000);
    expect(isFenced()).toBe(true);
    keeper.order({ rules: [], withheld: [] });
    await clock.advance(0);
    await answer();
    expect(keeper.of('web')?.resuming).toBe(true);
  });

  it('stays while what is assigned has come in only in part', async () => {
    await fence();
    batchOpen = true;
    await connect();
    expect(last()).toMatchObject({ fenced: ['web'] });
    await answer();
    expect(isFenced()).toBe(true);
    batchOpen = false;
    changed();
    await clock.advance(0);
    await answer();
    expect(keeper.of('web')?.resuming).toBe(true);
  });

  it('closes again when the hub falls silent before the work was taken up', async () => {
    await fence();
    await connect();
    await answer();
    keeper.detach();
    await clock.advance(61_000);
    expect(keeper.of('web')).toMatchObject({ resuming: false, targetDigest: 'old' });
  });

  it('tells what is left, and how long pods may still take', async () => {
    await fence();
    await connect([rule], ['web']);
    keeper.stopped('web', { left: ['Pod shop/one: is one of its own'], graceMs: 40_000 });
    await clock.advance(0);
    expect(last()).toMatchObject({ fenced: ['web'], left: ['Pod shop/one: is one of its own'] });
    keeper.stopped('web', { left: [], graceMs: 40_000 });
    await clock.advance(15_000);
    expect(last()).toMatchObject({ left: [], stopWithinMs: 25_000 });
  });

  it('outlasts a new start', async () => {
    await fence();
    await open(kept);
    expect(isFenced()).toBe(true);
    await clock.advance(3_600_000);
    expect(isFenced()).toBe(true);
  });

  it('closes after a new start, though not before the hub had time to answer', async () => {
    await fresh();
    await connect();
    await answer();
    const before = kept;
    await clock.advance(59_000);
    await open(before);
    await clock.advance(startGraceMs - 1);
    expect(isFenced()).toBe(false);
    await clock.advance(1_001);
    expect(isFenced()).toBe(true);
    await fresh();
    await open(before);
    await connect();
    await answer();
    await clock.advance(50_000);
    expect(isFenced()).toBe(false);
  });
});
