/** Which Application goes before which: environments of one component, found by name or by `spec.component` and `spec.environment`. Pure; used where fleets are checked and where releases are planned. */
import type { Application, Fleet } from './fleet.ts';
import { type PromotionSpec, strategyOf } from './strategy.ts';

/** Undefined: its releases wait for no other application. The Application's own word goes before its strategy's. */
export function promotionOf(
  { rollout }: Pick<Application, 'rollout'>,
  strategies: Fleet['strategies'],
): PromotionSpec | undefined {
  return rollout && (rollout.after ?? strategyOf(rollout, strategies)?.after);
}

/** The Application that goes first, or in words for people why there is none. */
export type Partner = { readonly partner: string } | { readonly missing: string };

/** An Application that is named, or the only one of the same component in the environment that is named. */
export function partnerOf(
  { name, component = '', environment = '' }: Pick<Application, 'name' | 'component' | 'environment'>,
  after: PromotionSpec,
  applications: Fleet['applications'],
): Partner {
  if (after.application === name) return { missing: 'an Application cannot wait for itself' };
  if (after.application !== '') {
    if (applications.has(after.application)) return { partner: after.application };
    return { missing: `there is no Application ${after.application}: add it, or name another` };
  }
  if (component === '')
    return {
      missing: `needs spec.component, which the Application in environment ${after.environment} has as well; or name that one by after.application`,
    };
  if (environment === after.environment)
    return { missing: `this Application is itself in environment ${environment}` };
  const found = [...applications.values()]
    .filter((one) => one.component === component && one.environment === after.environment)
    .map((one) => one.name)
    .sort();
  const [partner] = found;
  if (partner === undefined)
    return {
      missing: `no Application of component ${component} has environment ${after.environment}: write spec.component and spec.environment there, or name it by after.application`,
    };
  if (found.length > 1)
    return {
      missing: `several Applications of component ${component} have environment ${after.environment} (${found.join(', ')}): name one by after.application`,
    };
  return { partner };
}

/**
 * The partners of all Applications that wait for one. Undefined: it cannot be told which (another Application took its environment, say), and nothing may
 * go on unproven for that.
 */
export function partnersOf({
  applications,
  strategies,
}: Pick<Fleet, 'applications' | 'strategies'>): ReadonlyMap<
  string,
  { readonly partner: string | undefined; readonly soakMs: number }
> {
  const found = new Map<string, { partner: string | undefined; soakMs: number }>();
  for (const application of applications.values()) {
    const after = promotionOf(application, strategies);
    if (after === undefined) continue;
    const partner = partnerOf(application, after, applications);
    const name = 'partner' in partner ? partner.partner : undefined;
    found.set(application.name, { partner: name, soakMs: after.soakMs });
  }
  return found;
}
