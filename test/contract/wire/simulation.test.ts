/** The hub's session against the agent's desired state without sockets: connections cut anywhere, messages repeated, the hub slow and in a hurry. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { type DesiredStore, loadDesiredStore } from '../../../agent/stream/desired-store.ts';
import { assignmentFromWire, summaryToWire } from '../../../agent/stream/wire.ts';
import type { Assignment } from '../../../hub/model/release.ts';
import type { RenderedObject } from '../../../hub/model/rendered.ts';
import { createSession } from '../../../hub/stream/session.ts';
import type { Session, SessionOptions } from '../../../hub/stream/session-context.ts';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { createSeededRandom, type Random } from '../../../shared/clock/random.ts';
import {
  AcknowledgementSchema,
  DigestSummarySchema,
  HelloSchema,
  SessionRequestSchema,
  type SessionResponse,
} from '../../../shared/gen/fairway/v1/agent_pb.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { Target } from '../../../shared/manifest/target.ts';
import { protocolMinor } from '../../../shared/stream/protocol.ts';
import { configMap, createMemoryStorage, render } from './harness.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Only what a session asks of the store. */
function createHubState() {
  const assignments = new Map<string, Assignment>();
  const targets = new Map<string, Target>();
  const objects = new Map<string, RenderedObject>();
  const releases = new Set<string>();
  let generation = 0;
  const store = {
    meta: {
      epoch: async () => ({ counter: 1, id: 'one' }),
      advanceEpoch: async () => ({ counter: 2, id: 'two' }),
    },
    events: { append: async () => {} },
    registry: { cluster: async () => ({ generation, acknowledgedGeneration: 0 }), seen: async () => {} },
    releases: {
      assignments: async () => {
        await turn();
        return [...assignments.values()];
      },
      pauses: async () => [],
      confirmations: async () => [],
      acknowledge: async () => {},
      release: async (id: string) => (releases.has(id) ? { id } : undefined),
    },
    content: {
      target: async (digest: string) => targets.get(digest),
      objects: async (digests: readonly string[]) =>
        new Map(digests.flatMap((digest) => (objects.has(digest) ? [[digest, objects.get(digest)!]] : []))),
    },
  } as unknown as SessionOptions['store'];
  return {
    store,
    objects,
    assignments,
    assign(application: string, value: string) {
      const rendered = render([configMap(application, value), configMap('common', 'same')]);
      targets.set(rendered.target.digest, rendered.target);
      for (const object of rendered.objects) objects.set(object.digest, object);
      generation += 1;
      releases.add(`${application}-${generation}`);
      assignments.set(application, {
        cluster: 'eu-1',
        application,
        targetDigest: rendered.target.digest,
        releaseId: `${application}-${generation}`,
        revisionId: 'r',
        reason: 'release',
        generation,
        assignedAtMs: 0,
        removed: false,
      });
    },
  };
}

type HubState = ReturnType<typeof createHubState>;

/** One connection: the pipe holds `room` messages; more waits. */
function connect(hub: HubState, desired: DesiredStore, random: Random, room: number) {
  const pipe: SessionResponse[] = [];
  const sent: string[] = [];
  let drained = Promise.withResolvers<void>();
  let failure: unknown;
  const session: Session = createSession({
    certificate: {
      serial: '1',
      cluster: 'eu-1',
      fingerprint: 'f',
      notBeforeMs: 0,
      notAfterMs: 1,
      revokedAtMs: undefined,
      revokedReason: undefined,
    },
    peer: 'simulated',
    startedAtMs: 0,
    store: hub.store,
    registry: { renew: () => Promise.reject(new Error('not simulated')) },
    clock: createFakeClock(),
    log: silentLogger,
    write(message) {
      pipe.push(message);
      if (message.message.case === 'assignment') sent.push(message.message.value.application);
      return pipe.length < room;
    },
    drained: () => drained.promise,
    end(error) {
      failure = error;
    },
    onHello: async () => {},
    onRestored: () => {},
  });
  const deliver = (message: SessionResponse) => {
    if (message.message.case === 'resyncDone') desired.closeBatch();
    if (message.message.case !== 'assignment') return;
    const { assigned, blobs } = assignmentFromWire(message.message.value);
    const lacking = desired.assign(assigned, blobs);
    if (lacking.length > 0) desired.addBlobs(lacking.map((digest) => hub.objects.get(digest)!));
  };
  return {
    session,
    sent,
    failure: () => failure,
    hello: () =>
      session.receive(
        create(SessionRequestSchema, {
          message: {
            case: 'hello',
            value: create(HelloSchema, { protocolMinor, summary: summaryToWire(desired.summary()) }),
          },
        }),
      ),
    /** The agent takes one message, sometimes twice. False: nothing there. */
    take() {
      const message = pipe.shift();
      if (!message) return false;
      deliver(message);
      if (random.next() < 0.1) deliver(message);
      const waiting = drained;
      drained = Promise.withResolvers();
      waiting.resolve();
      return true;
    },
    cut() {
      session.close();
      pipe.length = 0;
      drained.resolve();
    },
  };
}

async function desiredOf(storage = createMemoryStorage(), seed = 1): Promise<DesiredStore> {
  const random = createSeededRandom(seed);
  return loadDesiredStore({
    storage,
    key: Buffer.alloc(32, 3),
    clock: createFakeClock(),
    random,
    log: silentLogger,
  });
}

async function settle(connection: ReturnType<typeof connect>): Promise<void> {
  for (let quiet = 0; quiet < 8; quiet += 1) {
    await turn();
    if (connection.take()) quiet = 0;
  }
}

async function simulate(seed: number): Promise<void> {
  const random = createSeededRandom(seed);
  const hub = createHubState();
  const storage = createMemoryStorage();
  let desired = await desiredOf(storage, seed);
  let connection: ReturnType<typeof connect> | undefined;
  const applications = ['web', 'api', 'jobs'];
  for (let step = 0; step < 40; step += 1) {
    const draw = random.next();
    if (draw < 0.35) {
      hub.assign(applications[Math.floor(random.next() * 3)]!, String(Math.floor(random.next() * 4)));
      connection?.session.wake();
    } else if (draw < 0.7) {
      connection?.take();
      await turn();
    } else if (draw < 0.8) {
      connection?.cut();
      connection = undefined;
      if (random.next() < 0.3) {
        await desired.flush();
        desired = await desiredOf(storage, seed);
      }
    } else if (!connection) {
      connection = connect(hub, desired, random, 1 + Math.floor(random.next() * 3));
      await connection.hello();
    }
  }
  connection?.cut();
  const last = connect(hub, desired, random, 2);
  await last.hello();
  await settle(last);
  expect(last.failure()).toBeUndefined();
  const held = [...desired.applications().values()].map((each) => [
    each.application,
    each.target.digest,
    each.generation,
  ]);
  const wanted = [...hub.assignments.values()].map((each) => [
    each.application,
    each.targetDigest,
    each.generation,
  ]);
  expect(held.sort(), `seed ${seed}`).toEqual(wanted.sort());
  expect(desired.batchOpen(), `seed ${seed}`).toBe(false);
  for (const { target } of desired.applications().values())
    for (const { objectDigest } of target.set.entries)
      expect(desired.object(objectDigest), `seed ${seed}`).toBeDefined();
  last.cut();
}

describe('hub session and agent state', () => {
  it('agree in the end, whatever happens to connections', async () => {
    for (let seed = 1; seed <= 25; seed += 1) await simulate(seed);
  });

  it('sends only the latest while the agent is slow', async () => {
    const hub = createHubState();
    const desired = await desiredOf();
    hub.assign('web', '0');
    hub.assign('api', '0');
    const connection = connect(hub, desired, createSeededRandom(5), 2);
    await connection.hello();
    for (let i = 0; i < 10; i += 1) await turn();
    // The pipe is full with the welcome and one assignment; a hundred changes more queue nothing.
    for (let i = 1; i <= 100; i += 1) {
      hub.assign('api', String(i));
      connection.session.wake();
      await turn();
    }
    await settle(connection);
    expect(connection.sent.filter((application) => application === 'api').length).toBeLessThanOrEqual(2);
    expect(desired.applications().get('api')?.generation).toBe(102);
    expect(desired.batchOpen()).toBe(false);
  });

  it('keeps going after an acknowledgement or a summary that says nothing new', async () => {
    const hub = createHubState();
    const desired = await desiredOf();
    hub.assign('web', '0');
    const connection = connect(hub, desired, createSeededRandom(6), 5);
    await connection.hello();
    await settle(connection);
    const summary = create(DigestSummarySchema, summaryToWire(desired.summary()));
    await connection.session.receive(
      create(SessionRequestSchema, { message: { case: 'summary', value: summary } }),
    );
    const value = create(AcknowledgementSchema, { application: 'web', generation: 1n });
    await connection.session.receive(
      create(SessionRequestSchema, { message: { case: 'acknowledgement', value } }),
    );
    await settle(connection);
    expect(connection.sent).toEqual(['web']);
  });
});
