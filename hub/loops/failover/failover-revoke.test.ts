/** What is revoked never comes after all: not by a push that was under way, nor by one whose end nobody has seen. */
import { afterEach, describe, expect, it } from 'vitest';
import { FairwayError } from '../../../shared/error/error.ts';
import type { FailoverStart } from '../../api/ports.ts';
import { createFailoverBed, type FailoverBed } from './failover-bed.test-support.ts';

type Write = Parameters<typeof createFailoverBed>[0];
type Made = Awaited<ReturnType<Write>>;

const asked: FailoverStart = {
  ...{ group: 'eu', kind: 'failover', to: undefined, reason: 'dark', actor: 'ops', confirm: true },
  ...{ overrideMs: undefined, commit: undefined },
};
const word = { reason: 'not today', actor: 'ann' };
const done: Made = { result: 'written', commit: 'c'.repeat(40), ref: 'refs/heads/main' };

let bed: FailoverBed;
const open = async (write: Write) => {
  bed = await createFailoverBed(write);
  return bed;
};
const now = async () => (await bed.bed.store.failovers.list('eu', { limit: 1 })).items[0];
const messages = async () =>
  (await bed.bed.store.events.list({ types: ['failover'] }, { limit: 50 })).items.map(
    ({ message }) => message,
  );

afterEach(() => bed.close());

/** A push that has begun, and waits for the test. What has arrived is found from then on. */
function heldPush() {
  const begun = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Made>();
  let arrived: Made | undefined;
  const write: Write = async (_, edit) => {
    if (arrived) return { ...arrived, result: 'found' };
    await edit();
    begun.resolve();
    arrived = await answer.promise;
    return arrived;
  };
  return { begun: begun.promise, answer, write };
}

describe('failover revoke', () => {
  it('ends a failover that nothing was pushed of, and no attempt pushes it any more', async () => {
    const looked = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let pushed = 0;
    const { failovers, settle } = await open(async (_, edit) => {
      looked.resolve();
      await goOn.promise;
      await edit();
      pushed += 1;
      return done;
    });
    await failovers.start(asked);
    const round = settle();
    await looked.promise;
    expect(await failovers.revoke('eu', word)).toMatchObject({ phase: 'Ended' });
    goOn.resolve();
    await round;
    expect(pushed).toBe(0);
    expect(await now()).toMatchObject({ phase: 'Ended', message: 'revoked by ann: not today' });
  });

  it('waits for a push that is under way, and comes too late when that arrives', async () => {
    const { begun, answer, write } = heldPush();
    const { failovers, settle } = await open(write);
    await failovers.start(asked);
    const round = settle();
    await begun;
    const waiting = await failovers.revoke('eu', word);
    expect(waiting).toMatchObject({ phase: 'Writing', revoking: word });
    expect(waiting.message).toContain('once Git says that it is not there');
    answer.resolve(done);
    await round;
    await settle();
    const after = await now();
    expect(after).toMatchObject({ phase: 'Switching', commit: { written: { commit: done.commit } } });
    expect(after?.revoking).toBeUndefined();
    expect((await messages()).join()).toContain('ann has revoked it too late: go back by');
    await expect(failovers.revoke('eu', word)).rejects.toThrow('The switch is in Git already');
  });

  it('ends with a push under way that the server refuses', async () => {
    const { begun, answer, write } = heldPush();
    const { failovers, settle } = await open(write);
    await failovers.start(asked);
    const round = settle();
    await begun;
    await failovers.revoke('eu', word);
    answer.reject(new FairwayError('conflict', 'somebody else has pushed'));
    await round;
    await settle();
    expect(await now()).toMatchObject({ phase: 'Ended', message: 'revoked by ann: not today' });
  });

  it('asks Git first where the end of a push was not seen', async () => {
    let down = false;
    let pushed = 0;
    const { failovers, settle } = await open(async (_, edit) => {
      if (down) throw new FairwayError('unavailable', 'Git is down');
      await edit();
      pushed += 1;
      throw new FairwayError('unavailable', 'the answer was lost');
    });
    await failovers.start(asked);
    await settle();
    expect(await now()).toMatchObject({ phase: 'Writing', commit: { pushing: true } });
    down = true;
    expect(await failovers.revoke('eu', word)).toMatchObject({ phase: 'Writing', revoking: word });
    await bed.bed.clock.advance(120_000);
    await settle();
    expect(await now()).toMatchObject({ phase: 'Writing', commit: { pushing: true } });
    down = false;
    await bed.bed.clock.advance(120_000);
    await settle();
    expect(pushed).toBe(1);
    expect(await now()).toMatchObject({ phase: 'Ended', message: 'revoked by ann: not today' });
  });

  it('finds the commit of a push whose end was not seen', async () => {
    let attempts = 0;
    const { failovers, settle } = await open(async (_, edit) => {
      attempts += 1;
      if (attempts > 1) return { ...done, result: 'found' };
      await edit();
      throw new FairwayError('deadline_exceeded', 'no answer');
    });
    await failovers.start(asked);
    await settle();
    await failovers.revoke('eu', word);
    await bed.bed.clock.advance(120_000);
    await settle();
    expect(await now()).toMatchObject({ phase: 'Switching', commit: { written: { commit: done.commit } } });
  });
});
