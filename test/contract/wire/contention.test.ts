import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { type Logger, silentLogger } from '../../../shared/log/log.ts';
import { enrolAgent, until } from './harness.ts';
import { createParties } from './parties.ts';

const { hubOf, agentOf } = createParties();

describe('two agents of one cluster', () => {
  it('are told of once where they throw each other out again and again', async () => {
    const hub = await hubOf();
    const identity = await enrolAgent(hub, 'eu-1');
    const told = () => hub.store.events.list({ types: ['agent.contended'] }, { limit: 10 });
    const start = async (instanceId: string) => {
      const waits: unknown[] = [];
      const clock = createFakeClock(hub.clock.now());
      const log: Logger = { ...silentLogger, warn: (_, fields) => waits.push(fields?.['delayMs']) };
      const agent = await agentOf(identity, { clock, log, instanceId });
      await until(`${instanceId} is connected`, () => agent.connection.state().connected);
      return { agent, clock, waits };
    };
    const comeBack = async ({ agent, clock, waits }: Awaited<ReturnType<typeof start>>) => {
      await until('thrown out', () => agent.connection.state().lastError?.includes('newer session'));
      // Just as long as it means to wait: a moment more, and it would miss the answer of the hub it dials then.
      const waitMs = Number(waits.at(-1));
      hub.clock.passedMs += waitMs;
      await clock.advance(waitMs);
      await until('back', () => agent.connection.state().connected);
      return waitMs;
    };
    const [first, second] = [await start('first'), await start('second')];
    await comeBack(first);
    await comeBack(second);
    expect((await told()).items).toEqual([]);
    const waits: number[] = [];
    for (const agent of [first, second, first, second, first, second, first])
      waits.push(await comeBack(agent));
    expect(Math.max(...waits)).toBeGreaterThan(60_000);
    const { items } = await told();
    expect(items).toMatchObject([
      {
        ...{ actor: 'hub', cluster: 'eu-1' },
        message: expect.stringContaining('two agents take turns as eu-1: instance second from 127.0.0.1:'),
        data: { instances: [{ instanceId: 'second' }, { instanceId: 'first' }], returns: 3 },
      },
    ]);
  });

  it('cannot make the hub keep and tell long texts', async () => {
    const hub = await hubOf();
    const long = 'x'.repeat(10_000);
    const versions = { agent: long, kubernetes: long };
    const agent = await agentOf(await enrolAgent(hub, 'eu-1'), { instanceId: long, versions });
    await until('connected', () => agent.connection.state().connected);
    const short = 'x'.repeat(64);
    expect(hub.server.sessions()).toMatchObject([
      { instanceId: short, agentVersion: short, kubernetesVersion: short },
    ]);
  });
});
