import type { Cluster, Substitution } from '../../model/fleet.ts';
import { Lru } from '../lru.ts';
import type { Resource } from '../resource.ts';
import { createSubstituter, type Substituted } from './substitute.ts';
import { type Variables, variablesOf } from './variables.ts';

interface Step {
  readonly id: number;
  readonly names: readonly string[];
}

export interface SubstituteStep<R> {
  /** Names of the variables in resources, sorted. */
  namesIn(resources: readonly Resource[]): readonly string[];
  /** Clusters of which this is the same get the same of resources with these variables in them. */
  valuesKey(names: readonly string[], cluster: Cluster, substitution: Substitution): string;
  /** What was made of the same resources with the same values of the variables in them. */
  find(resources: readonly Resource[], cluster: Cluster, substitution: Substitution): R | undefined;
  make(
    resources: readonly Resource[],
    cluster: Cluster,
    substitution: Substitution,
    finish: (filled: Substituted) => R,
  ): R;
}

/**
 * Substitution with a memory: clusters that differ only in variables that are not used share one result.
 * @param objectsMax filled-in objects of the results that are remembered.
 */
export function createSubstituteStep<R>(objectsMax: number): SubstituteStep<R> {
  const substituter = createSubstituter();
  const steps = new WeakMap<readonly Resource[], Step>();
  const variables = new WeakMap<Cluster, WeakMap<Substitution, Variables>>();
  const results = new Lru<R>(objectsMax);
  let lastId = 0;

  const stepOf = (resources: readonly Resource[]): Step => {
    let step = steps.get(resources);
    if (step === undefined) {
      lastId += 1;
      step = { id: lastId, names: substituter.variablesIn(resources) };
      steps.set(resources, step);
    }
    return step;
  };
  const variablesFor = (cluster: Cluster, substitution: Substitution): Variables => {
    let ofCluster = variables.get(cluster);
    if (ofCluster === undefined) {
      ofCluster = new WeakMap();
      variables.set(cluster, ofCluster);
    }
    let found = ofCluster.get(substitution);
    if (found === undefined) {
      found = variablesOf(cluster, substitution.variables);
      ofCluster.set(substitution, found);
    }
    return found;
  };
  const valuesKey = (names: readonly string[], cluster: Cluster, substitution: Substitution): string => {
    const values = variablesFor(cluster, substitution);
    return JSON.stringify([substitution.optional, ...names.map((name) => values.get(name) ?? null)]);
  };
  const keyFor = (resources: readonly Resource[], cluster: Cluster, substitution: Substitution): string => {
    const { id, names } = stepOf(resources);
    return `${id} ${valuesKey(names, cluster, substitution)}`;
  };

  return {
    namesIn: (resources) => stepOf(resources).names,
    valuesKey,
    find: (resources, cluster, substitution) => results.get(keyFor(resources, cluster, substitution)),
    make: (resources, cluster, substitution, finish) => {
      const filled = substituter.substitute(resources, {
        variables: variablesFor(cluster, substitution),
        optional: substitution.optional,
      });
      const result = finish(filled);
      // What hint a Problem gives hangs on all variables, so only results are shared.
      if (filled.ok)
        results.set(
          keyFor(resources, cluster, substitution),
          result,
          filledCount(resources, filled.resources),
        );
      return result;
    },
  };
}

/** At least 1. */
function filledCount(before: readonly Resource[], after: readonly Resource[]): number {
  let count = 1;
  for (const [index, { object }] of after.entries()) if (object !== before[index]?.object) count += 1;
  return count;
}
