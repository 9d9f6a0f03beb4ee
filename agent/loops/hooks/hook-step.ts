/** What the hooks of one application share within a step: the memory, the rows they tell of, and putting an ended run away. */
import type { ChangeAction, Health } from '../../../shared/manifest/health.ts';
import type { HookReason } from '../../../shared/manifest/hook-reasons.ts';
import { keyText, type ObjectKey } from '../../../shared/manifest/object.ts';
import { applyRank } from '../../../shared/manifest/order.ts';
import type { HookPhase, ManifestEntry } from '../../../shared/manifest/target.ts';
import { effectiveKey } from '../../apply/effective-object.ts';
import { findLive } from '../../apply/find-live.ts';
import { hookManner } from '../../apply/hook-spec.ts';
import { saveParent } from '../../apply/parent.ts';
import type { KubeClient, LiveObject, ResourceRef } from '../../kube/kube-client.ts';
import type { DesiredApplication } from '../../model/desired.ts';
import {
  formatHookMemory,
  type HookMark,
  type HookMemory,
  type HookRun,
  parseHookMark,
} from '../../model/hook-memory.ts';
import { hookFinalizer } from '../../model/inventory.ts';
import type { ObservedObject } from '../../model/record.ts';
import type { AgentContext, ApplicationState, ObjectState } from '../context.ts';
import { writerOf } from '../release/writer.ts';

/** A hook of the target. */
export interface Hook {
  readonly entry: ManifestEntry;
  readonly phase: HookPhase;
  /** As its manifest names it, in its namespace. */
  readonly key: ObjectKey;
  readonly text: string;
  readonly manner: ReturnType<typeof hookManner>;
}

/** A run of an earlier release that has not ended. */
export interface RunAtWork {
  readonly name: string;
  /** Until it is given up. */
  readonly leftMs: number;
  /** Then it is given up. Agent's clock. */
  readonly untilMs: number;
}

export interface HookStep {
  readonly context: AgentContext;
  readonly desired: DesiredApplication;
  readonly state: ApplicationState;
  readonly memory: HookMemory;
  readonly hooks: readonly Hook[];
  /** No run is begun beside them. Filled by the sweep. */
  atWork: readonly RunAtWork[];
  /** Writes as the application may. */
  readonly writer: KubeClient;
  readonly signal: AbortSignal;
}

/** Undefined: the application has and had no hooks. */
export function openHookStep(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): HookStep | undefined {
  const { target } = desired;
  if (!state.hooks) return undefined;
  const hooks = target.set.entries.flatMap((entry): Hook[] => {
    if (entry.hook === undefined) return [];
    const resource = context.resources.find(entry.apiVersion, entry.key.kind);
    const key = effectiveKey(entry, resource, target.sync.namespace);
    return [{ entry, phase: entry.hook, key, text: keyText(key), manner: hookManner(key) }];
  });
  // A record would make it an object to be kept as it is.
  for (const { text } of hooks) state.records.delete(text);
  const writer = writerOf(context.kube, target.sync, context.namespace);
  return {
    context,
    desired,
    state,
    hooks,
    atWork: [],
    writer,
    signal,
    get memory() {
      return state.hooks as HookMemory;
    },
  };
}

/** Of one phase: waves ascending, then kinds; those of a group do not need each other. */
export function groupHooks(hooks: readonly Hook[], phase: HookPhase): readonly (readonly Hook[])[] {
  const rank = ({ key }: Hook) => applyRank(key.kind);
  const sorted = hooks
    .filter((hook) => hook.phase === phase)
    .sort((a, b) => a.entry.wave - b.entry.wave || rank(a) - rank(b) || (a.text < b.text ? -1 : 1));
  const groups = Map.groupBy(sorted, (hook) => `${hook.entry.wave}/${rank(hook)}`);
  return [...groups.values()];
}

/** The newest run of a hook in this release. */
export function lastRun({ memory }: HookStep, { text, entry }: Hook): HookRun | undefined {
  return memory.runs
    .filter(({ hook, digest }) => hook === text && digest === entry.objectDigest)
    .reduce<HookRun | undefined>((last, run) => (last && last.attempt > run.attempt ? last : run), undefined);
}

const healthOfStatus: Partial<Record<ObjectState['status'], Health['status']>> = {
  Synced: 'Current',
  Failed: 'Failed',
  Pending: 'InProgress',
};

/** What is told of a hook. */
export function tellHook(
  { state }: HookStep,
  { entry, key, text }: Hook,
  status: ObjectState['status'],
  reason: HookReason,
  message: string,
  action: ChangeAction,
): void {
  const health = { status: healthOfStatus[status] ?? 'Current', reason, message };
  state.objects.set(text, { entry, key, status, action, reason, message, drift: undefined, health });
}

/** Durable before anything that relies on it. */
export function saveMemory(
  { context, state, signal }: HookStep,
  change: (memory: HookMemory) => HookMemory,
): Promise<void> {
  const save = async () => {
    if (!state.parent || !state.hooks) return;
    const hooks = change(state.hooks);
    const parent = { ...state.parent, hooks: formatHookMemory(hooks) };
    await saveParent(context.kube, parent, context.namespace, signal);
    state.parent = parent;
    state.hooks = hooks;
  };
  // One at a time: each writes all of the memory.
  const saved = state.hookSaves.then(save, save);
  state.hookSaves = saved;
  return saved;
}

/** Runs of hooks that the watches show, with what they say of themselves. */
export function observedRuns(
  context: AgentContext,
  state: ApplicationState,
): readonly { readonly object: ObservedObject; readonly mark: HookMark }[] {
  return context.observer.members(state.applySetId).flatMap((object) => {
    const mark = object.applied ? parseHookMark(object.hookRun) : undefined;
    return mark ? [{ object, mark }] : [];
  });
}

const attemptsMax = 3;

/** Lets it be deleted: it is remembered, or of no more interest. */
export async function takeFinalizerOff(
  kube: KubeClient,
  ref: ResourceRef,
  live: LiveObject | undefined,
  signal: AbortSignal,
): Promise<void> {
  let now = live;
  for (let tried = 1; ; tried += 1) {
    const finalizers = (now?.metadata['finalizers'] ?? []) as readonly string[];
    if (!now || !finalizers.includes(hookFinalizer)) return;
    const { uid, resourceVersion } = now.metadata;
    const left = finalizers.filter((name) => name !== hookFinalizer);
    try {
      await kube.patch(ref, { metadata: { uid, resourceVersion, finalizers: left } }, 'merge', signal);
      return;
    } catch (caught) {
      const { code } = caught as { code?: string };
      if (code === 'not_found') return;
      if (code !== 'conflict' || tried >= attemptsMax) throw caught;
      // Its controller wrote in between.
      now = await findLive(kube, ref, signal);
    }
  }
}

/** What becomes of the object of a run that has ended. A run that was given up is always stopped. */
export async function putAway(
  kube: KubeClient,
  ref: ResourceRef,
  live: LiveObject,
  mark: Pick<HookMark, 'policies'>,
  outcome: 'succeeded' | 'failed' | 'given up',
  signal: AbortSignal,
): Promise<void> {
  await takeFinalizerOff(kube, ref, live, signal);
  const policy = outcome === 'succeeded' ? 'hook-succeeded' : 'hook-failed';
  if (outcome !== 'given up' && !mark.policies.includes(policy)) return;
  await deleteRun(kube, ref, String(live.metadata['uid']), signal);
}

/** Deletes exactly that object; one that is gone is what was wanted. */
export async function deleteRun(
  kube: KubeClient,
  ref: ResourceRef,
  uid: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await kube.delete(ref, { uid, propagation: 'Background', signal });
  } catch (caught) {
    const { code } = caught as { code?: string };
    // A conflict: another object has taken its name.
    if (code !== 'not_found' && code !== 'conflict') throw caught;
  }
}
