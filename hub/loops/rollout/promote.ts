/** The part of a rollout's step that looks at the environment that goes first, and begins the release that it has proven. */
import type { Clock } from '../../../shared/clock/clock.ts';
import { matchesSelector } from '../../fleet/placement.ts';
import { createEvent, type NewEvent } from '../../model/event.ts';
import { startRollout } from '../../rollout/advance-rollout.ts';
import { observedCluster } from '../../rollout/observed-cluster.ts';
import { partnerHealth } from '../../rollout/partner-health.ts';
import { releaseInForce } from '../../rollout/plan/plan-promotion.ts';
import { withheldEvent } from '../../rollout/plan/revision-events.ts';
import {
  type Candidate,
  chooseProven,
  isPromotionQueue,
  type PartnerHealth,
  type PromotionQueue,
  promotionKey,
  waitingIn,
  watchPartner,
} from '../../rollout/promotion.ts';
import { describePromotion, type PromotionReport } from '../../rollout/report/describe-promotion.ts';
import type { RolloutState } from '../../rollout/rollout-state.ts';
import type { Store } from '../../store/store.ts';
import { isWaved, type RolloutInputs } from './rollout-inputs.ts';
import type { RolloutStates } from './rollout-states.ts';

export interface PromotionPass {
  /** The same object when nothing has changed. */
  readonly state: RolloutState;
  /** What the release that begins was chosen from: it begins only while the queue is still this one, and leaves it. Undefined: none begins. */
  readonly from: PromotionQueue | undefined;
  readonly events: readonly NewEvent[];
  readonly nextAtMs: number | undefined;
}

export interface Promoter {
  /** Undefined: the application waits for no other environment. */
  pass(state: RolloutState): Promise<PromotionPass | undefined>;
  /** Begins the newest release that waits, proven or not. Undefined: none waits. */
  force(
    state: RolloutState,
  ): Promise<{ readonly state: RolloutState; readonly from: PromotionQueue } | undefined>;
  describe(state: RolloutState): Promise<PromotionReport | undefined>;
  /** Applications that wait for this one. */
  followers(application: string): readonly string[];
  /** Applications that wait for what runs in this cluster. */
  concerned(cluster: string): readonly string[];
}

interface Partner {
  readonly health: PartnerHealth | undefined;
  readonly clusters: ReadonlySet<string>;
}

/** An operator's word, or a broken release that is being taken back, is not overtaken. */
function mayBegin({ phase, stopped }: RolloutState): boolean {
  return phase !== 'RollingBack' && !(phase === 'Paused' && stopped?.by === 'operator');
}

export interface PromoterPorts {
  readonly store: Store;
  readonly states: RolloutStates;
  readonly inputs: RolloutInputs;
  readonly clock: Clock;
}

export function createPromoter({ store, states, inputs, clock }: PromoterPorts): Promoter {
  /** By application, as last looked at. */
  const watched = new Map<string, { readonly partner: string; readonly clusters: ReadonlySet<string> }>();

  const loadQueue = async (application: string): Promise<PromotionQueue | undefined> => {
    const queue = await states.load(promotionKey(application));
    return isPromotionQueue(queue) ? queue : undefined;
  };

  const loadPartner = async (application: string): Promise<Partner> => {
    const [assignments, observations, registered, rollout] = await Promise.all([
      store.releases.assignments({ application }),
      store.observations.applications({ application }),
      store.registry.clusters(),
      states.load(application),
    ]);
    const connected = new Set(registered.filter((one) => one.connected).map(({ name }) => name));
    const reported = new Map(observations.map((one) => [one.cluster, one]));
    const observed = new Map(
      assignments.map((one) => [
        one.cluster,
        observedCluster(one, reported.get(one.cluster), connected.has(one.cluster)),
      ]),
    );
    const health = partnerHealth(observed, isWaved(rollout) ? rollout : undefined);
    return { health, clusters: new Set(observed.keys()) };
  };

  const begin = async (
    state: RolloutState,
    candidate: Candidate,
    watch: RolloutState['promotion'],
  ): Promise<RolloutState> => {
    const { releaseId, revisionId, strategy } = candidate;
    // Another release: nothing that was amended of the one before is part of it.
    const { amended: _, amendedBy: __, removes: ___, ...common } = state;
    const input = await inputs.load({ ...common, releaseId, revisionId });
    return { ...startRollout(strategy, input, matchesSelector, state.held), promotion: watch };
  };

  /** Candidates whose release is kept; one that waited longer than releases are kept is gone. */
  const kept = async (queue: PromotionQueue): Promise<PromotionQueue> => {
    const candidates: Candidate[] = [];
    for (const candidate of queue.candidates)
      if (await store.releases.release(candidate.releaseId)) candidates.push(candidate);
    return candidates.length === queue.candidates.length ? queue : { ...queue, candidates };
  };

  return {
    async pass(state) {
      const queue = await loadQueue(state.application);
      if (queue === undefined) {
        watched.delete(state.application);
        return undefined;
      }
      const partner = await loadPartner(queue.partner);
      watched.set(state.application, { partner: queue.partner, clusters: partner.clusters });
      const nowMs = clock.now();
      const { watch, nextAtMs } = watchPartner(state.promotion, queue, partner.health, nowMs);
      const choose = (from: PromotionQueue) =>
        chooseProven(from, watch, partner.health, releaseInForce(state));
      // The newest may have waited for longer than releases are kept; one before it may not.
      const chosen = mayBegin(state) && choose(queue) && choose(await kept(queue));
      if (chosen) {
        const why = `healthy in ${queue.partner} for long enough`;
        const begun = await begin(state, chosen, watch);
        return {
          state: begun,
          from: queue,
          events: [promotedEvent(state.application, chosen, 'hub', why, nowMs), ...heldEvents(begun, nowMs)],
          nextAtMs,
        };
      }
      const same = watch === state.promotion;
      const next = same ? state : { ...state, promotion: watch };
      return { state: next, from: undefined, events: [], nextAtMs };
    },
    async force(state) {
      const queue = await loadQueue(state.application);
      const candidate = queue && waitingIn(await kept(queue), releaseInForce(state)).at(-1);
      return candidate && { state: await begin(state, candidate, state.promotion), from: queue };
    },
    async describe(state) {
      const queue = await loadQueue(state.application);
      if (queue === undefined) return undefined;
      const { health } = await loadPartner(queue.partner);
      return describePromotion(queue, state, health, clock.now());
    },
    followers: (application) =>
      [...watched].filter(([, { partner }]) => partner === application).map(([name]) => name),
    concerned: (cluster) =>
      [...watched].filter(([, { clusters }]) => clusters.has(cluster)).map(([name]) => name),
  };
}

function heldEvents(begun: RolloutState, nowMs: number): readonly NewEvent[] {
  return begun.withheld ? [withheldEvent(begun, nowMs)] : [];
}

function promotedEvent(
  application: string,
  { releaseId, revisionId }: Candidate,
  actor: string,
  why: string,
  timeMs: number,
): NewEvent {
  return createEvent({
    ...{ type: 'rollout.promoted', application, revisionId, timeMs, actor },
    message: `${application}: revision ${revisionId.slice(0, 8)} begins: ${why}`,
    data: { releaseId },
  });
}
