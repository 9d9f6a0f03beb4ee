/** A session's opening: who the agent says it is and what it holds, whether it has seen a later state than this hub's, and the welcome. */
import { create } from '@bufbuild/protobuf';
import { FairwayError } from '../../shared/error/error.ts';
import { type Hello, SessionResponseSchema, WelcomeSchema } from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { Epoch } from '../../shared/manifest/target.ts';
import { protocolMinor, summaryIntervalMs } from '../../shared/stream/protocol.ts';
import { epochToWire } from '../../shared/stream/wire.ts';
import { createEvent, type NewEvent } from '../model/event.ts';
import { findRestored } from './find-confirmations.ts';
import { isAhead, planDoubtful, seenGeneration } from './plan-session.ts';
import type { Session, SessionContext, SessionStore } from './session-context.ts';
import { summaryFromWire } from './wire.ts';

const textMax = 64;

/**
 * Takes an agent's hello and writes the welcome; after that, assignments may follow. A session that ends meanwhile does nothing more.
 * @throws FairwayError `invalid_argument` for a second hello, `failed_precondition` for an agent whose protocol is too far from this hub's, and what `onHello` throws.
 */
export async function openSession(context: SessionContext, session: Session, hello: Hello): Promise<void> {
  const { state, options, cluster } = context;
  const { store, clock } = options;
  if (state.hello !== undefined) throw new FairwayError('invalid_argument', 'a session has one hello');
  if (Math.abs(hello.protocolMinor - protocolMinor) > 1)
    throw new FairwayError(
      'failed_precondition',
      `this hub speaks protocol minor ${protocolMinor}, the agent ${hello.protocolMinor}: they may differ by one`,
    );
  const seen = summaryFromWire(hello.summary);
  // Kept as long as the session, and told: an agent is not trusted to say little.
  const instanceId = hello.instanceId.slice(0, textMax);
  const agentVersion = hello.agentVersion.slice(0, textMax);
  const kubernetesVersion = hello.kubernetesVersion.slice(0, textMax);
  state.hello = { ...hello, instanceId, agentVersion, kubernetesVersion, summary: undefined } as Hello;
  await options.onHello(session);
  state.epoch = await store.meta.epoch();
  const known = await store.registry.cluster(cluster);
  const ours = known?.generation ?? 0;
  const foreign = await hasForeignRelease(
    store,
    planDoubtful(seen, state.epoch, known?.acknowledgedGeneration ?? 0),
  );
  if (foreign || isAhead(seen, state.epoch, ours)) {
    options.log.warn('an agent has seen a later state of this hub: it was restored from an older one', {
      cluster,
      seenCounter: seen.epoch.counter,
      counter: state.epoch.counter,
      seenGeneration: seenGeneration(seen),
      generation: ours,
    });
    const before = state.epoch;
    // A hub that has counted past what the agent saw moves all the same: its numbers mean other things than the agent's.
    const past = foreign ? Math.max(seenGeneration(seen), ours + 1) : seenGeneration(seen);
    state.epoch = await store.meta.advanceEpoch(seen.epoch, cluster, past, clock.now());
    await store.events.append([restoredEvent(cluster, before, state.epoch, clock.now())]);
    options.onRestored();
  }
  state.held = new Map(seen.applications);
  state.seenGeneration = seenGeneration(seen);
  // It has ended meanwhile, and that is written down: this would make it connected for good.
  if (state.closed) return;
  await store.registry.seen({
    cluster,
    connected: true,
    agentVersion,
    kubernetesVersion,
    nowMs: clock.now(),
  });
  state.openedAtMs = clock.now();
  // Another process knows of promises only what it says itself.
  if (!state.closed && known?.fence && known.fence.instanceId !== instanceId)
    await store.registry.saveFenceContact(cluster, undefined);
  const value = create(WelcomeSchema, {
    epoch: epochToWire(state.epoch),
    cluster,
    deletionsHeld: findRestored(await store.releases.confirmations()) !== undefined,
    protocolMinor,
    summaryIntervalMs,
  });
  options.write(create(SessionResponseSchema, { message: { case: 'welcome', value } }));
  state.opened = true;
  state.resync = true;
}

/** A release that no store row tells of; made by a later life of this hub than the backup it was restored from. */
async function hasForeignRelease(store: SessionStore, releaseIds: readonly string[]): Promise<boolean> {
  for (const id of releaseIds) if ((await store.releases.release(id)) === undefined) return true;
  return false;
}

/** Once an epoch: agents that show the same again change nothing. */
function restoredEvent(cluster: string, before: Epoch, after: Epoch, timeMs: number): NewEvent {
  const message = 'the hub was restored from an older state: deletions wait for a confirmation';
  const data = { before: before.counter, after: after.counter };
  const id = `hub.restored:${after.counter}:${after.id}`;
  return createEvent({ type: 'hub.restored', actor: 'hub', timeMs, cluster, message, data, id });
}
