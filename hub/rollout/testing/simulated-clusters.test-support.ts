/** Clusters in virtual time, with agents that are slow, away, paused, flapping or broken. Each says when something happens to it next: until then nobody looks at it. */
import type { ClusterFacts } from '../plan-waves.ts';
import type { ObservedCluster } from '../rollout-state.ts';

export interface FleetOptions {
  readonly clusters: number;
  readonly regions: number;
  /** Share of the clusters that fail on the release, of those that are away now and then, and of those whose health flaps. */
  readonly failing: number;
  readonly away: number;
  readonly flapping: number;
  /** A region of which no agent is to be reached for a while. Default none. */
  readonly outage?: Outage | undefined;
}

export interface Outage {
  readonly region: string;
  readonly fromMs: number;
  readonly untilMs: number;
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
  /** What it had before the release, and still remembers; undefined: nothing. */
  before: string | undefined;
  /** When it goes away, comes back or is paused next. */
  movesAtMs: number;
  /** When its health is another next; far away where it does not flap. */
  flapsAtMs: number;
  /** Before then nothing happens to it by itself. */
  wakesAtMs: number;
  /** That of its region. */
  readonly outage: Outage | undefined;
  readonly fails: boolean;
  readonly delayMs: number;
  readonly leaves: boolean;
  readonly flaps: boolean;
}

/** Of the release that is simulated. */
export const releaseId = 'r1';
export const startMs = Date.UTC(2026, 0, 5);
/** As the hub has it for an agent that was there a moment ago. */
const expectedMs = 120_000;
/** Means of how long nothing happens. */
const staysMs = 250_000;
const wellMs = 50_000;
const illMs = 5_000;
const never = Number.POSITIVE_INFINITY;

/** As rare things come. https://en.wikipedia.org/wiki/Exponential_distribution */
function after(nowMs: number, meanMs: number, random: () => number): number {
  return nowMs + Math.ceil(-Math.log(1 - random()) * meanMs);
}

export function createCluster(
  index: number,
  options: FleetOptions,
  random: () => number,
  target: string | undefined,
  nowMs: number,
): SimulatedCluster {
  const region = `r${index % options.regions}`;
  const name = `${region}-${index}`;
  const pair = index % 10 < 2 ? `dr-${Math.floor(index / 10)}` : '';
  const labels = { tier: index % 17 === 0 ? 'canary' : 'prod', 'fairway.dev/region': region };
  const leaves = random() < options.away;
  const flaps = random() < options.flapping;
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
    before: target,
    movesAtMs: leaves ? after(nowMs, staysMs, random) : never,
    flapsAtMs: flaps ? after(nowMs, wellMs, random) : never,
    wakesAtMs: nowMs,
    outage: options.outage?.region === region ? options.outage : undefined,
    fails: random() < options.failing,
    delayMs: 1_000 + Math.floor(random() * 60_000),
    leaves,
    flaps,
  };
}

/** Its agent can be asked now. */
export function isThere({ connected, paused, backAtMs, outage }: SimulatedCluster, nowMs: number): boolean {
  return connected && !paused && backAtMs <= nowMs && !isCutOff(outage, nowMs);
}

function isCutOff(outage: Outage | undefined, nowMs: number): boolean {
  return outage !== undefined && outage.fromMs <= nowMs && nowMs < outage.untilMs;
}

/** As the hub knows it. */
export function observe(cluster: SimulatedCluster, nowMs: number): ObservedCluster {
  const { target, appliedAtMs, healthyAtMs, healthy, fails, expectedUntilMs, paused } = cluster;
  const broken = fails && target === 'new' && appliedAtMs !== undefined;
  const health = broken ? 'Failed' : healthy ? 'Current' : 'InProgress';
  return {
    targetDigest: target,
    releaseId: target === 'new' || target === 'gone' ? releaseId : (target ?? ''),
    revisionId: target === undefined ? undefined : `revision of ${target}`,
    removed: target === 'gone',
    acknowledgements: { receivedAtMs: undefined, appliedAtMs, healthyAtMs, refused: undefined },
    connected: isThere(cluster, nowMs),
    expectedUntilMs,
    paused: paused ? 'by ann' : undefined,
    report:
      appliedAtMs === undefined
        ? undefined
        : { sync: 'Synced', health, message: broken ? 'Deployment web/web: bad image' : '', waitsFor: '' },
    lastHealthyDigest: cluster.lastHealthy,
  };
}

/** What has happened to it until now, if it was time for something. */
export function live(cluster: SimulatedCluster, nowMs: number, random: () => number): void {
  const { outage } = cluster;
  if (outage && isCutOff(outage, nowMs)) cluster.expectedUntilMs = outage.fromMs + expectedMs;
  move(cluster, nowMs, random);
  if (isThere(cluster, nowMs) && cluster.target !== undefined) work(cluster, nowMs, random);
  cluster.wakesAtMs = nextOf(cluster, nowMs);
}

function move(cluster: SimulatedCluster, nowMs: number, random: () => number): void {
  if (nowMs < cluster.movesAtMs) return;
  cluster.movesAtMs = after(nowMs, staysMs, random);
  if (random() < 0.3) cluster.paused = !cluster.paused;
  else {
    cluster.connected = !cluster.connected;
    cluster.expectedUntilMs = cluster.connected ? undefined : nowMs + expectedMs;
  }
}

function work(cluster: SimulatedCluster, nowMs: number, random: () => number): void {
  if (nowMs >= appliesAtMs(cluster)) cluster.appliedAtMs ??= nowMs;
  if (cluster.appliedAtMs === undefined) return;
  if (cluster.target === 'gone') {
    leave(cluster);
    return;
  }
  if (isBroken(cluster) || nowMs < healthyFromMs(cluster)) return;
  if (nowMs >= cluster.flapsAtMs) {
    cluster.healthy = !cluster.healthy;
    cluster.flapsAtMs = after(nowMs, cluster.healthy ? wellMs : illMs, random);
  }
  if (!cluster.healthy) return;
  cluster.healthyAtMs ??= nowMs;
  cluster.lastHealthy = cluster.target;
}

function isBroken({ fails, target }: SimulatedCluster): boolean {
  return fails && target === 'new';
}

function appliesAtMs({ assignedAtMs, delayMs }: SimulatedCluster): number {
  return assignedAtMs + delayMs / 2;
}

function healthyFromMs({ assignedAtMs, delayMs }: SimulatedCluster): number {
  return assignedAtMs + delayMs;
}

/** When its region's outage begins or ends next. */
function turnsAtMs({ outage }: SimulatedCluster, nowMs: number): number {
  if (outage === undefined || nowMs >= outage.untilMs) return never;
  return nowMs < outage.fromMs ? outage.fromMs : outage.untilMs;
}

function nextOf(cluster: SimulatedCluster, nowMs: number): number {
  const { connected, paused, backAtMs } = cluster;
  const movesAtMs = Math.min(cluster.movesAtMs, turnsAtMs(cluster, nowMs));
  if (isCutOff(cluster.outage, nowMs)) return movesAtMs;
  if (connected && !paused && backAtMs > nowMs) return Math.min(movesAtMs, backAtMs);
  if (!connected || paused || cluster.target === undefined) return movesAtMs;
  if (cluster.appliedAtMs === undefined) return Math.min(movesAtMs, appliesAtMs(cluster));
  if (isBroken(cluster)) return movesAtMs;
  return Math.min(movesAtMs, nowMs < healthyFromMs(cluster) ? healthyFromMs(cluster) : cluster.flapsAtMs);
}

/** A removal was carried out, or the cluster was forgotten: nothing is assigned there any more. */
export function leave(cluster: SimulatedCluster): void {
  const nothing = {
    target: undefined,
    lastHealthy: undefined,
    before: undefined,
    appliedAtMs: undefined,
    healthyAtMs: undefined,
  };
  Object.assign(cluster, nothing);
}

/** The hub was killed and started anew: every agent has to come back to it. */
export function restartHub(cluster: SimulatedCluster, nowMs: number, random: () => number): void {
  cluster.backAtMs = nowMs + Math.floor(random() * 60_000);
  cluster.expectedUntilMs = nowMs + expectedMs;
  cluster.wakesAtMs = nextOf(cluster, nowMs);
}

export function assignTo(cluster: SimulatedCluster, target: string, nowMs: number): void {
  cluster.target = target;
  cluster.assignedAtMs = nowMs;
  cluster.appliedAtMs = undefined;
  cluster.healthyAtMs = undefined;
  cluster.wakesAtMs = nextOf(cluster, nowMs);
}
