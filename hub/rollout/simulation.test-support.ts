/** A fleet in virtual time under the rollout controller: agents that are slow, away, flapping or broken; seeded, so that each run can be had again. */
import { createSeededRandom } from '../../shared/clock/random.ts';
import type { RolloutStrategy } from '../model/strategy.ts';
import { amountOf } from '../model/strategy.ts';
import { advanceRollout, type RolloutInput, startRollout } from './advance-rollout.ts';
import { isInFlight } from './choose-clusters.ts';
import { type ClusterFacts, specOf } from './plan-waves.ts';
import {
  isOver,
  type ObservedCluster,
  type RolloutPass,
  type RolloutRelease,
  type RolloutState,
} from './rollout-state.ts';
import { opennessAt } from './windows.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly clusters: number;
  readonly regions: number;
  readonly strategy: RolloutStrategy;
  /** Share of the clusters that fail on the release, of those that are away now and then, and of those whose health flaps. */
  readonly failing: number;
  readonly away: number;
  readonly flapping: number;
  /** Share of the passes after which the hub is killed: what it decided is kept, or was not. */
  readonly crashes: number;
  /** Approvals come after a while. Default true. */
  readonly approves?: boolean;
}

export interface SimulationResult {
  readonly state: RolloutState;
  /** Empty when all went as it must. */
  readonly violations: readonly string[];
  readonly assigned: ReadonlyMap<string, number>;
  readonly targets: ReadonlyMap<string, string | undefined>;
  readonly connected: ReadonlySet<string>;
  readonly passes: number;
}

interface SimulatedCluster {
  readonly facts: ClusterFacts;
  connected: boolean;
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

const passesMax = 20_000;
const startMs = Date.UTC(2026, 0, 5);

function createClusters(options: SimulationOptions, random: () => number): Map<string, SimulatedCluster> {
  const made = Array.from({ length: options.clusters }, (_, index): [string, SimulatedCluster] => {
    const region = `r${index % options.regions}`;
    const name = `${region}-${index}`;
    const pair = index % 10 < 2 ? `dr-${Math.floor(index / 10)}` : '';
    const labels = { tier: index % 17 === 0 ? 'canary' : 'prod', 'fairway.dev/region': region };
    const cluster = {
      facts: { name, labels, region, pair, primary: index % 2 === 0 },
      connected: true,
      target: 'old',
      assignedAtMs: 0,
      appliedAtMs: startMs,
      healthyAtMs: startMs,
      healthy: true,
      lastHealthy: 'old',
      fails: random() < options.failing,
      delayMs: 1_000 + Math.floor(random() * 60_000),
      leaves: random() < options.away,
      flaps: random() < options.flapping,
    };
    return [name, cluster];
  });
  return new Map(made);
}

function observe(cluster: SimulatedCluster): ObservedCluster {
  const { target, appliedAtMs, healthyAtMs, healthy, fails, connected } = cluster;
  const broken = fails && target === 'new' && appliedAtMs !== undefined;
  const health = broken ? 'Failed' : healthy ? 'Current' : 'InProgress';
  return {
    targetDigest: target,
    releaseId: target ?? '',
    removed: false,
    acknowledgements: { receivedAtMs: undefined, appliedAtMs, healthyAtMs, refused: undefined },
    connected,
    report:
      appliedAtMs === undefined
        ? undefined
        : { sync: 'Synced', health, message: broken ? 'Deployment web/web: bad image' : '', waitsFor: '' },
    lastHealthyDigest: cluster.lastHealthy,
  };
}

/** What agents do in the time from one look to the next. */
function live(cluster: SimulatedCluster, nowMs: number, random: () => number): void {
  if (cluster.leaves && random() < 0.02) cluster.connected = !cluster.connected;
  if (!cluster.connected || cluster.target === undefined) return;
  if (cluster.appliedAtMs === undefined && nowMs >= cluster.assignedAtMs + cluster.delayMs / 2)
    cluster.appliedAtMs = nowMs;
  const broken = cluster.fails && cluster.target === 'new';
  if (cluster.appliedAtMs === undefined || broken) return;
  if (nowMs < cluster.assignedAtMs + cluster.delayMs) return;
  cluster.healthy = !(cluster.flaps && random() < 0.1);
  if (!cluster.healthy) return;
  cluster.healthyAtMs ??= nowMs;
  cluster.lastHealthy = cluster.target;
}

/** Bounds that no pass may break. */
function check(pass: RolloutPass, before: RolloutState, input: RolloutInput): readonly string[] {
  const found: string[] = [];
  const { state, decisions } = pass;
  const releases = decisions.filter(({ reason }) => reason === 'release');
  if (releases.length > 0 && !opennessAt(state.strategy, input.nowMs).open)
    found.push('assigned outside a window');
  if (releases.length > 0 && state.phase !== 'Progressing' && state.phase !== 'Complete')
    found.push(`assigned while ${state.phase}`);
  const waveOf = new Map(
    state.waves.flatMap((wave, index) => wave.clusters.map((name) => [name, index] as const)),
  );
  for (const { cluster } of releases) {
    const index = waveOf.get(cluster) ?? -1;
    const wave = state.waves[index];
    if (wave?.startedAtMs === undefined) found.push(`${cluster} was assigned before its wave began`);
    if (state.waves.slice(0, Math.max(0, index)).some(({ endedAtMs }) => endedAtMs === undefined))
      found.push(`${cluster} was assigned past a wave that has not ended`);
    if (before.clusters[cluster]?.assignedAtMs !== undefined) found.push(`${cluster} was assigned twice`);
    const spec = wave && specOf(state.strategy, wave);
    if (spec?.approval?.when === 'before' && !wave?.approvedBefore)
      found.push(`${cluster} passed a closed gate`);
  }
  for (const wave of state.waves) {
    const flying = wave.clusters.filter((name) => isInFlight(state, name));
    const spec = specOf(state.strategy, wave);
    const bound = Math.max(1, amountOf(spec.maxConcurrent, wave.clusters.length, 'up'));
    const added = releases.some(({ cluster }) => waveOf.get(cluster) === state.waves.indexOf(wave));
    if (added && flying.length > bound)
      found.push(`${flying.length} in flight in ${wave.name}, at most ${bound}`);
    const regions = new Set(flying.map((name) => input.facts.get(name)?.region));
    if (
      added &&
      state.strategy.regions === 'apart' &&
      regions.size > 1 &&
      state.strategy.windows.length === 0
    )
      found.push(`regions at once in ${wave.name}: ${[...regions].join(', ')}`);
    const pairs = wave.clusters
      .map((name) => input.facts.get(name)?.pair ?? '')
      .filter((pair) => pair !== '');
    if (state.strategy.pairs === 'apart' && new Set(pairs).size < pairs.length)
      found.push(`a pair in ${wave.name}`);
  }
  return found;
}

export function simulate(options: SimulationOptions): SimulationResult {
  const seeded = createSeededRandom(options.seed);
  const random = () => seeded.next();
  const clusters = createClusters(options, random);
  const facts = new Map([...clusters].map(([name, cluster]) => [name, cluster.facts]));
  const release: RolloutRelease = {
    ...{ id: 'r1', application: 'web', revisionId: 'rev', createdAtMs: startMs, reason: 'release' },
    targets: Object.fromEntries([...clusters.keys()].map((name) => [name, 'new'])),
    removes: new Set(),
  };
  let nowMs = startMs;
  const inputNow = (): RolloutInput => ({
    ...{ release, facts, nowMs },
    observed: new Map([...clusters].map(([name, cluster]) => [name, observe(cluster)])),
  });
  let state = startRollout(options.strategy, inputNow(), (selector, labels) =>
    Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value),
  );
  const violations: string[] = [];
  const assigned = new Map<string, number>();
  let passes = 0;
  while (passes < passesMax) {
    passes += 1;
    const input = inputNow();
    const pass = advanceRollout(state, input);
    violations.push(...check(pass, state, input).map((text) => `pass ${passes}: ${text}`));
    // Killed before the transaction: nothing of it is kept, and the same is decided again.
    const lost = random() < options.crashes;
    if (!lost) {
      // Through the store and back.
      state = JSON.parse(JSON.stringify(pass.state)) as RolloutState;
      for (const { cluster, targetDigest } of pass.decisions) {
        const simulated = clusters.get(cluster) as SimulatedCluster;
        assigned.set(cluster, (assigned.get(cluster) ?? 0) + 1);
        Object.assign(simulated, {
          target: targetDigest,
          assignedAtMs: nowMs,
          appliedAtMs: undefined,
          healthyAtMs: undefined,
        });
      }
      const again = advanceRollout(state, inputNow());
      if (again.decisions.length > 0 && pass.decisions.length > 0)
        for (const { cluster } of again.decisions)
          if (pass.decisions.some((decision) => decision.cluster === cluster))
            violations.push(`${cluster} decided again`);
      if (options.approves !== false && random() < 0.2) state = approveAll(state, nowMs);
      if (isOver(state) && (state.phase !== 'Complete' || settled(clusters, state))) break;
      if (state.phase === 'Paused') break;
    }
    // Where only time helps, it is the controller that says when to look again.
    const idle = pass.decisions.length === 0 && !anyInFlight(state);
    nowMs = Math.max(nowMs + 5_000, idle && !lost ? (pass.nextAtMs ?? 0) : 0);
    for (const cluster of clusters.values()) live(cluster, nowMs, random);
  }
  if (passes >= passesMax) violations.push(`not over after ${passesMax} passes: ${state.phase}`);
  return {
    ...{ state, violations, assigned, passes },
    targets: new Map([...clusters].map(([name, { target }]) => [name, target])),
    connected: new Set([...clusters].filter(([, { connected }]) => connected).map(([name]) => name)),
  };
}

function anyInFlight(state: RolloutState): boolean {
  return state.waves.some(({ clusters }) => clusters.some((name) => isInFlight(state, name)));
}

/** Whoever has come back has been brought in. */
function settled(clusters: ReadonlyMap<string, SimulatedCluster>, state: RolloutState): boolean {
  return [...clusters].every(([name, { connected, target }]) => {
    if (!connected || state.clusters[name]?.excluded) return true;
    return target === 'new';
  });
}

function approveAll(state: RolloutState, atMs: number): RolloutState {
  const said = { actor: 'ann', reason: '', atMs };
  const index = state.waves.findIndex(({ endedAtMs }) => endedAtMs === undefined);
  const wave = state.waves[index];
  if (wave === undefined) return state;
  const approval = specOf(state.strategy, wave).approval;
  if (approval === undefined) return state;
  const field = approval.when === 'before' ? 'approvedBefore' : 'approvedAfter';
  if (approval.when === 'after' && wave.settledAtMs === undefined) return state;
  return { ...state, waves: state.waves.map((one, at) => (at === index ? { ...one, [field]: said } : one)) };
}
