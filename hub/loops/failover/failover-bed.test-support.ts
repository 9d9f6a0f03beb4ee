/** Failovers over a real store in memory and a Git that tests answer for: for tests. */
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { ParityState } from '../../model/parity.ts';
import type { WriteRequest } from '../../source/write/write-files.ts';
import type { Store } from '../../store/store.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import type { Preview } from '../preview/preview.ts';
import type { RolloutDriver } from '../rollout/rollout-loop.ts';
import type { ParityNow } from './failover-inputs.ts';
import { createFailovers, type FailoverDriver } from './failovers.ts';
import type { SwitchPorts } from './write-switch.ts';

export interface FailoverBed {
  readonly bed: LoopBed;
  readonly failovers: FailoverDriver;
  /** Lets the loop run until it waits for time or for Git. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

type Written = { readonly result: 'written' | 'found'; readonly commit: string; readonly ref: string };

const api = 'apiVersion: fairway.dev/v1alpha1\n';
export const failoverFleet = {
  'fleet/clusters.yaml': `${api}kind: Cluster\nmetadata: { name: eu-1 }\nspec: { region: a, role: primary }\n---\n${api}kind: Cluster\nmetadata: { name: eu-2 }\nspec: { region: b, role: standby }\n`,
  'fleet/group.yaml': `${api}kind: ParityGroup\nmetadata: { name: eu }\nspec:\n  primary: eu-1\n  standbys: { clusters: [eu-2] }\n  failover: { fencing: { after: 60s } }\n`,
  'fleet/web.yaml': `${api}kind: Application\nmetadata: { name: web }\nspec:\n  source: { path: apps/web, overlays: ["{{cluster.role}}"] }\n  placement: { clusters: [eu-1, eu-2] }\n  rollout: { strategy: all-at-once }\n`,
  'apps/web/primary/map.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: m, namespace: default }\ndata: { size: "8" }\n',
  'apps/web/standby/map.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: m, namespace: default }\ndata: { size: "2" }\n',
};

/** @param write one attempt: it calls `edit` where Git does not have the commit yet, as the real one does. */
export async function createFailoverBed(
  write: (request: WriteRequest, edit: () => Promise<unknown>) => Promise<Written>,
  parity: (group: string) => ParityState | undefined = () => undefined,
  diff: Preview['diff'] = () => Promise.reject(new Error('not asked')),
): Promise<FailoverBed> {
  const bed = await createLoopBed();
  await bed.commit(failoverFleet);
  await bed.resolve();
  const read = async (path: string) => failoverFleet[path as keyof typeof failoverFleet];
  let ids = 0;
  const failovers = createFailovers({
    ...{ store: bed.store, clock: bed.clock, source: bed.source, rootKey: bed.root.key },
    ...{ random: createSeededRandom(1), log: silentLogger, digestKey: new Uint8Array(32) },
    preview: { diff },
    git: {
      ...{ url: bed.root.url, ref: 'main', identity: { name: 'Fairway', email: 'hub@example.com' } },
      write: (request) => write(request, () => request.edit(read)),
    },
    parity(group) {
      const state = parity(group);
      return state && { state, lookedAtMs: bed.clock.now() };
    },
    onSwitch: () => {},
    newId: () => `f-${++ids}`,
  });
  const unsubscribe = bed.store.subscribe((topic, key) => failovers.changed(topic, key));
  return {
    ...{ bed, failovers },
    async settle() {
      failovers.wakeAll();
      await failovers.loop.idle();
    },
    async close() {
      unsubscribe();
      await failovers.stop();
      await bed.close();
    },
  };
}

const nothingCompared = { report: { pairs: [], reasons: [] } } as unknown as ParityState;

/** Failovers of a bed whose Git answers nobody: only the hub's own word switches roles. @param parity Default: it looks all the time, and has nothing to compare. */
export function openDarkFailovers(
  bed: LoopBed,
  digestKey: Uint8Array,
  parity: (group: string) => ParityNow | undefined = () => ({
    ...{ state: nothingCompared, lookedAtMs: bed.clock.now() },
  }),
): FailoverDriver {
  const dark = () => Promise.reject(new FairwayError('unavailable', 'Git does not answer'));
  const identity = { name: 'Hub', email: 'hub@example.com' };
  let ids = 0;
  return createFailovers({
    ...{ store: bed.store, source: bed.source, digestKey, rootKey: bed.root.key, clock: bed.clock },
    ...{ random: createSeededRandom(1), log: silentLogger, preview: { diff: dark } },
    git: { url: bed.root.url, ref: 'main', write: dark, identity },
    ...{ parity, onSwitch: () => undefined, newId: () => `f-${++ids}` },
  });
}

export interface MemoryGit {
  /** Nothing reaches it. */
  down: boolean;
  /** Files of the newest commit. */
  files: Readonly<Record<string, string>>;
  /** What the hub has written: the trailer that tells each from every other. */
  readonly written: string[];
  /** Somebody commits. */
  commit(files: Readonly<Record<string, string>>): Promise<void>;
}

/** The Git of a bed, which the hub can write to: as the real one, it finds what was written before, and edits what is newest. */
export function createMemoryGit(bed: LoopBed): MemoryGit & SwitchPorts {
  const git = {
    ...{ url: bed.root.url, ref: 'main', identity: { name: 'Hub', email: 'hub@example.com' } },
    ...{ down: false, files: {} as Readonly<Record<string, string>>, written: [] as string[] },
    async commit(files: Readonly<Record<string, string>>) {
      git.files = { ...git.files, ...files };
      await bed.commit(git.files);
    },
    async write(request: WriteRequest): Promise<Written> {
      if (git.down) throw new FairwayError('unavailable', 'Git does not answer');
      const [trailer = ''] = request.trailers;
      const ref = 'refs/heads/main';
      if (git.written.includes(trailer)) return { result: 'found', commit: trailer, ref };
      const edited = await request.edit(async (path) => {
        const text = git.files[path];
        if (text === undefined) throw new FairwayError('not_found', `there is no file ${path} any more`);
        return text;
      });
      if (edited.size === 0) return { result: 'written', commit: trailer, ref };
      git.written.push(trailer);
      await git.commit(Object.fromEntries(edited));
      return { result: 'written', commit: trailer, ref };
    },
  };
  return git;
}

/** Failovers of a bed over its Git. @param store the bed's own, or one that fails where a test says. */
export function openFailovers(
  bed: LoopBed,
  digestKey: Uint8Array,
  {
    git,
    store = bed.store,
    newId,
  }: { readonly git: SwitchPorts; readonly store?: Store; readonly newId: () => string },
): FailoverDriver {
  return createFailovers({
    ...{ store, source: bed.source, digestKey, rootKey: bed.root.key, clock: bed.clock, git, newId },
    ...{ random: createSeededRandom(1), log: silentLogger },
    preview: { diff: () => Promise.reject(new Error('not asked')) },
    ...{ parity: () => undefined, onSwitch: () => undefined },
  });
}

/** Everything that has something to do does it, for some rounds: revisions, rollouts, agents (those that are named), failovers. */
export async function lookAround(
  bed: LoopBed,
  drivers: { readonly failovers: FailoverDriver; readonly rollouts: RolloutDriver },
  healthy: readonly string[],
  rounds = 6,
): Promise<void> {
  const { failovers, rollouts } = drivers;
  for (let round = 0; round < rounds; round += 1) {
    await bed.resolve();
    rollouts.wakeAll();
    await rollouts.loop.idle();
    for (const { cluster, application, generation } of await bed.store.releases.assignments({}))
      if (healthy.includes(cluster))
        for (const stage of ['applied', 'healthy'] as const)
          await bed.store.releases.acknowledge({
            ...{ cluster, application, generation, stage, message: '', timeMs: bed.clock.now() },
          });
    failovers.wakeAll();
    await failovers.loop.idle();
    await bed.clock.advance(2_000);
  }
}
