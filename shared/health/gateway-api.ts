/** Gateway API: https://gateway-api.sigs.k8s.io/geps/gep-1364/ says what the conditions of each kind mean. */
import type { Health } from '../manifest/health.ts';
import type { JsonObject, KubeObject } from '../manifest/object.ts';
import {
  conditionsAt,
  current,
  items,
  type Judge,
  progress,
  type StatusCondition,
  text,
  verdict,
} from './fields.ts';

/** Reasons that pass by themselves. */
const passing: ReadonlySet<string> = new Set([
  'Pending',
  'AddressNotAssigned',
  'NoResources',
  'WaitingForController',
]);

/** The first condition that is missing, older than the object, or not as it should be. */
function judgeConditions(
  object: KubeObject,
  conditions: readonly StatusCondition[],
  needed: readonly string[],
  where: string,
): Health | undefined {
  const generation = object.metadata['generation'];
  const prefix = where === '' ? '' : `${where}: `;
  for (const type of needed) {
    const found = conditions.find((condition) => condition.type === type);
    if (!found) return progress(`${prefix}no controller has looked at it yet`, 'NotObserved');
    const { observedGeneration: observed } = found;
    if (typeof generation === 'number' && observed !== undefined && observed < generation)
      return progress(`${prefix}generation ${generation} is not observed yet`, 'GenerationNotObserved');
    if (found.status === 'True') continue;
    const lasts = found.status === 'False' && !passing.has(found.reason);
    return verdict(lasts ? 'Failed' : 'InProgress', found.reason || type, prefix + found.message);
  }
  return undefined;
}

/** An implementation may leave out `ResolvedRefs` where there is nothing to resolve. */
function neededOf(conditions: readonly StatusCondition[], needed: readonly string[]): readonly string[] {
  return needed.filter((type) => type !== 'ResolvedRefs' || conditions.some((one) => one.type === type));
}

const gatewayClass: Judge = (object) =>
  judgeConditions(object, conditionsAt(object, 'status', 'conditions'), ['Accepted'], '') ?? current;

const gateway: Judge = (object) => {
  const whole = judgeConditions(
    object,
    conditionsAt(object, 'status', 'conditions'),
    ['Accepted', 'Programmed'],
    '',
  );
  if (whole) return whole;
  for (const listener of items(object, 'status', 'listeners')) {
    const conditions = conditionsAt(listener, 'conditions');
    const where = `listener ${text(listener, 'name')}`;
    const judged = judgeConditions(
      object,
      conditions,
      neededOf(conditions, ['Accepted', 'ResolvedRefs']),
      where,
    );
    if (judged) return judged;
  }
  return current;
};

function describeRef(ref: JsonObject | undefined): string {
  const name = text(ref, 'name');
  const section = text(ref, 'sectionName');
  return `${text(ref, 'kind') || 'Gateway'} ${name}${section === '' ? '' : `/${section}`}`;
}

/** Routes have a status for each parent, policies for each ancestor; all of them have to be well. */
function byParents(list: 'parents' | 'ancestors', reference: 'parentRef' | 'ancestorRef'): Judge {
  return (object) => {
    const parents = items(object, 'status', list);
    if (parents.length === 0) return progress('no gateway has taken it up yet', 'NotObserved');
    for (const parent of parents) {
      const conditions = conditionsAt(parent, 'conditions');
      const ref = parent[reference] as JsonObject | undefined;
      const needed = neededOf(conditions, ['Accepted', 'ResolvedRefs']);
      const judged = judgeConditions(object, conditions, needed, describeRef(ref));
      if (judged) return judged;
    }
    return current;
  };
}

const route = byParents('parents', 'parentRef');
const policy = byParents('ancestors', 'ancestorRef');
const group = 'gateway.networking.k8s.io';

/** By `group/kind`. ReferenceGrants have no status. */
export const gatewayRules: Readonly<Record<string, Judge>> = {
  [`${group}/GatewayClass`]: gatewayClass,
  [`${group}/Gateway`]: gateway,
  [`${group}/ListenerSet`]: gateway,
  [`${group}/HTTPRoute`]: route,
  [`${group}/GRPCRoute`]: route,
  [`${group}/TCPRoute`]: route,
  [`${group}/TLSRoute`]: route,
  [`${group}/UDPRoute`]: route,
  [`${group}/BackendTLSPolicy`]: policy,
};
