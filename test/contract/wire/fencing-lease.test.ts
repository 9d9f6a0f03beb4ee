/** The agent's promise and the hub's belief together, over a network that loses and delays: the hub never believes before the agent has acted. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DesiredApplication } from '../../../agent/model/desired.ts';
import { createFenceKeeper, type FenceKeeper } from '../../../agent/stream/fence-keeper.ts';
import type { FenceSnapshot } from '../../../agent/stream/fence-state.ts';
import type { FenceContact } from '../../../hub/model/fencing.ts';
import { judgeFencing } from '../../../hub/parity/judge-fencing.ts';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { FenceRule } from '../../../shared/manifest/fencing.ts';

const stepMs = 500;
const quietMs = 120_000;

type Move =
  | { readonly type: 'pass'; readonly steps: number }
  | { readonly type: 'cut' }
  | { readonly type: 'heal' }
  | { readonly type: 'rule'; readonly afterMs: number; readonly named: boolean; readonly withheld: boolean }
  | { readonly type: 'restart'; readonly downMs: number };

const moves = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ type: fc.constant('pass' as const), steps: fc.integer({ min: 1, max: 120 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constantFrom('cut' as const, 'heal' as const) }) as fc.Arbitrary<Move>,
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('rule' as const),
        afterMs: fc.constantFrom(10_000, 20_000, 60_000),
        named: fc.boolean(),
        withheld: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('restart' as const),
        downMs: fc.integer({ min: 0, max: 8_000 }),
      }),
    },
  ),
  { minLength: 3, maxLength: 25 },
);

/** Each message: undefined is lost, else it takes so long. */
const fates = fc.infiniteStream(fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined, freq: 4 }));

async function play(script: readonly Move[], fate: Iterator<number | undefined>): Promise<FenceKeeper> {
  const clock = createFakeClock();
  const application = { target: { digest: 't' } } as unknown as DesiredApplication;
  const desired = {
    applications: () => new Map([['web', application]]),
    batchOpen: () => false,
    subscribe: () => () => {},
  };
  let kept: FenceSnapshot = { leases: [], fenced: [] };
  let isCut = false;
  let session = 0;
  let rules: readonly FenceRule[] = [{ group: 'eu', afterMs: 20_000, applications: ['web'] }];
  let withheld: readonly string[] = [];
  let contact: FenceContact | undefined;
  const storage = {
    load: async () => kept,
    async save(snapshot: FenceSnapshot) {
      kept = snapshot;
    },
  };
  const start = async () => {
    const made = await createFenceKeeper({
      ...{ storage, desired, clock, log: silentLogger, foresee: () => ({ left: [], graceMs: 0 }) },
    });
    // Loops that do at once what they are told.
    const act = () => {
      const one = made.of('web');
      if (one?.resuming) made.resumed('web');
      else if (one) made.stopped('web', { left: [], graceMs: 0 });
    };
    made.subscribe(act);
    act();
    return made;
  };
  let keeper = await start();
  /** In order within a session, as a stream is. */
  const createWay = () => {
    let lastAtMs = 0;
    return (arrive: () => void) => {
      const delayMs = fate.next().value;
      if (delayMs === undefined || isCut) return;
      lastAtMs = Math.max(lastAtMs, clock.now() + delayMs);
      clock.after(lastAtMs - clock.now(), () => {
        if (!isCut) arrive();
      });
    };
  };
  const connect = () => {
    session += 1;
    const own = session;
    const [up, down] = [createWay(), createWay()];
    const to = keeper;
    to.attach(({ sequence, promises }) =>
      up(() => {
        if (own !== session) return;
        contact = { atMs: clock.now(), instanceId: 'i', promises };
        down(() => {
          if (own === session) to.answered(sequence);
        });
      }),
    );
    to.order({ rules, withheld });
  };
  const check = () => {
    const facts = { cluster: 'eu-1', applications: ['web'], connected: false, isStandby: false };
    const { fenced, reason } = judgeFencing({ ...facts, contact, nowMs: clock.now() });
    if (fenced === 'yes') expect(keeper.of('web'), reason).toMatchObject({ resuming: false });
  };
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= stepMs) {
      await clock.advance(stepMs);
      check();
    }
  };
  const heal = () => {
    isCut = false;
    keeper.detach();
    connect();
  };
  connect();
  for (const move of script) {
    if (move.type === 'pass') await pass(move.steps * stepMs);
    else if (move.type === 'cut') isCut = true;
    else if (move.type === 'heal') heal();
    else if (move.type === 'rule') {
      rules = move.named ? [{ group: 'eu', afterMs: move.afterMs, applications: ['web'] }] : [];
      withheld = move.withheld ? ['web'] : [];
      if (!isCut) keeper.order({ rules, withheld });
    } else {
      keeper.detach();
      keeper.stop();
      session += 1;
      await clock.advance(move.downMs);
      keeper = await start();
      if (!isCut) connect();
    }
    check();
  }
  isCut = true;
  await pass(quietMs);
  withheld = [];
  heal();
  keeper.order({ rules, withheld });
  await pass(quietMs);
  keeper.stop();
  return keeper;
}

describe('a promise to fence, and the belief in it', () => {
  it('never lets the hub believe before the agent has acted, whatever the network loses and delays', async () => {
    await fc.assert(
      fc.asyncProperty(moves, fates, async (script, fate) => {
        await play(script, fate[Symbol.iterator]());
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it('ends once the network is whole again', async () => {
    const whole = fc.constant(0);
    await fc.assert(
      fc.asyncProperty(moves, fc.infiniteStream(whole), async (script, fate) => {
        const keeper = await play(script, fate[Symbol.iterator]());
        expect(keeper.of('web')).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  }, 120_000);
});
