/** Finding a field by the path that somebody spelled. */

import { isJsonObject, type Json } from '../../shared/manifest/object.ts';
import { listNames } from '../../shared/text/list-names.ts';
import { nearestFew } from '../../shared/text/nearest.ts';
import type { FieldPart, FieldPath, ItemPart, ObjectTrace } from './trace.ts';
import { indexOfItem, isItemPart, itemPartOf, listPathText, printFieldPath } from './trace-path.ts';

export type ResolvedField =
  | {
      readonly ok: true;
      /** As changes name it: items by their merge keys, and keys that hold dots put together. */
      readonly path: FieldPath;
      readonly value: Json;
    }
  | {
      readonly ok: false;
      /** `spec has no "replica"; it has paused, replicas, selector, template`. */
      readonly message: string;
      /** Printed paths that may have been meant, nearest first; at most 5. */
      readonly near: readonly string[];
    };

type MergeKeys = ObjectTrace['mergeKeys'];

/** Looks the path up. A key may hold dots that were not escaped (`data.app.conf`), and an item may be named by index or by fewer keys than it has. */
export function resolveField(object: Json, path: FieldPath, mergeKeys: MergeKeys): ResolvedField {
  const found = new Resolving(mergeKeys).go(object, path, []);
  return found.ok ? found : { ok: false, message: found.message, near: found.near };
}

/** `depth`: parts that were found before. */
type Step = ResolvedField & { readonly depth?: number };

const nearMax = 5;
const listedMax = 12;

class Resolving {
  readonly #mergeKeys: MergeKeys;

  constructor(mergeKeys: MergeKeys) {
    this.#mergeKeys = mergeKeys;
  }

  go(value: Json, rest: FieldPath, done: FieldPath): Step {
    const [part, ...after] = rest;
    if (part === undefined) return { ok: true, path: done, value };
    if (Array.isArray(value)) return this.#inList(value, part, after, done);
    if (!isJsonObject(value))
      return failure(done, `${printFieldPath(done)} is ${describe(value)} and has no fields`, []);
    if (isItemPart(part)) return failure(done, `${nameOf(done)} is no list`, []);
    return this.#inMap(value, String(part), after, done);
  }

  #inMap(
    map: Readonly<Record<string, Json | undefined>>,
    key: string,
    after: FieldPath,
    done: FieldPath,
  ): Step {
    let deepest: Step | undefined;
    let joined = key;
    for (let taken = 0; taken <= after.length; taken += 1) {
      if (taken > 0) {
        const next = after[taken - 1];
        if (isItemPart(next)) break;
        joined += `.${next}`;
      }
      if (!Object.hasOwn(map, joined)) continue;
      const found = this.go(map[joined] ?? null, after.slice(taken), [...done, joined]);
      if (found.ok) return found;
      if ((found.depth ?? 0) > (deepest?.depth ?? -1)) deepest = found;
    }
    if (deepest !== undefined) return deepest;
    const keys = Object.keys(map);
    const near = nearestFew(key, keys, nearMax).map((one) => printFieldPath([...done, one, ...after]));
    return failure(done, `${nameOf(done)} has no ${JSON.stringify(key)}; it has ${listed(keys)}`, near);
  }

  #inList(list: readonly Json[], part: FieldPart, after: FieldPath, done: FieldPath): Step {
    const keys = this.#mergeKeys[listPathText(done)];
    const names = list.map((item, index) => nameItem(list, item, index, keys));
    const index = indexIn(list, part, keys);
    const item = list[index];
    const name = names[index];
    if (item !== undefined && name !== undefined) return this.go(item, after, [...done, name]);
    const shown = names.map((one) => printFieldPath([one]));
    const several = isItemPart(part) && list.some((one) => indexOfItem([one], part) === 0);
    const asked = typeof part === 'string' ? JSON.stringify(part) : printFieldPath([part]);
    return failure(
      done,
      several
        ? `${nameOf(done)} has several items ${asked}; name one of ${listed(shown)}`
        : `${nameOf(done)} is a list without ${asked}; ${shown.length === 0 ? 'it is empty' : `it has ${listed(shown)}`}`,
      nearestFew(asked, shown, nearMax).map((one) =>
        printFieldPath([...done, names[shown.indexOf(one)] ?? 0, ...after]),
      ),
    );
  }
}

function indexIn(list: readonly Json[], part: FieldPart, keys: readonly string[] | undefined): number {
  if (typeof part === 'number') return part;
  if (isItemPart(part)) return indexOfItem(list, part, keys);
  return /^\d{1,9}$/.test(part) ? Number(part) : -1;
}

/** By its keys where those tell it from all others. */
function nameItem(
  list: readonly Json[],
  item: Json,
  index: number,
  keys: readonly string[] | undefined,
): number | ItemPart {
  const part = keys === undefined ? undefined : itemPartOf(item, keys);
  return part !== undefined && indexOfItem(list, part, keys) === index ? part : index;
}

function failure(done: FieldPath, message: string, near: readonly string[]): Step {
  return { ok: false, message, near, depth: done.length };
}

function nameOf(path: FieldPath): string {
  return path.length === 0 ? 'the object' : printFieldPath(path);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : listNames(names, listedMax);
}

function describe(value: Json): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'boolean' ? 'a flag' : 'a number';
}
