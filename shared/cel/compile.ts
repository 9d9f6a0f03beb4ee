import {
  type CelEnv,
  type CelInput,
  type CelResult,
  celEnv,
  celType,
  isCelError,
  isCelUint,
  parse,
  plan,
} from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import type { Json, JsonObject } from '../manifest/object.ts';
import {
  type CelCompilation,
  type CelOptions,
  type CelOutcome,
  type CelProblem,
  type CelProgram,
  celCharactersMax,
} from './cel.ts';
import { explainSyntax } from './explain-syntax.ts';
import { type CelExpression, visitExpression } from './expression.ts';
import { createMeter, type Meter, meterExpression } from './meter.ts';

const stepsMaxDefault = 100_000;
const messageCharactersMax = 300;

/** Names of types that a text may compare with `type(x)`. */
const typeNames: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'int',
  'list',
  'map',
  'null_type',
  'string',
  'type',
  'uint',
]);
/** Calls that the library plans itself, without a function of that name. */
const built: ReadonlySet<string> = new Set(['_&&_', '_||_', '_?_:_', '_[_]', '@not_strictly_false']);

let shared: { readonly env: CelEnv; readonly meter: Meter } | undefined;

function environment() {
  if (!shared) {
    const meter = createMeter();
    shared = { env: celEnv({ funcs: [...strings, ...meter.functions] }), meter };
  }
  return shared;
}

/** Parses and checks a text: its syntax, its names, its functions and how many arguments they take. */
export function compileCel(text: string, options: CelOptions): CelCompilation {
  const fail = (problem: CelProblem): CelCompilation => ({ ok: false, problem });
  if (text.length > celCharactersMax)
    return fail({ message: `is longer than ${celCharactersMax} characters`, line: 1, column: 1 });
  let expression: CelExpression;
  try {
    expression = parse(text).expr;
  } catch (caught) {
    return fail(explainSyntax(text, caught));
  }
  const { env, meter } = environment();
  const message = checkNames(expression, options.variables, env);
  if (message !== undefined) return fail({ message, line: 1, column: 1 });
  let run: (bindings: Record<string, CelInput>) => CelResult;
  try {
    run = plan(env, meterExpression(expression));
  } catch (caught) {
    const reason = caught instanceof Error ? caught.message : String(caught);
    return fail({ message: `cannot be evaluated: ${reason}`, line: 1, column: 1 });
  }
  const stepsMax = options.stepsMax ?? stepsMaxDefault;
  return { ok: true, program: createProgram(run, options.variables, meter, stepsMax) };
}

function createProgram(
  run: (bindings: Record<string, CelInput>) => CelResult,
  variables: readonly string[],
  meter: Meter,
  stepsMax: number,
): CelProgram {
  return {
    evaluate(bindings) {
      const values: Record<string, CelInput> = {};
      for (const name of variables) {
        const value = bindings[name];
        if (value !== undefined) values[name] = toCelInput(value);
      }
      meter.start(stepsMax);
      try {
        const result = run(values);
        if (meter.spent) return { ok: false, message: `takes more than ${stepsMax} steps` };
        return outcomeOf(result);
      } catch (caught) {
        // A stack that is too deep, for one: whatever an expression does is told, never thrown.
        const message = caught instanceof Error ? caught.message : String(caught);
        return { ok: false, message: message.slice(0, messageCharactersMax) };
      }
    },
  };
}

function outcomeOf(result: CelResult): CelOutcome {
  if (isCelError(result)) return { ok: false, message: result.message.slice(0, messageCharactersMax) };
  const type = celType(result).name;
  switch (typeof result) {
    case 'boolean':
    case 'string':
    case 'number':
    case 'bigint':
      return { ok: true, value: result, type };
    default:
      if (result === null) return { ok: true, value: null, type };
      return { ok: true, value: isCelUint(result) ? result.value : undefined, type };
  }
}

/** What the text names that is not there; undefined: nothing. */
function checkNames(
  expression: CelExpression,
  variables: readonly string[],
  env: CelEnv,
): string | undefined {
  let message: string | undefined;
  const known = new Set(variables);
  visitExpression(expression, (at, bound) => {
    const { exprKind: kind } = at;
    if (message !== undefined) return;
    if (kind.case === 'identExpr') {
      const { name } = kind.value;
      if (known.has(name) || bound.has(name) || typeNames.has(name) || name === 'strings') return;
      message = `unknown name ${name}; known are ${[...variables].sort().join(', ')}`;
    } else if (kind.case === 'callExpr') message = checkCall(kind.value, env);
    else if (kind.case === 'structExpr' && kind.value.messageName !== '')
      message = `unknown type ${kind.value.messageName}`;
  });
  const { exprKind: top } = expression;
  return (
    message ?? (top.case === 'listExpr' || top.case === 'structExpr' ? 'gives no single value' : undefined)
  );
}

interface Call {
  readonly function: string;
  readonly args: readonly unknown[];
  readonly target?: CelExpression | undefined;
}

function checkCall({ function: name, args, target }: Call, env: CelEnv): string | undefined {
  if (built.has(name)) return undefined;
  const qualifier = target?.exprKind.case === 'identExpr' ? `${target.exprKind.value.name}.` : '';
  const qualified = qualifier === '' ? undefined : env.funcs.find(qualifier + name);
  const group = qualified ?? env.funcs.find(name);
  if (!group) return `unknown function ${name}`;
  const method = target !== undefined && qualified === undefined;
  const fits = [...group].some(
    (known) => (known.target !== undefined) === method && known.arguments.length === args.length,
  );
  return fits
    ? undefined
    : `${name} is not called like this: with ${args.length} arguments${method ? '' : ', on nothing'}`;
}

/** JSON as CEL sees it. Whole numbers are ints, of any size that JSON.parse or parseExactJson gives. */
function toCelInput(value: Json | bigint): CelInput {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(toCelInput);
  const members = new Map<string, CelInput>();
  for (const [name, member] of Object.entries(value as JsonObject))
    if (member !== undefined) members.set(name, toCelInput(member));
  return members;
}
