import { Counter, type Registry } from 'prom-client';
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import type { Logger } from '../../shared/log/log.ts';
import { createLoop, type Loop } from '../../shared/loop/loop.ts';
import { createNotifier, type NotifierRoute } from '../notify/notifier.ts';
import type { Store } from '../store/store.ts';

export interface NotifyLoopOptions {
  readonly store: Store;
  readonly routes: readonly NotifierRoute[];
  readonly allowed: (url: string) => boolean;
  /** CloudEvents' source. */
  readonly source: string;
  readonly metrics: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Empties the outbox. Wake it when events came; it asks for its own next turn. */
export async function createNotifyLoop(options: NotifyLoopOptions): Promise<Loop> {
  const deliveries = new Counter({
    name: 'fairway_notifications_total',
    help: 'Deliveries to outgoing webhooks.',
    labelNames: ['route', 'result'] as const,
    registers: [options.metrics],
  });
  const notifier = createNotifier({ ...options, fetch: (url, init) => fetch(url, init), deliveries });
  await notifier.start();
  const loop = createLoop({ ...options, name: 'notify', step: () => notifier.step() });
  return {
    ...loop,
    get steps() {
      return loop.steps;
    },
    async stop() {
      await loop.stop();
      await notifier.stop();
    },
  };
}
