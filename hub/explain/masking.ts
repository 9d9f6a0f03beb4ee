import type { Json } from '../../shared/manifest/object.ts';
import type { FieldPath, ObjectTrace } from '../model/trace.ts';
import type { FieldChain } from '../model/trace-chain.ts';
import { isMap } from '../model/trace-path.ts';

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

/** From this entry of a chain on the value was taken from a Secret; Infinity: never. */
export function secretFrom({ entries }: FieldChain): number {
  const index = entries.findIndex(({ changes }) => changes.some(({ from }) => from?.secret === true));
  return index < 0 ? Number.POSITIVE_INFINITY : index;
}

const textMax = 120;

/** JSON text, cut where it is long; null for nothing. */
export function shortJson(value: Json | undefined, charactersMax = textMax): string | null {
  if (value === undefined) return null;
  return shorten(jsonText(value, charactersMax), charactersMax);
}

export function shorten(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const characters = [...text.slice(0, charactersMax * 2)];
  return characters.length <= charactersMax ? text : `${characters.slice(0, charactersMax - 1).join('')}…`;
}

/** As much of it as is going to be shown: a ConfigMap may hold a megabyte. */
function jsonText(value: Json, charactersMax: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, charactersMax * 2));
  if (!isMap(value) && !Array.isArray(value)) return String(value);
  const parts: string[] = [];
  let length = 0;
  const add = (text: string) => {
    parts.push(text);
    length += text.length;
    return length <= charactersMax * 2;
  };
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) if (!add(jsonText(item, charactersMax))) break;
    return `[${parts.join(',')}]`;
  }
  for (const [key, member] of Object.entries(value))
    if (member !== undefined && !add(`${JSON.stringify(key)}:${jsonText(member, charactersMax)}`)) break;
  return `{${parts.join(',')}}`;
}
