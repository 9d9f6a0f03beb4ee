/** What clusters of parity groups are besides their applications: asked of their agents from time to time, by digests first. */
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { toFairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { createLoop, type Loop } from '../../shared/loop/loop.ts';
import { keyedDigest } from '../../shared/manifest/canonical.ts';
import { type FactSection, type FactValues, factSections } from '../../shared/manifest/cluster-facts.ts';
import type { Answer } from '../model/query.ts';
import type { ClusterFacts } from '../parity/compare-facts.ts';
import type { AskAgent } from './parity-live.ts';

export interface FactsLoopOptions {
  readonly digestKey: Uint8Array;
  readonly ask: AskAgent;
  /** Something is known of the cluster that was not. */
  readonly onChanged: (cluster: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface FactsLoop {
  readonly loop: Loop;
  factsOf(cluster: string): ClusterFacts | undefined;
  /** Asks these clusters from now on, and no others. */
  follow(clusters: ReadonlySet<string>): void;
  /** Its agent has come: asks now. */
  wake(cluster: string): void;
}

const everyMs = 300_000;
/** Until an agent that is away is asked again; its Query stream comes a moment after its session. */
const awayMs = 5_000;

interface Known extends ClusterFacts {
  readonly digests: Readonly<Record<string, string>>;
}

export function createFactsLoop(options: FactsLoopOptions): FactsLoop {
  const known = new Map<string, Known>();
  let followed: ReadonlySet<string> = new Set();
  // Of its own, and the same after a new start: digests stay comparable, and say nothing of other digests by the same key.
  const salt = Buffer.from(keyedDigest('parity facts', options.digestKey), 'hex');

  /** That an agent is away is no failure; what it said stands. */
  const askUnlessAway: (...ask: Parameters<AskAgent>) => Promise<Answer | undefined> = async (...ask) => {
    try {
      return await options.ask(...ask);
    } catch (caught) {
      const error = toFairwayError(caught);
      if (error.code === 'unavailable') return undefined;
      throw error;
    }
  };

  const step = async (cluster: string, signal: AbortSignal) => {
    if (!followed.has(cluster)) return undefined;
    const before = known.get(cluster);
    const question = { type: 'facts', salt, known: before?.digests ?? {} } as const;
    const answer = await askUnlessAway(cluster, question, signal);
    if (answer === undefined) return { requeueAfterMs: awayMs };
    if (answer.type !== 'facts') return { requeueAfterMs: everyMs };
    const values = new Map<FactSection, FactValues>();
    const failures = new Map<FactSection, string>();
    const digests: Record<string, string> = {};
    for (const { section, digest, values: told, failure } of answer.sections) {
      const held = told ?? (before?.digests[section] === digest ? before.values.get(section) : undefined);
      if (failure !== '') failures.set(section, failure);
      else if (held) {
        values.set(section, held);
        digests[section] = digest;
      }
    }
    known.set(cluster, { values, failures, digests });
    const same = factSections.every(
      (section) =>
        before?.digests[section] === digests[section] &&
        before?.failures.get(section) === failures.get(section),
    );
    if (!same) options.onChanged(cluster);
    return { requeueAfterMs: everyMs };
  };

  const loop = createLoop({ ...options, name: 'parity-facts', step, concurrencyMax: 4 });
  return {
    loop,
    factsOf: (cluster) => known.get(cluster),
    follow(clusters) {
      for (const name of followed)
        if (!clusters.has(name)) {
          known.delete(name);
          loop.forget(name);
        }
      const fresh = [...clusters].filter((name) => !followed.has(name));
      followed = clusters;
      for (const name of fresh) loop.wake(name);
    },
    wake(cluster) {
      if (followed.has(cluster) && !known.has(cluster)) loop.wake(cluster);
    },
  };
}
