/**
 * An object that has been on its way for longer than its application allows has failed, and so says why. Nothing is read before; then a bounded number of objects a
 * step, each again only every few minutes.
 */
import { toFairwayError } from '../../../shared/error/error.ts';
import { describeDuration } from '../../../shared/manifest/describe-drift.ts';
import type { Health } from '../../../shared/manifest/health.ts';
import { defaultHealthTimeoutSeconds } from '../../../shared/manifest/target.ts';
import type { DesiredApplication } from '../../model/desired.ts';
import { explainStuck, readSurroundings } from '../../observe/explain-stuck.ts';
import type { AgentContext, ApplicationState } from '../context.ts';
import { seenHealth } from '../report-phase.ts';
import { refOf } from '../resources.ts';

/** How an object has come to where it is. */
export interface ProgressWatch {
  /** What is applied, and how the API server counts it: another one starts anew. */
  readonly version: string;
  /** On the monotonic clock. */
  readonly sinceMs: number;
  /** The words in place of the rules' own, and when to look for better ones. */
  readonly told?: { readonly health: Health; readonly againMs: number } | undefined;
}

const againAfterMs = 300_000;
const explainedMax = 10;
/** More than that is for another step, soon. */
const nextStepMs = 1_000;

/** Waits on purpose, for a person or for something outside. */
const patient: ReadonlySet<string> = new Set([
  'Suspended',
  'SchedulingGated',
  'Paused',
  'WaitForFirstConsumer',
]);
/** What fails without a word of its pods. */
const mute: ReadonlySet<string> = new Set(['apps/Deployment', 'batch/Job']);

function needsWords(state: ApplicationState, text: string, health: Health): 'late' | 'failed' | undefined {
  const object = state.objects.get(text);
  // Hooks have limits of their own.
  if (!object?.entry || object.entry.hook !== undefined) return undefined;
  if (health.status === 'InProgress') return patient.has(health.reason) ? undefined : 'late';
  const kind = `${object.key.group}/${object.key.kind}`;
  return health.status === 'Failed' && mute.has(kind) ? 'failed' : undefined;
}

async function findWords(
  context: AgentContext,
  state: ApplicationState,
  text: string,
  health: Health,
  after: string | undefined,
  signal: AbortSignal,
): Promise<Health> {
  const object = state.objects.get(text);
  const nothing = { object: undefined, pods: [], events: [] };
  const apiVersion = object?.entry?.apiVersion;
  const ref = apiVersion && refOf(context.resources, { apiVersion, key: object.key });
  if (!ref) return explainStuck(health, nothing, after);
  const { kube, resources } = context;
  try {
    const find = (apiVersion: string, kind: string) => resources.find(apiVersion, kind);
    return explainStuck(health, await readSurroundings(ref, { kube, find, signal }), after);
  } catch (caught) {
    if (signal.aborted) throw caught;
    const { code, message } = toFairwayError(caught);
    context.log.warn('an object that is late cannot be looked at', { object: text, code, error: message });
    return explainStuck(health, nothing, after);
  }
}

/**
 * Looks at the time of each object that is not healthy. Returns in how many milliseconds the next one is due; undefined: none is.
 * @throws only when aborted.
 */
export async function watchProgress(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<number | undefined> {
  const limitMs = (desired.target.sync.healthTimeoutSeconds ?? defaultHealthTimeoutSeconds) * 1_000;
  const waits: number[] = [];
  let explained = 0;
  for (const text of state.progress.keys()) if (!state.objects.has(text)) state.progress.delete(text);
  for (const text of state.objects.keys()) {
    const health = seenHealth(context, state, text);
    const why = needsWords(state, text, health);
    if (why === undefined) {
      state.progress.delete(text);
      continue;
    }
    const nowMs = context.clock.monotonic();
    const record = state.records.get(text);
    const version = `${record?.objectDigest} ${record?.facts.generation ?? ''} ${why}`;
    const known = state.progress.get(text);
    const watch = known?.version === version ? known : { version, sinceMs: nowMs };
    state.progress.set(text, watch);
    const dueMs = watch.told?.againMs ?? (why === 'late' ? watch.sinceMs + limitMs : nowMs);
    if (nowMs < dueMs) waits.push(dueMs - nowMs);
    else if (explained >= explainedMax) waits.push(nextStepMs);
    else {
      explained += 1;
      const after = why === 'late' ? describeDuration(nowMs - watch.sinceMs) : undefined;
      const words = await findWords(context, state, text, health, after, signal);
      state.progress.set(text, { ...watch, told: { health: words, againMs: nowMs + againAfterMs } });
      waits.push(againAfterMs);
    }
  }
  return waits.length === 0 ? undefined : Math.min(...waits);
}
