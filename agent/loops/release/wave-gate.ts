/**
 * Waves: what a wave holds is to be healthy before the next is applied. The gate never waits: it says what is not there yet, the step ends, and the
 * watch wakes the application when that changes. Kinds that cannot be watched are read again while a wave waits for them.
 */
import { toFairwayError } from '../../../shared/error/error.ts';
import { describeKey, keyText } from '../../../shared/manifest/object.ts';
import { defaultWaveTimeoutSeconds } from '../../../shared/manifest/target.ts';
import { findLive } from '../../apply/find-live.ts';
import type { PlannedObject } from '../../apply/plan-sync.ts';
import type { DesiredApplication } from '../../model/desired.ts';
import type { AgentContext, ApplicationState, ObjectState } from '../context.ts';
import { healthOfObject } from '../report-phase.ts';
import { refOf } from '../resources.ts';

/** How often a wave looks at what it cannot watch. */
const lookAgainMs = 10_000;
const readsMax = 20;

/** A wave that waits: since when, and for which Target. */
export interface WaveWait {
  readonly targetDigest: string;
  readonly wave: number;
  /** On the monotonic clock. */
  readonly sinceMs: number;
}

/** A claim may be bound only when a pod uses it (volumeBindingMode WaitForFirstConsumer), and that pod may be of a later wave. */
function holdsNobodyUp({ key }: ObjectState): boolean {
  return key.group === '' && key.kind === 'PersistentVolumeClaim';
}

function isWatched(context: AgentContext, { key }: ObjectState): boolean {
  return context.observer.synced(key.group, key.kind, [key.namespace]);
}

async function lookAgain(
  context: AgentContext,
  state: ApplicationState,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const object = state.objects.get(text);
  if (!object?.entry) return;
  const ref = refOf(context.resources, { apiVersion: object.entry.apiVersion, key: object.key });
  const live = ref && (await findLive(context.kube, ref, signal));
  if (live) state.objects.set(text, { ...object, health: context.health.judge(live, state.application) });
}

function describe(object: ObjectState, context: AgentContext, state: ApplicationState): string | undefined {
  const { status, key, message } = object;
  if (status === 'Failed' || status === 'Pending') return `${describeKey(key)}: ${message}`;
  const health = healthOfObject(context, state, keyText(key));
  if (health.status === 'Current' || holdsNobodyUp(object)) return undefined;
  return `${describeKey(key)}: ${health.message || health.reason || health.status}`;
}

/** The lowest wave of these objects of which something is not applied or not healthy, and what; undefined: there is none. */
async function findUnhealthy(
  context: AgentContext,
  state: ApplicationState,
  objects: readonly PlannedObject[],
  signal: AbortSignal,
): Promise<{ readonly wave: number; readonly reason: string } | undefined> {
  const found: { readonly wave: number; readonly reason: string }[] = [];
  let reads = 0;
  for (const { keyText: text, entry } of objects) {
    const before = state.objects.get(text);
    if (!before) continue;
    let reason = describe(before, context, state);
    if (reason !== undefined && before.status === 'Synced' && !isWatched(context, before)) {
      reads += 1;
      if (reads <= readsMax)
        await lookAgain(context, state, text, signal).catch((caught: unknown) => {
          if (signal.aborted || !toFairwayError(caught).retry) throw caught;
        });
      reason = describe(state.objects.get(text) ?? before, context, state);
    }
    if (reason !== undefined) found.push({ wave: entry.wave, reason });
  }
  const wave = Math.min(...found.map((one) => one.wave));
  const reasons = found.filter((one) => one.wave === wave).map(({ reason }) => reason);
  if (reasons[0] === undefined) return undefined;
  return { wave, reason: reasons[0] + (reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : '') };
}

/** What a sync waits for. */
export interface Holdup {
  /** `waits for wave 0: Deployment web/web: 1 of 3 available`. */
  readonly message: string;
  /** It has waited too long; it goes on when what it waits for comes all the same. */
  readonly failed: boolean;
  /** When to look again though nothing wakes the application, in milliseconds. */
  readonly againMs: number | undefined;
  /** A hook is at work, and has ended or is given up by then. */
  readonly hookUntilMs?: number | undefined;
}

/** Whether these objects, all of lower waves, let the next go on. Undefined: they do. */
export async function checkWaves(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  objects: readonly PlannedObject[],
  signal: AbortSignal,
): Promise<Holdup | undefined> {
  const unhealthy = await findUnhealthy(context, state, objects, signal);
  if (!unhealthy) return undefined;
  const { wave, reason } = unhealthy;
  const { digest: targetDigest, sync } = desired.target;
  const nowMs = context.clock.monotonic();
  const { wait } = state;
  if (wait?.targetDigest !== targetDigest || wait.wave !== wave)
    state.wait = { targetDigest, wave, sinceMs: nowMs };
  const limitSeconds = sync.waveTimeoutSeconds ?? defaultWaveTimeoutSeconds;
  const leftMs = (state.wait?.sinceMs ?? nowMs) + limitSeconds * 1_000 - nowMs;
  const watched = objects.every(({ keyText: text }) => {
    const object = state.objects.get(text);
    return !object || isWatched(context, object);
  });
  const times = [...(leftMs > 0 ? [leftMs] : []), ...(watched ? [] : [lookAgainMs])];
  return {
    message:
      leftMs > 0
        ? `waits for wave ${wave}: ${reason}`
        : `wave ${wave} is not healthy after ${limitSeconds} s: ${reason}`,
    failed: leftMs <= 0,
    againMs: times.length === 0 ? undefined : Math.min(...times),
  };
}
