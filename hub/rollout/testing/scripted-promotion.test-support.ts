/** The environment that goes first in a scripted scenario: `web-staging` in one cluster, which wants what a commit wants of everybody. */
import type { RolloutStrategy } from '../../model/strategy.ts';
import type { RolloutInput } from '../advance-rollout.ts';
import { startRollout } from '../advance-rollout.ts';
import { goesOn } from '../amend-rollout.ts';
import { planPromotion, releaseInForce } from '../plan/plan-promotion.ts';
import type { SelectorMatch } from '../plan-waves.ts';
import {
  type Candidate,
  chooseProven,
  dropBegun,
  type PartnerHealth,
  type PromotionQueue,
  targetsKey,
  waitingIn,
  watchPartner,
} from '../promotion.ts';
import { describePromotion } from '../report/describe-promotion.ts';
import type { ObservedCluster, RolloutState } from '../rollout-state.ts';

type Targets = Readonly<Record<string, string>>;

export interface ScriptedWish {
  readonly revisionId: string;
  readonly wanted: ReadonlyMap<string, string>;
  readonly removes: ReadonlySet<string>;
  readonly observed: ReadonlyMap<string, ObservedCluster>;
  readonly before: { readonly state: RolloutState; readonly targets: Targets } | undefined;
  readonly nowMs: number;
}

const partner = 'web-staging';
const keyOf = (target: string) => targetsKey(new Map([['st-1', target]])) ?? '';

export function createScriptedPromotion(
  strategy: RolloutStrategy,
  matches: SelectorMatch,
  newId: () => string,
) {
  let queue: PromotionQueue | undefined;
  let health: PartnerHealth | undefined;
  const releases = new Map<string, Targets>();

  const begin = (
    state: RolloutState,
    { releaseId, revisionId }: Candidate,
    inputFor: (one: RolloutState, targets: Targets) => RolloutInput,
  ) => {
    const targets = releases.get(releaseId) ?? {};
    const { amended: _, amendedBy: __, removes: ___, ...common } = state;
    const input = inputFor({ ...common, releaseId, revisionId }, targets);
    const begun = startRollout(strategy, input, matches, state.held);
    queue = queue && dropBegun(queue, releaseId);
    return { targets, state: { ...begun, promotion: state.promotion } };
  };

  return {
    /** `healthy with v2`, or `fails with v2`. */
    say(what: string, nowMs: number) {
      const [verb = '', , target = ''] = what.split(' ');
      const isHealthy = verb === 'healthy';
      const message = isHealthy ? '' : 'st-1 Deployment web/web: bad image';
      health = {
        targets: keyOf(target),
        health: isHealthy ? 'healthy' : 'unhealthy',
        healthyAtMs: nowMs,
        message,
      };
    },
    /** Whether the rollout before goes on with it; else it waits. `state`: of the first one. */
    commit({ revisionId, wanted, removes, observed, before, nowMs }: ScriptedWish, all: string) {
      const continues =
        before !== undefined &&
        before.state.phase !== 'Waiting' &&
        goesOn({ wanted, removes, observed, before });
      const content = { commit: revisionId, tree: revisionId };
      const planned = planPromotion({
        ...{
          application: 'web',
          partner,
          soakMs: strategy.after?.soakMs ?? 0,
          strategy,
          revisionId,
          queue,
          wanted,
        },
        ...{
          partnerWanted: new Map([['st-1', all]]),
          content,
          partnerContent: content,
          newId,
          nowMs,
          continues,
        },
        assigned: new Map([...observed].map(([name, one]) => [name, one.targetDigest ?? ''])),
        before: before?.state,
      });
      queue = planned.queue;
      if (planned.release) releases.set(planned.release.id, planned.release.targets);
      return { continues, state: planned.state, waits: planned.release?.id };
    },
    /** The watch, and the release that is proven. */
    pass(
      state: RolloutState,
      inputFor: (one: RolloutState, targets: Targets) => RolloutInput,
      nowMs: number,
    ) {
      if (queue === undefined) return { state, begun: undefined };
      const { watch } = watchPartner(state.promotion, queue, health, nowMs);
      const watched = watch === state.promotion ? state : { ...state, promotion: watch };
      const chosen = chooseProven(queue, watch, health, releaseInForce(state));
      return { state: watched, begun: chosen && begin(watched, chosen, inputFor) };
    },
    /** The newest, proven or not. */
    force(state: RolloutState, inputFor: (one: RolloutState, targets: Targets) => RolloutInput) {
      const newest = queue && waitingIn(queue, releaseInForce(state)).at(-1);
      return newest && begin(state, newest, inputFor);
    },
    describe: (state: RolloutState, nowMs: number) => queue && describePromotion(queue, state, health, nowMs),
  };
}
