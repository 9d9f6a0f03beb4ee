import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { Target } from '../../../shared/manifest/target.ts';
import { type ApplicationPlan, type PlanApplicationInput, planApplication } from './plan-application.ts';
import { type HandOverChange, type HandOvers, planHandOvers } from './plan-hand-overs.ts';

function changesOf(
  inputs: readonly PlanApplicationInput[],
  inForce: ReadonlyMap<Digest, Target>,
): readonly HandOverChange[] {
  const changes: HandOverChange[] = [];
  for (const { application, wanted, assigned } of inputs) {
    const has = new Map(assigned.map(({ cluster, targetDigest }) => [cluster, targetDigest]));
    for (const [cluster, want] of wanted) {
      const digest = has.get(cluster);
      if (digest === want.digest) continue;
      changes.push({
        cluster,
        application,
        has: digest === undefined ? undefined : inForce.get(digest),
        want,
      });
    }
  }
  return changes;
}

/** Clusters that this plan assigns to one end of an exchange and not to the other, by application. */
function halves(
  plans: ReadonlyMap<string, ApplicationPlan | undefined>,
  handOvers: HandOvers,
): ReadonlyMap<string, readonly string[]> {
  const decided = new Set(
    [...plans.values()].flatMap((plan) =>
      (plan?.decisions ?? []).map(({ application, cluster }) => `${cluster}/${application}`),
    ),
  );
  const found = new Map<string, readonly string[]>();
  for (const [application, clusters] of handOvers) {
    const alone = Object.entries(clusters).filter(
      ([cluster, others]) =>
        decided.has(`${cluster}/${application}`) &&
        others.some((other) => !decided.has(`${cluster}/${other.application}`)),
    );
    if (alone.length > 0)
      found.set(
        application,
        alone.map(([cluster]) => cluster),
      );
  }
  return found;
}

/**
 * The plans of applications of one revision, those of which something begins or changes: objects that move among them are assigned to both ends at once, or to none.
 * One step an application, for others to have their turn in between.
 */
export function* planTogether(
  inputs: readonly PlanApplicationInput[],
  inForce: ReadonlyMap<Digest, Target>,
): Generator<undefined, ReadonlyMap<string, ApplicationPlan>> {
  const handOvers = planHandOvers(changesOf(inputs, inForce));
  yield;
  const blocked = new Map<string, Set<string>>();
  const plan = (input: PlanApplicationInput) =>
    planApplication({
      ...input,
      handOvers: handOvers.get(input.application),
      blocked: blocked.get(input.application),
    });
  const plans = new Map<string, ApplicationPlan | undefined>();
  for (const input of inputs) {
    plans.set(input.application, plan(input));
    yield;
  }
  // What is withheld from one end is withheld from the other: each round withholds more, and there is an end to that.
  for (let left = halves(plans, handOvers); left.size > 0; left = halves(plans, handOvers))
    for (const input of inputs) {
      const more = left.get(input.application);
      if (more === undefined) continue;
      const known = blocked.get(input.application) ?? new Set();
      for (const cluster of more) known.add(cluster);
      blocked.set(input.application, known);
      plans.set(input.application, plan(input));
    }
  const made = [...plans].filter((one): one is [string, ApplicationPlan] => one[1] !== undefined);
  return new Map(made);
}
