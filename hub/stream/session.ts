/**
 * One agent's Session, apart from any socket: takes what the agent says. Its hello is `open-session.ts`; what it is told is `update-agent.ts`. A session keeps for each
 * application three words (digest, generation, release) of what the agent holds, never a Target; `wake` says only "look again", and each look reads the store anew, so
 * the latest wins and nothing queues while the connection is slow.
 */
import { create } from '@bufbuild/protobuf';
import { FairwayError } from '../../shared/error/error.ts';
import {
  RenewResponseSchema,
  type SessionRequest,
  SessionResponseSchema,
  SyncRequestSchema,
  type FenceContact as WireContact,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import { encode, timeToWire } from '../../shared/stream/wire-base.ts';
import { takeContact } from './fencing.ts';
import { openSession } from './open-session.ts';
import { seenGeneration } from './plan-session.ts';
import type { Session, SessionContext, SessionOptions, SessionState } from './session-context.ts';
import { updateAgent } from './update-agent.ts';
import { acknowledgementFromWire, summaryFromWire } from './wire.ts';

/** A session that waits for the agent's hello. */
export function createSession(options: SessionOptions): Session {
  const { certificate, clock } = options;
  const connectedAtMs = clock.now();
  const state: SessionState = {
    hello: undefined,
    opened: false,
    held: new Map(),
    seenGeneration: 0,
    epoch: { counter: 0, id: '' },
    certificateNotAfterMs: certificate.notAfterMs,
    pausesSent: '',
    batchOpen: false,
    openedAtMs: connectedAtMs,
    order: undefined,
    woken: false,
    resync: false,
    updating: false,
    closed: false,
  };
  const context: SessionContext = { options, state, cluster: certificate.cluster };
  const session: Session = {
    cluster: certificate.cluster,
    info: () => ({
      cluster: certificate.cluster,
      instanceId: state.hello?.instanceId ?? '',
      agentVersion: state.hello?.agentVersion ?? '',
      kubernetesVersion: state.hello?.kubernetesVersion ?? '',
      peer: options.peer,
      connectedAtMs,
      certificateNotAfterMs: state.certificateNotAfterMs,
      applications: state.held.size,
    }),
    receive: (message) => receive(context, session, message),
    wake() {
      state.woken = true;
      if (state.opened) void updateAgent(context);
    },
    sync(application, requestId) {
      const value = create(SyncRequestSchema, { application, requestId });
      options.write(create(SessionResponseSchema, { message: { case: 'sync', value } }));
    },
    close() {
      state.closed = true;
    },
  };
  return session;
}

async function receive(
  context: SessionContext,
  session: Session,
  { message }: SessionRequest,
): Promise<void> {
  const { state, options } = context;
  // Its call has ended, or a newer session counts: what was still on its way must not be taken for the state of now.
  if (state.closed) return;
  if (message.case !== 'hello' && state.hello === undefined)
    throw new FairwayError('invalid_argument', 'a session opens with a hello');
  switch (message.case) {
    case 'hello':
      await openSession(context, session, message.value);
      void updateAgent(context);
      return;
    case 'acknowledgement': {
      const acknowledgement = acknowledgementFromWire(message.value);
      if (acknowledgement) {
        // A fast clock of the agent's must not date it ahead of the hub's own.
        const timeMs = Math.min(acknowledgement.timeMs, options.clock.now());
        await options.store.releases.acknowledge({ cluster: context.cluster, ...acknowledgement, timeMs });
      }
      return;
    }
    case 'summary': {
      const seen = summaryFromWire(message.value);
      state.held = new Map(seen.applications);
      state.seenGeneration = Math.max(state.seenGeneration, seenGeneration(seen));
      state.resync = true;
      void updateAgent(context);
      return;
    }
    case 'contact':
      return contact(context, message.value);
    case 'renew':
      return renew(context, message.value.certificateSigningRequest);
    default:
      // A newer agent may say more than this hub knows.
      options.log.debug('unknown session message ignored', { cluster: context.cluster });
  }
}

async function contact({ state, options, cluster }: SessionContext, message: WireContact): Promise<void> {
  const { store, clock, fencing } = options;
  // The word of a session that another has replaced must not go over that one's.
  if (fencing === undefined || state.closed) return;
  const { openedAtMs } = state;
  const answer = await takeContact(message, {
    atMs: clock.now(),
    instanceId: state.hello?.instanceId ?? '',
    before: (await store.registry.cluster(cluster))?.fence,
    save: (said) => store.registry.saveFenceContact(cluster, said),
    withheld: async () => (await fencing({ cluster, openedAtMs, assignments: [] })).withheld,
  });
  if (answer) options.write(answer);
}

async function renew({ options, state, cluster }: SessionContext, csr: Uint8Array): Promise<void> {
  const currentFingerprint = options.certificate.fingerprint;
  const credential = await options.registry.renew({ cluster, csr, currentFingerprint });
  state.certificateNotAfterMs = credential.notAfterMs;
  const value = encode(RenewResponseSchema, {
    certificateChain: [...credential.certificateChain],
    notAfterUnixMs: timeToWire(credential.notAfterMs),
  });
  options.write(create(SessionResponseSchema, { message: { case: 'renewed', value } }));
}
