/**
 * A fleet in virtual time under the rollout controller: agents that are slow, away, paused, flapping or broken, clusters that join, leave, are forgotten or
 * get other labels, hubs that are killed, operators in a hurry. Seeded, so that each run can be had again. The controller is asked as the hub asks it: when something
 * happened, or when it said to look again.
 */
import { createSeededRandom } from '../../../shared/clock/random.ts';
import type { RolloutStrategy } from '../../model/strategy.ts';
import { advanceRollout, type RolloutInput, startRollout } from '../advance-rollout.ts';
import { amendRollout, goesOn } from '../amend-rollout.ts';
import { applyAction } from '../apply-action.ts';
import { isInFlight } from '../choose-clusters.ts';
import { createMover } from '../move-clusters.ts';
import { specOf } from '../plan-waves.ts';
import { isUnproven } from '../reopen-wave.ts';
import {
  isOver,
  packState,
  type RolloutPass,
  type RolloutState,
  type StoredState,
  unpackState,
} from '../rollout-state.ts';
import { type FleetOptions, isThere, startMs } from './simulated-clusters.test-support.ts';
import { createSimulatedFleet, matches } from './simulated-fleet.test-support.ts';
import { checkPass, checkProof, checkTimer } from './simulation-checks.test-support.ts';

export interface SimulationOptions extends FleetOptions {
  readonly seed: number;
  readonly strategy: RolloutStrategy;
  /** Share of the passes after which the hub is killed: what it decided is kept, or was not. */
  readonly crashes: number;
  /** Approvals come after a while. Default true. */
  readonly approves?: boolean;
  /** How often clusters join, leave, are forgotten or get other labels. Default 0. */
  readonly churn?: number;
  /** How many times in a run, at most. Default 30. */
  readonly churns?: number;
  /** How long it takes at least from one look to the next, in milliseconds. Default 5,000. */
  readonly stepMs?: number;
  /** Somebody lifts all gates at some time. Default false. */
  readonly lifts?: boolean;
  /** All that was looked at is kept and looked at once more in the end. Default false. */
  readonly replays?: boolean;
  /**
   * Share of the passes whose state goes through the store, that are held to a pass over all clusters, and before which a revision is planned anew. What no pass may do is
   * looked at in each. Default 1.
   */
  readonly audits?: number;
}

export interface SimulationResult {
  readonly state: RolloutState;
  /** Empty when all went as it must. */
  readonly violations: readonly string[];
  readonly assigned: ReadonlyMap<string, number>;
  readonly targets: ReadonlyMap<string, string | undefined>;
  /** What each had before the release; undefined: nothing, or it was forgotten since. */
  readonly before: ReadonlyMap<string, string | undefined>;
  /** Reachable in the end, and wanted there. */
  readonly connected: ReadonlySet<string>;
  /** By one that failed when it came late. */
  readonly heldUp: ReadonlySet<string>;
  readonly passes: number;
}

/** One thing that happened to the rollout, with all that was known then. */
type LogEntry = (before: RolloutState) => RolloutState;

const passesMax = 20_000;
const never = Number.POSITIVE_INFINITY;
const idleMs = 300_000;
const throughStore = (state: RolloutState): RolloutState =>
  unpackState(JSON.parse(JSON.stringify(packState(state))) as StoredState);
const textOf = (state: RolloutState): string => JSON.stringify(packState(state));
const passText = (pass: RolloutPass): string => JSON.stringify({ ...pass, state: packState(pass.state) });

export function simulate(options: SimulationOptions): SimulationResult {
  const run = createRun(options);
  while (run.step());
  return run.result();
}

function createRun(options: SimulationOptions) {
  const { audits = 1, churn = 0, churns = 30, stepMs = 5_000, strategy } = options;
  const seeded = createSeededRandom(options.seed);
  const random = () => seeded.next();
  const fleet = createSimulatedFleet(options, random);
  const move = createMover(matches);
  let nowMs = startMs;
  let state = startRollout(strategy, fleet.inputAt(nowMs, undefined), matches);
  const first = throughStore(state);
  /** Whose waves were looked at last. */
  let checked: RolloutState = { ...state, waves: [] };
  const log: LogEntry[] = [];
  const violations: string[] = [];
  const assigned = new Map<string, number>();
  let [passes, churned] = [0, 0];
  let [proven, revises, audited] = [false, false, true];

  const note = (text: string) => void violations.push(`pass ${passes}: ${text}`);
  const keep = (change: LogEntry, made = change(state)) => {
    if (made !== state) state = audited ? throughStore(made) : made;
    if (options.replays) log.push(change);
  };
  const amend = () => {
    const { observed, facts } = fleet.inputAt(nowMs, state);
    const about = { ...fleet.wanted(), observed, facts, matches, revisionId: 'rev2', nowMs };
    const before = { state, targets: fleet.targets };
    if (!goesOn({ ...about, before })) note('a cluster that joins or leaves begins anew');
    const was = state;
    keep((was) => amendRollout({ ...about, before: { ...before, state: was } }) ?? was);
    // Other Targets: what was observed says something else now.
    if (state !== was) fleet.forgetSeen();
  };
  const check = (pass: RolloutPass, moved: RolloutState, input: RolloutInput) => {
    checkPass(pass, { before: moved, kept: checked }, input).forEach(note);
    checked = pass.state;
    checkProof(pass, moved, proven).forEach(note);
    if (audited && passText(advanceRollout(moved, { ...input, changed: undefined })) !== passText(pass))
      note('with what has changed alone it comes to something else');
  };
  /** What was decided is not decided again, now that it is kept. Somebody who was told in the pass before a rollout stops goes back then. */
  const checkOnce = ({ decisions }: RolloutPass) => {
    const told = new Map(decisions.map(({ cluster, targetDigest }) => [cluster, targetDigest]));
    const input = fleet.inputAt(nowMs, state);
    const changed = new Set(told.keys());
    const again = advanceRollout(state, audited ? input : { ...input, changed }).decisions;
    for (const { cluster, targetDigest } of again)
      if (told.get(cluster) === targetDigest) note(`${cluster} decided again`);
  };
  /** Just before something happens, or before it is said to be time, there is nothing to be done. */
  const checkWait = ({ nextAtMs = never, changes, decisions }: RolloutPass) => {
    if (changes.length > 0 || decisions.length > 0) return;
    const atMs = Math.min(nextAtMs, fleet.nextAtMs()) - 1;
    if (atMs <= nowMs || !Number.isFinite(atMs)) return;
    const early = advanceRollout(state, { ...fleet.inputAt(nowMs, state), nowMs: atMs });
    checkTimer(early, state).forEach(note);
  };
  /** Somebody looks again when something happens, or when the controller said so: if it says a time too late, the run does not end. */
  const wait = ({ nextAtMs = never, changes, decisions }: RolloutPass) => {
    if (changes.length > 0 || (decisions.length > 0 && !isGoingOn(state))) nowMs += stepMs;
    else {
      // Where nobody has anything to do, what happens to clusters is heard of late.
      const pause = decisions.length > 0 || anyInFlight(state) ? stepMs : idleMs;
      const heardAtMs = Math.max(nowMs + pause, fleet.nextAtMs());
      const next = Math.max(nowMs + stepMs, Math.min(nextAtMs, heardAtMs));
      nowMs = Number.isFinite(next) ? next : nowMs + pause;
    }
  };
  /** Says whether what the pass decided was kept. */
  const advance = (): boolean => {
    const input = { ...fleet.inputAt(nowMs, state), changed: fleet.changed() };
    const moved = move(state, input.facts);
    const pass = advanceRollout(moved, input);
    check(pass, moved, input);
    // Killed before the transaction: nothing of it is kept, and the same is decided again.
    if (random() < options.crashes) {
      if (random() < 0.2) {
        fleet.restart(nowMs);
        state = throughStore(state);
      }
      nowMs += stepMs;
      return false;
    }
    keep((was) => advanceRollout(move(was, input.facts), input).state, pass.state);
    fleet.noteSeen();
    proven ||= !isUnproven(state, state.waves.length);
    for (const { cluster, targetDigest } of pass.decisions) {
      assigned.set(cluster, (assigned.get(cluster) ?? 0) + 1);
      fleet.assign(cluster, targetDigest, nowMs);
    }
    if (pass.decisions.length > 0 && (audited || random() < 0.25)) checkOnce(pass);
    if (audited) checkWait(pass);
    wait(pass);
    return true;
  };
  const isDone = (): boolean => {
    if (state.phase === 'Paused') return true;
    if (!isOver(state)) return false;
    const rests = churned >= churns || churn === 0 || random() < 0.05;
    return rests && (state.phase !== 'Complete' || fleet.isSettled(state, nowMs));
  };
  return {
    /** False: it has come to its end. */
    step(): boolean {
      passes += 1;
      if (passes > passesMax) {
        violations.push(`not over after ${passesMax} passes: ${state.phase}`);
        return false;
      }
      audited = audits === 1 || random() < audits;
      // Nobody is asked any more once all of it is taken back.
      if (churned < churns && state.phase !== 'RolledBack' && random() < churn) {
        churned += 1;
        if (fleet.churn(nowMs)) assigned.clear();
        revises = true;
      }
      // Each revision is planned anew, whatever came of the one before.
      if ((revises || (audited && churned > 0)) && (!isOver(state) || state.phase === 'Complete')) {
        amend();
        revises = false;
      }
      const kept = advance();
      if (kept && options.approves !== false && random() < 0.5) {
        const atMs = nowMs;
        keep((was) => approveAll(was, atMs));
      }
      if (kept && options.lifts && !isOver(state) && random() < 0.02) lift(keep, nowMs);
      if (kept && isDone()) return false;
      fleet.live(nowMs);
      return true;
    },
    result(): SimulationResult {
      if (options.replays && textOf(replay(first, log)) !== textOf(state))
        violations.push('what happened, looked at once more, comes to another state');
      const wanted = [...fleet.clusters].filter(([, one]) => isThere(one, nowMs) && one.wish === 'new');
      return {
        ...{ state, violations, assigned, passes },
        targets: new Map([...fleet.clusters].map(([name, { target }]) => [name, target])),
        before: new Map([...fleet.clusters].map(([name, { before }]) => [name, before])),
        connected: new Set(wanted.map(([name]) => name)),
        heldUp: fleet.heldUp(state, nowMs),
      };
    },
  };
}

function isGoingOn({ phase }: RolloutState): boolean {
  return phase === 'Progressing' || phase === 'Complete';
}

function anyInFlight(state: RolloutState): boolean {
  const begun = state.waves.filter(({ startedAtMs, whole }) => startedAtMs !== undefined && !whole);
  return begun.some(({ clusters }) => clusters.some((name) => isInFlight(state, name)));
}

function replay(first: RolloutState, log: readonly LogEntry[]): RolloutState {
  return log.reduce<RolloutState>((state, change) => throughStore(change(state)), first);
}

function lift(keep: (change: LogEntry) => void, atMs: number): void {
  keep((was) =>
    was.phase === 'RollingBack' || isOver(was)
      ? was
      : applyAction(was, { type: 'all-at-once' }, { actor: 'ann', reason: 'a hole', atMs }),
  );
}

function approveAll(state: RolloutState, atMs: number): RolloutState {
  const said = { actor: 'ann', reason: '', atMs };
  const index = state.waves.findIndex(({ endedAtMs }) => endedAtMs === undefined);
  const wave = state.waves[index];
  if (wave === undefined || isOver(state)) return state;
  const approval = specOf(state.strategy, wave).approval;
  if (approval === undefined) return state;
  const field = approval.when === 'before' ? 'approvedBefore' : 'approvedAfter';
  if (approval.when === 'after' && wave.settledAtMs === undefined) return state;
  return { ...state, waves: state.waves.map((one, at) => (at === index ? { ...one, [field]: said } : one)) };
}
