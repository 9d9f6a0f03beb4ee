/** Where the fields of a kustomization, or of a transformer's own object, hold what they put into objects. */
import { isJsonObject, type Json, type KubeObject } from '../../../shared/manifest/object.ts';
import type { FieldPart, FieldPath } from '../../model/trace.ts';
import { indexOfItem, isItemPart, keyTextOf } from '../../model/trace-path.ts';
import { splitImage } from '../kustomize/images.ts';
import type { JsonPatchOperation } from '../kustomize/json-patch.ts';
import type { ImageArgs } from '../kustomize/kustomization.ts';
import { type FindOrigin, type RawChange, type Spot, spotBelow, type WrittenPath } from './lineage.ts';

/** One scalar that is put in as it is, or of which (`part`) the value is made. */
export function scalarAt(spot: Spot, holds: 'value' | 'part' = 'value'): FindOrigin {
  return () => ({ spot, holds });
}

/** Labels and annotations: the key is the field's last part. */
export function pairsAt(spot: Spot): FindOrigin {
  return ({ path }) => {
    const key = path.at(-1);
    return typeof key === 'string' ? { spot: spotBelow(spot, key), holds: 'value' } : undefined;
  };
}

/** An image's entry: what of name, tag and digest is another than before. */
export function imageAt(spot: Spot, args: ImageArgs): FindOrigin {
  return ({ before, after }) => {
    const [old, fresh] = [splitImage(textOf(before)), splitImage(textOf(after))];
    const field =
      args.newTag && fresh.tag !== old.tag
        ? 'newTag'
        : args.digest && fresh.digest !== old.digest
          ? 'digest'
          : args.newName && fresh.name !== old.name
            ? 'newName'
            : args.tagSuffix && fresh.tag !== old.tag
              ? 'tagSuffix'
              : undefined;
    return field === undefined ? undefined : { spot: spotBelow(spot, field), holds: 'part' };
  };
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** A strategic merge patch. What it changes beside what it says (an item that moves, a label that is shared) is at the nearest that it says. */
export function patchAt(spot: Spot, patch: Json): FindOrigin {
  return (change) => {
    const { path, found } = wayInto(patch, change.path);
    const complete = path.length === change.path.length;
    if (complete && (change.after === undefined || isScalarLike(found)))
      return { spot: spotBelow(spot, ...path), holds: 'value' };
    const shared = complete ? undefined : findShared(patch, change, []);
    if (shared !== undefined) return { spot: spotBelow(spot, ...shared), holds: 'value' };
    return { spot: spotBelow(spot, ...path), holds: complete ? 'value' : 'cause' };
  };
}

function isScalarLike(value: Json | undefined): boolean {
  return typeof value !== 'object' || value === null;
}

/** As far as the patch goes along with the path. */
function wayInto(
  root: Json,
  path: FieldPath,
): { readonly path: WrittenPath; readonly found: Json | undefined } {
  const way: (string | number)[] = [];
  let here: Json | undefined = root;
  for (const part of path) {
    const key = keyOfPart(here, part);
    if (key === undefined) break;
    way.push(key);
    here = (here as Record<string | number, Json | undefined>)[key];
  }
  return { path: way, found: here };
}

/** An item of a patch may name fewer keys than the one it stands for. */
function keyOfPart(value: Json | undefined, part: FieldPart): string | number | undefined {
  if (Array.isArray(value)) {
    if (!isItemPart(part)) return typeof part === 'number' && part < value.length ? part : undefined;
    const exact = indexOfItem(value, part);
    if (exact >= 0) return exact;
    const near = value.findIndex((item) => agrees(item, part.item));
    return near < 0 ? undefined : near;
  }
  return isJsonObject(value) && typeof part === 'string' && Object.hasOwn(value, part) ? part : undefined;
}

function agrees(item: Json, wanted: Readonly<Record<string, string>>): boolean {
  if (!isJsonObject(item)) return Object.hasOwn(wanted, '') && keyTextOf(item) === wanted[''];
  const named = Object.entries(wanted).filter(([key]) => Object.hasOwn(item, key));
  return named.length > 0 && named.every(([key, text]) => keyTextOf(item[key]) === text);
}

const visitsMax = 10_000;

/** A field of the same name and value elsewhere in the patch: kustomize keeps some labels as one node in several places. */
function findShared(patch: Json, { path, after }: RawChange, start: WrittenPath): WrittenPath | undefined {
  const wanted = path.at(-1);
  if (typeof wanted !== 'string' || typeof after !== 'string') return undefined;
  const queue: { readonly value: Json; readonly at: WrittenPath }[] = [{ value: patch, at: start }];
  for (let visits = 0; visits < visitsMax; visits += 1) {
    const next = queue.shift();
    if (next === undefined) return undefined;
    for (const [key, member] of entriesOf(next.value)) {
      const at = [...next.at, key];
      if (key === wanted && member === after) return at;
      if (typeof member === 'object' && member !== null) queue.push({ value: member, at });
    }
  }
  return undefined;
}

function entriesOf(value: Json): readonly (readonly [string | number, Json | undefined])[] {
  if (Array.isArray(value)) return value.map((item, index) => [index, item as Json] as const);
  return isJsonObject(value) ? Object.entries(value) : [];
}

/** An operation of a JSON patch, at `spot`, that was applied to `before`. */
export function operationAt(
  spot: Spot,
  { op, path, value }: JsonPatchOperation,
  before: KubeObject,
): FindOrigin {
  const tokens = path
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  return (change) => {
    if (op !== 'add' && op !== 'replace') return { spot: spotBelow(spot, 'path'), holds: 'cause' };
    if (change.path.length < tokens.length) return { spot: spotBelow(spot, 'value'), holds: 'part' };
    const rest = restBelow(before as unknown as Json, tokens, change.path);
    if (rest === undefined) return { spot: spotBelow(spot, 'path'), holds: 'cause' };
    const way = wayInto(value ?? null, rest);
    const complete = way.path.length === rest.length;
    return { spot: spotBelow(spot, 'value', ...way.path), holds: complete ? 'value' : 'cause' };
  };
}

/** What of the changed path is within the value of an operation; undefined: the operation changed it by the way. */
function restBelow(before: Json, tokens: readonly string[], path: FieldPath): FieldPath | undefined {
  let here: Json | undefined = before;
  for (const [depth, token] of tokens.entries()) {
    const part = path[depth];
    if (part === undefined) return undefined;
    if (typeof part === 'string') {
      if (part !== token) return undefined;
      here = isJsonObject(here) && Object.hasOwn(here, part) ? here[part] : undefined;
      continue;
    }
    // The item that is added has the name that the change gives it; any other is found by its index.
    if (depth === tokens.length - 1) return path.slice(depth + 1);
    const list: readonly Json[] = Array.isArray(here) ? here : [];
    const index = token === '-' ? list.length : Number(token);
    const at = isItemPart(part) ? indexOfItem(list, part) : part;
    if (at !== (index < 0 ? list.length + index : index)) return undefined;
    here = list[at];
  }
  return path.slice(tokens.length);
}
