import type { Clock } from '../../../shared/clock/clock.ts';
import type { Loop } from '../../../shared/loop/loop.ts';
import type { SourcePort } from '../../api/ports.ts';
import type { SourceKey } from '../../model/revision.ts';
import { sameRepository } from '../../source/same-repository.ts';
import { parseWebhook } from '../../source/webhook/webhook.ts';
import type { WebhookSecret } from '../../source/webhook/webhook-signature.ts';
import type { Store } from '../../store/store.ts';
import type { FollowedSource } from './source-loop.ts';

export interface SourcePortOptions {
  readonly loop: Loop;
  readonly followed: () => ReadonlyMap<SourceKey, FollowedSource>;
  readonly store: Store;
  /** Read anew at each delivery, so that a rotated file counts. */
  readonly secrets: () => Promise<readonly WebhookSecret[]>;
  readonly clock: Clock;
}

/** Waking sources from outside: by hand, or by a webhook whose signature holds and that was not seen before. */
export function createSourcePort({ loop, followed, store, secrets, clock }: SourcePortOptions): SourcePort {
  return {
    poke(urls) {
      const woken = [...followed().values()].filter(
        ({ url }) => !urls || urls.some((other) => sameRepository(url, other)),
      );
      for (const { key } of woken) loop.wake(key);
      return woken.length;
    },
    async webhook({ headers, body }) {
      const nowMs = clock.now();
      const webhook = parseWebhook({ headers, body, secrets: await secrets(), nowMs });
      const isNew = await store.sources.rememberDelivery(webhook.deliveryId, nowMs);
      return isNew && webhook.kind === 'push' ? webhook.urls : [];
    },
  };
}
