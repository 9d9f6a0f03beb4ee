/**
 * Which hooks have been run, kept as an annotation of the application's inventory parent: written before a hook that has ended loses its finalizer, so a hook
 * that is neither there nor remembered was never made, and one that is remembered is never made again.
 */
import { createHash } from 'node:crypto';
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { HookReason } from '../../shared/manifest/hook-reasons.ts';
import type { HookPhase } from '../../shared/manifest/target.ts';

/** How one run ended. */
export interface HookRun {
  /** keyText of the hook as its manifest names it, in its namespace. */
  readonly hook: string;
  readonly phase: HookPhase;
  readonly digest: Digest;
  /** 1 for the first; an operator's sync runs a failed hook once more. */
  readonly attempt: number;
  readonly outcome: 'succeeded' | 'failed';
  readonly reason: HookReason;
  readonly message: string;
  /** Agent's clock. */
  readonly endedAtMs: number;
}

export interface HookMemory {
  /** The release under which the target was first begun. */
  readonly release: string;
  readonly target: Digest;
  /** The target was applied before there was a memory: its hooks have had their time. */
  readonly settled: boolean;
  /** Of this release; the newest last. */
  readonly runs: readonly HookRun[];
  /** First halves of the digests of hooks before the sync that succeeded in earlier releases, newest first: a rollback does not run them again. */
  readonly done: readonly string[];
}

const runsMax = 60;
const doneMax = 100;
const messageMax = 1_500;

/** The half of a digest that is enough to know it by. */
export function shortDigest(digest: Digest): string {
  return digest.slice(0, 32);
}

/** Undefined where there is none, or none that can be read: then what can be seen in the cluster counts. */
export function parseHookMemory(text: string | undefined): HookMemory | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const { release, target, settled, runs, done } = JSON.parse(text) as Partial<HookMemory>;
    if (typeof release !== 'string' || typeof target !== 'string') return undefined;
    const known = { runs: Array.isArray(runs) ? runs : [], done: Array.isArray(done) ? done : [] };
    return { release, target, settled: settled === true, ...known };
  } catch {
    // Somebody has written into it.
    return undefined;
  }
}

/** As `parseHookMemory` reads it. */
export function formatHookMemory(memory: HookMemory): string {
  return JSON.stringify(memory);
}

/** With one more run. A run that is there already is replaced. */
export function rememberRun(memory: HookMemory, run: HookRun): HookMemory {
  const others = memory.runs.filter(
    ({ hook, digest, attempt }) => hook !== run.hook || digest !== run.digest || attempt !== run.attempt,
  );
  const message = run.message.slice(0, messageMax);
  return { ...memory, runs: [...others, { ...run, message }].slice(-runsMax) };
}

/** A hook before the sync of an earlier release has succeeded after all. */
export function rememberDone(memory: HookMemory, digest: Digest): HookMemory {
  const done = [...new Set([shortDigest(digest), ...memory.done])].slice(0, doneMax);
  return { ...memory, done };
}

/** The memory for a target that is about to be begun; what succeeded before stays known, and what failed is tried anew in a new release of the same target. */
export function beginRelease(
  before: HookMemory | undefined,
  next: { readonly release: string; readonly target: Digest; readonly settled: boolean },
): HookMemory {
  if (before?.target === next.target) {
    const runs = before.runs.filter(({ outcome }) => outcome === 'succeeded');
    const again = before.release !== next.release && runs.length < before.runs.length;
    return again ? { ...before, release: next.release, runs } : before;
  }
  const same = before?.release === next.release;
  const succeeded = (before?.runs ?? [])
    .filter(({ phase, outcome }) => phase === 'pre-sync' && outcome === 'succeeded')
    .map(({ digest }) => shortDigest(digest))
    .reverse();
  const done = [...new Set([...succeeded, ...(before?.done ?? [])])].slice(0, doneMax);
  return { ...next, runs: same ? (before?.runs ?? []) : [], done };
}

/** What an object of a run says of itself, as an annotation. */
export interface HookMark {
  /** Names the run: of release, manifest and attempt. */
  readonly run: string;
  readonly release: string;
  readonly hook: string;
  readonly digest: Digest;
  readonly phase: HookPhase;
  readonly attempt: number;
  readonly policies: readonly DeletePolicy[];
  /** Agent's clock. */
  readonly startedAtMs: number;
  readonly limitMs: number;
}

export const deletePolicies = ['before-hook-creation', 'hook-succeeded', 'hook-failed'] as const;
export type DeletePolicy = (typeof deletePolicies)[number];

const phases: readonly unknown[] = ['pre-sync', 'post-sync', 'sync-fail'] satisfies readonly HookPhase[];

/** Whoever may write the object may write anything there. */
function isHookMark(mark: Readonly<Record<keyof HookMark, unknown>>): mark is HookMark {
  const { run, hook, release, digest, phase, policies, attempt, startedAtMs, limitMs } = mark;
  return (
    [run, hook, release, digest].every((one) => typeof one === 'string') &&
    run !== '' &&
    hook !== '' &&
    phases.includes(phase) &&
    [attempt, startedAtMs, limitMs].every((one) => Number.isSafeInteger(one)) &&
    Array.isArray(policies)
  );
}

/** Undefined for an object that is no run of a hook. */
export function parseHookMark(text: string | undefined): HookMark | undefined {
  if (text === undefined) return undefined;
  try {
    const mark = JSON.parse(text) as Partial<HookMark> | null;
    const { run, hook, release, phase, digest = '', attempt = 1, policies = [] } = mark ?? {};
    const { startedAtMs = 0, limitMs = 0 } = mark ?? {};
    const read = { run, release, hook, digest, phase, attempt, policies, startedAtMs, limitMs };
    return isHookMark(read) ? read : undefined;
  } catch {
    // Not ours, or touched by somebody: an ordinary object then.
    return undefined;
  }
}

/** The same for the same release, manifest and attempt, whoever asks. */
export function hookRunId(release: string, digest: Digest, attempt: number): string {
  return createHash('sha256').update(`${release} ${digest} ${attempt}`).digest('hex').slice(0, 10);
}
