import type { Loop } from '../../shared/loop/loop.ts';
import { isEgressAllowed } from '../config/egress.ts';
import { readSecret } from '../config/secret-reader.ts';
import { createFailovers, type FailoverDriver } from '../loops/failover/failovers.ts';
import { createGarbageLoop, createPauseLoop } from '../loops/housekeeping.ts';
import { createNotifyLoop } from '../loops/notify-loop.ts';
import { createParityLoop, type ParityDriver } from '../loops/parity/parity-loop.ts';
import { createRolloutLoop, type RolloutDriver } from '../loops/rollout/rollout-loop.ts';
import type { StreamServer } from '../stream/stream-server.ts';
import type { Pipeline } from './create-pipeline.ts';
import type { HubBase } from './hub-base.ts';

/** Everything that moves the hub by itself, but for the stream and the views. */
export interface HubLoops {
  readonly notify: Loop;
  readonly garbage: Loop;
  readonly pauseLoop: Loop;
  readonly rollouts: RolloutDriver;
  readonly parity: ParityDriver;
  readonly failovers: FailoverDriver;
  /** All there are, those of the pipeline among them. */
  readonly all: readonly Loop[];
  /** Sets them going. */
  start(): void;
}

/** How long an agent may take to answer what a parity group asks. */
const parityQueryMs = 60_000;

/** Nothing runs before `start`, or before it is woken. */
export async function createHubLoops(
  base: HubBase,
  { stream, pipeline }: { readonly stream: StreamServer; readonly pipeline: Pipeline },
): Promise<HubLoops> {
  const { config } = base;
  const notify = await createNotify(base);
  const garbage = createGarbage(base);
  const pauseLoop = createPauseLoop(base);
  const rollouts = createRolloutLoop({
    ...base,
    ask: (cluster, question, options) => stream.query(cluster, question, options),
    revert: pipeline.revert,
    fetch: (url, init) => fetch(url, init),
    egress: (url) => isEgressAllowed(config, url),
  });
  const parity = createParityLoop({
    ...base,
    ask: (cluster, question, signal) => stream.query(cluster, question, { signal, timeoutMs: parityQueryMs }),
    explain: pipeline.explainer.explain,
  });
  const failovers = createFailovers({
    ...base,
    ...pipeline.failovers,
    parity: (group) => parity.group(group),
  });
  const own = [notify, garbage, pauseLoop, rollouts.loop, ...parity.loops, failovers.loop];
  return {
    ...{ notify, garbage, pauseLoop, rollouts, parity, failovers },
    all: [pipeline.sourceLoop, pipeline.resolveLoop, ...own],
    start() {
      pipeline.start();
      notify.wake('outbox');
      garbage.wake('garbage');
      pauseLoop.wake('pauses');
      rollouts.wakeAll();
      parity.wakeAll();
      failovers.wakeAll();
    },
  };
}

function createNotify(base: HubBase): Promise<Loop> {
  const { config, secrets } = base;
  return createNotifyLoop({
    ...base,
    routes: config.notifications.map(({ url, types, secret }) => ({
      url,
      types,
      secret: async () => secret && readSecret(secret, `the secret of ${new URL(url).host}`, secrets),
    })),
    allowed: (url) => isEgressAllowed(config, url),
    source: `urn:fairway:hub:${config.advertise.serverName}`,
  });
}

function createGarbage(base: HubBase): Loop {
  const { retention } = base.config;
  return createGarbageLoop(base, {
    eventsKeptMs: retention.eventsMs,
    releasesKeptMs: retention.releasesMs,
    releasesKept: retention.releasesKept,
    rolloutsKeptMs: retention.rolloutsMs,
    rolloutsKept: retention.rolloutsKept,
  });
}
