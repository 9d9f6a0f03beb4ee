import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { type ContentionWatch, contentionEvent, createContentionWatch } from './contention.ts';
import type { SessionInfo } from './session-context.ts';

const minuteMs = 60_000;

function sessionOf(instanceId: string, cluster: string): SessionInfo {
  return {
    ...{ cluster, instanceId, peer: `10.0.0.1:${instanceId}`, agentVersion: '0.1.0', kubernetesVersion: '' },
    ...{ connectedAtMs: 0, certificateNotAfterMs: 0, applications: 0 },
  };
}

/** Sessions of one cluster, each replacing the one before. @returns what is told at each replacement. */
async function takeTurns(
  watch: ContentionWatch,
  instances: readonly string[],
  wait: () => Promise<void>,
  cluster = 'eu-1',
): Promise<readonly (string | undefined)[]> {
  const [first = '', ...others] = instances;
  const told: (string | undefined)[] = [];
  let before = sessionOf(first, cluster);
  for (const instance of others) {
    await wait();
    const next = sessionOf(instance, cluster);
    const found = watch.replaced(before, next);
    told.push(found && `${found.instances.map(({ instanceId }) => instanceId).join(' ')} ${found.returns}`);
    before = next;
  }
  return told;
}

function createBed(waitMs = minuteMs / 2) {
  const clock = createFakeClock();
  return { clock, watch: createContentionWatch(clock), wait: () => clock.advance(waitMs) };
}

describe('createContentionWatch', () => {
  it('tells once that two agents take turns, and again an hour later', async () => {
    const { clock, watch, wait } = createBed();
    const turns = ['a', 'b', 'a', 'b', 'a', 'b', 'a'];
    const none = undefined;
    expect(await takeTurns(watch, turns, wait)).toEqual([none, none, none, 'b a 3', none, none]);
    await clock.advance(50 * minuteMs);
    expect(await takeTurns(watch, turns, wait)).toEqual([none, none, none, none, none, none]);
    await clock.advance(6 * minuteMs);
    expect(await takeTurns(watch, ['a', 'b', 'a'], wait)).toEqual(['a b 6', none]);
  });

  it('tells nothing of an agent that is started anew again and again, nor of one that connects again', async () => {
    const { watch, wait } = createBed();
    const told = await takeTurns(watch, ['a', 'b', 'c', 'd', 'e', 'f', 'f', 'f', 'f', 'f', 'f'], wait);
    expect(told.every((one) => one === undefined)).toBe(true);
  });

  it('tells of the two that met last where there are more than two', async () => {
    const { watch, wait } = createBed();
    expect((await takeTurns(watch, ['a', 'b', 'c', 'a', 'b', 'c'], wait)).at(-1)).toBe('b c 3');
  });

  it('tells nothing of turns that lie further apart than agents wait', async () => {
    const { watch, wait } = createBed(11 * minuteMs);
    const told = await takeTurns(watch, ['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b'], wait);
    expect(told.every((one) => one === undefined)).toBe(true);
  });

  it('keeps clusters apart', async () => {
    const { watch, wait } = createBed();
    await takeTurns(watch, ['a', 'b', 'a'], wait, 'eu-1');
    expect(await takeTurns(watch, ['a', 'b', 'a', 'b'], wait, 'eu-2')).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('names both instances, where they are, and what to do', async () => {
    const { watch, wait } = createBed();
    await takeTurns(watch, ['a', 'b', 'a', 'b'], wait);
    const told = watch.replaced(sessionOf('b', 'eu-1'), sessionOf('a', 'eu-1'));
    if (told === undefined) throw new Error('nothing was told');
    const event = contentionEvent(told, 5);
    expect(event).toMatchObject({ type: 'agent.contended', cluster: 'eu-1', actor: 'hub', timeMs: 5 });
    expect(event.message).toContain('instance b from 10.0.0.1:b and instance a from 10.0.0.1:a');
    expect(event.message).toContain('stop the one that does not belong there');
    expect(event.data).toEqual({
      instances: [
        { instanceId: 'b', peer: '10.0.0.1:b' },
        { instanceId: 'a', peer: '10.0.0.1:a' },
      ],
      returns: 3,
    });
  });
});
