/**
 * Drives the rollouts of applications: one key an application, single flight. Each step reads the stored state and what agents
 * have said, lets the pure controller decide, and keeps state, assignments and events in one transaction; a step that somebody else was faster than
 * is simply made again. A hub that is killed at any point goes on from what was kept.
 */
import type { Clock } from '../../../shared/clock/clock.ts';
import type { Random } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Logger } from '../../../shared/log/log.ts';
import { createLoop, type Loop } from '../../../shared/loop/loop.ts';
import { matchesSelector } from '../../fleet/placement.ts';
import { createEvent, type NewEvent } from '../../model/event.ts';
import { advanceRollout, earliest } from '../../rollout/advance-rollout.ts';
import { addAnswer, applyAction, type RolloutAction } from '../../rollout/apply-action.ts';
import { clusterState } from '../../rollout/cluster-states.ts';
import { isGivenUp, lateJoiners } from '../../rollout/give-last.ts';
import { admitReleased } from '../../rollout/held-clusters.ts';
import { countedIn } from '../../rollout/job-runs.ts';
import { createMover } from '../../rollout/move-clusters.ts';
import { assignmentEvent } from '../../rollout/plan/revision-events.ts';
import { needsRevert, noteRevert } from '../../rollout/plan-revert.ts';
import { specOf } from '../../rollout/plan-waves.ts';
import { dropBegun, isPromotionQueue, type PromotionQueue, promotionKey } from '../../rollout/promotion.ts';
import { withPromotion } from '../../rollout/report/describe-promotion.ts';
import { describeRollout, type RolloutReport } from '../../rollout/report/describe-rollout.ts';
import { noteGate } from '../../rollout/report/gate-of.ts';
import { planHistory } from '../../rollout/report/plan-history.ts';
import type { Acted } from '../../rollout/report/plan-timeline.ts';
import {
  type AnalysisQuestion,
  isOver,
  pinsOf,
  type RolloutChange,
  type RolloutPass,
  type RolloutState,
  type Said,
} from '../../rollout/rollout-state.ts';
import { isMember } from '../../rollout/wave-index.ts';
import type { Store } from '../../store/store.ts';
import { withApproversNow } from './approvers-now.ts';
import { type AskAnalysisPorts, askAnalysis } from './ask-analysis.ts';
import { createExchange, type Together } from './exchange-objects.ts';
import { finishUnheard } from './finish-unheard.ts';
import { createPromoter } from './promote.ts';
import { createRolloutInputs, isWaved, readState } from './rollout-inputs.ts';
import { createRolloutStates, type RolloutMove } from './rollout-states.ts';
import { forbiddenJob, type RunAnalysisPorts, stepRun } from './run-analysis.ts';
import { attemptRevert, type RevertPorts } from './write-revert.ts';

export interface RolloutLoopOptions
  extends Pick<AskAnalysisPorts, 'fetch' | 'egress'>,
    Pick<RunAnalysisPorts, 'ask'> {
  /** Undefined: nothing is written to Git. */
  readonly revert?: RevertPorts | undefined;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface RolloutDriver {
  readonly loop: Loop;
  /** Wakes every rollout that is under way. Does not wait. */
  wakeAll(): void;
  /** A cluster has reported, come or gone. Many at once are one pass. @param application of which alone something is another. Default any. */
  wakeCluster(cluster: string, application?: string): void;
  /** Something was assigned there: those who wait for another environment look at it again. @param application of which alone. Default any. */
  wakeFollowers(cluster: string, application?: string): void;
  /** By application. */
  reports(): Promise<readonly RolloutReport[]>;
  /** Undefined: the application has no rollout yet. */
  report(application: string): Promise<RolloutReport | undefined>;
  /**
   * @param releaseId of the rollout that it was said of: it does nothing to another. Default whichever there is.
   * @throws not_found; failed_precondition or permission_denied with why, and then nothing has changed; conflict when others are faster again and again.
   */
  act(application: string, action: RolloutAction, said: Said, releaseId?: string): Promise<RolloutReport>;
  stop(): Promise<void>;
}

type Row = Omit<RolloutMove, 'history' | 'before' | 'state'> & {
  readonly before: RolloutState;
  readonly state: RolloutState;
};

/** A key that no application has. */
const everyRollout = '*';

const gatherMs = 100;
const triesMax = 5;
const questionsAtOnce = 5;
/** Looks again though nothing woke it and no timer is due. */
const periodMs = 300_000;

/** Clusters that a rollout which is over looks at: of a complete one those that were away or came later, of one that was given up those that came later. */
function concernedAfter(state: RolloutState): readonly string[] {
  if (isGivenUp(state)) return lateJoiners(state);
  const open = state.waves.filter(({ whole }) => !whole);
  return open
    .flatMap((wave) => wave.clusters)
    .filter((cluster) => {
      const known = clusterState(state.clusters, cluster);
      return known?.countedAtMs === undefined && known?.excluded === undefined;
    });
}

/** Of one that is under way all clusters count. Undefined: it is over, and there is nobody still to be caught up. */
function concernedBy(state: RolloutState): ((cluster: string) => boolean) | undefined {
  if (!isOver(state)) return (cluster) => isMember(state.waves, cluster);
  const some = new Set(concernedAfter(state));
  return some.size === 0 ? undefined : (cluster) => some.has(cluster);
}

function isGoingOn({ phase }: RolloutState): boolean {
  return phase === 'Progressing' || phase === 'Complete';
}

export function createRolloutLoop(options: RolloutLoopOptions): RolloutDriver {
  const { store, clock, log } = options;
  const inputs = createRolloutInputs(store, clock);
  const states = createRolloutStates(store);
  const promoter = createPromoter({ store, states, inputs, clock });
  const exchange = createExchange({ store, states, inputs });
  /** Clusters of the live rollouts, by application: of a complete one those that it has still to count. */
  const live = new Map<string, (cluster: string) => boolean>();
  /** Rollouts that are woken soon, each with how to call that off. */
  const soon = new Map<string, () => void>();

  const moveNow = createMover(matchesSelector);

  /** Says whether it is live. */
  const note = (state: RolloutState): boolean => {
    const concerned = concernedBy(state);
    if (concerned !== undefined) live.set(state.application, concerned);
    else {
      live.delete(state.application);
      inputs.forget(state.application);
      states.forget(state.application);
    }
    return concerned !== undefined;
  };

  const findLive = async () => {
    for (const [application, stored] of await store.releases.rollouts()) {
      const state = readState(stored.state);
      if (isPromotionQueue(state)) loop.wake(state.application);
      if (!isWaved(state)) continue;
      if (note(state) || needsRevert(state)) loop.wake(application);
    }
    return undefined;
  };

  /** With what is to be kept for its sake, and what the history keeps of the step. */
  const complete = (row: Row, acted?: Acted): RolloutMove => {
    const { before, state: after, nowMs } = row;
    const pins = row.decisions.length > 0 || before.releaseId !== after.releaseId ? pinsOf(after) : undefined;
    const history = planHistory({ before, after, nowMs, acted });
    return { ...row, pins, history };
  };

  /** A state and what it decided. Undefined: somebody else was faster. `from`: the queue that its release leaves, which must be as it was. */
  const keep = (row: Row, acted?: Acted, from?: PromotionQueue) =>
    states.keep([complete(row, acted), ...(from === undefined ? [] : [leaveQueue(from, row)])]);

  const rowOf = async (before: RolloutState, pass: RolloutPass): Promise<Row> => {
    const nowMs = clock.now();
    const { state, decisions } = pass;
    const events = [
      ...pass.changes.map((change) => changeEvent(state, change, nowMs)),
      ...(await assignmentEvents(store, before, decisions, nowMs)),
    ];
    return { application: before.application, before, state, decisions, events, nowMs };
  };

  /** All that hangs on what was kept. */
  const kept = ({ before, state }: Row, changes: RolloutPass['changes']) => {
    note(state);
    wakeFollowers(before, state);
    for (const { message } of changes) log.info('rollout', { application: state.application, message });
  };

  /** Objects move to or from other applications: those are assigned together, where it is the turn of all. */
  const exchangeObjects = async (together: readonly Together[]) => {
    const rows = await Promise.all(together.map(({ before, pass }) => rowOf(before, pass)));
    const assigned = await states.keep(rows.map((row) => complete(row)));
    if (assigned === undefined) return;
    await finishUnheard(store, assigned, clock.now());
    for (const [index, row] of rows.entries()) {
      kept(row, together[index]?.pass.changes ?? []);
      loop.wake(row.application);
    }
  };

  /** Changes the rollout as it is now, if it is of the same release still. Undefined: it is not, or others were faster again and again. */
  const amend =
    ({ application, releaseId }: RolloutState) =>
    async (change: (before: RolloutState) => RolloutState): Promise<RolloutState | undefined> => {
      for (let attempt = 0; attempt < triesMax; attempt += 1) {
        const before = await states.load(application);
        if (!isWaved(before) || before.releaseId !== releaseId) return undefined;
        const state = change(before);
        if (state === before) return state;
        const row = { application, before, state, decisions: [], events: [], nowMs: clock.now() };
        if ((await keep(row)) !== undefined) return state;
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
      const { application } = state;
      const { clusters } = planned;
      const about = { application, wave: planned.name, clusters: clusters.length, name };
      const { provider } = spec;
      if (provider.type === 'job') {
        const forbidden = () => forbiddenJob(store, application);
        const ports = { ask: options.ask, clock, amend: amend(state), forbidden };
        const said = await stepRun({ state, index: wave, spec: { ...spec, provider } }, ports, signal);
        if (said) log.info('analysis', { ...about, ...said });
        continue;
      }
      const subject = { ...about, clusters, counted: countedIn(state, planned) };
      const said = await askAnalysis({ ...spec, provider }, subject, options, signal);
      log.info('analysis', { ...about, ...said });
      await amend(state)((before) => addAnswer(before, wave, name, said));
    }
  };

  const waitFor = (atMs: number | undefined) =>
    atMs === undefined ? undefined : { requeueAfterMs: Math.max(1, atMs - clock.now()) };

  /** Another environment may wait for this one to come to its end. */
  const wakeFollowers = (before: RolloutState, state: RolloutState) => {
    if (before.phase !== state.phase)
      for (const follower of promoter.followers(state.application)) loop.wake(follower);
  };

  /** `again`: the rollout is another now. Else when time alone may change something. */
  const promote = async (before: RolloutState): Promise<'again' | number | undefined> => {
    const pass = await promoter.pass(before);
    if (pass === undefined || pass.state === before) return pass?.nextAtMs;
    const { application } = before;
    const row = { application, before, state: pass.state, decisions: [], events: pass.events };
    const kept = await keep({ ...row, nowMs: clock.now() }, undefined, pass.from);
    if (kept !== undefined)
      for (const { message } of pass.events) log.info('rollout', { application, message });
    return 'again';
  };

  /** One attempt; what came of it is kept with its event, so that it is told once. */
  const revert = async (before: RolloutState, ports: RevertPorts, signal: AbortSignal) => {
    const dueAtMs = before.revert?.nextAtMs ?? 0;
    if (clock.now() < dueAtMs) return waitFor(dueAtMs);
    const outcome = await attemptRevert(before, { ...options, ...ports }, signal);
    const { state, changes } = noteRevert(before, outcome);
    const { application } = before;
    log[changes.length > 0 ? 'info' : 'warn']('revert', { application, ...outcome });
    const events = changes.map((change) => changeEvent(state, change, clock.now()));
    const kept = await keep({ application, before, state, decisions: [], events, nowMs: clock.now() });
    return kept === undefined ? { requeueAfterMs: 1 } : waitFor(state.revert?.nextAtMs);
  };

  const step = async (application: string, signal: AbortSignal) => {
    if (application === everyRollout) return findLive();
    const before = await states.load(application);
    if (!isWaved(before)) {
      live.delete(application);
      return undefined;
    }
    const isLive = note(before);
    const promotion = await promote(before);
    if (promotion === 'again') return { requeueAfterMs: 1 };
    if (options.revert && needsRevert(before)) return revert(before, options.revert, signal);
    if (!isLive) return waitFor(promotion);
    const input = await inputs.load(before);
    const moved = moveNow(before, input.facts);
    const { blocked, together } = await exchange.plan(before);
    if (together.length > 0) {
      await exchangeObjects(together);
      return { requeueAfterMs: 1 };
    }
    const unsettled = inputs.unsettled(application, input.observed);
    const advanced = advanceRollout(moved, { ...input, blocked, changed: unsettled.clusters });
    const pass = { ...advanced, state: noteGate(advanced.state, input) };
    const wait = waitFor(earliest([pass.nextAtMs, promotion]));
    if (pass.state !== before) {
      const row = await rowOf(before, pass);
      const assigned = await keep(row);
      // Somebody else was faster: everything is read anew.
      if (assigned === undefined) return { requeueAfterMs: 1 };
      inputs.settle(application, unsettled);
      await finishUnheard(store, assigned, clock.now());
      kept(row, pass.changes);
      // What was decided now may let the next wave begin.
      if (pass.changes.length > 0 && pass.questions.length === 0) return { requeueAfterMs: 1 };
      // Whoever goes back is looked at anew: nobody may be left to say anything.
      if (pass.decisions.length > 0 && !isGoingOn(pass.state)) return { requeueAfterMs: 1 };
    } else inputs.settle(application, unsettled);
    if (pass.questions.length > 0) {
      await answer(pass.state, pass.questions, signal);
      return { requeueAfterMs: 1 };
    }
    return wait;
  };

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

  /** What is said of one application is none of those that wait for another. */
  const wakeWaiting = (cluster: string, only: string | undefined) => {
    const waiting = only === undefined ? promoter.concerned(cluster) : promoter.followers(only);
    for (const application of waiting) wakeSoon(application);
  };

  const describe = async (state: RolloutState): Promise<RolloutReport> => {
    const report = describeRollout(state, await inputs.load(state));
    const promotion = await promoter.describe(state);
    return promotion === undefined ? report : withPromotion(report, promotion, clock.now());
  };

  /** By those who may now; the strategy stays as it was. */
  const approve = async (before: RolloutState, action: RolloutAction, said: Said): Promise<RolloutState> => {
    const asked = { ...before, strategy: await withApproversNow(store, before) };
    const state = applyAction(asked, action, said);
    return state === asked ? before : { ...state, strategy: before.strategy };
  };

  /** `promote` of one that waits for another environment begins it; of any other it skips a soak. */
  const change = async (before: RolloutState, action: RolloutAction, said: Said) => {
    const begins = action.type === 'promote' && (isOver(before) || before.phase === 'Waiting');
    const forced = begins ? await promoter.force(before) : undefined;
    if (forced !== undefined) return forced;
    const state =
      action.type === 'approve' ? await approve(before, action, said) : applyAction(before, action, said);
    if (state === before || state.withheld === undefined) return { state, from: undefined };
    return { state: admitReleased(state, await inputs.load(state), matchesSelector), from: undefined };
  };

  const act: RolloutDriver['act'] = async (application, action, said, releaseId) => {
    for (let attempt = 0; attempt < triesMax; attempt += 1) {
      const before = await states.load(application);
      if (!isWaved(before))
        throw new FairwayError(
          'not_found',
          `there is no application ${application}, or nothing of it was released yet`,
        );
      if (releaseId !== undefined && releaseId !== before.releaseId) throw isAnother(before, releaseId);
      const { state, from } = await change(before, action, said);
      if (state === before) return describe(state);
      const event = actionEvent(state, action, said);
      const row = { application, before, state, decisions: [], events: [event], nowMs: clock.now() };
      const kept = await keep(row, { action, said }, from);
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
    wakeCluster(cluster, only) {
      if (only !== undefined && live.get(only)?.(cluster)) wakeSoon(only);
      if (only === undefined)
        for (const [application, concerns] of live) if (concerns(cluster)) wakeSoon(application);
      wakeWaiting(cluster, only);
    },
    wakeFollowers: wakeWaiting,
    async reports() {
      const stored = [...(await store.releases.rollouts()).values()];
      return Promise.all(
        stored
          .map(({ state }) => readState(state))
          .filter(isWaved)
          .map(describe),
      );
    },
    async report(application) {
      const state = await states.load(application);
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

function isAnother({ application, releaseId, revisionId }: RolloutState, wanted: string): FairwayError {
  return new FairwayError(
    'failed_precondition',
    `this is not rollout ${wanted}, but ${releaseId} of revision ${revisionId.slice(0, 7)}: look at that one first`,
    { subject: application },
  );
}

/** Kept together with the rollout that begins, so that a revision which is planned at that moment is planned anew. */
function leaveQueue(queue: PromotionQueue, { state, nowMs }: Pick<Row, 'state' | 'nowMs'>): RolloutMove {
  const application = promotionKey(queue.application);
  const left = dropBegun(queue, state.releaseId);
  return { application, before: queue, state: left, decisions: [], events: [], nowMs };
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

/** What is given in the name of another release is told by the revision of that. */
async function assignmentEvents(
  { sources }: Pick<Store, 'sources'>,
  { releaseId, revisionId }: RolloutState,
  decisions: RolloutPass['decisions'],
  nowMs: number,
): Promise<readonly NewEvent[]> {
  const idOf = (one: RolloutPass['decisions'][number]) =>
    one.releaseId === releaseId ? revisionId : one.revisionId;
  const ids = [...new Set(decisions.map(idOf))];
  const found = await Promise.all(ids.map((id) => sources.revision(id)));
  return decisions.flatMap((one) => {
    const revision = found[ids.indexOf(idOf(one))];
    return revision ? [assignmentEvent(revision, one, nowMs)] : [];
  });
}
