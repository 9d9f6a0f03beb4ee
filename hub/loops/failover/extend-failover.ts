import type { Clock } from '../../../shared/clock/clock.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import type { FailoverPort } from '../../api/ports.ts';
import { createEvent } from '../../model/event.ts';
import type { Failover } from '../../model/failover.ts';
import { signOverride } from '../../parity/sign-override.ts';
import { overrideCounts } from '../../parity/switch-roles.ts';
import { warnedByExtending } from '../../parity/warn-expiry.ts';
import type { Store } from '../../store/store.ts';
import { loadFailovers } from './failover-inputs.ts';

export interface ExtendOptions {
  readonly store: Store;
  readonly digestKey: Uint8Array;
  readonly onSwitch: () => void;
  readonly clock: Clock;
}

/** Lets an override that counts last longer, signed anew. One that this hub has not signed is none: it is not made one by this. */
export function createExtend({ store, digestKey, onSwitch, clock }: ExtendOptions): FailoverPort['extend'] {
  return async (group, { reason, actor, overrideMs }) => {
    const before = (await loadFailovers(store, digestKey)).find((one) => one.group === group);
    if (before === undefined) throw new FairwayError('not_found', `No failover of "${group}" is under way.`);
    const { override, version, id, kind, from, to, phase } = before;
    if (override === undefined || !overrideCounts(before))
      throw new FairwayError(
        'failed_precondition',
        `The roles of ${group} are not the hub's own word: there is nothing to extend.`,
      );
    const nowMs = clock.now();
    const untilMs = nowMs + overrideMs;
    if (untilMs <= override.untilMs)
      throw new FairwayError(
        'invalid_argument',
        `It lasts until ${new Date(override.untilMs).toISOString()} already: say a longer time, counted from now, or revoke it.`,
      );
    const signature = signOverride(before, untilMs, digestKey);
    const after: Failover = {
      ...{ ...before, version: version + 1 },
      override: { ...override, untilMs, signature, warnedMs: warnedByExtending(overrideMs) },
    };
    const event = createEvent({
      ...{ type: 'failover.extended', actor, timeMs: nowMs, id: `failover.extended-${id}-${untilMs}` },
      message: `${group}: the hub's own word lasts until ${new Date(untilMs).toISOString()}: ${reason}`,
      data: { failover: id, group, kind, from, to, phase },
    });
    if (!(await store.failovers.save(after, version, [event])))
      throw new FairwayError('conflict', 'The failover has gone on meanwhile: try again.');
    onSwitch();
    return after;
  };
}
