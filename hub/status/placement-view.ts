import { renderDuration } from '../../shared/text/duration.ts';
import type { Cluster } from '../model/fleet.ts';
import type { ApplicationObservation } from '../model/observation.ts';
import { describeProblem, type Problem } from '../model/problem.ts';
import { pruneConfirmationId } from '../model/prune-confirmation.ts';
import type { RegisteredCluster } from '../model/registry.ts';
import type { Confirmation, Pause } from '../model/release.ts';
import type { PlacementView } from '../model/view.ts';
import type { Resolution } from '../store/repositories/fleet-repository.ts';
import type { AssignmentState } from '../store/repositories/release-repository.ts';
import { agoText } from './time-text.ts';

/** How a placement counts: `away` is an agent that cannot be asked, which is neither healthy nor unhealthy. */
export type PlacementState = 'ready' | 'reconciling' | 'stalled' | 'away' | 'paused';

export interface FoldedPlacement {
  readonly view: PlacementView;
  readonly state: PlacementState;
  /** CamelCase, for conditions. */
  readonly reason: string;
}

/** All that is known of one application in one cluster. */
export interface PlacementFacts {
  readonly cluster: string;
  readonly application: string;
  readonly declared: Cluster | undefined;
  readonly assignment: AssignmentState | undefined;
  readonly observation: ApplicationObservation | undefined;
  readonly resolution: Resolution | undefined;
  readonly problems: readonly Problem[];
  readonly registered: RegisteredCluster | undefined;
  readonly pause: Pause | undefined;
  readonly hold: Confirmation | undefined;
  readonly nowMs: number;
  /** An agent that has been away for less than this is expected back at any moment. */
  readonly offlineAfterMs: number;
}

/** Folds one placement. Pure. */
export function foldPlacement(facts: PlacementFacts): FoldedPlacement {
  const { assignment, observation, registered, cluster, application } = facts;
  const current =
    observation !== undefined && observation.generation === assignment?.generation ? observation : undefined;
  const stage = stageOf(assignment);
  const removing = assignment?.removed ?? false;
  const { state, reason, message } = judge(facts, stage, current);
  const sync = current ? current.syncStatus : assignment ? 'Pending' : 'Unknown';
  return {
    state,
    reason,
    view: {
      cluster,
      application,
      region: facts.declared?.region ?? '',
      revisionId: assignment?.revisionId ?? '',
      targetDigest: assignment?.targetDigest ?? '',
      generation: assignment?.generation ?? 0,
      assignedAtMs: assignment?.assignedAtMs ?? 0,
      upToDate: isUpToDate(facts),
      stage,
      sync,
      health: observation?.healthStatus ?? 'Unknown',
      message,
      objects: observation?.objects ?? 0,
      objectsSynced: observation?.objectsSynced ?? 0,
      drifted: isDrifted(observation),
      paused: facts.pause !== undefined,
      connected: registered?.connected ?? false,
      removing,
    },
  };
}

function isUpToDate({ assignment, resolution, cluster }: PlacementFacts): boolean {
  const asked = resolution?.targets[cluster];
  if (assignment?.removed) return asked === undefined;
  return asked !== undefined && asked === assignment?.targetDigest;
}

function stageOf(assignment: AssignmentState | undefined): PlacementView['stage'] {
  const { refused, healthyAtMs, appliedAtMs, receivedAtMs } = assignment?.acknowledgements ?? {};
  if (refused !== undefined) return 'Refused';
  if (healthyAtMs !== undefined) return 'Healthy';
  if (appliedAtMs !== undefined) return 'Applied';
  return receivedAtMs !== undefined ? 'Received' : 'Assigned';
}

function isDrifted(observation: ApplicationObservation | undefined): boolean {
  return observation?.syncStatus === 'Drifted' || observation?.syncStatus === 'Contested';
}

type Judgement = Pick<FoldedPlacement, 'state' | 'reason'> & { readonly message: string };

/** The first thing that keeps the placement from being ready, the most pressing first. */
function judge(
  facts: PlacementFacts,
  stage: PlacementView['stage'],
  current: ApplicationObservation | undefined,
): Judgement {
  const { assignment, pause, hold, problems, nowMs } = facts;
  const [problem] = problems;
  if (problem) {
    const stays = assignment ? 'stays at what it had' : 'gets nothing yet';
    return { state: 'stalled', reason: 'Unresolved', message: `${stays}: ${describeProblem(problem)}` };
  }
  const refused = assignment?.acknowledgements.refused;
  if (refused !== undefined)
    return { state: 'stalled', reason: 'Refused', message: `refuses the Target: ${refused}` };
  if (pause) return { state: 'paused', reason: 'Paused', message: pauseText(pause, nowMs) };
  if (hold)
    return {
      state: 'reconciling',
      reason: 'RemovalHeld',
      message: `waits for a confirmation of its removal: fairway confirm ${hold.id}`,
    };
  const away = agentAway(facts, stage);
  if (away !== undefined) return { state: 'away', reason: 'AgentAway', message: away };
  if (!assignment) {
    const message = `waits for its turn: fairway rollout status ${facts.application}`;
    return { state: 'reconciling', reason: 'NotAssigned', message };
  }
  const judged = judgeReport(assignment, stage, current);
  const isWanted = facts.resolution?.targets[facts.cluster] !== undefined;
  if (judged.message !== '' || !isWanted || isUpToDate(facts)) return judged;
  const behind = `has what came before, the newest is not assigned: fairway rollout status ${facts.application}`;
  return { ...judged, message: behind };
}

function judgeReport(
  assignment: AssignmentState,
  stage: PlacementView['stage'],
  current: ApplicationObservation | undefined,
): Judgement {
  const going = (reason: string, message: string): Judgement => ({ state: 'reconciling', reason, message });
  if (current && current.waitsFor !== '') return going('DependencyNotReady', `waits for ${current.waitsFor}`);
  if (current?.syncStatus === 'Failed')
    return { state: 'stalled', reason: 'SyncFailed', message: said('cannot be applied', current) };
  if (assignment.removed) return going('Removing', 'is being removed');
  if (stage === 'Assigned') return going('Sending', 'waits for its agent to receive the Target');
  if (stage === 'Received') return going('Applying', said('is being applied', current));
  if (current?.healthStatus === 'Failed')
    return { state: 'stalled', reason: 'Unhealthy', message: said('is unhealthy', current) };
  if (current?.syncStatus === 'Contested')
    return going('Contested', said('is contested: somebody keeps changing what is put right', current));
  if (current?.syncStatus === 'Drifted') return going('Drifted', said('has drifted', current));
  const healthy = current ? current.healthStatus === 'Current' : stage === 'Healthy';
  if (healthy) return { state: 'ready', reason: 'Healthy', message: heldText(assignment, current) };
  return going('NotHealthyYet', said('is applied but not healthy yet', current));
}

/** What an operator has to say, though all that is wanted is there. */
function heldText(assignment: AssignmentState, observation: ApplicationObservation | undefined): string {
  const held = observation?.pruneHeld;
  if (!held) return '';
  return `${held.objects} of ${held.total} objects that left its set are kept until somebody confirms: fairway confirm ${pruneConfirmationId(assignment)} --reason ...`;
}

/** What is the case, with the agent's own words where it gave some. */
function said(what: string, observation: ApplicationObservation | undefined): string {
  return observation === undefined || observation.message === '' ? what : `${what}: ${observation.message}`;
}

/** Said only where something is still awaited of the agent: what was healthy when it went away is not in doubt. */
function agentAway(
  { registered, observation, assignment, nowMs, offlineAfterMs, cluster }: PlacementFacts,
  stage: PlacementView['stage'],
): string | undefined {
  if (!registered)
    return `waits for an agent, which has not enrolled yet: fairway agent install --cluster ${cluster}`;
  if (registered.connected) return undefined;
  const settled =
    stage === 'Healthy' && !assignment?.removed && (observation?.healthStatus ?? 'Current') === 'Current';
  if (settled) return undefined;
  if (registered.lastSeenAtMs === undefined) return 'waits for its agent, which has not connected yet';
  const awayMs = nowMs - registered.lastSeenAtMs;
  const seen = `last seen ${agoText(awayMs)}`;
  return awayMs < offlineAfterMs
    ? `waits for its agent to reconnect (${seen})`
    : `waits for its agent (${seen})`;
}

/** `is paused by ana for 55 min: looking into the leak`. */
export function pauseText({ actor, reason, untilMs }: Pause, nowMs: number): string {
  const until = untilMs === undefined ? '' : ` for ${renderDuration(untilMs - nowMs)}`;
  return `is paused by ${actor}${until}${reason === '' ? '' : `: ${reason}`}`;
}
