/** Loops over a real store in memory and a made-up source: for tests. */
import { createFakeClock, type FakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom, systemRandom } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import { silentLogger } from '../../shared/log/log.ts';
import type { Loop } from '../../shared/loop/loop.ts';
import type { Failover } from '../model/failover.ts';
import { rootRepository, type SourceKey, sourceKeyOf } from '../model/revision.ts';
import { createMemoryTree } from '../render/memory-tree.ts';
import type { RenderStats } from '../render/render-work.ts';
import { createRenderer, type Renderer } from '../render/renderer.ts';
import type { GitSource } from '../source/git-source.ts';
import { openStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import { createFleetRenderer } from './resolve/render-fleet.ts';
import { createResolveLoop, resolveKey } from './resolve/resolve-loop.ts';
import { createRolloutLoop, type RolloutDriver, type RolloutLoopOptions } from './rollout/rollout-loop.ts';
import { followedSources } from './source/revision-of.ts';
import type { FollowedSource } from './source/source-loop.ts';

export interface LoopBed {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly source: GitSource;
  readonly root: FollowedSource;
  /** Makes these files the newest commit of the root repository, fetched but not resolved; its id. */
  commit(files: Readonly<Record<string, string>>): Promise<string>;
  /** A resolve loop over that store, as another process would have it. */
  resolveLoop(over?: Store): Loop;
  /** One step; rejects with what the loop would have logged. */
  resolve(over?: Store): Promise<void>;
  /** What the renderer of the newest loop has done. */
  rendered(): Readonly<RenderStats> | undefined;
  /** What the resolve loops have said to follow, call by call. */
  readonly followed: readonly ReadonlyMap<SourceKey, FollowedSource>[];
  close(): Promise<void>;
}

const person = { name: 'Ada Park', email: 'ada@example.com', timeMs: 0 };
const url = 'https://git.example/fleet.git';

/** @param path of the store's file. Default in memory. @param failovers what resolving takes for open ones. Default none. */
export async function createLoopBed(
  path = ':memory:',
  failovers: (store: Store) => Promise<readonly Failover[]> = async () => [],
): Promise<LoopBed> {
  const clock = createFakeClock();
  const ports = { clock, random: createSeededRandom(1), log: silentLogger };
  const store = await openStore({
    path,
    dataKey: systemRandom.bytes(32),
    ...ports,
    random: systemRandom,
  });
  const root = { key: sourceKeyOf(rootRepository, 'main'), url, ref: 'main' };
  const commits = new Map<string, Readonly<Record<string, string>>>();
  const followed: ReadonlyMap<SourceKey, FollowedSource>[] = [];
  const find = (sha: string) => {
    const files = commits.get(sha);
    if (!files) throw new FairwayError('not_found', `there is no commit ${sha}`);
    return files;
  };
  const source: GitSource = {
    fetch: async () => ({
      head: [...commits.keys()].at(-1) ?? '',
      moved: false,
      rewritten: false,
      bytesReceived: 0,
    }),
    commit: async (_url, sha) => {
      find(sha);
      return { sha, author: person, committer: person, message: `commit ${sha}`, parents: [] };
    },
    log: async () => [],
    blame: async () => new Map(),
    tree: async (_url, sha) => createMemoryTree(find(sha), sha),
  };
  let renderer: Renderer | undefined;
  const openRenderer = (over: Store): Renderer => {
    const memory = { port: over.renders, engine: 'test' };
    renderer = createRenderer({ digestKey: new Uint8Array(32), memory });
    return renderer;
  };
  const resolveLoop = (over = store) =>
    createResolveLoop({
      store: over,
      source,
      renderer: createFleetRenderer(openRenderer(over)),
      root,
      folder: 'fleet',
      confirmAbove: 10,
      onFollowed: (fleet, remotes) => {
        const sources = followedSources(root, fleet, remotes);
        followed.push(sources);
        return sources;
      },
      failovers: () => failovers(over),
      newId: () => Buffer.from(systemRandom.bytes(8)).toString('hex'),
      ...ports,
    });
  return {
    store,
    clock,
    source,
    root,
    followed,
    async commit(files) {
      const sha = (commits.size + 1).toString(16).padStart(40, '0');
      commits.set(sha, files);
      const nowMs = clock.now();
      const seen = { head: sha, headSeenAtMs: nowMs, lastAttemptAtMs: nowMs, conditions: [] };
      await store.sources.save({ ...root, ...seen });
      return sha;
    },
    resolveLoop,
    async resolve(over) {
      const loop = resolveLoop(over);
      loop.wake(resolveKey);
      await loop.idle();
      const [state] = loop.state();
      await loop.stop();
      if (state?.lastError !== undefined) throw new Error(state.lastError);
    },
    rendered: () => renderer?.stats(),
    close: () => store.close(),
  };
}

/** The rollouts of a store, by a clock, with analyses that nobody asks. @param over what is otherwise. */
export function openRollouts(
  { store, clock }: Pick<RolloutLoopOptions, 'store' | 'clock'>,
  over: Partial<RolloutLoopOptions> = {},
): RolloutDriver {
  const notAsked = () => Promise.reject(new Error('not asked'));
  return createRolloutLoop({
    ...{ store, clock, random: createSeededRandom(1), log: silentLogger },
    ...{ fetch: notAsked, egress: () => false, ask: notAsked },
    ...over,
  });
}

/** Says of all that is assigned that it is healthy, as agents do that have nothing to wait for. */
export async function becomeHealthy({ store, clock }: Pick<LoopBed, 'store' | 'clock'>): Promise<void> {
  for (const { cluster, application, generation } of await store.releases.assignments({}))
    await store.releases.acknowledge({
      ...{ cluster, application, generation, stage: 'healthy', message: '', timeMs: clock.now() },
    });
}

/** Whatever is assigned becomes healthy at once, and the rollouts take as many steps as they can. */
export async function settleRollouts(bed: LoopBed, rollouts: RolloutDriver): Promise<void> {
  for (let round = 0; round < 15; round += 1) {
    await becomeHealthy(bed);
    rollouts.wakeAll();
    await rollouts.loop.idle();
    await bed.clock.advance(2);
  }
}
