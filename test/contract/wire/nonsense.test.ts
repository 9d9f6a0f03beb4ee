/** A hub that answers nonsense: the agent lets go of the session, tells why, keeps what it has, and is well again when the hub is. */
import type { MethodDefinition } from '@grpc/grpc-js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { configMap, enrolAgent, type Hub, startAgent, startHub, until } from './harness.ts';

const hub_ = vi.hoisted(() => ({
  tamper: undefined as ((bytes: Buffer) => Buffer) | undefined,
  tampered: 0,
}));

vi.mock('../../../shared/stream/service.ts', async (original) => {
  const actual = await original<{
    toMethodDefinition: (method: never) => MethodDefinition<object, object>;
  }>();
  return {
    ...actual,
    toMethodDefinition(method: never) {
      const definition = actual.toMethodDefinition(method);
      if (!definition.path.endsWith('/Session')) return definition;
      return {
        ...definition,
        responseSerialize(message: object) {
          const bytes = definition.responseSerialize(message);
          if (!hub_.tamper) return bytes;
          hub_.tampered += 1;
          return hub_.tamper(bytes);
        },
      };
    },
  };
});

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  hub_.tamper = undefined;
  for (const close of closers.splice(0).reverse()) await close();
});

async function bed(): Promise<{ hub: Hub; agent: Awaited<ReturnType<typeof startAgent>> }> {
  const hub = await startHub();
  closers.push(() => hub.stop());
  await hub.assign('eu-1', { web: [configMap('a', '1')] });
  const agent = await startAgent(await enrolAgent(hub, 'eu-1'));
  closers.push(() => agent.connection.stop());
  await until('what is assigned', () => agent.desired.applications().get('web'));
  return { hub, agent };
}

describe('a hub that answers nonsense', () => {
  it.each([
    ['bytes that are no message', () => Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07])],
    ['half of a message', (bytes: Buffer) => bytes.subarray(0, Math.max(1, bytes.length - 3))],
    ['nothing', () => Buffer.alloc(0)],
    // Field 3 of SessionResponse: pauses, before any welcome.
    ['something before its welcome', () => Buffer.from([0x1a, 0x00])],
  ])(
    'with %s loses its session, not what the agent has',
    async (_what, tamper) => {
      const { hub, agent } = await bed();
      const generation = agent.desired.applications().get('web')?.generation;
      hub_.tamper = tamper;
      hub_.tampered = 0;
      hub.server.disconnect('eu-1', 'test');
      // It comes back, is answered nonsense, and tries again: not once, and not in a circle without a pause.
      await until(
        'several tries',
        () => hub_.tampered >= 2 && agent.connection.state().failures >= 1,
        20_000,
      );
      expect(agent.connection.state().lastError).not.toBe('');
      expect(agent.desired.applications().get('web')?.generation).toBe(generation);
      hub_.tamper = undefined;
      await hub.assign('eu-1', { web: [configMap('a', '2')] });
      await until(
        'the next assignment',
        () => (agent.desired.applications().get('web')?.generation ?? 0) > (generation ?? 0),
        30_000,
      );
      expect(agent.connection.state().connected).toBe(true);
    },
    60_000,
  );
});
