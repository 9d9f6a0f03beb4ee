/**
 * What clusters of parity groups are besides their applications. Each group asks its clusters by digests first, under a salt of its own; agents watch what they can, say when it has changed,
 * and are asked again then. What they do not watch is asked for from time to time.
 */
import type { Clock } from '../../../shared/clock/clock.ts';
import type { Random } from '../../../shared/clock/random.ts';
import { toFairwayError } from '../../../shared/error/error.ts';
import type { Logger } from '../../../shared/log/log.ts';
import { createLoop, type Loop } from '../../../shared/loop/loop.ts';
import { keyedDigest } from '../../../shared/manifest/canonical.ts';
import {
  type FactGap,
  type FactSection,
  type FactValues,
  factSections,
  type UnownedField,
} from '../../../shared/manifest/cluster-facts.ts';
import type { Answer } from '../../model/query.ts';
import type { ClusterFacts, KnownGap } from '../../parity/finding.ts';
import { failingMs } from '../../parity/gap-findings.ts';
import type { AskAgent } from './parity-live.ts';

export interface FactsLoopOptions {
  readonly digestKey: Uint8Array;
  readonly ask: AskAgent;
  /** Something is known of the cluster that was not: these sections. */
  readonly onChanged: (cluster: string, group: string, sections: ReadonlySet<FactSection>) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What a group wants to know. */
export interface FollowedGroup {
  readonly clusters: readonly string[];
  readonly unowned: readonly UnownedField[];
}

export interface FactsLoop {
  readonly loop: Loop;
  /** Under the salt of the group; with no group (empty) as any group knows them. */
  factsOf(cluster: string, group: string): ClusterFacts | undefined;
  /** Asks for these groups from now on, and no others. */
  follow(groups: ReadonlyMap<string, FollowedGroup>): void;
  /** Its agent has come: asks now. */
  wake(cluster: string): void;
  /** Its agent says that something has changed, or can be asked again: asks now. */
  changed(cluster: string): void;
}

const everyMs = 300_000;
/** Until an agent that is away is asked again; its Query stream comes a moment after its session. */
const awayMs = 5_000;
/** Until what an agent could not read is asked for again. */
const failedMs = 30_000;

/** An agent says what it likes, and as often: it is not asked again sooner. */
const askMinMs = 200;

interface Known extends ClusterFacts {
  readonly digests: Readonly<Record<string, string>>;
}

/**
 * Secret, 32 bytes, of a group's own, and the same after a new start: derived from the hub's digest key by HMAC (as RFC 5869 derives keys), so that nothing is kept beside what it keys, and
 * that it says nothing of other groups' salts nor of digests by the same key.
 */
export function saltOf(group: string, digestKey: Uint8Array): Uint8Array {
  return Buffer.from(keyedDigest(`parity facts\n${group}`, digestKey), 'hex');
}

const keyOf = (cluster: string, group: string) => `${cluster}\n${group}`;

function partsOf(key: string): readonly [cluster: string, group: string] {
  const [cluster = '', group = ''] = key.split('\n');
  return [cluster, group];
}

/** What an answer says, with what was known of the sections that have not changed, or that could not be read this time. */
function take(
  group: string,
  answer: Extract<Answer, { readonly type: 'facts' }>,
  before: Known | undefined,
  nowMs: number,
): Known {
  const values = new Map<FactSection, FactValues>();
  const gaps = new Map<FactSection, readonly KnownGap[]>();
  const digests: Record<string, string> = {};
  for (const { section, digest, values: told, failure, gaps: gapsTold = [] } of answer.sections) {
    const found = gapsTold.length > 0 || failure === '' ? gapsTold : [{ ...failedGap, message: failure }];
    const known = before?.gaps.get(section) ?? [];
    const sinceMs = ({ kind, reason }: FactGap) =>
      known.find((one) => one.kind === kind && one.reason === reason)?.sinceMs ?? nowMs;
    if (found.length > 0)
      gaps.set(
        section,
        found.map((gap) => ({ ...gap, sinceMs: sinceMs(gap) })),
      );
    const stands = digest === '' && found.every(({ reason }) => reason === 'failed');
    const is = stands ? (before?.digests[section] ?? '') : digest;
    const held = told ?? (before?.digests[section] === is ? before.values.get(section) : undefined);
    if (!held) continue;
    values.set(section, held);
    digests[section] = is;
  }
  const told = new Set(answer.sections.map(({ section }) => section));
  const untold = factSections.filter((section) => !told.has(section));
  return { values, gaps, digests, saltedFor: group, untold };
}

/** As of an agent that says no more. */
const failedGap = { kind: '', reason: 'failed' } as const;

function changesOf(before: Known | undefined, after: Known): ReadonlySet<FactSection> {
  const gapsOf = (known: Known | undefined, section: FactSection) =>
    (known?.gaps.get(section) ?? []).map(({ kind, reason, message }) => [kind, reason, message]);
  return new Set(
    factSections.filter(
      (section) =>
        before?.digests[section] !== after.digests[section] ||
        JSON.stringify(gapsOf(before, section)) !== JSON.stringify(gapsOf(after, section)),
    ),
  );
}

/** Whether something failed a short while ago, and may work the next time. */
function hasFailed({ gaps }: Known, nowMs: number): boolean {
  return [...gaps.values()].some((found) =>
    found.some(({ reason, sinceMs }) => reason === 'failed' && nowMs - sinceMs <= failingMs),
  );
}

export function createFactsLoop(options: FactsLoopOptions): FactsLoop {
  const known = new Map<string, Known>();
  const askedAtMs = new Map<string, number>();
  let followed: ReadonlyMap<string, FollowedGroup> = new Map();
  /** Of the groups that are followed. */
  const salts = new Map<string, Uint8Array>();
  const saltFor = (group: string): Uint8Array => {
    const salt = salts.get(group) ?? saltOf(group, options.digestKey);
    salts.set(group, salt);
    return salt;
  };

  /** That an agent is away is no failure; what it said stands. One that does not know the question has no word for any of it. */
  const askUnlessAway: (...ask: Parameters<AskAgent>) => Promise<Answer | undefined> = async (...ask) => {
    try {
      return await options.ask(...ask);
    } catch (caught) {
      const error = toFairwayError(caught);
      if (error.code === 'unavailable') return undefined;
      if (error.code === 'unsupported') return { type: 'facts', sections: [] };
      throw error;
    }
  };

  const isFollowed = (cluster: string, group: string) =>
    followed.get(group)?.clusters.includes(cluster) === true;

  const step = async (key: string, signal: AbortSignal) => {
    const [cluster, group] = partsOf(key);
    const wanted = followed.get(group);
    if (!wanted?.clusters.includes(cluster)) return undefined;
    const waitMs = askMinMs - (options.clock.monotonic() - (askedAtMs.get(key) ?? -askMinMs));
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    askedAtMs.set(key, options.clock.monotonic());
    const before = known.get(key);
    const answer = await askUnlessAway(
      cluster,
      {
        ...{ type: 'facts', watch: true, salt: saltFor(group) },
        ...{ known: before?.digests ?? {}, unowned: wanted.unowned },
      },
      signal,
    );
    if (answer === undefined) return { requeueAfterMs: awayMs };
    if (answer.type !== 'facts' || !isFollowed(cluster, group)) return { requeueAfterMs: everyMs };
    const after = take(group, answer, before, options.clock.now());
    known.set(key, after);
    const changes = changesOf(before, after);
    if (changes.size > 0 || before?.untold?.join() !== after.untold?.join())
      options.onChanged(cluster, group, changes);
    if (!hasFailed(after, options.clock.now())) return { requeueAfterMs: everyMs };
    // What found no room in this answer has room in the next one, of which what was sent is no part.
    const moves = factSections.some((section) => before?.digests[section] !== after.digests[section]);
    return { requeueAfterMs: moves ? askMinMs : failedMs };
  };

  const loop = createLoop({ ...options, name: 'parity-facts', step, concurrencyMax: 8 });
  const keysOf = (groups: ReadonlyMap<string, FollowedGroup>) =>
    [...groups].flatMap(([group, { clusters }]) => clusters.map((cluster) => keyOf(cluster, group)));
  const groupsWith = (cluster: string) => [...followed.keys()].filter((group) => isFollowed(cluster, group));
  return {
    loop,
    factsOf(cluster, group) {
      if (group !== '') return known.get(keyOf(cluster, group));
      const [any] = groupsWith(cluster).filter((one) => known.has(keyOf(cluster, one)));
      return any === undefined ? undefined : known.get(keyOf(cluster, any));
    },
    follow(groups) {
      const before = followed;
      const kept = new Set(keysOf(groups));
      for (const key of keysOf(before))
        if (!kept.has(key)) {
          known.delete(key);
          askedAtMs.delete(key);
          loop.forget(key);
        }
      followed = groups;
      for (const group of salts.keys()) if (!groups.has(group)) salts.delete(group);
      for (const key of kept) {
        const [cluster, group] = partsOf(key);
        const old = before.get(group);
        const same = JSON.stringify(old?.unowned) === JSON.stringify(groups.get(group)?.unowned);
        if (!same || !old?.clusters.includes(cluster)) loop.wake(key);
      }
    },
    wake(cluster) {
      // One that was too old may have been renewed.
      for (const group of groupsWith(cluster))
        if (known.get(keyOf(cluster, group))?.untold?.length !== 0) loop.wake(keyOf(cluster, group));
    },
    changed(cluster) {
      for (const group of groupsWith(cluster)) loop.wake(keyOf(cluster, group));
    },
  };
}
