/** How the application that goes first does, from its assignments and reports. Pure. */
import type { Digest } from '../../shared/manifest/canonical.ts';
import { type PartnerHealth, targetsKey } from './promotion.ts';
import { isOver, type ObservedCluster, type RolloutState } from './rollout-state.ts';

function describeCluster(
  observed: ObservedCluster,
): { health: PartnerHealth['health']; message: string } | undefined {
  const { acknowledgements, report, connected } = observed;
  if (acknowledgements?.refused !== undefined)
    return { health: 'unhealthy', message: acknowledgements.refused };
  if (report?.sync === 'Failed') return { health: 'unhealthy', message: report.message };
  if (acknowledgements?.healthyAtMs === undefined)
    return { health: 'unhealthy', message: report?.message || 'not healthy yet' };
  if (report !== undefined && report.health !== 'Current')
    return { health: 'unhealthy', message: report.message || report.health };
  if (!connected) return { health: 'unknown', message: 'its agent is away' };
  return undefined;
}

/**
 * Every cluster counts, and the rollout must have come to its end: what is still soaking there has not been healthy everywhere. Undefined: it is in no
 * cluster.
 */
export function partnerHealth(
  observed: ReadonlyMap<string, ObservedCluster>,
  rollout: Pick<RolloutState, 'phase' | 'stopped'> | undefined,
): PartnerHealth | undefined {
  const targets = new Map<string, Digest>();
  let health: PartnerHealth['health'] = 'healthy';
  let message = '';
  let healthyAtMs = 0;
  for (const [cluster, one] of observed) {
    if (one.targetDigest === undefined || one.removed) continue;
    targets.set(cluster, one.targetDigest);
    healthyAtMs = Math.max(healthyAtMs, one.acknowledgements?.healthyAtMs ?? 0);
    const said = describeCluster(one);
    if (said === undefined || health === 'unhealthy') continue;
    if (health === 'healthy' || said.health === 'unhealthy') message = `${cluster}: ${said.message}`;
    health = said.health;
  }
  const key = targetsKey(targets);
  if (key === undefined) return undefined;
  if (rollout !== undefined && !isOver(rollout) && health !== 'unhealthy') {
    health = 'unhealthy';
    message = `its rollout is ${rollout.phase}`;
  }
  return { targets: key, health, healthyAtMs, message };
}
