/**
 * Applications whose rollouts are all half-way through a large fleet, in a store on disk, with a hub's loop over it: what a pass costs that has been woken by reports.
 * Everything is there that a fleet has: assignments, agents' words and the registry for each cluster.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRolloutLoop } from '../../../hub/loops/rollout/rollout-loop.ts';
import { wakeRollouts } from '../../../hub/loops/wake-by-store.ts';
import type { Cluster } from '../../../hub/model/fleet.ts';
import type { ApplicationObservation } from '../../../hub/model/observation.ts';
import type { AssignmentDecision } from '../../../hub/model/release.ts';
import { isInFlight } from '../../../hub/rollout/choose-clusters.ts';
import { clusterState } from '../../../hub/rollout/cluster-states.ts';
import { packState, pinsOf, type StoredState } from '../../../hub/rollout/rollout-state.ts';
import { openStore } from '../../../hub/store/open-store.ts';
import type { FleetResource } from '../../../hub/store/repositories/fleet-repository.ts';
import type { Store } from '../../../hub/store/store.ts';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { createSeededRandom, systemRandom } from '../../../shared/clock/random.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { createManifestSet, createTarget, defaultSyncOptions } from '../../../shared/manifest/target.ts';
import { type BenchRollout, bringHalfWay, planRollout, rolloutFacts, rolloutNames } from './rollout-fleet.ts';

const callsAtOnce = 5_000;
/** As long as the loop gathers what it is woken by. */
const gatherMs = 100;

export interface RolloutBed {
  /** So many agents say that they are healthy, each of one application, all applications in turn. */
  report(count: number): Promise<void>;
  /** The passes that they have woken, until nothing more is to be done. */
  settle(): Promise<void>;
  /** Clusters that are counted as healthy, over all applications. */
  counted(): Promise<number>;
  close(): Promise<void>;
}

async function saveTargets(store: Store): Promise<readonly [string, string]> {
  const empty = createManifestSet([]);
  const common = { set: empty, sync: defaultSyncOptions, health: [], dependsOn: [] };
  const one = createTarget({ ...common, deletionPolicy: 'prune', removed: false });
  const two = createTarget({ ...common, deletionPolicy: 'orphan', removed: false });
  await store.content.saveSets([empty], []);
  await store.content.saveTargets([one, two]);
  return [one.digest, two.digest];
}

/** Bounded, so that the store's queue is not overrun. */
async function inParts<T>(all: readonly T[], call: (one: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < all.length; at += callsAtOnce)
    await Promise.all(all.slice(at, at + callsAtOnce).map(call));
}

function resourceOf(name: string, region: string): FleetResource {
  const origin = { file: 'fleet/clusters.yaml', line: 1 };
  const value: Cluster = {
    ...{ name, region, labels: {}, role: 'none', variables: {}, kubernetesVersion: '', paused: false },
    origin: origin as Cluster['origin'],
  };
  return { kind: 'Cluster', name, value };
}

function observationOf(
  { cluster, application, targetDigest }: AssignmentDecision,
  generation: number,
  timeMs: number,
): ApplicationObservation {
  return {
    ...{ cluster, application, generation, targetDigest, timeMs, message: '', waitsFor: '' },
    ...{ syncStatus: 'Synced', healthStatus: 'Current', objects: 1, objectsSynced: 1 },
    ...{ appliedAtMs: timeMs, changes: {} },
  };
}

/** What every cluster has of an application half-way through its rollout. */
function decisionsOf({ state, input }: BenchRollout): readonly AssignmentDecision[] {
  const { application, revisionId, id } = input.release;
  return [...input.observed].map(([cluster, { targetDigest = '' }]) => ({
    ...{ cluster, application, targetDigest, revisionId, reason: 'release', removed: false },
    releaseId: clusterState(state.clusters, cluster)?.assignedAtMs === undefined ? 'before' : id,
  }));
}

/** Healthy with what they have, but for those that the rollout waits for. */
async function settleAgents(store: Store, rollouts: readonly BenchRollout[], nowMs: number): Promise<void> {
  for (const { state, input } of rollouts) {
    const { application } = input.release;
    const assigned = await store.releases.assignments({ application });
    const settled = assigned.filter(({ cluster }) => !isInFlight(state, cluster));
    await inParts(settled, async (one) => {
      const { cluster, generation } = one;
      const acknowledged = { cluster, application, generation, message: '', timeMs: nowMs };
      await store.releases.acknowledge({ ...acknowledged, stage: 'healthy' });
      await say(store, observationOf(one, generation, nowMs));
    });
  }
}

function say(store: Store, row: ApplicationObservation): Promise<void> {
  const { cluster } = row;
  return store.observations.saveBatch(
    { cluster, applications: [row], objects: [], gone: [], events: [] },
    [],
  );
}

async function fill(
  store: Store,
  rollouts: readonly BenchRollout[],
  names: readonly string[],
  nowMs: number,
) {
  await inParts(names, (cluster) => store.registry.seen({ cluster, connected: true, nowMs }));
  const facts = rolloutFacts(names);
  const resources = names.map((name) => resourceOf(name, facts.get(name)?.region ?? ''));
  const common = { revisionId: 'r', resolutions: [], confirmations: [], events: [], nowMs };
  for (const rollout of rollouts) {
    const { release } = rollout.input;
    const { application } = release;
    await store.releases.savePlan({
      ...{ ...common, fleet: { resources, problems: [] }, releases: [release] },
      decisions: decisionsOf(rollout),
      rollouts: { [application]: packState(rollout.state) },
      pins: { [application]: pinsOf(rollout.state) },
    });
  }
  await settleAgents(store, rollouts, nowMs);
}

/** Agents of clusters in flight, application by application in turn, each cluster once. */
function* inFlight(rollouts: readonly BenchRollout[]): Generator<readonly [string, string]> {
  const waiting = rollouts.map(({ state, input }, index) => {
    const names = Object.keys(input.release.targets).filter((cluster) => isInFlight(state, cluster));
    const turn = Math.floor((index * names.length) / rollouts.length);
    return { application: input.release.application, names: [...names.slice(turn), ...names.slice(0, turn)] };
  });
  for (let at = 0; ; at += 1)
    for (const { application, names } of waiting) {
      const cluster = names[at];
      if (cluster === undefined) return;
      yield [application, cluster];
    }
}

export async function createRolloutBed(clusters: number, applications: number): Promise<RolloutBed> {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-bench-rollout-'));
  const clock = createFakeClock();
  const ports = { clock, log: silentLogger };
  const path = join(folder, 'hub.db');
  const store = await openStore({ ...ports, path, dataKey: systemRandom.bytes(32), random: systemRandom });
  const names = rolloutNames(clusters);
  const digests = await saveTargets(store);
  const rollouts = Array.from({ length: applications }, (_, index) =>
    planRollout(index, names, digests, clock.now()),
  );
  const thenMs = Math.max(...rollouts.map((rollout) => bringHalfWay(rollout, clock.now())));
  await clock.advance(thenMs - clock.now());
  await fill(store, rollouts, names, clock.now());
  const nobody = () => Promise.reject(new Error('not asked'));
  const driver = createRolloutLoop({
    ...{ ...ports, store, random: createSeededRandom(1), fetch: nobody, egress: () => false, ask: nobody },
  });
  const unsubscribe = wakeRollouts(store, driver);
  const settle = async () => {
    // A pass that has decided something is followed by another.
    for (let left = 10; left > 0; left -= 1) {
      const { steps } = driver.loop;
      await clock.advance(gatherMs + 1);
      await driver.loop.idle();
      if (driver.loop.steps === steps) return;
    }
  };
  driver.wakeAll();
  await driver.loop.idle();
  await settle();
  const reporters = inFlight(rollouts);
  return {
    async report(count) {
      for (let left = count; left > 0; left -= 1) {
        const { value } = reporters.next();
        if (value === undefined) throw new Error('nobody is in flight any more');
        const [application, cluster] = value;
        const [one] = await store.releases.assignments({ application, cluster });
        if (one === undefined) throw new Error(`${cluster} has nothing`);
        await say(store, observationOf(one, one.generation, clock.now()));
        const said = { cluster, application, generation: one.generation, message: '', timeMs: clock.now() };
        await store.releases.acknowledge({ ...said, stage: 'healthy' });
      }
    },
    settle,
    async counted() {
      const stored = [...(await store.releases.rollouts()).values()];
      const all = stored.flatMap(({ state }) => Object.values((state as StoredState).clusters));
      return all.filter(({ countedAtMs }) => countedAtMs !== undefined).length;
    },
    async close() {
      unsubscribe();
      await driver.stop();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
