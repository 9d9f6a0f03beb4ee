/** The three client-side patch forms: JSON merge patch (RFC 7386), JSON patch (RFC 6902) and Kubernetes' strategic merge patch. */
import {
  deepEqual,
  isList,
  isObject,
  type Json,
  type Mutable,
  type StructType,
  type Type,
} from '../schema/types.ts';

/** A patch that cannot be carried out. */
export class PatchError extends Error {}

export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const out: Mutable = { ...(isObject(target) ? target : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = mergePatch(out[key], value);
  }
  return out;
}

function pointer(path: Json | undefined): string[] {
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/'))) throw new PatchError('bad path');
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function indexIn(list: readonly Json[], part: string, max: number): number {
  if (!/^-?(0|[1-9]\d*)$/.test(part)) throw new PatchError(`bad index ${part}`);
  // The API server's library counts negative indexes from the end.
  const index = Number(part) < 0 ? list.length + Number(part) : Number(part);
  if (index < 0 || index > max) throw new PatchError(`index ${part} out of bounds`);
  return index;
}

function read(document: Json, path: readonly string[]): Json {
  let current: Json = document;
  for (const part of path) {
    let next: Json | undefined;
    if (isList(current)) next = current[indexIn(current, part, current.length - 1)];
    else if (isObject(current)) next = current[part];
    if (next === undefined) throw new PatchError(`nothing at ${path.join('/')}`);
    current = next;
  }
  return current;
}

/** A copy with the change made at the path's parent. */
function change(
  document: Json,
  path: readonly string[],
  make: (parent: Mutable | Json[], last: string) => void,
): Json {
  const [first, ...rest] = path;
  if (first === undefined) throw new PatchError('the whole document cannot be changed');
  const copy = isList(document) ? [...document] : isObject(document) ? { ...document } : undefined;
  if (!copy) throw new PatchError('no container at the path');
  if (rest.length === 0) make(copy, first);
  else if (Array.isArray(copy)) {
    const index = indexIn(copy, first, copy.length - 1);
    copy[index] = change(copy[index] ?? null, rest, make);
  } else {
    const below = copy[first];
    if (below === undefined) throw new PatchError(`nothing at ${first}`);
    copy[first] = change(below, rest, make);
  }
  return copy;
}

function add(document: Json, path: readonly string[], value: Json): Json {
  if (path.length === 0) return value;
  return change(document, path, (parent, last) => {
    if (!Array.isArray(parent)) parent[last] = value;
    else if (last === '-') parent.push(value);
    else parent.splice(indexIn(parent, last, parent.length), 0, value);
  });
}

function remove(document: Json, path: readonly string[]): Json {
  return change(document, path, (parent, last) => {
    if (Array.isArray(parent)) parent.splice(indexIn(parent, last, parent.length - 1), 1);
    else if (last in parent) delete parent[last];
    else throw new PatchError(`nothing at ${last}`);
  });
}

/** Throws PatchError when an operation does not hold. */
export function jsonPatch(document: Json, operations: readonly Json[]): Json {
  let current = document;
  for (const operation of operations) {
    if (!isObject(operation)) throw new PatchError('an operation is an object');
    const path = pointer(operation['path']);
    const value = operation['value'];
    switch (operation['op']) {
      case 'add':
        current = add(current, path, value ?? null);
        break;
      case 'remove':
        current = remove(current, path);
        break;
      case 'replace':
        read(current, path);
        current = change(current, path, (parent, last) => {
          if (Array.isArray(parent)) parent[indexIn(parent, last, parent.length - 1)] = value ?? null;
          else parent[last] = value ?? null;
        });
        break;
      case 'test': {
        if (!deepEqual(read(current, path), value ?? null))
          throw new PatchError(`test of ${path.join('/')} failed`);
        break;
      }
      case 'copy':
        current = add(current, path, read(current, pointer(operation['from'])));
        break;
      case 'move': {
        const from = pointer(operation['from']);
        const moved = read(current, from);
        current = add(remove(current, from), path, moved);
        break;
      }
      default:
        throw new PatchError('unknown operation');
    }
  }
  return current;
}

const DIRECTIVE = '$patch';
const RETAIN = '$retainKeys';

/** Lays a strategic merge patch over an object of a known kind. Throws PatchError. */
export function strategicPatch(type: StructType, target: Json, patch: Json): Json {
  if (!isObject(patch)) throw new PatchError('a patch is an object');
  return patchMap(type, isObject(target) ? target : {}, patch);
}

function patchMap(
  type: Type | undefined,
  target: { readonly [key: string]: Json },
  patch: { readonly [key: string]: Json },
): Json {
  if (patch[DIRECTIVE] === 'replace') {
    const { [DIRECTIVE]: _directive, ...rest } = patch;
    return rest;
  }
  if (patch[DIRECTIVE] === 'delete') return {};
  const out: Mutable = { ...target };
  const retain = patch[RETAIN];
  if (isList(retain)) for (const key of Object.keys(out)) if (!retain.includes(key)) delete out[key];
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key === RETAIN || key.startsWith('$setElementOrder/')) continue;
    const field = type?.kind === 'struct' ? type.fields.get(key) : undefined;
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const name = key.slice('$deleteFromPrimitiveList/'.length);
      const list = out[name];
      if (isList(list) && isList(value)) out[name] = list.filter((item) => !value.includes(item));
      continue;
    }
    if (value === null) {
      delete out[key];
      continue;
    }
    const inner = field?.type ?? (type?.kind === 'map' ? type.element : undefined);
    const before = out[key];
    if (isObject(value)) {
      out[key] = patchMap(inner, isObject(before) ? before : {}, value);
    } else if (isList(value) && inner?.kind === 'list' && (field?.patchStrategy ?? '').includes('merge'))
      out[key] = patchList(inner.element, field?.patchMergeKey, isList(before) ? before : [], value);
    else out[key] = value;
  }
  return out;
}

type Same = (a: Json, b: Json) => boolean;

/** Items of the patch in its order; those only the server has where they stood before; new ones in front. */
function inPatchOrder(
  merged: readonly Json[],
  patch: readonly Json[],
  server: readonly Json[],
  same: Same,
): Json[] {
  const place = (list: readonly Json[], item: Json) => list.findIndex((other) => same(item, other));
  const right = merged
    .filter((item) => place(patch, item) >= 0)
    .sort((a, b) => place(patch, a) - place(patch, b));
  const left = merged.filter((item) => place(patch, item) < 0);
  const out: Json[] = [];
  while (left.length > 0 || right.length > 0) {
    const l = left[0];
    const r = right[0];
    const before = l !== undefined && r !== undefined ? [place(server, l), place(server, r)] : [];
    const [li = -1, ri = -1] = before;
    const takeLeft = r === undefined || (l !== undefined && li >= 0 && ri >= 0 && li < ri);
    const taken = takeLeft ? left.shift() : right.shift();
    if (taken !== undefined) out.push(taken);
  }
  return out;
}

function patchList(
  element: Type,
  mergeKey: string | undefined,
  target: readonly Json[],
  patch: readonly Json[],
): Json {
  if (mergeKey === undefined) {
    const merged = [...target, ...patch.filter((item) => !target.includes(item))];
    return inPatchOrder(merged, patch, target, (a, b) => a === b);
  }
  if (patch.some((item) => isObject(item) && item[DIRECTIVE] === 'replace' && Object.keys(item).length === 1))
    return patch.filter((item) => !(isObject(item) && item[DIRECTIVE] === 'replace'));
  const same: Same = (a, b) => isObject(a) && isObject(b) && deepEqual(a[mergeKey], b[mergeKey]);
  let merged = [...target];
  const plain: Json[] = [];
  for (const item of patch) {
    if (!isObject(item)) throw new PatchError('a list of objects is merged with objects');
    if (item[mergeKey] === undefined) throw new PatchError(`map does not contain key: ${mergeKey}`);
    if (item[DIRECTIVE] === 'delete') {
      merged = merged.filter((other) => !same(item, other));
      continue;
    }
    plain.push(item);
    const index = merged.findIndex((other) => same(item, other));
    const found = merged[index];
    if (index >= 0 && isObject(found)) merged[index] = patchMap(element, found, item);
    else merged.push(patchMap(element, {}, item));
  }
  return inPatchOrder(merged, plain, target, same);
}
