/** The part of a rollout's step that looks at those it exchanges objects with: what goes together is kept in one transaction, gains before losses. */
import { type ExchangeMember, planExchange } from '../../rollout/exchange.ts';
import { orderForHandOver } from '../../rollout/plan/hand-over.ts';
import { partnersMax } from '../../rollout/plan/plan-hand-overs.ts';
import { isOver, type RolloutPass, type RolloutState } from '../../rollout/rollout-state.ts';
import type { Store } from '../../store/store.ts';
import { loadTargets } from '../load-targets.ts';
import { isWaved, type RolloutInputs } from './rollout-inputs.ts';
import type { RolloutStates } from './rollout-states.ts';

export interface Together {
  readonly before: RolloutState;
  readonly pass: RolloutPass;
}

export interface ExchangeStep {
  /** Not to be assigned to this application alone. */
  readonly blocked: ReadonlySet<string>;
  /** To be kept together; the first has all decisions, in their order. Empty: nothing goes together now. */
  readonly together: readonly Together[];
}

const nothing: ExchangeStep = { blocked: new Set(), together: [] };

export interface ExchangePorts {
  readonly store: Pick<Store, 'content'>;
  readonly states: Pick<RolloutStates, 'load'>;
  readonly inputs: RolloutInputs;
}

export function createExchange({ store, states, inputs }: ExchangePorts) {
  /** All that it is tied to, by whatever many steps. */
  const loadMembers = async (start: RolloutState): Promise<ReadonlyMap<string, ExchangeMember>> => {
    const members = new Map<string, ExchangeMember>();
    const names = [start.application];
    for (const name of names) {
      const state = name === start.application ? start : await states.load(name);
      if (!isWaved(state) || (isOver(state) && state.phase !== 'Complete')) continue;
      members.set(name, { state, input: await inputs.load(state) });
      for (const others of Object.values(state.handOvers ?? {}))
        for (const { application } of others)
          if (!names.includes(application) && names.length <= partnersMax) names.push(application);
    }
    return members;
  };

  const order = async (passes: readonly Together[], members: ReadonlyMap<string, ExchangeMember>) => {
    const decisions = passes.flatMap(({ pass }) => pass.decisions);
    const inForce = (cluster: string, application: string) =>
      members.get(application)?.input.observed.get(cluster)?.targetDigest ?? '';
    const digests = decisions.flatMap(({ cluster, application, targetDigest }) => [
      targetDigest,
      inForce(cluster, application),
    ]);
    const targets = await loadTargets(
      store,
      digests.filter((digest) => digest !== ''),
    );
    return orderForHandOver(decisions, {
      inForce: (cluster, application) => targets.get(inForce(cluster, application)),
      decided: (digest) => targets.get(digest),
    });
  };

  return {
    async plan(state: RolloutState): Promise<ExchangeStep> {
      if (state.handOvers === undefined) return nothing;
      const members = await loadMembers(state);
      const { blocked, together } = planExchange(state.application, members);
      if (together === undefined) return { blocked, together: [] };
      const all = [...together].flatMap(([name, pass]): readonly Together[] => {
        const before = members.get(name)?.state;
        return before === undefined ? [] : [{ before, pass }];
      });
      const decisions = await order(all, members);
      const made = all.map(({ before, pass }, index) => ({
        before,
        pass: { ...pass, decisions: index === 0 ? decisions : [] },
      }));
      return { blocked, together: made };
    },
  };
}
