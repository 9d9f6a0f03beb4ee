/**
 * CEL (https://github.com/google/cel-spec) behind a small port, so that health rules, policies and comparisons share one dialect: what is wrong with a text
 * is told when it is read, an evaluation costs at most `stepsMax` and never throws. compile.ts implements it; agents load that only once a rule
 * exists. JSON's whole numbers are CEL's int, as in Kubernetes, other numbers double. There are no optional types (`.?`): `has()` asks.
 */
import type { JsonObject } from '../manifest/object.ts';

/** What is wrong with a text, and where: line and column from 1. */
export interface CelProblem {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** `value` for text, numbers and truth; undefined stands for any other type, which `type` names. */
export type CelOutcome =
  | {
      readonly ok: true;
      readonly value: string | number | bigint | boolean | null | undefined;
      readonly type: string;
    }
  | { readonly ok: false; readonly message: string };

export interface CelProgram {
  /** Values of the declared variables; one that is left out counts as absent. Bounded, never throws. */
  evaluate(bindings: JsonObject): CelOutcome;
}

export type CelCompilation =
  | { readonly ok: true; readonly program: CelProgram }
  | { readonly ok: false; readonly problem: CelProblem };

export interface CelOptions {
  /** Names that expressions may use. */
  readonly variables: readonly string[];
  /** Steps that one evaluation may take: a call, a turn of a loop, a few characters or items looked at. Default 100,000: a fraction of a second. */
  readonly stepsMax?: number;
}

/** Longer texts are refused. */
export const celCharactersMax = 4_096;

/** An outcome that has to be true or false. */
export type CelTruth =
  | { readonly ok: true; readonly value: boolean }
  | { readonly ok: false; readonly message: string };

/** True or false, or why the outcome is neither. */
export function truthOf(outcome: CelOutcome): CelTruth {
  if (!outcome.ok) return outcome;
  if (typeof outcome.value === 'boolean') return { ok: true, value: outcome.value };
  return { ok: false, message: `gives ${outcome.type}, expected bool` };
}
