/** The clusters of a scripted scenario: what each has, and what its agent says of it. */
import type { ClusterFacts } from '../plan-waves.ts';
import type { ObservedCluster } from '../rollout-state.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface ScriptedFleet {
  facts(): ReadonlyMap<string, ClusterFacts>;
  readonly observed: ReadonlyMap<string, ObservedCluster>;
  /** A line such as `eu-1 tier=canary pair=dr primary away empty`: it has `v1` and is healthy, unless it is empty. */
  add(line: string): void;
  assign(cluster: string, target: string, releaseId: string): void;
  /** What its agent says, or what becomes of it: `healthy`, `applied TEXT`, `fails TEXT`, `refuses TEXT`, `cannot apply TEXT`, `waits TEXT`, `hook MINUTES TEXT` (one is at work for so long at most), `away`, `back`, `labels KEY=VALUE`. */
  say(cluster: string, what: string, nowMs: number): void;
}

const unsaid = {
  ...{ receivedAtMs: undefined, appliedAtMs: undefined, healthyAtMs: undefined, refused: undefined },
} as const;

function labelsOf(words: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(words.filter((word) => word.includes('=')).map((word) => word.split('=')));
}

/** How a cluster looks once its agent has said it; undefined: it says no such thing. */
function said(
  one: ObservedCluster,
  verb: string,
  text: string,
  nowMs: number,
): Partial<ObservedCluster> | undefined {
  const { appliedAtMs, healthyAtMs } = one.acknowledgements ?? unsaid;
  // Healthy is said once, and kept: what becomes of it later is in the report.
  const applied = { ...unsaid, receivedAtMs: nowMs, appliedAtMs: appliedAtMs ?? nowMs, healthyAtMs };
  const report = { sync: 'Synced', health: 'InProgress', message: text, waitsFor: '' };
  switch (verb) {
    case 'healthy':
      return {
        acknowledgements: { ...applied, healthyAtMs: healthyAtMs ?? nowMs },
        report: { ...report, health: 'Current' },
        lastHealthyDigest: one.targetDigest,
      };
    case 'applied':
      return { acknowledgements: applied, report };
    case 'fails':
      return { acknowledgements: applied, report: { ...report, health: 'Failed' } };
    case 'refuses':
      return { acknowledgements: { ...unsaid, refused: text } };
    case 'cannot':
      return {
        acknowledgements: unsaid,
        report: { ...report, sync: 'Failed', message: text.replace('apply ', '') },
      };
    case 'waits':
      return {
        acknowledgements: unsaid,
        report: { ...report, sync: 'Pending', message: '', waitsFor: text },
      };
    case 'hook': {
      const [minutes = '', ...words] = text.split(' ');
      const hook = hookOf(one, Number(minutes) * 60_000);
      const acknowledgements = one.acknowledgements ?? unsaid;
      return { acknowledgements, report: { ...report, sync: 'Pending', message: words.join(' '), hook } };
    }
    default:
      return undefined;
  }
}

/** By the clock of an agent that knows nothing of the hub's; another hook than the one before. */
function hookOf({ report }: ObservedCluster, leftMs: number): { untilMs: number; leftMs: number } {
  return { untilMs: (report?.hook?.untilMs ?? 0) + leftMs, leftMs };
}

export function createScriptedFleet(): ScriptedFleet {
  const facts = new Map<string, ClusterFacts>();
  const observed = new Map<string, Mutable<ObservedCluster>>();
  const see = (cluster: string): Mutable<ObservedCluster> => {
    const found = observed.get(cluster);
    if (found === undefined) throw new Error(`no cluster ${cluster}`);
    return found;
  };
  return {
    facts: () => new Map(facts),
    observed,
    add(line) {
      const [name = '', ...words] = line.split(/\s+/);
      const region = name.split('-')[0] ?? '';
      const { pair = '', ...labels } = labelsOf(words);
      facts.set(name, {
        ...{ name, region, pair, primary: words.includes('primary') },
        labels: { 'fairway.dev/region': region, ...labels },
      });
      const targetDigest = words.includes('empty') ? undefined : 'v1';
      const isThere = targetDigest !== undefined;
      observed.set(name, {
        ...{
          targetDigest,
          releaseId: 'r0',
          revisionId: 'r0',
          removed: false,
          lastHealthyDigest: targetDigest,
        },
        connected: !words.includes('away'),
        acknowledgements: isThere
          ? { receivedAtMs: 0, appliedAtMs: 0, healthyAtMs: 0, refused: undefined }
          : undefined,
        report: isThere ? { sync: 'Synced', health: 'Current', message: '', waitsFor: '' } : undefined,
      });
    },
    assign(cluster, targetDigest, releaseId) {
      const removed = targetDigest === 'gone';
      Object.assign(see(cluster), {
        targetDigest,
        releaseId,
        revisionId: releaseId,
        removed,
        report: undefined,
        acknowledgements: unsaid,
      });
    },
    say(cluster, what, nowMs) {
      const one = see(cluster);
      const [verb = '', ...rest] = what.split(' ');
      if (verb === 'away' || verb === 'back') one.connected = verb === 'back';
      else if (verb === 'left')
        Object.assign(one, { targetDigest: undefined, removed: false, report: undefined });
      else if (verb === 'labels') {
        const known = facts.get(cluster) as ClusterFacts;
        facts.set(cluster, { ...known, labels: { ...known.labels, ...labelsOf(rest) } });
      } else {
        const change = said(one, verb, rest.join(' '), nowMs);
        if (change === undefined) throw new Error(`clusters do not say "${what}"`);
        Object.assign(one, change);
      }
    },
  };
}
