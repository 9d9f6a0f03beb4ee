import { canonicalJson } from '../../shared/manifest/canonical.ts';
import { isJsonObject, type Json, type JsonObject } from '../../shared/manifest/object.ts';
import { type FieldSchema, type ItemKey, isList, keyItems } from './list-keys.ts';

/** One step from a value into it: a member, an item by identity, or an item by position. */
export type FieldStep = { readonly member: string } | { readonly item: ItemKey } | { readonly index: number };

/**
 * One difference. `set`: `before` is undefined where the field is new, `after` where it is gone. The index of a new item is its position in the new list,
 * every other index a position in the old one. `order`: the list at the path has its items, given by identity, in this order now.
 */
export type FieldDiff =
  | {
      readonly type: 'set';
      readonly path: readonly FieldStep[];
      readonly before: Json | undefined;
      readonly after: Json | undefined;
    }
  | {
      readonly type: 'order';
      readonly path: readonly FieldStep[];
      readonly before: readonly ItemKey[];
      readonly after: readonly ItemKey[];
    };

/**
 * Differences of two values, in the order of the old value's fields and the new ones after them. Applying all of them to the old value gives the new
 * one. Empty: equal. Pure.
 */
export function diffFields(
  before: Json | undefined,
  after: Json | undefined,
  schema?: FieldSchema,
  path: readonly FieldStep[] = [],
): readonly FieldDiff[] {
  if (before === after) return [];
  if (isJsonObject(before) && isJsonObject(after)) return diffMembers(before, after, schema, path);
  if (isList(before) && isList(after)) return diffLists(before, after, schema, path);
  return [{ type: 'set', path, before, after }];
}

function diffMembers(
  before: JsonObject,
  after: JsonObject,
  schema: FieldSchema | undefined,
  path: readonly FieldStep[],
): readonly FieldDiff[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((member) => {
    const left = ownValue(before, member);
    const right = ownValue(after, member);
    return left === right ? [] : diffFields(left, right, schema?.field(member), [...path, { member }]);
  });
}

/** A field may be called `constructor`. */
function ownValue(object: JsonObject, member: string): Json | undefined {
  return Object.hasOwn(object, member) ? object[member] : undefined;
}

function diffLists(
  before: readonly Json[],
  after: readonly Json[],
  schema: FieldSchema | undefined,
  path: readonly FieldStep[],
): readonly FieldDiff[] {
  const keyed = keyItems(before, after, schema);
  if (!keyed) return diffPositions(before, after, schema, path);
  const [left, right] = keyed;
  const diffs: FieldDiff[] = [];
  for (const item of new Set([...left.keys(), ...right.keys()]))
    diffs.push(...diffFields(left.get(item), right.get(item), schema?.items(), [...path, { item }]));
  const kept = [...left.keys()].filter((item) => right.has(item));
  const natural = [...kept, ...[...right.keys()].filter((item) => !left.has(item))];
  const wanted = [...right.keys()];
  if (natural.some((item, at) => item !== wanted[at]))
    diffs.push({ type: 'order', path, before: [...left.keys()], after: wanted });
  return diffs;
}

/** What both lists begin and end with is the same; between, items are paired by position, and the rest is new or gone. */
function diffPositions(
  before: readonly Json[],
  after: readonly Json[],
  schema: FieldSchema | undefined,
  path: readonly FieldStep[],
): readonly FieldDiff[] {
  const same = (left: Json | undefined, right: Json | undefined) =>
    left === right || canonicalJson(left) === canonicalJson(right);
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && same(before[start], after[start])) start += 1;
  let end = 0;
  while (end < shorter - start && same(before[before.length - 1 - end], after[after.length - 1 - end]))
    end += 1;
  const diffs: FieldDiff[] = [];
  const [beforeEnd, afterEnd] = [before.length - end, after.length - end];
  for (let index = start; index < Math.max(beforeEnd, afterEnd); index += 1)
    diffs.push(
      ...diffFields(
        index < beforeEnd ? before[index] : undefined,
        index < afterEnd ? after[index] : undefined,
        schema?.items(),
        [...path, { index }],
      ),
    );
  return diffs;
}

/** `/spec/containers/[name=web]/image`: names escaped as in RFC 6901, items by identity in brackets, as the agent tells drift. */
export function pathText(path: readonly FieldStep[]): string {
  return path
    .map((step) => {
      if ('index' in step) return `/${step.index}`;
      const text = 'item' in step ? `[${step.item}]` : step.member;
      return `/${text.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    })
    .join('');
}
