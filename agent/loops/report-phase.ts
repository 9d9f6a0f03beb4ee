import type { FairwayError } from '../../shared/error/error.ts';
import { sumHealth } from '../../shared/health/health.ts';
import type { ChangeAction, Health, HealthStatus, SyncStatus } from '../../shared/manifest/health.ts';
import { describeKey } from '../../shared/manifest/object.ts';
import type { PruneHeld } from '../../shared/manifest/report.ts';
import type { DesiredApplication } from '../model/desired.ts';
import type { ObservedObject } from '../model/record.ts';
import type { AgentContext, ApplicationState, ObjectState } from './context.ts';

/** The watch's word by the rules, once it has seen as much as our last write. @param seen what the watch shows of it. */
export function healthBy(
  seen: ObservedObject | undefined,
  { objects, records }: Pick<ApplicationState, 'objects' | 'records'>,
  text: string,
): Health {
  const behind = (seen?.facts.generation ?? 0) < (records.get(text)?.facts.generation ?? 0);
  if (seen && !behind) return seen.health;
  return objects.get(text)?.health ?? { status: 'NotFound', reason: '', message: '' };
}

/** The same with what the watch shows now. */
export function seenHealth(context: AgentContext, state: ApplicationState, text: string): Health {
  const object = state.objects.get(text);
  const seen = object && context.observer.get(object.key.group, object.key.kind, text);
  return healthBy(seen, state, text);
}

/** The same, and of what has been on its way for too long, or has failed without a word, what was found out about it (overdue.ts). */
export function healthOfObject(context: AgentContext, state: ApplicationState, text: string): Health {
  const seen = seenHealth(context, state, text);
  const told = state.progress.get(text)?.told?.health;
  return told && (seen.status === 'InProgress' || seen.status === 'Failed') ? told : seen;
}

const statusOrder: readonly SyncStatus[] = ['Failed', 'Pending', 'Contested', 'Drifted'];

function sumSync(objects: readonly ObjectState[]): SyncStatus {
  return statusOrder.find((status) => objects.some((object) => object.status === status)) ?? 'Synced';
}

function describeWorst(objects: readonly ObjectState[], status: SyncStatus): string {
  if (status === 'Synced') return '';
  const worst = objects.filter((object) => object.status === status);
  const [first] = worst;
  if (!first) return '';
  const rest = worst.length > 1 ? ` (and ${worst.length - 1} more)` : '';
  return `${describeKey(first.key)}: ${first.message}${rest}`;
}

/** What keeps it from being healthy. Hooks come and go, and what has left the set goes: they are no part of how the application is, and have words of their own. */
function describeSick(context: AgentContext, state: ApplicationState, health: HealthStatus): string {
  if (health === 'Current') return '';
  const sick = [...state.objects].flatMap(([text, { entry, key }]) => {
    if (entry === undefined || entry.hook !== undefined) return [];
    const { status, message } = healthOfObject(context, state, text);
    return sumHealth([status]) === health ? [{ key, message: message || status }] : [];
  });
  const [first] = sick;
  if (!first) return '';
  const rest = sick.length > 1 ? ` (and ${sick.length - 1} more)` : '';
  return `${describeKey(first.key)}: ${first.message}${rest}`;
}

/** A hook for a failure that did not come is as it should be. */
function countsAsSynced({ status, entry }: ObjectState): boolean {
  return entry !== undefined && (status === 'Synced' || (entry.hook !== undefined && status === 'Skipped'));
}

/** Hooks come and go, and what is kept though nothing desires it may be unwell for ever: a claim that no pod mounts any more is never bound. What is on its way out counts until it is gone. */
function countsForHealth({ entry, reason }: ObjectState): boolean {
  return entry === undefined ? reason !== 'Retained' : entry.hook === undefined;
}

/** One row for each object. The queue drops rows that say nothing new. */
function reportObjects(context: AgentContext, desired: DesiredApplication, state: ApplicationState): void {
  const timeMs = context.clock.now();
  for (const [text, object] of state.objects) {
    const health = healthOfObject(context, state, text);
    const told = object.status === 'Synced' && object.reason === '';
    context.reports.object({
      application: state.application,
      key: object.key,
      objectDigest: object.entry?.objectDigest ?? '',
      liveDigest: state.records.get(text)?.liveDigest ?? '',
      syncStatus: object.status,
      healthStatus: health.status,
      reason: told ? health.reason : object.reason,
      message: told ? health.message : object.message,
      drift: object.drift,
      lastAction: object.action,
      generation: desired.generation,
      timeMs,
    });
  }
}

function acknowledge(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  stage: 'applied' | 'healthy' | 'failed',
  message: string,
): void {
  const text = `${desired.generation} ${desired.target.digest} ${stage} ${message}`;
  if (state.acknowledged === text) return;
  // Healthy is the last word on an assignment: what becomes of it later is told by reports.
  const healthy = `${desired.generation} ${desired.target.digest} healthy `;
  if (stage === 'applied' && state.acknowledged === healthy) return;
  state.acknowledged = text;
  context.acks.acknowledge({
    application: desired.application,
    generation: desired.generation,
    targetDigest: desired.target.digest,
    stage,
    message,
    timeMs: context.clock.now(),
  });
}

function tellOutcome(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  syncStatus: SyncStatus,
  message: string,
): void {
  const failed = syncStatus === 'Failed';
  const told = failed ? `${desired.target.digest} ${message}` : '';
  const recovered = state.failureTold !== '' && syncStatus !== 'Pending' && !failed;
  const settled = !failed && syncStatus !== 'Pending';
  const fresh = settled && (state.unannounced || state.appliedDigest !== desired.target.digest);
  const changed = [...state.objects.values()].some(({ action }) => action !== 'unchanged');
  const base = {
    application: state.application,
    key: undefined,
    timeMs: context.clock.now(),
    drift: undefined,
  };
  if (failed && told !== state.failureTold)
    context.reports.event({ ...base, id: context.nextEventId(), type: 'sync.failed', message });
  if (recovered || (fresh && changed))
    context.reports.event({
      ...base,
      id: context.nextEventId(),
      type: 'sync.succeeded',
      message: `revision ${desired.revisionId.slice(0, 7)} is applied`,
    });
  if (syncStatus !== 'Pending') state.failureTold = told;
}

/** What the last sync did. Most of what it deleted has no row any more. */
function countChanges({ objects, deletions }: ApplicationState): Partial<Record<ChangeAction, number>> {
  const counts: Partial<Record<ChangeAction, number>> = {};
  for (const { action } of objects.values())
    if (action !== 'deleted') counts[action] = (counts[action] ?? 0) + 1;
  return deletions === 0 ? counts : { ...counts, deleted: deletions };
}

function heldOf({ target }: DesiredApplication, { pruneHeld }: ApplicationState): PruneHeld | undefined {
  if (pruneHeld?.targetDigest !== target.digest) return undefined;
  const { objects, total, sinceMs } = pruneHeld;
  return { objects, total, sinceMs };
}

function setHealth(context: AgentContext, state: ApplicationState, health: HealthStatus): void {
  if (state.health === health) return;
  state.health = health;
  for (const [name, other] of context.desired.applications())
    if (other.target.dependsOn.includes(state.application)) context.wake(name);
}

/** Sums up after a step: rows, events, acknowledgements. `waitsFor`: it was not applied and waits. */
export function reportPhase(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  hold: {
    readonly waitsFor?: string;
    readonly message?: string;
    /** Told where there is nothing worse to tell. */
    readonly note?: string;
    readonly done: boolean;
    /** What it waits for has failed, or has taken too long. */
    readonly failed?: boolean;
    /** A hook is at work, and has ended or is given up by then. */
    readonly hookUntilMs?: number | undefined;
    /** All objects are applied, though not everything is done. */
    readonly isApplied?: boolean;
  },
): SyncStatus {
  const objects = [...state.objects.values()];
  const synced = hold.failed ? 'Failed' : sumSync(objects);
  const syncStatus = hold.done || synced === 'Failed' ? synced : 'Pending';
  const worst = describeWorst(objects, syncStatus);
  // What failed is the reason for whatever is held up.
  const refused = syncStatus === 'Failed' && !hold.failed && worst;
  const lasting = [...state.objects].filter(([, object]) => countsForHealth(object));
  const health = sumHealth(lasting.map(([text]) => healthOfObject(context, state, text).status));
  const message =
    refused || (hold.message ?? (worst || describeSick(context, state, health) || (hold.note ?? '')));
  const complete = syncStatus !== 'Failed' && syncStatus !== 'Pending';
  tellOutcome(context, desired, state, syncStatus, message);
  if (complete || hold.isApplied) {
    if (state.appliedDigest !== desired.target.digest) {
      state.appliedAtMs = context.clock.now();
      context.recordsChanged();
    }
    state.appliedDigest = desired.target.digest;
    state.unannounced = !complete;
    if (syncStatus !== 'Failed') acknowledge(context, desired, state, 'applied', '');
  }
  if (complete) {
    if (health === 'Current') acknowledge(context, desired, state, 'healthy', '');
  } else if (syncStatus === 'Failed') acknowledge(context, desired, state, 'failed', message);
  setHealth(context, state, complete ? health : 'InProgress');
  reportObjects(context, desired, state);
  context.reports.application({
    application: state.application,
    generation: desired.generation,
    targetDigest: desired.target.digest,
    syncStatus,
    healthStatus: health,
    message,
    objects: desired.target.set.entries.length,
    objectsSynced: objects.filter(countsAsSynced).length,
    appliedAtMs: state.appliedAtMs,
    timeMs: context.clock.now(),
    waitsFor: hold.waitsFor ?? '',
    changes: countChanges(state),
    pruneHeld: heldOf(desired, state),
    hookUntilMs: hold.hookUntilMs,
  });
  return syncStatus;
}

/** A step that could not run at all (the API server is away, the agent may not write its inventory): told, not only logged. */
export function reportError(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  error: FairwayError,
): void {
  const syncStatus = error.retry ? 'Pending' : 'Failed';
  // Whatever was asked of an API server that does not answer is beside the point.
  const general = error.subject === undefined || error.details?.['unreachable'] === true;
  const message = general ? error.message : `${error.subject}: ${error.message}`;
  tellOutcome(context, desired, state, syncStatus, message);
  if (syncStatus === 'Failed') acknowledge(context, desired, state, 'failed', message);
  const objects = [...state.objects.values()];
  context.reports.application({
    application: state.application,
    generation: desired.generation,
    targetDigest: desired.target.digest,
    syncStatus,
    healthStatus: 'Unknown',
    message,
    objects: desired.target.set.entries.length,
    objectsSynced: objects.filter(countsAsSynced).length,
    appliedAtMs: state.appliedAtMs,
    timeMs: context.clock.now(),
    waitsFor: '',
    changes: countChanges(state),
  });
}
