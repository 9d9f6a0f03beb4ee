/**
 * Drives the rollouts of applications that have a strategy: one key an application, single flight. Each step reads the stored state and what agents
 * have said, lets the pure controller decide, and keeps state, assignments and events in one transaction; a step that somebody else was faster than
 * is simply made again. A hub that is killed at any point goes on from what was kept.
 */
import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { createLoop, type Loop } from '../../shared/loop/loop.ts';
import { matchesSelector } from '../fleet/placement.ts';
import { createEvent, type NewEvent } from '../model/event.ts';
import type { Revision } from '../model/revision.ts';
import { advanceRollout } from '../rollout/advance-rollout.ts';
import { addAnswer, applyAction, type RolloutAction } from '../rollout/apply-action.ts';
import { describeRollout, type RolloutReport } from '../rollout/describe-rollout.ts';
import { moveClusters } from '../rollout/move-clusters.ts';
import { specOf } from '../rollout/plan-waves.ts';
import { assignmentEvent } from '../rollout/revision-events.ts';
import {
  type AnalysisQuestion,
  isOver,
  type RolloutChange,
  type RolloutState,
  type Said,
} from '../rollout/rollout-state.ts';
import type { Store } from '../store/store.ts';
import { type AskAnalysisPorts, askAnalysis } from './ask-analysis.ts';
import { createRolloutInputs, isWaved } from './rollout-inputs.ts';

export interface RolloutLoopOptions extends Pick<AskAnalysisPorts, 'fetch' | 'egress'> {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface RolloutDriver {
  readonly loop: Loop;
  /** Wakes every rollout that is under way. Does not wait. */
  wakeAll(): void;
  /** A cluster has reported, or (`presence`) come or gone: then also those that only wait for whoever was away. Many at once are one pass. */
  wakeCluster(cluster: string, presence: boolean): void;
  /** By application. */
  reports(): Promise<readonly RolloutReport[]>;
  /** Undefined: the application has no strategy, or no rollout yet. */
  report(application: string): Promise<RolloutReport | undefined>;
  /** @throws not_found; failed_precondition or permission_denied with why, and then nothing has changed; conflict when others are faster again and again. */
  act(application: string, action: RolloutAction, said: Said): Promise<RolloutReport>;
  stop(): Promise<void>;
}

/** A key that no application has. */
const everyRollout = '*';

const gatherMs = 100;
const triesMax = 5;
const questionsAtOnce = 5;
/** Looks again though nothing woke it and no timer is due. */
const periodMs = 300_000;

/** Something may still be assigned: it is not over, or clusters that were away are to be caught up. */
function isLive(state: RolloutState): boolean {
  if (!isOver(state)) return true;
  if (state.phase !== 'Complete') return false;
  return state.waves.some(({ clusters }) =>
    clusters.some((cluster) => {
      const known = state.clusters[cluster];
      return known?.assignedAtMs === undefined && known?.excluded === undefined;
    }),
  );
}

export function createRolloutLoop(options: RolloutLoopOptions): RolloutDriver {
  const { store, clock, log } = options;
  const inputs = createRolloutInputs(store, clock);
  /** Clusters of the live rollouts, by application. */
  const live = new Map<string, { readonly clusters: ReadonlySet<string>; readonly complete: boolean }>();
  /** Rollouts that are woken soon, each with how to call that off. */
  const soon = new Map<string, () => void>();

  const note = (state: RolloutState) => {
    if (!isLive(state)) live.delete(state.application);
    else {
      const clusters = new Set(state.waves.flatMap((wave) => wave.clusters));
      live.set(state.application, { clusters, complete: state.phase === 'Complete' });
    }
  };

  const findLive = async () => {
    for (const [application, state] of await store.releases.rollouts()) {
      if (!isWaved(state)) continue;
      note(state);
      if (isLive(state)) loop.wake(application);
    }
    return undefined;
  };

  /** Asked one after the other, bounded by their own limits; the answers are kept like an operator's word. */
  const answer = async (
    state: RolloutState,
    questions: readonly AnalysisQuestion[],
    signal: AbortSignal,
  ): Promise<void> => {
    for (const { wave, name } of questions.slice(0, questionsAtOnce)) {
      const planned = state.waves[wave];
      const spec = planned && specOf(state.strategy, planned).analysis.find((one) => one.name === name);
      if (!planned || !spec) continue;
      const subject = { application: state.application, wave: planned.name, clusters: planned.clusters };
      const said = await askAnalysis(spec, subject, options, signal);
      log.info('analysis', { ...subject, clusters: planned.clusters.length, name, ...said });
      for (let attempt = 0; attempt < triesMax; attempt += 1) {
        const before = await store.releases.rollout(state.application);
        if (!isWaved(before) || before.releaseId !== state.releaseId) return;
        const next = addAnswer(before, wave, name, said);
        const row = { application: state.application, before, state: next, decisions: [], events: [] };
        if ((await store.releases.saveRollout({ ...row, nowMs: clock.now() })) !== undefined) break;
      }
    }
  };

  const step = async (application: string, signal: AbortSignal) => {
    if (application === everyRollout) return findLive();
    const before = await store.releases.rollout(application);
    if (!isWaved(before)) {
      live.delete(application);
      return undefined;
    }
    note(before);
    if (!isLive(before)) return undefined;
    const input = await inputs.load(before);
    const moved = moveClusters(before, input.facts, matchesSelector);
    const pass = advanceRollout(moved, input);
    const waitMs = pass.nextAtMs === undefined ? undefined : Math.max(1, pass.nextAtMs - clock.now());
    if (pass.state !== before) {
      const revision = await store.sources.revision(before.revisionId);
      const events = [
        ...pass.changes.map((change) => changeEvent(pass.state, change, clock.now())),
        ...(revision ? pass.decisions.map((one) => assignedEvent(revision, one)) : []),
      ];
      const { decisions } = pass;
      const kept = await store.releases.saveRollout({
        ...{ application, before, state: pass.state, decisions, events, nowMs: clock.now() },
      });
      // Somebody else was faster: everything is read anew.
      if (kept === undefined) return { requeueAfterMs: 1 };
      note(pass.state);
      for (const { message } of pass.changes) log.info('rollout', { application, message });
      // What was decided now may let the next wave begin.
      if (pass.changes.length > 0 && pass.questions.length === 0) return { requeueAfterMs: 1 };
    }
    if (pass.questions.length > 0) {
      await answer(pass.state, pass.questions, signal);
      return { requeueAfterMs: 1 };
    }
    return waitMs === undefined ? undefined : { requeueAfterMs: waitMs };
  };

  const assignedEvent = (revision: Revision, decision: Parameters<typeof assignmentEvent>[1]): NewEvent =>
    assignmentEvent(revision, decision, clock.now());

  const loop = createLoop({ name: 'rollout', step, ...options, concurrencyMax: 4, periodMs });

  /** A pass reads all that is known of the application: a thousand reports in a moment are worth one. */
  const wakeSoon = (application: string) => {
    if (soon.has(application)) return;
    const wake = () => {
      soon.delete(application);
      loop.wake(application);
    };
    soon.set(application, clock.after(gatherMs, wake));
  };

  const describe = async (state: RolloutState) => describeRollout(state, await inputs.load(state));

  const act = async (application: string, action: RolloutAction, said: Said): Promise<RolloutReport> => {
    for (let attempt = 0; attempt < triesMax; attempt += 1) {
      const before = await store.releases.rollout(application);
      if (!isWaved(before))
        throw new FairwayError(
          'not_found',
          `${application} has no rollout: it has no strategy, or no release yet`,
        );
      const state = applyAction(before, action, said);
      if (state === before) return describe(state);
      const event = actionEvent(state, action, said);
      const row = { application, before, state, decisions: [], events: [event], nowMs: clock.now() };
      const kept = await store.releases.saveRollout(row);
      if (kept === undefined) continue;
      note(state);
      loop.wake(application);
      return describe(state);
    }
    throw new FairwayError('conflict', `the rollout of ${application} changes too fast: try again`);
  };

  return {
    loop,
    // Its own key, so that what fails is tried again.
    wakeAll: () => loop.wake(everyRollout),
    wakeCluster(cluster, presence) {
      for (const [application, { clusters, complete }] of live)
        if ((presence || !complete) && clusters.has(cluster)) wakeSoon(application);
    },
    async reports() {
      const states = [...(await store.releases.rollouts()).values()].filter(isWaved);
      return Promise.all(states.map(describe));
    },
    async report(application) {
      const state = await store.releases.rollout(application);
      return isWaved(state) ? describe(state) : undefined;
    },
    act,
    async stop() {
      for (const cancel of soon.values()) cancel();
      inputs.stop();
      await loop.stop();
    },
  };
}

function changeEvent(
  state: RolloutState,
  { type, message, cluster }: RolloutChange,
  timeMs: number,
): NewEvent {
  const { application, revisionId, releaseId } = state;
  return createEvent({
    ...{ type, application, revisionId, timeMs, cluster: cluster ?? '', actor: 'hub' },
    message: `${application}: ${message}`,
    data: { releaseId },
  });
}

function actionEvent(state: RolloutState, action: RolloutAction, said: Said): NewEvent {
  const { application, revisionId, releaseId } = state;
  const { type, ...what } = action;
  const about = Object.values(what)
    .filter((text) => text !== '')
    .join(' ');
  return createEvent({
    ...{ type: 'audit.rollout', application, revisionId, timeMs: said.atMs, actor: said.actor },
    message: `${type}${about === '' ? '' : ` ${about}`} of the rollout of ${application}: ${said.reason}`,
    data: { releaseId, action: type, ...what, reason: said.reason },
  });
}
