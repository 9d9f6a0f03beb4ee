import type { Cluster, Substitution } from '../../model/fleet.ts';
import { Lru } from '../lru.ts';
import type { Resource } from '../resource.ts';
import { createSubstituter, type Substituted } from './substitute.ts';
import { type Variables, variablesOf } from './variables.ts';

/** Results that are remembered for one list of resources: one for each set of values of the variables in it. */
const resultsMax = 2_000;

interface Step<R> {
  readonly names: readonly string[];
  readonly results: Lru<R>;
}

export interface SubstituteStep<R> {
  /** What was made of the same resources with the same values of the variables in them. */
  find(resources: readonly Resource[], cluster: Cluster, substitution: Substitution): R | undefined;
  make(
    resources: readonly Resource[],
    cluster: Cluster,
    substitution: Substitution,
    finish: (filled: Substituted) => R,
  ): R;
}

/** Substitution with a memory: clusters that differ only in variables that are not used share one result. */
export function createSubstituteStep<R>(): SubstituteStep<R> {
  const substituter = createSubstituter();
  const steps = new WeakMap<readonly Resource[], Step<R>>();
  const variables = new WeakMap<Cluster, WeakMap<Substitution, Variables>>();

  const stepOf = (resources: readonly Resource[]): Step<R> => {
    let step = steps.get(resources);
    if (step === undefined) {
      step = { names: substituter.variablesIn(resources), results: new Lru(resultsMax) };
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
  const keyOf = (names: readonly string[], values: Variables, { optional }: Substitution): string =>
    JSON.stringify([optional, ...names.map((name) => values.get(name) ?? null)]);

  return {
    find: (resources, cluster, substitution) => {
      const { names, results } = stepOf(resources);
      return results.get(keyOf(names, variablesFor(cluster, substitution), substitution));
    },
    make: (resources, cluster, substitution, finish) => {
      const { names, results } = stepOf(resources);
      const values = variablesFor(cluster, substitution);
      const filled = substituter.substitute(resources, {
        variables: values,
        optional: substitution.optional,
      });
      const result = finish(filled);
      // What hint a Problem gives hangs on all variables, so only results are shared.
      if (filled.ok) results.set(keyOf(names, values, substitution), result);
      return result;
    },
  };
}
