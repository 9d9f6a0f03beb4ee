import { isJsonObject, type Json } from '../../shared/manifest/object.ts';

const textMax = 120;

/** JSON text, cut where it is long; null for nothing. */
export function shortJson(value: Json | undefined, charactersMax = textMax): string | null {
  if (value === undefined) return null;
  return shorten(jsonText(value, charactersMax), charactersMax);
}

/** By whole characters, with an ellipsis as the last. */
export function shorten(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const characters = [...text.slice(0, charactersMax * 2)];
  return characters.length <= charactersMax ? text : `${characters.slice(0, charactersMax - 1).join('')}…`;
}

/** As much of it as is going to be shown: a ConfigMap may hold a megabyte. */
function jsonText(value: Json, charactersMax: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, charactersMax * 2));
  if (!isJsonObject(value) && !Array.isArray(value)) return String(value);
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
