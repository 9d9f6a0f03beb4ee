/** Who is connected, kept between passes: all rollouts look at the same agents, and one that comes or goes is one row. */
import type { Clock } from '../../../shared/clock/clock.ts';
import type { Store } from '../../store/store.ts';

export interface KnownAgent {
  readonly connected: boolean;
  readonly lastSeenAtMs: number | undefined;
}

export interface AgentsKnown {
  /** By cluster. The map is kept up to date until the next call. */
  load(): Promise<ReadonlyMap<string, KnownAgent>>;
  /** Something is another of this cluster's registration. */
  changed(cluster: string): void;
}

/** More than so many are had faster all together. */
const changedMax = 500;
const wholeAfterMs = 300_000;

export function createAgentsKnown(store: Pick<Store, 'registry'>, clock: Clock): AgentsKnown {
  let agents: Map<string, KnownAgent> | undefined;
  let changed = new Set<string>();
  let readAtMs = 0;
  let reading: Promise<unknown> = Promise.resolve();

  const readWhole = async (): Promise<ReadonlyMap<string, KnownAgent>> => {
    // Before the read: what comes while it goes on is read again.
    changed = new Set();
    agents = undefined;
    readAtMs = clock.now();
    const all = await store.registry.clusters();
    agents = new Map(all.map((one) => [one.name, one]));
    return agents;
  };

  const bring = async (): Promise<ReadonlyMap<string, KnownAgent>> => {
    if (!agents || changed.size > changedMax || clock.now() - readAtMs >= wholeAfterMs) return readWhole();
    if (changed.size === 0) return agents;
    const names = [...changed];
    const known = agents;
    changed = new Set();
    // A read that fails leaves nothing that could be taken for all.
    agents = undefined;
    const found = new Map((await store.registry.clusters(names)).map((one) => [one.name, one]));
    for (const name of names) {
      const one = found.get(name);
      if (one === undefined) known.delete(name);
      else known.set(name, one);
    }
    agents = known;
    return known;
  };

  return {
    load() {
      // A read that was begun takes up what had changed, so the next must wait for it.
      const mine = reading.then(bring, bring);
      reading = mine;
      return mine;
    },
    changed(cluster) {
      if (cluster === '') agents = undefined;
      else changed.add(cluster);
    },
  };
}
