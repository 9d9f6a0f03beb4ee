import type { Call, Part } from './expression.ts';
import { operations } from './functions.ts';

export interface EvaluateOptions {
  /** Undefined: there is no such variable. */
  readonly valueOf: (variable: string) => string | undefined;
  /** Unknown variables are empty instead of an error. */
  readonly optional: boolean;
}

export type Evaluated =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly variable: string; readonly message: string };

class Refusal {
  readonly variable: string;
  readonly message: string;
  constructor(variable: string, message: string) {
    this.variable = variable;
    this.message = message;
  }
}

/** A text that grows beyond this is refused: a default may hold variables that hold much. */
const lengthMax = 1024 * 1024;

const defaulting: ReadonlySet<string> = new Set([':-', '-', ':=', '=', ':?']);

/** Never throws; a message never holds a value. */
export function evaluate(parts: readonly Part[], options: EvaluateOptions): Evaluated {
  try {
    return { ok: true, text: join(parts, options) };
  } catch (caught) {
    if (!(caught instanceof Refusal)) throw caught;
    return { ok: false, variable: caught.variable, message: caught.message };
  }
}

function join(parts: readonly Part[], options: EvaluateOptions): string {
  let text = '';
  for (const part of parts) {
    text += typeof part === 'string' ? part : call(part, options);
    if (text.length > lengthMax) throw new Refusal('', `grows to more than ${lengthMax} characters`);
  }
  return text;
}

/** Operands first: an unknown variable in a default is an error also where the default is not needed, as it is in Flux's strict mode. */
function call({ variable, operator, operands }: Call, options: EvaluateOptions): string {
  const given = operands.map((operand) => join([operand], options));
  const value = options.valueOf(variable);
  if (defaulting.has(operator)) {
    if (value !== undefined && value !== '') return value;
    if (operator !== ':?') return given.join('');
    const text = given.join('');
    throw new Refusal(variable, `needs a value for \${${variable}}${text === '' ? '' : `: ${text}`}`);
  }
  if (value === undefined && !options.optional)
    throw new Refusal(variable, `there is no variable ${variable}`);
  return operations[operator]?.(value ?? '', given) ?? '';
}
