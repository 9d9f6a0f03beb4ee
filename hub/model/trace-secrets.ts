/**
 * Which values of a traced object are a Secret's. Pure.
 *
 * A value is followed in two ways: by the place it was taken from, as the trace tells it, and by what it says. The second is for what is moved within an object:
 * an operation that copies, an item that gets another index or another name. Too much is masked rather than too little.
 */
import { isJsonObject, type Json } from '../../shared/manifest/object.ts';
import type { FieldPath, ObjectTrace, TraceStep } from './trace.ts';
import type { FieldChain, TraceHistory } from './trace-chain.ts';

const secretMembers: readonly unknown[] = ['data', 'stringData'];
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Whether a field is, is in, or holds the values of a Secret. */
export function isSecretField({ secret }: Pick<ObjectTrace, 'secret'>, path: FieldPath): boolean {
  if (!secret) return false;
  const [first, second, third] = path;
  if (first === undefined || secretMembers.includes(first)) return true;
  if (first !== 'metadata' || (second !== undefined && second !== 'annotations')) return false;
  return third === undefined || third === lastApplied;
}

/** What an object had of Secrets. */
export interface SecretReading {
  /** Whether there is anything to mask. */
  readonly any: boolean;
  /** From this entry of a chain on the value is, or is made from, a Secret's; Infinity: never. */
  secretFrom(chain: FieldChain): number;
}

/** A shorter text is hardly a secret, and would be found everywhere. */
const lengthMin = 3;
/** From this length on it counts within longer texts as well. */
const withinLengthMin = 8;

/** @param states the object as first read, then after each step. @param secret it is or was a Secret. */
export function readSecrets(
  { steps }: Pick<TraceHistory, 'steps'>,
  states: readonly Json[],
  secret: boolean,
): SecretReading {
  const order = new Map(steps.map((step, index) => [step, index]));
  /** Each text, and the step since when it is known: what said the same before has it from elsewhere. */
  const known = new Map<string, number>();
  const learn = (value: Json | undefined, since: number): void => {
    for (const text of textsOf(value)) if (!known.has(text)) known.set(text, since);
  };
  for (const [index, state] of secret ? states.entries() : [])
    if (isJsonObject(state)) for (const member of secretMembers) learn(state[String(member)], index - 1);
  for (const [index, { changes }] of steps.entries())
    for (const { from, after } of changes) if (from?.secret) learn(after, index);
  const long = [...known].filter(([text]) => text.length >= withinLengthMin);

  const saysOne = (value: Json | undefined, step: TraceStep): boolean => {
    const now = order.get(step) ?? 0;
    return textsOf(value).some((text) => {
      const since = known.get(text);
      if (since !== undefined && since <= now) return true;
      return long.some(([part, when]) => when <= now && text.includes(part));
    });
  };
  return {
    any: secret || known.size > 0,
    secretFrom({ entries }) {
      const index = entries.findIndex(
        ({ changes, step, after }) =>
          changes.some(({ from }) => from?.secret === true) || (known.size > 0 && saysOne(after, step)),
      );
      return index < 0 ? Number.POSITIVE_INFINITY : index;
    },
  };
}

function textsOf(value: Json | undefined): readonly string[] {
  const texts: string[] = [];
  const visit = (here: Json | undefined): void => {
    if (Array.isArray(here)) for (const item of here as readonly Json[]) visit(item);
    else if (isJsonObject(here)) for (const member of Object.values(here)) visit(member);
    else if (here !== undefined && here !== null && typeof here !== 'boolean') {
      const text = String(here);
      if (text.length >= lengthMin && text !== 'true' && text !== 'false') texts.push(text);
    }
  };
  visit(value);
  return texts;
}
