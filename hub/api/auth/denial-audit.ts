import type { FairwayError } from '../../../shared/error/error.ts';
import { createEvent } from '../../model/event.ts';
import type { Caller } from '../endpoint.ts';
import type { ApiPorts } from '../ports.ts';

/** At most this many refusals a minute become events: whoever guesses must not be able to fill the store. */
const denialsPerMinuteMax = 60;

export interface DenialAudit {
  /** Keeps an event for a request that was refused; over the bound only the metric counts it. */
  record(
    error: FairwayError,
    caller: Caller,
    request: { readonly method: string; readonly path: string; readonly requestId: string },
  ): Promise<void>;
}

export function createDenialAudit(ports: Pick<ApiPorts, 'store' | 'clock' | 'log'>): DenialAudit {
  let windowStartMs = Number.NEGATIVE_INFINITY;
  let inWindow = 0;
  return {
    async record(error, caller, request) {
      const nowMs = ports.clock.now();
      if (nowMs - windowStartMs >= 60_000) {
        windowStartMs = nowMs;
        inWindow = 0;
      }
      inWindow += 1;
      if (inWindow > denialsPerMinuteMax) return;
      const known = error.details?.['name'];
      await ports.store.events.append([
        createEvent({
          type: error.code === 'permission_denied' ? 'audit.access.denied' : 'audit.token.refused',
          actor: typeof known === 'string' ? known : caller.name,
          timeMs: nowMs,
          message: `Refused ${request.method} ${request.path}: ${error.message}`,
          data: { code: error.code, requestId: request.requestId },
        }),
      ]);
    },
  };
}
