import type { HookPhase } from './target.ts';

/** Reasons of an object's report that say: this is a hook, and how it stands. Kept by the hub as any reason. */
export const hookReasons = [
  /** Its time has not come. */
  'HookWaits',
  'HookRunning',
  'HookSucceeded',
  /** It has nothing to do: applied already, or a rollback to where it has succeeded. */
  'HookNotRun',
  /** For a failure that has not come. */
  'HookNotNeeded',
  'HookFailed',
  'HookTimeout',
  /** The API server refused it. */
  'HookRefused',
  /** Something of its name stands in the way. */
  'HookExists',
] as const;

export type HookReason = (typeof hookReasons)[number];

/** What an event about a failed run of a hook tells besides object and message. */
export interface HookFailureReport {
  readonly phase: HookPhase;
  /** 1 for the first; an operator's sync runs a failed hook once more. */
  readonly attempt: number;
  readonly reason: HookReason;
}
