/** Suspicion, then proof: suspected objects are read and compared by projection; what has drifted is judged by the application's mode. */
import { type FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { describeDrift } from '../../shared/manifest/describe-drift.ts';
import type { Drift, FieldChange } from '../../shared/manifest/health.ts';
import { ignoredManagers, ignoredPaths, isWithin, resolvePaths } from '../../shared/manifest/ignore.ts';
import { describeKey, isSecret, type KubeObject, type ObjectKey } from '../../shared/manifest/object.ts';
import type { SyncOptions } from '../../shared/manifest/target.ts';
import { effectiveObject } from '../apply/effective-object.ts';
import { forEachBounded } from '../apply/parallel.ts';
import type { LiveObject, ResourceRef } from '../kube/kube-client.ts';
import { isPassing } from '../kube/status-error.ts';
import type { DesiredApplication } from '../model/desired.ts';
import { fieldManager } from '../model/inventory.ts';
import type { AppliedRecord } from '../model/record.ts';
import { factsOf, isSuspicious } from '../observe/facts.ts';
import type { FieldsNode } from '../observe/fields-v1.ts';
import { ownFields } from '../observe/fields-v1.ts';
import { type ForeignField, findForeign, newForeign, planForeign, planRemoval } from '../observe/foreign.ts';
import { describePointers } from '../observe/hand-over.ts';
import { diffProjection } from '../observe/projection.ts';
import { findWriters } from '../observe/writers.ts';
import type { AgentContext, ApplicationState } from './context.ts';
import { assertNewest } from './fence.ts';
import { noteRefusal, proofAttempt } from './retries.ts';
import { selfHealOf } from './self-heal.ts';
import { writerOf } from './writer.ts';

const parallelMax = 8;

/** What reading a suspected object showed. */
interface Finding {
  readonly drift: Drift | undefined;
  /** Applying again would set it right, or take back fields that we own no more. */
  readonly reapply: boolean;
  readonly undo: readonly ForeignField[];
  readonly live: LiveObject | undefined;
}

function isOlder(seen: string, known: string): boolean {
  // Resource versions of one resource are ordered numbers (KEP-5504); anything else counts as news.
  return /^\d+$/.test(seen) && /^\d+$/.test(known) && BigInt(seen) <= BigInt(known);
}

/** Whether the watch's last word still differs from what we know: our own apply may have answered it already. */
function stillSuspected(context: AgentContext, record: AppliedRecord, text: string): boolean {
  const seen = context.observer.get(record.key.group, record.key.kind, text);
  if (!seen) return true;
  if (
    seen.facts.uid === record.facts.uid &&
    isOlder(seen.facts.resourceVersion, record.facts.resourceVersion)
  )
    return false;
  return isSuspicious(record.facts, seen.facts);
}

/** More than a new version of an object that has no generation, which may be its status. */
function isLikelyDrift(context: AgentContext, { key, facts }: AppliedRecord, text: string): boolean {
  const seen = context.observer.get(key.group, key.kind, text)?.facts;
  if (!seen) return true;
  const names = ['uid', 'own', 'metadata', 'foreign', 'generation'] as const;
  return names.some((name) => seen[name] !== facts[name]);
}

/** Whether everybody who wrote the field since is a manager to whom such fields are left. */
function isLeftTo(left: ReadonlySet<string>, live: LiveObject, path: string, sinceMs: number): boolean {
  if (left.size === 0) return false;
  const writers = findWriters(live, [path], sinceMs);
  return writers.length > 0 && writers.every(({ name }) => left.has(name));
}

function judgeLive(
  record: AppliedRecord,
  desired: KubeObject,
  live: LiveObject,
  sync: SyncOptions,
  nowMs: number,
): Finding {
  const recreated = live.metadata['uid'] !== record.facts.uid;
  const ownedNow = JSON.stringify(ownFields(live));
  const left = new Set(ignoredManagers(sync.ignore, record.key));
  const ours = JSON.parse(record.fields) as FieldsNode;
  const ignored = resolvePaths(live, ignoredPaths(sync.ignore, record.key));
  const ignoredOwn = describePointers(ours, live, ignored);
  const all = diffProjection(record, desired, live);
  const changes = all.filter(
    ({ path, desired: wanted }) =>
      !isWithin(path, ignoredOwn.at) &&
      !(wanted === '{}' && ignoredOwn.above.includes(path)) &&
      !isLeftTo(left, live, path, record.appliedAtMs),
  );
  const added = recreated
    ? []
    : newForeign(findForeign(ours, live), record.foreignPaths).filter(
        ({ path, pointer, manager }) =>
          !left.has(manager) && !isWithin(pointer, ignored) && !all.some((change) => change.path === path),
      );
  const foreign = added.filter((field) => planForeign(sync.foreignFields, field) !== 'leave');
  const undo = foreign.filter((field) => planForeign(sync.foreignFields, field) === 'undo');
  const fields: readonly FieldChange[] = [
    ...changes,
    ...foreign.map(({ path, live: value }) => ({ path, live: value })),
  ];
  // Applying again would take back what is left to another manager, so that alone is no reason.
  const lost = ownedNow !== record.fields && all.length === changes.length;
  const reapply = recreated || changes.length > 0 || lost;
  if (!recreated && fields.length === 0) return { drift: undefined, reapply, undo: [], live };
  const kind = recreated ? 'recreated' : changes.length > 0 ? 'changed' : 'foreign';
  const paths = fields.map(({ path }) => path);
  const managers = findWriters(live, paths, record.appliedAtMs);
  return { drift: { fields, managers, kind, foundAtMs: nowMs }, reapply, undo, live };
}

async function readFinding(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  record: AppliedRecord,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const resource = context.resources.find(record.apiVersion, record.key.kind);
  const text = context.desired.object(record.objectDigest);
  if (!resource || text === undefined) return undefined;
  const ref: ResourceRef = { resource, namespace: record.key.namespace, name: record.key.name };
  const nowMs = context.clock.now();
  try {
    const live = await context.kube.get(ref, signal);
    const omit = ignoredPaths(desired.target.sync.ignore, record.key);
    const body = effectiveObject(await context.reveal(text), record.key, state.applySetId, omit);
    return judgeLive(record, body, live, desired.target.sync, nowMs);
  } catch (caught) {
    const error = toFairwayError(caught);
    if (error.code !== 'not_found') throw error;
    const drift: Drift = { fields: [], managers: [], kind: 'deleted', foundAtMs: nowMs };
    return { drift, reapply: true, undo: [], live: undefined };
  }
}

/** What another controller keeps writing into a field of its own is the same drift still. */
function driftText(drift: Drift): string {
  const values = drift.kind !== 'foreign';
  return `${drift.kind} ${drift.fields.map(({ path, live }) => (values ? `${path}=${live ?? ''}` : path)).join(' ')}`;
}

/** The drift as it was first found, where it still stands. */
function standingDrift(state: ApplicationState, text: string, found: Drift | undefined): Drift | undefined {
  const before = state.objects.get(text)?.drift;
  const stands = before && found && before.healedAtMs === undefined && driftText(before) === driftText(found);
  return stands ? { ...found, fields: before.fields, foundAtMs: before.foundAtMs } : found;
}

function driftMessage(key: ObjectKey, drift: Drift): string {
  return `${describeKey(key)}: ${describeDrift(drift, isSecret(key))}`;
}

/** Says it once: a drift that stays (mode report) is no new event. */
export function tellFound(context: AgentContext, state: ApplicationState, text: string, drift: Drift): void {
  const before = state.objects.get(text)?.drift;
  if (before && before.healedAtMs === undefined && driftText(before) === driftText(drift)) return;
  const record = state.records.get(text);
  if (!record) return;
  context.metrics.driftFound += 1;
  context.reports.event({
    id: context.nextEventId(),
    type: 'drift.found',
    application: state.application,
    key: record.key,
    message: driftMessage(record.key, drift),
    timeMs: drift.foundAtMs,
    drift,
  });
}

/** Tells that a drift is put right, and counts the correction. */
export function tellHealed(context: AgentContext, state: ApplicationState, text: string): void {
  const object = state.objects.get(text);
  if (!object?.drift || object.drift.healedAtMs !== undefined) return;
  const drift = { ...object.drift, healedAtMs: context.clock.now() };
  state.objects.set(text, { ...object, drift });
  const paths = drift.fields.map(({ path }) => path);
  context.contest.corrected(text, paths.length > 0 ? paths : [drift.kind]);
  context.metrics.driftHealed += 1;
  context.reports.event({
    id: context.nextEventId(),
    type: 'drift.healed',
    application: state.application,
    key: object.key,
    message: driftMessage(object.key, drift),
    timeMs: drift.healedAtMs,
    drift,
  });
}

async function undoForeign(
  context: AgentContext,
  record: AppliedRecord,
  finding: Finding,
  sync: SyncOptions,
  signal: AbortSignal,
): Promise<LiveObject | undefined> {
  const resource = context.resources.find(record.apiVersion, record.key.kind);
  if (finding.undo.length === 0 || !finding.live || !resource) return finding.live;
  const ref = { resource, namespace: record.key.namespace, name: record.key.name };
  const writer = writerOf(context.kube, sync, context.namespace);
  return writer.patch(ref, planRemoval(finding.undo, finding.live), 'json', signal);
}

/** Both who fight, over what, and how often it was put right: `fairway and kubectl both set /spec/replicas (put right 6 times): ...`. */
function describeContest(drift: Drift, record: AppliedRecord, corrections: number): string {
  const others = [...new Set(drift.managers.map(({ name }) => name))].filter((name) => name !== fieldManager);
  const other = others.length === 0 ? 'somebody else by the same name' : others.slice(0, 3).join(', ');
  const fields = drift.fields
    .map(({ path }) => path)
    .slice(0, 3)
    .join(', ');
  const words = describeDrift(drift, isSecret(record.key));
  return `${fieldManager} and ${other} both set ${fields || 'it'} (put right ${corrections} times): ${words}`;
}

function setDrift(
  state: ApplicationState,
  text: string,
  drift: Drift | undefined,
  status: 'Synced' | 'Drifted' | 'Contested',
  reason: string,
): void {
  const object = state.objects.get(text);
  if (!object) return;
  const message = drift === undefined ? '' : describeDrift(drift, isSecret(object.key));
  state.objects.set(text, { ...object, drift, status, reason, message });
}

/**
 * A controller has scaled the object: there may be an autoscaler that the watch has not shown yet. Healing would take its replicas away, so it is looked for first; once
 * found, the field is handed over.
 */
async function isAutoscaled(
  context: AgentContext,
  desired: DesiredApplication,
  record: AppliedRecord,
  drift: Drift,
  signal: AbortSignal,
): Promise<boolean> {
  const scaled = drift.fields.some(({ path }) => path === '/spec/replicas');
  const byController = drift.managers.some(
    ({ name, operation }) => operation === 'Update scale' && !name.startsWith('kubectl'),
  );
  return scaled && byController && (await context.scalers.confirm(desired, record.key, signal));
}

/** Applies the mode to a finding. Returns how long a contested object is left alone. */
async function actOn(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  text: string,
  finding: Finding,
  mode: SyncOptions['selfHeal'],
  fence: () => Promise<void>,
  signal: AbortSignal,
): Promise<number> {
  const record = state.records.get(text);
  if (!record) return 0;
  const { live } = finding;
  const drift = standingDrift(state, text, finding.drift);
  const remember = (seen: LiveObject) => {
    state.records.set(text, { ...record, facts: factsOf(seen) });
    const object = state.objects.get(text);
    if (object) state.objects.set(text, { ...object, health: context.health.judge(seen, state.application) });
  };
  const enforce = mode === 'enforce';
  if (enforce && drift && (await isAutoscaled(context, desired, record, drift, signal))) return 0;
  if (enforce && drift) await fence();
  if (drift) tellFound(context, state, text, drift);
  if (!drift) {
    if (live) remember(live);
    if (enforce && finding.reapply) state.reapply.add(text);
    if (state.objects.get(text)?.drift?.healedAtMs === undefined)
      setDrift(state, text, undefined, 'Synced', '');
    return 0;
  }
  if (!enforce) {
    if (live) remember(live);
    setDrift(state, text, drift, 'Drifted', 'DriftReported');
    return 0;
  }
  const paths = drift.fields.map(({ path }) => path);
  const waitMs = context.contest.waitMs(text, paths.length > 0 ? paths : [drift.kind]);
  if (waitMs > 0) {
    setDrift(state, text, drift, 'Contested', 'Contested');
    const object = state.objects.get(text);
    const message = describeContest(drift, record, context.contest.corrections(text));
    if (object) state.objects.set(text, { ...object, message });
    return waitMs;
  }
  setDrift(state, text, drift, 'Synced', drift.kind === 'foreign' ? 'ForeignFields' : '');
  const after = await undoForeign(context, record, finding, desired.target.sync, signal);
  if (after) remember(after);
  if (finding.reapply) state.reapply.add(text);
  if (finding.undo.length > 0 && (drift.kind === 'foreign' || !finding.reapply))
    tellHealed(context, state, text);
  return 0;
}

/** Trouble with one object is that object's; trouble with the API server, or standing back, is everybody's. */
function isOnesOwn(error: FairwayError, signal: AbortSignal): boolean {
  return (
    !signal.aborted &&
    !isPassing(error) &&
    (error.details?.['httpStatus'] ?? error.details?.['sops']) !== undefined &&
    error.code !== 'unauthenticated'
  );
}

/** What the API server refuses to show or to undo is told, and tried again ever more seldom. Returns in how many milliseconds. */
function setAside(context: AgentContext, state: ApplicationState, text: string, error: FairwayError): number {
  state.suspects.set(text, 'again');
  noteRefusal(context, state, text, proofAttempt, error);
  const object = state.objects.get(text);
  if (object) {
    const message = `its drift cannot be read or undone: ${error.message}`;
    state.objects.set(text, { ...object, status: 'Drifted', reason: error.code, message });
  }
  return restMs(context, state, text);
}

/** How long an object that was set aside is still to be left alone. */
function restMs(context: AgentContext, state: ApplicationState, text: string): number {
  const retry = state.retries.get(text);
  return retry?.attempt === proofAttempt ? Math.max(0, retry.nextAtMs - context.clock.monotonic()) : 0;
}

/**
 * Reads what is suspected and acts. Returns when to come back for contested objects, in milliseconds; 0: no need. What could not be
 * read stays suspected.
 * @param former the new version may have to wait, so what is applied of the one before is kept right too.
 */
export async function proveSuspects(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  former: boolean,
  signal: AbortSignal,
): Promise<number> {
  const suspects = [...state.suspects];
  state.suspects.clear();
  // What has a new manifest is about to be applied: what differs from the old one is no news.
  const current = new Set(desired.target.set.entries.map(({ objectDigest }) => objectDigest));
  const isPast = ({ objectDigest }: AppliedRecord, text: string) =>
    former
      ? context.claims.claimedBy(text, state.application) !== undefined
      : !current.has(objectDigest) || !context.claims.desires(text, state.application);
  // What looks like drift may be the doing of another agent that knows more. Asked once a step, and only where there is drift.
  let asked: Promise<void> | undefined;
  let standsBack = false;
  const fence = () => {
    asked ??= assertNewest(context, desired, state, signal).catch((caught: unknown) => {
      standsBack = true;
      throw caught;
    });
    return asked;
  };
  let comeBackMs = 0;
  let failed: unknown;
  await forEachBounded(suspects, parallelMax, async ([text, why]) => {
    const record = state.records.get(text);
    if (!record || isPast(record, text)) return;
    const mode = selfHealOf(context.desired, record.objectDigest, desired.target.sync.selfHeal);
    if (mode === 'off') return;
    if (why === 'event' && !stillSuspected(context, record, text)) return;
    const comeBack = (waitMs: number) => {
      state.suspects.set(text, 'again');
      comeBackMs = comeBackMs === 0 ? waitMs : Math.min(comeBackMs, waitMs);
    };
    const rest = restMs(context, state, text);
    if (rest > 0) return comeBack(rest);
    context.metrics.suspicions += 1;
    // Two reads in one time: the answer to the first says whether the second was needed.
    if (mode === 'enforce' && why === 'event' && isLikelyDrift(context, record, text))
      fence().catch(() => {
        // Whoever is about to write hears of it.
      });
    try {
      const finding = await readFinding(context, desired, state, record, signal);
      if (!finding) return;
      if (why === 'check' && finding.drift) context.metrics.driftMissedByWatch += 1;
      const waitMs = await actOn(context, desired, state, text, finding, mode, fence, signal);
      if (state.retries.get(text)?.attempt === proofAttempt) state.retries.delete(text);
      if (waitMs > 0) comeBack(waitMs);
    } catch (caught) {
      const error = toFairwayError(caught, text);
      if (!standsBack && isOnesOwn(error, signal)) return comeBack(setAside(context, state, text, error));
      state.suspects.set(text, why);
      failed = caught;
    }
  });
  if (failed !== undefined) throw failed;
  return comeBackMs;
}
