/**
 * Hooks: objects that run once in a release, before it, after it, or when it fails. Nothing here waits: a run that is at work is looked at, the step
 * ends, and the watch wakes the application. What makes a run happen once: its name is made of release, manifest and attempt, a finalizer keeps the
 * object until its end is remembered on the inventory's parent, and what is remembered is not made again (agent/model/hook-memory.ts).
 */
import { toFairwayError } from '../../../shared/error/error.ts';
import { describeDuration } from '../../../shared/manifest/describe-drift.ts';
import type { HookReason } from '../../../shared/manifest/hook-reasons.ts';
import { describeKey, type KubeObject } from '../../../shared/manifest/object.ts';
import type { HookPhase } from '../../../shared/manifest/target.ts';
import { effectiveObject } from '../../apply/effective-object.ts';
import { findLive } from '../../apply/find-live.ts';
import { readHookLogs } from '../../apply/hook-logs.ts';
import { judgeHook } from '../../apply/hook-outcome.ts';
import { type HookSpec, hookRunKey, readHookSpec } from '../../apply/hook-spec.ts';
import { forEachBounded } from '../../apply/parallel.ts';
import type { LiveObject, ResourceRef } from '../../kube/kube-client.ts';
import { isPassing } from '../../kube/status-error.ts';
import {
  type HookMark,
  type HookRun,
  hookRunId,
  parseHookMark,
  rememberRun,
  shortDigest,
} from '../../model/hook-memory.ts';
import { hookFinalizer, hookRunAnnotation, partOfLabel } from '../../model/inventory.ts';
import { noteRefusal, standingRefusal } from '../release/retries.ts';
import type { Holdup } from '../release/wave-gate.ts';
import { tellHookFailure } from './hook-events.ts';
import { groupHooks, type Hook, type HookStep, lastRun, putAway, saveMemory, tellHook } from './hook-step.ts';
import { deleteEarlierRuns } from './hook-sweep.ts';

const parallelMax = 8;
/** How often a run of a kind that cannot be watched is looked at. */
const lookAgainMs = 10_000;

type HookResult =
  | { readonly state: 'done' }
  | { readonly state: 'failed'; readonly message: string }
  | {
      readonly state: 'running';
      readonly message: string;
      readonly againMs?: number | undefined;
      /** A run is at work until then at the latest; undefined: none is, and what it waits for has no end of its own. */
      readonly untilMs?: number | undefined;
    };

const done: HookResult = { state: 'done' };

/** One attempt at running a hook. */
interface Run {
  readonly hook: Hook;
  readonly id: string;
  readonly attempt: number;
  readonly ref: ResourceRef;
  readonly name: string;
}

function running(
  step: HookStep,
  hook: Hook,
  message: string,
  againMs?: number,
  untilMs?: number,
): HookResult {
  const action = step.state.objects.get(hook.text)?.action === 'created' ? 'created' : 'unchanged';
  tellHook(step, hook, 'Pending', 'HookRunning', message, action);
  return { state: 'running', message: `waits for ${describeHook(hook)}: ${message}`, againMs, untilMs };
}

function describeHook({ phase, key }: Hook): string {
  return `${phase} hook ${describeKey(key)}`;
}

function failed(step: HookStep, hook: Hook, reason: HookReason, message: string): HookResult {
  tellHook(step, hook, 'Failed', reason, message, 'failed');
  return { state: 'failed', message: `${describeHook(hook)} failed: ${message}` };
}

/** The attempt that is to be made or is under way; undefined: none, the last one failed and nobody has asked for another. */
function nextAttempt(step: HookStep, hook: Hook): number | undefined {
  const past = lastRun(step, hook);
  if (!past) return 1;
  const attempt = past.attempt + 1;
  if (step.state.retryHooks || step.state.hookAttempts.get(hook.text) === attempt) return attempt;
  // An agent that made it when asked to, and died before it could remember.
  const { observer } = step.context;
  const key = hookRunKey(hook.key, step.memory.release, hook.entry.objectDigest, attempt);
  const seen = observer.get(key.group, key.kind, `${key.group}/${key.kind}/${key.namespace}/${key.name}`);
  const id = hookRunId(step.memory.release, hook.entry.objectDigest, attempt);
  return parseHookMark(seen?.hookRun)?.run === id ? attempt : undefined;
}

/** What memory alone says of a hook; undefined: it is to be run, or under way. */
function recall(step: HookStep, hook: Hook): HookResult | undefined {
  const { memory, desired, state } = step;
  const before = state.objects.get(hook.text)?.action;
  const past = lastRun(step, hook);
  const tell = (reason: HookReason, message: string) => {
    tellHook(step, hook, 'Synced', reason, message, before === 'created' ? before : 'unchanged');
    return done;
  };
  if (past?.outcome === 'succeeded') return tell('HookSucceeded', past.message);
  if (past) tellHookFailure(step, hook, past);
  if (past && nextAttempt(step, hook) === undefined) return failed(step, hook, past.reason, past.message);
  if (past) return undefined;
  if (memory.settled) return tell('HookNotRun', 'not run: this version was applied already');
  const again = hook.phase === 'pre-sync' && desired.reason === 'rollback';
  if (again && memory.done.includes(shortDigest(hook.entry.objectDigest)))
    return tell('HookNotRun', 'not run: it has succeeded in an earlier release, to which this is a rollback');
  return undefined;
}

async function finish(
  step: HookStep,
  run: Run,
  live: LiveObject | undefined,
  end: {
    readonly outcome: 'succeeded' | 'failed' | 'given up';
    readonly reason: HookReason;
    readonly message: string;
  },
  policies: HookMark['policies'],
): Promise<HookResult> {
  const { hook, attempt, ref } = run;
  const outcome = end.outcome === 'succeeded' ? 'succeeded' : 'failed';
  const ended: HookRun = {
    hook: hook.text,
    phase: hook.phase,
    digest: hook.entry.objectDigest,
    attempt,
    outcome,
    reason: end.reason,
    message: end.message,
    endedAtMs: step.context.clock.now(),
  };
  await saveMemory(step, (memory) => rememberRun(memory, ended));
  if (outcome === 'failed') tellHookFailure(step, hook, ended);
  step.state.retries.delete(hook.text);
  step.state.hookAttempts.delete(hook.text);
  if (live) await putAway(step.writer, ref, live, { policies }, end.outcome, step.signal);
  return recall(step, hook) ?? failed(step, hook, end.reason, end.message);
}

/** Looks at the object of a run: at work, or ended. */
async function observeRun(step: HookStep, run: Run, live: LiveObject, spec: HookSpec): Promise<HookResult> {
  const { context, signal } = step;
  const { hook, ref } = run;
  const mark = parseHookMark(live.metadata.annotations?.[hookRunAnnotation]);
  const startedAtMs = mark?.startedAtMs ?? context.clock.now();
  const verdict = judgeHook(live, (object) => context.health.judge(object, step.state.application));
  const tookMs = context.clock.now() - startedAtMs;
  if (verdict.state === 'succeeded') {
    const message = `ran as ${run.name} in ${describeDuration(tookMs)}`;
    return finish(step, run, live, { outcome: 'succeeded', reason: 'HookSucceeded', message }, spec.policies);
  }
  const said = [verdict.reason, verdict.message].filter((text) => text !== '').join(': ');
  const untilMs = startedAtMs + spec.limitMs;
  const leftMs = untilMs - context.clock.now();
  if (verdict.state === 'running' && leftMs > 0) {
    const { group, kind, namespace } = hook.key;
    const watched = context.observer.synced(group, kind, [namespace]);
    const againMs = watched ? leftMs : Math.min(leftMs, lookAgainMs);
    return running(step, hook, said || 'has not ended yet', againMs, untilMs);
  }
  const key = { ...hook.key, name: ref.name };
  const log = spec.tellsLog ? await readHookLogs(context.kube, key, signal) : '';
  const late = verdict.state === 'running';
  const why = late ? `it had not ended after ${describeDuration(spec.limitMs)}${said && `: ${said}`}` : said;
  const end = {
    outcome: late ? ('given up' as const) : ('failed' as const),
    reason: late ? ('HookTimeout' as const) : ('HookFailed' as const),
    message: `${run.name}: ${[why, log].filter((text) => text !== '').join('; ')}`,
  };
  return finish(step, run, live, end, spec.policies);
}

/** The body of a run: the manifest under the run's name, saying what it is; held until its end is remembered. */
function runBody(step: HookStep, run: Run, text: string, spec: HookSpec): KubeObject {
  const { hook, ref, id, attempt } = run;
  const body = effectiveObject(text, { ...hook.key, name: ref.name }, step.state.applySetId);
  const mark: HookMark = {
    run: id,
    release: step.memory.release,
    hook: hook.text,
    digest: hook.entry.objectDigest,
    phase: hook.phase,
    attempt,
    policies: spec.policies,
    startedAtMs: step.context.clock.now(),
    limitMs: spec.limitMs,
  };
  const annotations = { ...body.metadata.annotations, [hookRunAnnotation]: JSON.stringify(mark) };
  const finalizers = [...((body.metadata['finalizers'] ?? []) as readonly string[]), hookFinalizer];
  const held = hook.manner === 'apply' ? {} : { finalizers };
  return { ...body, metadata: { ...body.metadata, annotations, ...held } };
}

/** What stands in the way of a run under its name; undefined: nothing. */
async function clearWay(
  step: HookStep,
  run: Run,
  live: LiveObject,
  spec: HookSpec,
): Promise<HookResult | undefined> {
  const { hook, ref } = run;
  const ours = live.metadata.labels?.[partOfLabel] === step.state.applySetId;
  if (hook.manner === 'apply' && (ours || step.desired.target.sync.adoption === 'always')) return undefined;
  const refuse = (message: string) =>
    finish(step, run, undefined, { outcome: 'failed', reason: 'HookExists', message }, spec.policies);
  if (!ours) return refuse(`${run.name} exists already and is no hook of this application`);
  if (!spec.policies.includes('before-hook-creation'))
    return refuse(`${run.name} is there still from an earlier run, and its delete policy keeps it`);
  if (live.metadata['deletionTimestamp'] === undefined)
    await putAway(step.writer, ref, live, spec, 'given up', step.signal);
  const gone = (await findLive(step.writer, ref, step.signal)) === undefined;
  return gone ? undefined : running(step, hook, 'the object of an earlier run is still going');
}

async function startRun(step: HookStep, run: Run, text: string, spec: HookSpec): Promise<HookResult> {
  const { hook, ref, id, attempt } = run;
  // The watch may not show it before the next step.
  step.state.hookAttempts.set(hook.text, attempt);
  const [other] = step.atWork;
  if (other) {
    const message = `${other.name} of an earlier release has not ended yet`;
    return running(step, hook, message, other.leftMs, other.untilMs);
  }
  await deleteEarlierRuns(step, hook, id, spec.policies.includes('before-hook-creation'));
  const live = await step.writer.apply(ref, runBody(step, run, text, spec), { signal: step.signal });
  tellHook(step, hook, 'Pending', 'HookRunning', 'started', 'created');
  return observeRun(step, run, live, spec);
}

async function driveHook(step: HookStep, hook: Hook, run: Omit<Run, 'ref' | 'name'>): Promise<HookResult> {
  const { context, signal, memory } = step;
  const { objectDigest, apiVersion } = hook.entry;
  const text = context.desired.object(objectDigest);
  if (text === undefined) return running(step, hook, 'its content has not arrived yet');
  const resource = await context.resources.resolve(apiVersion, hook.key.kind, signal);
  if (!resource)
    return running(step, hook, `the API server serves no ${hook.key.kind} in ${apiVersion}`, lookAgainMs);
  const key = hookRunKey(hook.key, memory.release, objectDigest, run.attempt);
  const ref = { resource, namespace: key.namespace, name: key.name };
  const whole: Run = { ...run, ref, name: describeKey(key) };
  const manifest = await context.reveal(text);
  const spec = readHookSpec(JSON.parse(manifest) as KubeObject);
  const live = await findLive(step.writer, ref, signal);
  const mark = parseHookMark(live?.metadata.annotations?.[hookRunAnnotation]);
  if (live && mark?.run === run.id) return observeRun(step, whole, live, spec);
  const blocked = live && (await clearWay(step, whole, live, spec));
  return blocked ?? startRun(step, whole, manifest, spec);
}

async function stepHook(step: HookStep, hook: Hook): Promise<HookResult> {
  const known = recall(step, hook);
  const attempt = nextAttempt(step, hook);
  if (known || attempt === undefined) return known ?? done;
  const { context, state, signal } = step;
  const id = hookRunId(step.memory.release, hook.entry.objectDigest, attempt);
  const refusal = standingRefusal(context, state, hook.text, id);
  if (refusal) return running(step, hook, refusal.message);
  const run = { hook, id, attempt };
  try {
    return await driveHook(step, hook, run);
  } catch (caught) {
    signal.throwIfAborted();
    const error = toFairwayError(caught, hook.text);
    // Its namespace, or the API server, may be there in a moment; what is refused for good is the end of this attempt.
    if (error.retry || error.code === 'not_found' || isPassing(error)) {
      noteRefusal(context, state, hook.text, id, error);
      return running(step, hook, error.message);
    }
    const key = hookRunKey(hook.key, step.memory.release, hook.entry.objectDigest, attempt);
    const whole = { ...run, name: describeKey(key), ref: { resource: nowhere, namespace: '', name: '' } };
    const message = `${describeKey(key)} was refused: ${error.message}`;
    return finish(step, whole, undefined, { outcome: 'failed', reason: 'HookRefused', message }, []);
  }
}

/** Stands where no object was made, so that none is asked for. */
const nowhere = { group: '', version: '', kind: '', resource: '', namespaced: false, verbs: [] };

/** Whether memory alone says that this phase is over, well or not. */
export function isPhaseOver(step: HookStep, phase: HookPhase): boolean {
  return step.hooks.filter((hook) => hook.phase === phase).every((hook) => recall(step, hook) !== undefined);
}

/** Moves the hooks of a phase on: group by group, each when the one before has succeeded. Undefined: all have. */
export async function runHooks(step: HookStep, phase: HookPhase): Promise<Holdup | undefined> {
  const groups = groupHooks(step.hooks, phase);
  for (const group of groups) {
    const results: HookResult[] = [];
    await forEachBounded(group, parallelMax, async (hook) => {
      results.push(await stepHook(step, hook));
    });
    const bad = results.find((result) => result.state === 'failed');
    const open = results.filter((result) => result.state === 'running');
    if (!bad && open.length === 0) continue;
    holdLater(step, groups.slice(groups.indexOf(group) + 1).flat(), describeHook(group[0] as Hook));
    const times = open.map(({ againMs }) => againMs).filter((time) => time !== undefined);
    const ends = open.map(({ untilMs }) => untilMs).filter((time) => time !== undefined);
    const message = bad?.state === 'failed' ? bad.message : (open[0]?.message ?? '');
    return {
      message,
      failed: bad !== undefined,
      againMs: times.length === 0 ? undefined : Math.min(...times),
      hookUntilMs: bad || ends.length === 0 ? undefined : Math.max(...ends),
    };
  }
  return undefined;
}

function holdLater(step: HookStep, hooks: readonly Hook[], what: string): void {
  for (const hook of hooks) tellHook(step, hook, 'Pending', 'HookWaits', `waits for ${what}`, 'skipped');
}

/** Tells of hooks whose time has not come. */
export function holdPhase(step: HookStep, phase: HookPhase): void {
  const after = 'runs once everything is applied and healthy';
  const message = phase === 'pre-sync' ? 'runs before everything else' : after;
  for (const hook of step.hooks.filter((one) => one.phase === phase))
    if (phase === 'sync-fail')
      tellHook(step, hook, 'Skipped', 'HookNotNeeded', 'runs when a sync fails', 'skipped');
    else tellHook(step, hook, 'Pending', 'HookWaits', message, 'skipped');
}
