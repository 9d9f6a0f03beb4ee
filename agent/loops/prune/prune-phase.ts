import { describeKey, keyText } from '../../../shared/manifest/object.ts';
import { applyRank } from '../../../shared/manifest/order.ts';
import { type PruneOutcome, pruneObject, releaseObject } from '../../apply/execute-prunes.ts';
import { forEachBounded } from '../../apply/parallel.ts';
import { formatGroupKind, parseGroupKind } from '../../apply/parent.ts';
import { type PrunePlan, planPrune } from '../../apply/plan-prune.ts';
import type { ApiResource } from '../../kube/kube-client.ts';
import type { DesiredApplication } from '../../model/desired.ts';
import { parseHookMark } from '../../model/hook-memory.ts';
import { hookFinalizer } from '../../model/inventory.ts';
import type { ObservedObject } from '../../model/record.ts';
import type { AgentContext, ApplicationState } from '../context.ts';
import { activePause } from '../pauses.ts';
import { writerOf } from '../release/writer.ts';

const parallelMax = 8;

/** A definition that was deleted takes its objects with it; one that serves another version is watched by that. Discovery says which. */
async function dropMissing(
  context: AgentContext,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<void> {
  const { observer, resources } = context;
  const missing = observer.missing();
  const kinds = (state.parent?.groupKinds ?? []).map(parseGroupKind);
  const unknown = kinds.some(
    ({ group, kind }) => !resources.findKind(group, kind) && resources.isStale(group),
  );
  if (missing.length === 0 && !unknown) return;
  await resources.refresh(signal);
  for (const { group, kind, version } of missing)
    if (resources.findKind(group, kind)?.version !== version) observer.drop(group, kind);
}

/** Watches every kind that the parent names, in every namespace that it names where all of them may not be watched. */
export async function watchInventory(
  context: AgentContext,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<void> {
  await dropMissing(context, state, signal);
  const resources = (state.parent?.groupKinds ?? [])
    .map(parseGroupKind)
    .map(({ group, kind }) => context.resources.findKind(group, kind))
    .filter((resource): resource is ApiResource => resource !== undefined);
  await context.observer.ensure(resources, state.parent?.namespaces ?? []);
}

/** A kind of the inventory that cannot be watched, and why. */
export function findUnwatched(
  context: AgentContext,
  state: ApplicationState,
): { readonly kind: string; readonly reason: string } | undefined {
  const namespaces = state.parent?.namespaces ?? [];
  for (const text of state.parent?.groupKinds ?? []) {
    const { group, kind } = parseGroupKind(text);
    // A kind that is not served has no objects; one that could not be listed may have, or whose API server is away.
    const resource = context.resources.findKind(group, kind);
    if (!resource && context.resources.isStale(group))
      return { kind, reason: `the API server of ${group} does not answer` };
    if (!resource || context.observer.synced(group, kind, namespaces)) continue;
    return { kind, reason: context.observer.failure(group, kind, namespaces) ?? 'not listed yet' };
  }
  return undefined;
}

function holdReason({ desired }: AgentContext): string | undefined {
  if (desired.deletionsHeld()) return 'deletions are held until an operator confirms them';
  if (desired.batchOpen()) return 'more assignments are on their way';
  return undefined;
}

/** Why nothing may be deleted now; undefined: it may. */
export function pruneBlocked(context: AgentContext, state: ApplicationState): string | undefined {
  const held = holdReason(context);
  if (held !== undefined) return held;
  const unwatched = findUnwatched(context, state);
  return unwatched && `the inventory of ${unwatched.kind} is incomplete: ${unwatched.reason}`;
}

/** Runs of hooks go by their own policies while their hook is in the set (`hooks`), and never before they are remembered. */
function isHookToStay(object: ObservedObject, hooks: ReadonlySet<string>): boolean {
  const mark = parseHookMark(object.hookRun);
  return mark !== undefined && (hooks.has(mark.hook) || object.finalizers.includes(hookFinalizer));
}

export function planApplicationPrune(
  context: AgentContext,
  state: ApplicationState,
  desired: ReadonlySet<string>,
  pruneEnabled: boolean,
  hooks: ReadonlySet<string> = new Set(),
): PrunePlan {
  const { claims } = context;
  const { application } = state;
  const kinds = new Set(state.parent?.groupKinds);
  return planPrune({
    // The parent says in which kinds we have objects; a label on any other was put there by somebody else.
    members: context.observer
      .members(state.applySetId)
      .filter(({ key }) => kinds.has(formatGroupKind(key.group, key.kind)))
      .filter((object) => !isHookToStay(object, hooks)),
    desired,
    claimedBy: (text) => claims.claimedBy(text, application),
    namespaceUsed: (namespace) => claims.namespaceUsed(namespace),
    pruneEnabled,
    nowMs: context.clock.now(),
  });
}

/** The object is no longer ours to tell of. */
export function forgetObject(context: AgentContext, state: ApplicationState, text: string): void {
  const object = state.objects.get(text);
  if (state.records.delete(text)) {
    context.recordsChanged();
    state.retainStale = true;
  }
  state.objects.delete(text);
  state.reapply.delete(text);
  state.retries.delete(text);
  state.suspects.delete(text);
  context.contest.forget(text);
  if (object) context.reports.gone(state.application, object.key);
}

export function retain(
  context: AgentContext,
  state: ApplicationState,
  object: ObservedObject,
  message: string,
  reason: 'Retained' | 'Terminating' | 'StuckTerminating' = 'Retained',
): void {
  const text = keyText(object.key);
  state.records.delete(text);
  context.contest.forget(text);
  state.objects.set(text, {
    entry: undefined,
    key: object.key,
    status: reason === 'StuckTerminating' ? 'Failed' : 'Retained',
    action: reason === 'Retained' ? 'skipped' : 'deleted',
    reason,
    message,
    drift: undefined,
    health: object.health,
  });
}

function settle(context: AgentContext, state: ApplicationState, outcome: PruneOutcome): void {
  const { object, result } = outcome;
  const text = keyText(object.key);
  if (result === 'retained') {
    retain(context, state, object, outcome.message);
    return;
  }
  if (result === 'failed') {
    const message = `cannot be deleted: ${outcome.message}`;
    const health = object.health;
    const base = { entry: undefined, key: object.key, drift: undefined, health };
    state.objects.set(text, { ...base, status: 'Failed', action: 'failed', reason: 'PruneFailed', message });
    return;
  }
  forgetObject(context, state, text);
  if (result !== 'deleted') return;
  context.metrics.pruned += 1;
  state.deletions += 1;
  context.reports.event({
    id: context.nextEventId(),
    type: 'object.pruned',
    application: state.application,
    key: object.key,
    message: `${describeKey(object.key)} was deleted: it left the desired set`,
    timeMs: context.clock.now(),
    drift: undefined,
  });
}

/** Why a deletion that was planned is not to go on: asked anew before each object, since a large one takes its time. */
function haltReason(context: AgentContext, planned: DesiredApplication): string | undefined {
  const { desired, clock } = context;
  const now = desired.applications().get(planned.application);
  // Not by identity: what is planned may have been extended by the fields of autoscalers.
  const same = now?.generation === planned.generation && now.epoch.id === planned.epoch.id;
  if (!same) return 'what is desired has changed';
  if (activePause(desired.pauses(), planned.application, clock.now())) return 'paused';
  return holdReason(context);
}

/** What became of a planned deletion. `halted`: why it did not go on; `tried`: of so many objects the API server was asked. */
interface PruneSummary {
  readonly tried: number;
  readonly failed: number;
  readonly halted: string | undefined;
}

/** Deletes, or releases, in reverse order: one rank after the other, those of a rank together. What others came to desire meanwhile is left to them. */
export async function executePlannedPrune(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  objects: readonly ObservedObject[],
  how: 'delete' | 'release',
  signal: AbortSignal,
): Promise<PruneSummary> {
  const ports = {
    kube: writerOf(context.kube, desired.target.sync, context.namespace),
    signal,
    applySetId: state.applySetId,
    resolve: (apiVersion: string, kind: string) => context.resources.find(apiVersion, kind),
  };
  const ranks = [...new Set(objects.map(({ key }) => applyRank(key.kind)))].sort((a, b) => b - a);
  let tried = 0;
  let failed = 0;
  let halted: string | undefined;
  for (const rank of ranks)
    await forEachBounded(
      objects.filter(({ key }) => applyRank(key.kind) === rank),
      parallelMax,
      async (object) => {
        halted ??= haltReason(context, desired);
        if (halted !== undefined) return;
        if (context.claims.claimedBy(keyText(object.key), state.application) !== undefined) return;
        tried += 1;
        const outcome = await (how === 'delete' ? pruneObject(object, ports) : releaseObject(object, ports));
        if (outcome.result === 'failed') failed += 1;
        settle(context, state, outcome);
      },
    );
  return { tried, failed, halted };
}
