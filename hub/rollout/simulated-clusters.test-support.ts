/** Clusters in virtual time, with agents that are slow, away, paused, flapping or broken. */
import type { ClusterFacts } from './plan-waves.ts';
import type { ObservedCluster } from './rollout-state.ts';

export interface FleetOptions {
  readonly clusters: number;
  readonly regions: number;
  /** Share of the clusters that fail on the release, of those that are away now and then, and of those whose health flaps. */
  readonly failing: number;
  readonly away: number;
  readonly flapping: number;
}

export interface SimulatedCluster {
  facts: ClusterFacts;
  /** What Git wants of it; undefined: the application is not placed there. */
  wish: 'new' | 'gone' | undefined;
  connected: boolean;
  paused: boolean;
  /** It comes back to a hub that was started anew. */
  backAtMs: number;
  expectedUntilMs: number | undefined;
  target: string | undefined;
  assignedAtMs: number;
  appliedAtMs: number | undefined;
  healthyAtMs: number | undefined;
  healthy: boolean;
  lastHealthy: string | undefined;
  readonly fails: boolean;
  readonly delayMs: number;
  readonly leaves: boolean;
  readonly flaps: boolean;
}

export const startMs = Date.UTC(2026, 0, 5);
/** As the hub has it for an agent that was there a moment ago. */
const expectedMs = 120_000;

export function createCluster(
  index: number,
  options: FleetOptions,
  random: () => number,
  target: string | undefined,
): SimulatedCluster {
  const region = `r${index % options.regions}`;
  const name = `${region}-${index}`;
  const pair = index % 10 < 2 ? `dr-${Math.floor(index / 10)}` : '';
  const labels = { tier: index % 17 === 0 ? 'canary' : 'prod', 'fairway.dev/region': region };
  return {
    facts: { name, labels, region, pair, primary: index % 2 === 0 },
    wish: 'new',
    connected: true,
    paused: false,
    backAtMs: 0,
    expectedUntilMs: undefined,
    target,
    assignedAtMs: 0,
    appliedAtMs: target === undefined ? undefined : startMs,
    healthyAtMs: target === undefined ? undefined : startMs,
    healthy: true,
    lastHealthy: target,
    fails: random() < options.failing,
    delayMs: 1_000 + Math.floor(random() * 60_000),
    leaves: random() < options.away,
    flaps: random() < options.flapping,
  };
}

/** Its agent can be asked now. */
export function isThere({ connected, paused, backAtMs }: SimulatedCluster, nowMs: number): boolean {
  return connected && !paused && backAtMs <= nowMs;
}

/** As the hub knows it. */
export function observe(cluster: SimulatedCluster, nowMs: number): ObservedCluster {
  const { target, appliedAtMs, healthyAtMs, healthy, fails, expectedUntilMs, paused } = cluster;
  const broken = fails && target === 'new' && appliedAtMs !== undefined;
  const health = broken ? 'Failed' : healthy ? 'Current' : 'InProgress';
  return {
    targetDigest: target,
    releaseId: target ?? '',
    removed: target === 'gone',
    acknowledgements: { receivedAtMs: undefined, appliedAtMs, healthyAtMs, refused: undefined },
    connected: isThere(cluster, nowMs),
    ...(expectedUntilMs !== undefined && { expectedUntilMs }),
    ...(paused && { paused: 'by ann' }),
    report:
      appliedAtMs === undefined
        ? undefined
        : { sync: 'Synced', health, message: broken ? 'Deployment web/web: bad image' : '', waitsFor: '' },
    lastHealthyDigest: cluster.lastHealthy,
  };
}

/** What its agent does in the time from one look to the next. */
export function live(cluster: SimulatedCluster, nowMs: number, random: () => number): void {
  if (cluster.leaves && random() < 0.02) {
    if (random() < 0.3) cluster.paused = !cluster.paused;
    else {
      cluster.connected = !cluster.connected;
      cluster.expectedUntilMs = cluster.connected ? undefined : nowMs + expectedMs;
    }
  }
  if (!isThere(cluster, nowMs) || cluster.target === undefined) return;
  if (cluster.appliedAtMs === undefined && nowMs >= cluster.assignedAtMs + cluster.delayMs / 2)
    cluster.appliedAtMs = nowMs;
  if (cluster.appliedAtMs === undefined) return;
  if (cluster.target === 'gone') {
    leave(cluster);
    return;
  }
  if ((cluster.fails && cluster.target === 'new') || nowMs < cluster.assignedAtMs + cluster.delayMs) return;
  cluster.healthy = !(cluster.flaps && random() < 0.1);
  if (!cluster.healthy) return;
  cluster.healthyAtMs ??= nowMs;
  cluster.lastHealthy = cluster.target;
}

/** A removal was carried out, or the cluster was forgotten: nothing is assigned there any more. */
export function leave(cluster: SimulatedCluster): void {
  const nothing = {
    target: undefined,
    lastHealthy: undefined,
    appliedAtMs: undefined,
    healthyAtMs: undefined,
  };
  Object.assign(cluster, nothing);
}

/** The hub was killed and started anew: every agent has to come back to it. */
export function restartHub(cluster: SimulatedCluster, nowMs: number, random: () => number): void {
  cluster.backAtMs = nowMs + Math.floor(random() * 60_000);
  cluster.expectedUntilMs = nowMs + expectedMs;
}

export function assignTo(cluster: SimulatedCluster, target: string, nowMs: number): void {
  Object.assign(cluster, { target, assignedAtMs: nowMs, appliedAtMs: undefined, healthyAtMs: undefined });
}
