import { isJsonObject, type Json } from '../../shared/manifest/object.ts';

/**
 * Paths of fields as text: `/spec/containers/[name=web]/image`. Names are escaped as in RFC 6901; an item of a list is named by its key in brackets, where a slash
 * may stand as it is (`[mountPath=/data]`), as agents write it.
 */
export type FieldPath = string;

export function escapePart(part: string): string {
  return /[~/]/.test(part) ? part.replaceAll('~', '~0').replaceAll('/', '~1') : part;
}

function unescapePart(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The parts of a path, unescaped. */
export function splitPath(path: FieldPath): readonly string[] {
  const parts: string[] = [];
  let at = 1;
  while (at <= path.length && path !== '') {
    const end = endOfPart(path, at);
    parts.push(unescapePart(path.slice(at, end)));
    at = end + 1;
  }
  return parts;
}

function endOfPart(path: string, start: number): number {
  const item = path[start] === '[' ? path.slice(start).search(/\](?:\/|$)/) : -1;
  if (item >= 0) return start + item + 1;
  const slash = path.indexOf('/', start);
  return slash < 0 ? path.length : slash;
}

/** `[name=web]` as what identifies the item; undefined for other parts. */
function keysOfItem(part: string): readonly (readonly [string, string])[] | undefined {
  if (!part.startsWith('[') || !part.endsWith(']')) return undefined;
  return part
    .slice(1, -1)
    .split(',')
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const);
}

function findItem(list: readonly Json[], part: string): number {
  const keys = keysOfItem(part);
  if (!keys) return /^\d+$/.test(part) ? Number(part) : -1;
  // A member of a set: `[="x"]`.
  if (keys.length === 1 && keys[0]?.[0] === '')
    return list.findIndex((item) => JSON.stringify(item) === keys[0]?.[1]);
  const fits = (item: Json, strict: boolean) =>
    isJsonObject(item) &&
    keys.every(([name, value]) =>
      item[name] === undefined ? !strict : String(item[name] as Json) === value,
    ) &&
    keys.some(([name, value]) => String(item[name] as Json) === value);
  const exact = list.findIndex((item) => fits(item, true));
  return exact >= 0 ? exact : list.findIndex((item) => fits(item, false));
}

/** A copy of a value with what is at a path set, or taken away (undefined). What cannot be reached stays as it is. */
export function withValueAt(
  root: Json | undefined,
  parts: readonly string[],
  value: Json | undefined,
): Json | undefined {
  const [first, ...rest] = parts;
  if (first === undefined) return value;
  if (Array.isArray(root)) return withItemAt(root, first, rest, value);
  const members = isJsonObject(root) ? root : {};
  const inside = withValueAt(Object.hasOwn(members, first) ? members[first] : undefined, rest, value);
  const { [first]: _before, ...others } = members;
  return inside === undefined ? others : { ...others, [first]: inside };
}

function withItemAt(
  list: readonly Json[],
  first: string,
  rest: readonly string[],
  value: Json | undefined,
): Json {
  const index = findItem(list, first);
  const known = index >= 0 && index < list.length ? list[index] : newItem(first);
  // The presence of an item that is an object itself says nothing of its members.
  const inside =
    rest.length === 0 && value === true && isJsonObject(known) ? known : withValueAt(known, rest, value);
  if (index < 0 || index >= list.length) return inside === undefined ? list : [...list, inside];
  return list.flatMap((item, at) => (at !== index ? [item] : inside === undefined ? [] : [inside]));
}

/** What a part says of an item that is not there. */
function newItem(part: string): Json | undefined {
  const keys = keysOfItem(part);
  if (!keys || keys[0]?.[0] === '') return undefined;
  return Object.fromEntries(
    keys.map(([name, value]) => [name, /^\d+$/.test(value) ? Number(value) : value] as const),
  );
}

/** Whether a path is at or below a pattern, in which `*` stands for any one part. */
export function isWithin(path: FieldPath, pattern: FieldPath): boolean {
  const parts = splitPath(path);
  const wanted = splitPath(pattern);
  return wanted.length <= parts.length && wanted.every((part, at) => part === '*' || part === parts[at]);
}
