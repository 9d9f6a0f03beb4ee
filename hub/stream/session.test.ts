import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import {
  HelloSchema,
  type SessionRequest,
  SessionRequestSchema,
  type SessionResponse,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import { silentLogger } from '../../shared/log/log.ts';
import { protocolMinor } from '../../shared/stream/protocol.ts';
import type { AgentAuthority, IssuedCertificate } from '../model/registry.ts';
import { createSession } from './session.ts';
import type { SessionStore } from './session-context.ts';

/** A store that tells its epoch when it is told to; what is done, in order. */
function createBed() {
  const epoch = Promise.withResolvers<{ counter: number; id: string }>();
  const written: string[] = [];
  const fence = { atMs: 0, instanceId: 'before', promises: [] };
  const store = {
    meta: { epoch: () => epoch.promise },
    registry: {
      cluster: async () => ({ name: 'eu-1', generation: 0, acknowledgedGeneration: 0, fence }),
      seen: async ({ connected }: { readonly connected: boolean }) => void written.push(`seen ${connected}`),
      saveFenceContact: async () => void written.push('fence contact'),
    },
    releases: { confirmations: async () => [], assignments: async () => [], pauses: async () => [] },
  } as unknown as SessionStore;
  const said: SessionResponse['message']['case'][] = [];
  const session = createSession({
    ...{ store, clock: createFakeClock(), log: silentLogger, peer: '', startedAtMs: 0 },
    certificate: { cluster: 'eu-1', notAfterMs: 1 } as IssuedCertificate,
    registry: {} as Pick<AgentAuthority, 'renew'>,
    write: ({ message }) => said.push(message.case) > 0,
    drained: async () => {},
    end: () => {},
    onHello: async () => void written.push('opened'),
    onRestored: () => {},
  });
  return { session, epoch, written, said };
}

function hello(): SessionRequest {
  const value = create(HelloSchema, { protocolMinor, instanceId: 'now' });
  return create(SessionRequestSchema, { message: { case: 'hello', value } });
}

describe('createSession', () => {
  it('writes down that its agent is connected, and welcomes it', async () => {
    const { session, epoch, written, said } = createBed();
    epoch.resolve({ counter: 1, id: 'a' });
    await session.receive(hello());
    expect(written).toEqual(['opened', 'seen true', 'fence contact']);
    expect(said[0]).toBe('welcome');
  });

  it('writes nothing down once it has ended: that would make an agent that is gone connected for good', async () => {
    const { session, epoch, written, said } = createBed();
    const opening = session.receive(hello());
    session.close();
    epoch.resolve({ counter: 1, id: 'a' });
    await opening;
    expect(written).toEqual(['opened']);
    expect(said).toEqual([]);
  });

  it('takes nothing that comes after its end, a hello neither', async () => {
    const { session, epoch, written } = createBed();
    epoch.resolve({ counter: 1, id: 'a' });
    session.close();
    await session.receive(hello());
    expect(written).toEqual([]);
  });
});
