/**
 * What has to be handed to a second manager before we stop applying it: a field that we alone own would fall back to its default, or be removed. Items of lists are named
 * by their keys, as our own entry has them; what lies in a list or map that is owned as one cannot be let go by itself.
 */
import { pointerSegments } from '../../shared/manifest/ignore.ts';
import { isJsonObject, type Json, type JsonObject, type KubeObject } from '../../shared/manifest/object.ts';
import { childOf, describeElement, type FieldsNode, findItem, ownFields } from './fields-v1.ts';

interface Way {
  readonly elements: readonly string[];
  /** The entry ends above the field: it has what holds it, as one. */
  readonly above: boolean;
}

/** The way to a field through an entry of managedFields, as its elements; undefined: the entry does not have it. */
function findWay(fields: FieldsNode, live: KubeObject, segments: readonly string[]): Way | undefined {
  const elements: string[] = [];
  let node: FieldsNode | undefined = fields;
  let at: Json | undefined = live;
  for (const segment of segments) {
    if (node === undefined) return undefined;
    if (Object.keys(node).length === 0) return { elements, above: true };
    const list: readonly Json[] | undefined = Array.isArray(at) ? (at as readonly Json[]) : undefined;
    const element: string | undefined = list
      ? Object.keys(node).find((name) => name.startsWith('k:') && findItem(list, name) === Number(segment))
      : `f:${segment}`;
    if (element === undefined || node[element] === undefined) return undefined;
    elements.push(element);
    node = node[element];
    at = childOf(at, element);
  }
  return at === undefined ? undefined : { elements, above: false };
}

/** `body` with the value at the end of the elements; items are found, or made, by their keys. */
function graft(body: Json | undefined, elements: readonly string[], value: Json): Json {
  const [first, ...rest] = elements;
  if (first === undefined) return value;
  if (first.startsWith('f:')) {
    const members = isJsonObject(body) ? body : {};
    const name = first.slice(2);
    return { ...members, [name]: graft(members[name], rest, value) };
  }
  const list = Array.isArray(body) ? (body as readonly Json[]) : [];
  const index = findItem(list, first);
  const keys = JSON.parse(first.slice(2)) as JsonObject;
  if (index < 0) return [...list, graft(rest.length === 0 ? undefined : keys, rest, value)];
  return list.map((item, position) => (position === index ? graft(item, rest, value) : item));
}

/** Fields as people are told of them (items by key). */
export interface DescribedFields {
  /** What the pointers name, as far as the entry has it. */
  readonly at: readonly string[];
  /** What the entry has as one, and some of the pointers lie in: leaving them out may have left it empty. */
  readonly above: readonly string[];
}

/** Pointers into a live object, by an entry of its managedFields. */
export function describePointers(
  fields: FieldsNode,
  live: KubeObject,
  pointers: readonly string[],
): DescribedFields {
  const ways = pointers.flatMap((pointer) => findWay(fields, live, pointerSegments(pointer)) ?? []);
  const describe = (above: boolean) =>
    ways.filter((way) => way.above === above).map(({ elements }) => elements.map(describeElement).join(''));
  return { at: describe(false), above: describe(true) };
}

function valueAt(live: KubeObject, elements: readonly string[]): Json | undefined {
  let at: Json | undefined = live;
  for (const element of elements) at = childOf(at, element);
  return at;
}

/**
 * What to apply as the second manager: the live values of those of the fields that we own. It holds for the object as it was read only. Undefined when there is nothing to
 * hand over.
 * @param pointers JSON pointers into the live object.
 */
export function planHandOver(live: KubeObject, pointers: readonly string[]): JsonObject | undefined {
  const { apiVersion, kind, metadata } = live;
  const { name, namespace } = metadata;
  const owned = ownFields(live);
  let fields: Json = {};
  let some = false;
  for (const pointer of pointers) {
    const { elements = [], above = true } = findWay(owned, live, pointerSegments(pointer)) ?? {};
    const value = elements.length > 0 && !above ? valueAt(live, elements) : undefined;
    if (value === undefined) continue;
    fields = graft(fields, elements, value);
    some = true;
  }
  if (!some) return undefined;
  const { metadata: more, ...rest } = fields as JsonObject;
  const resourceVersion = metadata['resourceVersion'];
  return {
    ...rest,
    apiVersion,
    kind,
    metadata: {
      ...(isJsonObject(more) ? more : {}),
      name,
      ...(namespace !== undefined && { namespace }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
  };
}
