/** Walks and rewrites the tree that the CEL library parses a text into. */
import type { parse } from '@bufbuild/cel';

export type CelExpression = ReturnType<typeof parse>['expr'];
type Maybe = CelExpression | undefined;

function call(id: bigint, name: string, args: readonly CelExpression[]): CelExpression {
  const value = { $typeName: 'cel.expr.Expr.Call' as const, function: name, args: [...args] };
  return { $typeName: 'cel.expr.Expr', id, exprKind: { case: 'callExpr', value } };
}

/** A call of a function around an expression. */
export function wrap(name: string, expression: CelExpression, ...more: CelExpression[]): CelExpression {
  return call(expression.id, name, [expression, ...more]);
}

/** A call without arguments at the place of another expression. */
export function callAt(place: CelExpression, name: string, ...args: CelExpression[]): CelExpression {
  return call(place.id, name, args);
}

/** The expression with `change` applied to each direct part. */
export function mapParts(
  expression: CelExpression,
  change: (part: CelExpression) => CelExpression,
): CelExpression {
  const one = (part: Maybe) => (part === undefined ? {} : change(part));
  const { exprKind: kind } = expression;
  const made = (exprKind: unknown) => ({ ...expression, exprKind }) as CelExpression;
  switch (kind.case) {
    case 'selectExpr':
      return made({ case: kind.case, value: { ...kind.value, operand: one(kind.value.operand) } });
    case 'callExpr': {
      const { target, args } = kind.value;
      const value = { ...kind.value, args: args.map(change), ...(target && { target: change(target) }) };
      return made({ case: kind.case, value });
    }
    case 'listExpr':
      return made({ case: kind.case, value: { ...kind.value, elements: kind.value.elements.map(change) } });
    case 'structExpr': {
      const entries = kind.value.entries.map((entry) => {
        const { keyKind } = entry;
        const keyed =
          keyKind.case === 'mapKey' ? { case: keyKind.case, value: change(keyKind.value) } : keyKind;
        return { ...entry, keyKind: keyed, value: one(entry.value) };
      });
      return made({ case: kind.case, value: { ...kind.value, entries } });
    }
    case 'comprehensionExpr': {
      const { iterRange, accuInit, loopCondition, loopStep, result } = kind.value;
      const parts = {
        iterRange: one(iterRange),
        accuInit: one(accuInit),
        loopCondition: one(loopCondition),
        loopStep: one(loopStep),
        result: one(result),
      };
      return made({ case: kind.case, value: { ...kind.value, ...parts } });
    }
    default:
      return expression;
  }
}

/** Calls `visit` for the expression and all within it, with the names that loops around it have bound. */
export function visitExpression(
  expression: CelExpression,
  visit: (at: CelExpression, bound: ReadonlySet<string>) => void,
  bound: ReadonlySet<string> = new Set(),
): void {
  visit(expression, bound);
  const { exprKind: kind } = expression;
  let within = bound;
  if (kind.case === 'comprehensionExpr')
    within = new Set([...bound, kind.value.iterVar, kind.value.iterVar2, kind.value.accuVar]);
  mapParts(expression, (part) => {
    visitExpression(part, visit, within);
    return part;
  });
}
