/** The reverse of diffFields, for its properties: what the listed differences make of the old value. */
import { isJsonObject, type Json, type JsonObject } from '../../shared/manifest/object.ts';
import type { FieldDiff, FieldStep } from './diff-fields.ts';

const textOf = (step: FieldStep) => JSON.stringify(step);

/** An item has the identity when each of the key's parts is one of its members. */
function hasKey(item: Json, key: string): boolean {
  return (
    isJsonObject(item) &&
    key.split(',').every((part) => {
      const at = part.indexOf('=');
      return String(item[part.slice(0, at)]) === part.slice(at + 1);
    })
  );
}

export function applyFields(
  value: Json | undefined,
  diffs: readonly FieldDiff[],
  depth = 0,
): Json | undefined {
  if (diffs.length === 0) return value;
  const here = diffs.find(({ path, type }) => path.length === depth && type === 'set');
  if (here?.type === 'set') return here.after;
  const groups = new Map<string, { readonly step: FieldStep; readonly diffs: FieldDiff[] }>();
  for (const diff of diffs) {
    const step = diff.path[depth];
    if (step === undefined) continue;
    const group = groups.get(textOf(step)) ?? { step, diffs: [] };
    group.diffs.push(diff);
    groups.set(textOf(step), group);
  }
  const steps = [...groups.values()];
  if (isJsonObject(value)) return applyMembers(value, steps, depth);
  const list = applyItems(value as readonly Json[], steps, depth);
  const order = diffs.find(({ path, type }) => path.length === depth && type === 'order');
  if (order?.type !== 'order') return list;
  return order.after.map((key) => list.find((item) => hasKey(item, key)) as Json);
}

type Group = { readonly step: FieldStep; readonly diffs: readonly FieldDiff[] };

function applyMembers(value: JsonObject, groups: readonly Group[], depth: number): JsonObject {
  const result = new Map(Object.entries(value));
  for (const { step, diffs } of groups) {
    const { member } = step as { member: string };
    const next = applyFields(result.get(member), diffs, depth + 1);
    if (next === undefined) result.delete(member);
    else result.set(member, next);
  }
  return Object.fromEntries(result);
}

function applyItems(value: readonly Json[], groups: readonly Group[], depth: number): readonly Json[] {
  const list: (Json | undefined)[] = [...value];
  for (const { step, diffs } of groups) {
    const found =
      'index' in step
        ? step.index
        : list.findIndex((item) => item !== undefined && hasKey(item, (step as { item: string }).item));
    const at = found < 0 ? list.length : found;
    const first = diffs.find(({ path }) => path.length === depth + 1);
    // An item that is new by position goes between, once those that left are out.
    if ('index' in step && first?.type === 'set' && first.before === undefined) continue;
    list[at] = applyFields(list[at], diffs, depth + 1);
  }
  const kept = list.filter((item) => item !== undefined);
  for (const { step, diffs } of groups) {
    const first = diffs.find(({ path }) => path.length === depth + 1);
    if ('index' in step && first?.type === 'set' && first.before === undefined)
      kept.splice(step.index, 0, first.after as Json);
  }
  return kept;
}
