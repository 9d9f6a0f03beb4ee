/**
 * A rollout as a script that people read: commits, what agents say, what operators do, and time. After each step the pure reducer is asked until nothing more
 * comes of it, as the loop does.
 */
import type { RolloutStrategy } from '../../model/strategy.ts';
import { advanceRollout, type RolloutInput } from '../advance-rollout.ts';
import { amendRollout } from '../amend-rollout.ts';
import { addAnswer, applyAction, type RolloutAction } from '../apply-action.ts';
import { admitReleased } from '../held-clusters.ts';
import { moveClusters } from '../move-clusters.ts';
import { planStrategyRelease } from '../plan/plan-strategy-release.ts';
import type { SelectorMatch } from '../plan-waves.ts';
import { withPromotion } from '../report/describe-promotion.ts';
import { describeRollout } from '../report/describe-rollout.ts';
import { durationText } from '../report/duration-text.ts';
import { noteGate } from '../report/gate-of.ts';
import { planHistory } from '../report/plan-history.ts';
import { isOver, type RolloutPass, type RolloutState, targetsOf, type Verdict } from '../rollout-state.ts';
import type { ScriptedFleet } from './scripted-fleet.test-support.ts';
import { createScriptedPromotion } from './scripted-promotion.test-support.ts';

export interface ScriptedOptions {
  readonly fleet: ScriptedFleet;
  readonly strategy: RolloutStrategy;
  readonly matches: SelectorMatch;
}

const passesMax = 50;
const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function parseDuration(text: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const factor = units[unit];
  if (count === undefined || factor === undefined) throw new Error(`"${text}" is no duration`);
  return Number(count) * factor;
}

/** One release after another of the application `web`; it begins on a Monday at noon. */
export function createScriptedRollout({ fleet, strategy, matches }: ScriptedOptions) {
  let nowMs = Date.UTC(2026, 0, 5, 12);
  let state: RolloutState | undefined;
  let targets: Readonly<Record<string, string>> = {};
  let releases = 0;
  let listeningSinceMs: number | undefined;
  let told = '';
  const lines: string[] = [];
  const newId = () => `release-${++releases}`;
  const promotion = strategy.after && createScriptedPromotion(strategy, matches, newId);

  const inputFor = (one: RolloutState, wanted = targets): RolloutInput => ({
    release: {
      ...{ id: one.releaseId, application: 'web', revisionId: one.revisionId, createdAtMs: nowMs },
      ...{ targets: targetsOf(one, wanted), removes: new Set(one.removes), reason: 'release' },
    },
    ...{ facts: fleet.facts(), observed: fleet.observed, matches, nowMs, listeningSinceMs },
  });

  const take = (begun: { readonly state: RolloutState; readonly targets: typeof targets }) => {
    ({ state, targets } = begun);
    lines.push(`${state.releaseId} begins`);
    tellWaves(state, undefined);
    return true;
  };

  const tellWaves = (one: RolloutState, before: RolloutState | undefined) => {
    for (const { name, clusters } of one.waves) {
      const had =
        before?.releaseId === one.releaseId ? before.waves.find((wave) => wave.name === name) : undefined;
      if (had?.clusters.join(' ') !== clusters.join(' '))
        lines.push(`wave ${name}: ${clusters.length === 0 ? 'nobody' : clusters.join(' ')}`);
    }
  };

  const decide = (decisions: RolloutPass['decisions']) => {
    const texts = decisions.map(({ cluster, targetDigest, releaseId, reason, removed }) => {
      fleet.assign(cluster, targetDigest, releaseId);
      if (removed) return `${cluster} leaves`;
      return reason === 'rollback'
        ? `${cluster} goes back to ${targetDigest}`
        : `${cluster} gets ${targetDigest}`;
    });
    if (texts.length > 0) lines.push(texts.join(', '));
  };

  /** One look of the loop; false: nothing came of it. */
  const pass = (): boolean => {
    if (state === undefined) return false;
    const promoted = promotion?.pass(state, inputFor, nowMs);
    if (promoted?.begun) return take(promoted.begun);
    const before = promoted?.state ?? state;
    if (before.phase === 'Waiting') {
      state = before;
      return false;
    }
    const input = inputFor(before);
    const moved = moveClusters(before, input.facts, matches);
    tellWaves(moved, before);
    const made = advanceRollout(moved, input);
    state = noteGate(made.state, input);
    tellWaves(state, moved);
    for (const { type, message } of made.changes) lines.push(`${type}: ${message}`);
    decide(made.decisions);
    for (const { wave, name } of made.questions) {
      const asks = `asks ${name} of wave ${state.waves[wave]?.name ?? ''}`;
      if (!lines.includes(asks)) lines.push(asks);
    }
    return state !== before;
  };

  const describe = (one: RolloutState) => {
    const waits = promotion?.describe(one, nowMs);
    const report = describeRollout(one, inputFor(one));
    return waits ? withPromotion(report, waits, nowMs) : report;
  };

  /** Where it stands, if that is something new. */
  const stand = () => {
    if (state === undefined) return;
    const { phase, message, next, held } = describe(state);
    const when = next === undefined ? '' : ` (${next.what} in ${durationText(next.atMs - nowMs)})`;
    const who = held === undefined ? '' : ` [held: ${held.clusters.join(' ')}]`;
    const text = `= ${phase}${message === '' ? '' : `: ${message}`}${when}${who}`;
    if (text !== told) lines.push(text);
    told = text;
  };

  const settle = () => {
    for (let count = 0; pass(); count += 1) if (count > passesMax) throw new Error('it never comes to rest');
    stand();
  };

  /** What a commit wants: `v2` for all, others for those named, `none` for those it leaves. */
  const wantedOf = (words: readonly string[]) => {
    const own = new Map(
      words.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string]),
    );
    const [all = ''] = words.filter((word) => !word.includes('='));
    const wanted = new Map<string, string>();
    const removes = new Set<string>();
    for (const [cluster, { targetDigest }] of fleet.observed) {
      const target = own.get(cluster) ?? all;
      if (target !== 'none') wanted.set(cluster, target);
      else if (targetDigest !== undefined) {
        wanted.set(cluster, 'gone');
        removes.add(cluster);
      }
    }
    return { wanted, removes };
  };

  const commit = (revisionId: string, words: readonly string[]) => {
    const { wanted, removes } = wantedOf(words);
    const before = state && { state, targets };
    const about = {
      wanted,
      removes,
      observed: fleet.observed,
      facts: fleet.facts(),
      matches,
      revisionId,
      nowMs,
    };
    if (promotion) {
      const planned = promotion.commit({ ...about, before }, words[0] ?? '');
      if (planned.waits) lines.push(`${planned.waits} waits`);
      state = planned.state ?? state;
      if (!planned.continues) return;
    }
    const begun = planStrategyRelease({ ...about, strategy, application: 'web', before, newId });
    const after = begun?.state ?? (before && amendRollout({ ...about, before })) ?? state;
    if (after === undefined || after === state) return void lines.push('nothing begins, nothing changes');
    for (const { record } of planHistory({ before: state, after, nowMs, wanted: begun?.release.targets }))
      if (record.id !== after.releaseId)
        lines.push(`the rollout before is ${record.result}: ${record.message}`);
    lines.push(begun ? `${begun.release.id} begins` : `${after.releaseId} goes on`);
    if (begun) targets = begun.release.targets;
    tellWaves(after, state);
    state = after;
    decide(begun?.decisions ?? []);
  };

  return {
    commit,
    settle,
    wait(text: string) {
      nowMs += parseDuration(text);
    },
    at(text: string) {
      nowMs = Date.parse(text);
    },
    say: (name: string, what: string) =>
      name === 'staging' ? promotion?.say(what, nowMs) : fleet.say(name, what, nowMs),
    /** The hub is away for so long, and started again. */
    restart(text: string) {
      nowMs += parseDuration(text);
      listeningSinceMs = nowMs;
    },
    act(action: RolloutAction, actor: string) {
      if (state === undefined) throw new Error('there is no rollout');
      const begins = action.type === 'promote' && (isOver(state) || state.phase === 'Waiting');
      const forced = begins ? promotion?.force(state, inputFor) : undefined;
      if (forced) return void take(forced);
      const acted = applyAction(state, action, { actor, reason: 'because', atMs: nowMs });
      const admitted = admitReleased(acted, inputFor(acted), matches);
      tellWaves(admitted, state);
      state = admitted;
    },
    /** Of the wave that is under way. */
    answer(name: string, verdict: Verdict, detail: string) {
      if (state === undefined) throw new Error('there is no rollout');
      const wave = state.waves.findIndex(({ endedAtMs }) => endedAtMs === undefined);
      state = addAnswer(state, wave, name, { atMs: nowMs, verdict, detail });
    },
    /** Each wave and cluster, with what it waits on. */
    show() {
      if (state === undefined) return;
      for (const wave of describeRollout(state, inputFor(state)).waves) {
        lines.push(`${wave.name}: ${wave.state}${wave.waitsOn === '' ? '' : `, waits on ${wave.waitsOn}`}`);
        for (const { cluster, step, waitsOn } of wave.clusters)
          lines.push(`  ${cluster}: ${step}${waitsOn === '' ? '' : `: ${waitsOn}`}`);
      }
    },
    state: () => state,
    /** What was told since it was asked last. */
    told: () => lines.splice(0),
  };
}

export type ScriptedRollout = ReturnType<typeof createScriptedRollout>;
