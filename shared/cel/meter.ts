/**
 * The bound on an evaluation. The library has none, so each text is rewritten before it runs: loops count their turns, calls count themselves and the size of
 * what they are given. A spent meter makes each of these an error, which ends the innermost loop, then the one around it, and so all.
 */
import { type CelFunc, CelScalar, celFunc, isCelList, isCelMap } from '@bufbuild/cel';
import { type CelExpression, callAt, mapParts, wrap } from './expression.ts';

export interface Meter {
  start(stepsMax: number): void;
  readonly spent: boolean;
  readonly functions: CelFunc[];
}

/** Characters or items that count as one step. */
const sizePerStep = 10;
/** Characters of a text times characters of a pattern. */
const matchPerStep = 100;

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  return isCelList(value) || isCelMap(value) || value instanceof Uint8Array ? lengthOf(value) : 0;
}

function lengthOf(value: { readonly size: number } | Uint8Array): number {
  return 'size' in value ? value.size : value.length;
}

export function createMeter(): Meter {
  let left = 0;
  const take = (steps: number) => {
    left -= Math.max(1, steps);
    if (left < 0) throw new Error('too many steps');
  };
  /** Looks at all of a value, as a comparison may have to. */
  const takeAll = (value: unknown): void => {
    take(1 + sizeOf(value) / sizePerStep);
    if (isCelList(value)) for (const item of value) takeAll(item);
    else if (isCelMap(value)) for (const item of value.values()) takeAll(item);
  };
  const { DYN, BOOL } = CelScalar;
  return {
    start(stepsMax) {
      left = stepsMax;
    },
    get spent() {
      return left < 0;
    },
    functions: [
      celFunc('@turn', [], BOOL, () => {
        take(1);
        return true;
      }),
      celFunc('@take', [DYN], DYN, (value) => {
        take(sizeOf(value) / sizePerStep);
        return value;
      }),
      celFunc('@takeAll', [DYN], DYN, (value) => {
        takeAll(value);
        return value;
      }),
      celFunc('@takeMatch', [DYN, DYN], DYN, (pattern, text) => {
        take((sizeOf(pattern) * sizeOf(text)) / matchPerStep);
        return pattern;
      }),
    ],
  };
}

/** Operators that decide which of their arguments is evaluated, or look at one by its name. */
const lazy: ReadonlySet<string> = new Set(['_&&_', '_||_', '_?_:_', '@not_strictly_false', '_[_]']);
const deep: ReadonlySet<string> = new Set(['_==_', '_!=_', '@in']);

/** The same expression, metered. */
export function meterExpression(expression: CelExpression): CelExpression {
  const metered = mapParts(expression, meterExpression);
  const { exprKind: kind } = metered;
  if (kind.case === 'comprehensionExpr') {
    const { iterRange, loopCondition } = kind.value;
    if (!iterRange || !loopCondition) return metered;
    const turn = callAt(loopCondition, '_&&_', loopCondition, callAt(loopCondition, '@turn'));
    const value = { ...kind.value, iterRange: wrap('@take', iterRange), loopCondition: turn };
    return { ...metered, exprKind: { case: kind.case, value } };
  }
  if (kind.case !== 'callExpr' || lazy.has(kind.value.function)) return metered;
  const { function: name, args, target } = kind.value;
  const take = deep.has(name) ? '@takeAll' : '@take';
  const [pattern] = args;
  const counted =
    name === 'matches' && target && pattern
      ? [wrap('@takeMatch', pattern, target)]
      : args.map((argument) => wrap(take, argument));
  const value = { ...kind.value, args: counted, ...(target && { target: meterTarget(target) }) };
  return wrap('@take', { ...metered, exprKind: { case: kind.case, value } });
}

/** A bare name may be the first half of a function's name, and stays as it is. */
function meterTarget(target: CelExpression): CelExpression {
  const plain = target.exprKind.case === 'identExpr' || target.exprKind.case === 'selectExpr';
  return plain ? target : wrap('@take', target);
}
